"""A code on the phone, over API, console and command at a real door: told once, scanned by an authenticator, ended."""

import re
import time
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from gate.store.people import residents
from gate.store.record import audit
from tests.api.test_credentials import press
from tests.api.test_ways_in_told import text_of
from tests.door import door_process
from tests.oath import shown_by_phone
from tests.running import wait_for


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


@pytest.fixture
def door(state):
    with door_process(state, synchronised=True) as (_, client):
        yield client


@pytest.fixture
def manager(browser):
    return browser("manager")


def scanned(page):
    """What a phone reads off the page's picture."""
    path, size = re.search(r'<path d="([^"]+)"/>', page.text)[1], int(re.search(r'viewBox="0 0 (\d+)', page.text)[1])
    picture = Image.new("L", (size * 8, size * 8), 255)
    for across, down in re.findall(r"M(\d+) (\d+)h1", path):
        box = [int(across) * 8, int(down) * 8, int(across) * 8 + 7, int(down) * 8 + 7]
        ImageDraw.Draw(picture).rectangle(box, fill=0)
    return cv2.QRCodeDetector().detectAndDecode(np.asarray(picture))[0]


def kinds(store):
    return [line.kind for line in audit.lines(store)]


def test_the_console_tells_it_once_to_whoever_asked_and_a_phone_scans_it(manager, browser, store, door, fang):
    at = f"/residents/{fang.id}"
    drawn = manager.post(f"{at}/rolling-code")
    assert (drawn.status_code, drawn.headers["location"]) == (303, f"{at}/rolling-code")
    assert "otpauth" not in browser("owner").get(f"{at}/rolling-code").text
    page = manager.get(f"{at}/rolling-code")
    address = urlsplit(scanned(page))
    said = parse_qs(address.query)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path).endswith(":Wang Fang")
    assert (said["algorithm"], said["digits"], said["period"]) == (["SHA1"], ["6"], ["30"])
    (key,) = said["secret"]
    assert key in page.text.replace(" ", "")
    assert "32502#" in "".join(re.findall(r"<kbd>(.)</kbd>", page.text))
    assert "This is shown once" in text_of(manager.get(f"{at}/rolling-code"))
    # The door has only just begun: what may have been used before it did does not open.
    press(door, f"32502#{shown_by_phone(key, time.time())}#")
    wait_for(lambda: "denied" in kinds(store), 5)
    (line,) = (line for line in audit.lines(store) if line.kind == "denied")
    assert (line.details["method"], line.details["reason"]) == ("rolling", "already_used")
    assert "press 32502 #, then the six digits" in text_of(manager.get(at))
    assert manager.get("/residents").text.count(">phone<") == 1
    manager.post(f"{at}/rolling-code/removal")
    assert "Set up a phone" in manager.get(at).text
    assert [kind for kind in kinds(store) if "rolling" in kind] == ["rolling_code_drawn", "rolling_code_removed"]
    for shown in (manager.get(at), manager.get("/events?what=everything"), manager.get(f"{at}/held")):
        assert key not in shown.text


def test_over_the_api_it_is_told_once_and_counts_among_the_ways_in(manager, store, door, fang):
    at = f"/api/v1/residents/{fang.id}"
    drawn = manager.post(f"{at}/rolling-code")
    assert drawn.status_code == 201
    told = drawn.json()
    assert told["flat"] == "32502"
    assert f"secret={told['key']}&" in told["address"]
    assert manager.get(at).json()["ways_in"] == ["rolling"]
    (held,) = manager.get(f"{at}/credentials").json()
    assert (held["kind"], held["flat"], held["label"]) == ("rolling", "32502", None)
    assert told["key"] not in str(held)
    assert manager.ask("DELETE", f"{at}/rolling-code").status_code == 204
    assert manager.ask("DELETE", f"{at}/rolling-code").status_code == 404
    assert manager.get(at).json()["ways_in"] == []


def test_who_has_no_digits_to_type_is_told_what_to_do(manager, store, door):
    chen = residents.enrol(store, "Chen Bo", "Office", [])
    refused = manager.post(f"/api/v1/residents/{chen.id}/rolling-code")
    assert refused.status_code in (409, 422)
    assert "Draw a PIN instead" in refused.json()["detail"]


def test_a_guard_may_not(browser, store, door, fang):
    assert browser("guard").post(f"/api/v1/residents/{fang.id}/rolling-code").status_code == 403
