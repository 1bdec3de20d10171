"""The page that draws a code, in Chromium: it says what the door takes, without a network and out of a file."""

import base64
import re
import secrets
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
import segno
from playwright.sync_api import expect

from gate.codes import rolling_picture
from gate.vision.held_up import codes_on
from tests.api_process import api_process
from tests.browser.conftest import browsing
from tests.browser.test_own_page import shoot
from tests.browser.test_own_photo import barriers_on, phone_of

pytestmark = pytest.mark.soak

HANDLE, KEY = "AB27CZ", secrets.token_bytes(20)
FRAGMENT = f"{HANDLE}.{base64.b32encode(KEY).decode()}"
STEP_S = 30
WALLS = (1_800_000_000, 1_800_000_031, 1_900_000_000, 4_000_000_000)


@pytest.fixture
def phone(chromium, camera, state, models_dir):
    """A phone's browser, and the address of a gate."""
    with api_process(state, models_dir) as address, browsing(chromium, camera) as window:
        yield phone_of(window, "en-GB"), address


def seen_on(page):
    """What a camera reads off the screen."""
    picture = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return codes_on(picture)


def at(wall):
    return datetime.fromtimestamp(wall, UTC)


def drawing(dark):
    """The path of these modules, by row and column, with four of white around them."""
    return "".join(f"M{column + 4} {row + 4}h1v1h-1z" for row, column in sorted(dark))


def test_what_it_draws_is_what_the_door_takes_with_the_network_cut_and_out_of_a_file(phone, tmp_path):
    page, address = phone
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.clock.set_fixed_time(at(WALLS[0]))
    page.goto(f"{address}/code#{FRAGMENT}")
    expect(page.locator("#picture")).to_be_visible()
    page.context.set_offline(True)
    for wall in WALLS:
        page.clock.set_fixed_time(at(wall))
        said = rolling_picture(HANDLE, KEY, wall // STEP_S)
        drawn = segno.make(said, version=1, error="m", mask=3, boost_error=False)
        dark = {(row, column) for row, line in enumerate(drawn.matrix) for column, on in enumerate(line) if on}
        expect(page.locator("#dark")).to_have_attribute("d", drawing(dark))
        assert seen_on(page) == [said]
    shoot(page, "code-en")
    assert barriers_on(page) == []
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save it as a file").click()
    file = tmp_path / "gate-code.html"
    saved.value.save_as(file)
    # No secret was ever sent: what stands behind the # is no part of a request.
    assert asked
    assert not any(FRAGMENT in url.partition("#")[0] or KEY.hex() in url for url in asked)
    kept = page.context.browser.new_page(offline=True, viewport={"width": 390, "height": 844})
    kept.clock.set_fixed_time(at(WALLS[0]))
    kept.goto(file.as_uri())
    expect(kept.locator("#picture")).to_be_visible()
    expect(kept.locator("#dark")).to_have_attribute("d", re.compile("^M"))
    assert seen_on(kept) == [rolling_picture(HANDLE, KEY, WALLS[0] // STEP_S)]


def test_an_address_without_a_whole_key_says_so(phone):
    page, address = phone
    for fragment in ("", "#", f"#{FRAGMENT[:-1]}", "#<script>.x"):
        page.goto("about:blank")
        page.goto(f"{address}/code{fragment}")
        expect(page.get_by_text("This address has no key.")).to_be_visible()
        expect(page.locator("#picture")).to_be_hidden()
    chinese = phone_of(page.context.browser, "zh-CN")
    chinese.goto(f"{address}/code#{FRAGMENT}")
    expect(chinese.get_by_role("button", name="保存为文件")).to_be_visible()
    shoot(chinese, "code-zh")
    assert barriers_on(chinese) == []
