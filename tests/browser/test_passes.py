"""A pass made in three presses, downloaded, and taken back by one, in a real browser."""

from contextlib import closing

import cv2
import pytest
from playwright.sync_api import expect

from api.passwords import Passwords
from gate.store.database import open_database
from gate.store.people import passes, residents
from gate.store.site import accounts
from gate.store.site.accounts import Role
from gate.vision.held_up import codes_on
from tests.api_process import api_process
from tests.browser.conftest import PASSWORD, browsing, faults_on, shoot
from tests.console import CHEAP
from tests.door import door_process

# The rules are held without a browser by tests/api/test_passes.py.
pytestmark = pytest.mark.soak


def looks_well(page, name):
    """No page is wider than a phone, and none has what axe calls a fault."""
    shoot(page, name)
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    assert faults_on(page) == [], name
    page.set_viewport_size({"width": 390, "height": 844})


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_pass_takes_a_name_and_three_presses(chromium, camera, state, store, models_dir, tmp_path, language):
    with closing(open_database(state)) as connection:
        accounts.add_user(connection, "Ann", Passwords(CHEAP).hashed(PASSWORD), Role.OWNER, "test")
    wang = residents.enrol(store, "Wang Fang", "3-2-502", [])
    with (
        door_process(state, True), api_process(state, models_dir, tls="off") as address,
        browsing(chromium, camera) as browser,
    ):  # fmt: skip
        context = browser.new_context(locale=language, base_url=address, viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.goto("/sign-in")
        page.locator("main input[name=name]").fill("Ann")
        page.locator("main input[name=password]").fill(PASSWORD)
        page.locator("main button").first.click()
        page.wait_for_url(f"{address}/")
        page.goto(f"/residents/{wang.id}")
        page.locator(f'a[href="/passes?host={wang.id}"]').click()
        looks_well(page, f"passes-{language}")
        page.locator("main input[name=name]").fill("Zhao Lei")
        page.locator("main select[name=uses]").select_option("2")
        page.locator("main form .primary").click()
        expect(page.locator(".qr svg")).to_be_visible()
        looks_well(page, f"pass-{language}")
        with page.expect_download() as given:
            page.locator('a[download="pass.png"]').click()
        file = tmp_path / "pass.png"
        given.value.save_as(file)
        assert len(codes_on(cv2.imread(str(file)))) == 1
        # And off the screen itself, as it is photographed.
        page.screenshot(path=tmp_path / "screen.png")
        assert len(codes_on(cv2.imread(str(tmp_path / "screen.png")))) == 1
        page.goto("/passes")
        page.locator('form[action$="/removal"] button').click()
        expect(page.get_by_role("status")).to_contain_text("Zhao Lei")
        looks_well(page, f"passes-over-{language}")
    (one,) = passes.every(store)
    assert (one.host, one.uses) == (wang.id, 2)
    assert one.revoked_at
