"""The page that draws a resident's code: anybody may have it, it knows nobody, and nothing but itself runs in it."""

import hashlib
import re
from base64 import b64encode

import pytest

from enroll.codes import DrawnRolling
from gate.store.people import residents
from tests.api.test_rolling_code import scanned
from tests.door import door_process


def sources(policy, of):
    return re.search(rf"{of} ([^;]+)", policy)[1].split()


@pytest.mark.parametrize("tag", ["en", "zh-CN"])
def test_it_is_one_file_that_no_policy_lets_run_anything_else(browser, tag):
    answer = browser().get("/code", headers={"accept-language": tag})
    assert (answer.status_code, f'lang="{tag}"' in answer.text) == (200, True)
    assert not re.search(r'(src|href)="', answer.text)
    policy = answer.headers["content-security-policy"]
    for of, part in (("script-src", "script"), ("style-src", "style")):
        (text,) = re.findall(rf"<{part}>(.*?)</{part}>", answer.text, re.DOTALL)
        assert sources(policy, of) == [f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"]
    assert sources(policy, "default-src") == ["'none'"]
    # The same holds for it as a file.
    assert "default-src &#39;none&#39;" in answer.text
    assert "private" in answer.headers["cache-control"]
    worker = browser().get("/code/worker.js")
    assert (worker.status_code, worker.headers["service-worker-allowed"]) == (200, "/code")


def test_whoever_sets_up_a_phone_is_given_its_address_once(browser, store, state):
    fang = residents.enrol(store, "Wang Fang", "3-2-502", [])
    manager = browser("manager")
    with door_process(state, synchronised=True):
        drawn = manager.post(f"/api/v1/residents/{fang.id}/rolling-code").json()
        told = manager.send(f"/residents/{fang.id}/rolling-code")
        gone = manager.get(f"/residents/{fang.id}/rolling-code")
    assert re.fullmatch(r"[A-Z2-7]{6}\.[A-Z2-7]{32}", drawn["fragment"])
    assert DrawnRolling.of_fragment("32502", drawn["fragment"]).key == drawn["key"]
    parts = [told.text[at.start() :] for at in re.finditer("<svg", told.text)]
    assert [scanned(type("Page", (), {"text": part})).partition("#")[0] for part in parts][1] == "https://gate/code"
    assert "<svg" not in gone.text
