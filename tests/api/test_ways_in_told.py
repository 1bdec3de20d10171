"""PINs, cards and keypads in the record, on Today and on the screen: what is told, and to whom duress is."""

import html
import re

import pytest

from gate.processes.fields import written
from gate.store.people import residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.store.site import webhooks
from gate.vocabulary import AuditEvent, Kind
from tests.said import answering, door_says


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-1204", [])


def put(store, kind, details, resident=None):
    personal = {"resident": resident.id, "name": resident.name, "unit": resident.unit} if resident else {}
    audit.append(store, AuditEvent(kind, details, personal, resident.id if resident else None))


def text_of(answer):
    """What a page says, without its tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)))


def test_who_came_by_what_and_after_what_is_said_in_both_languages(browser, store, fang):
    put(store, Kind.GRANTED, {"method": "pin", "claim": "a", "reader": "street", "first": "face"}, fang)
    put(store, Kind.GRANTED, {"method": "card", "claim": "b", "reader": "garage"}, fang)
    put(store, Kind.DENIED, {"method": "pin", "claim": "c", "reader": "street", "reason": "wrong_code"})
    put(store, Kind.LOCKED_OUT, {"reader": "street", "seconds": 30})
    manager = browser("manager")
    record = text_of(manager.get("/events?what=everything"))
    for said in (
        "by PIN, after the face, at the reader street", "by card, at the reader garage",
        "a PIN, a card or a pass that is nobody's, by PIN, at the reader street",
        "The keypad rests after wrong PINs", "at the reader street, 30.0 s",
    ):  # fmt: skip
        assert said in record, said
    today = text_of(manager.get("/"))
    assert "by PIN, after the face" in today
    assert "by card: 1 · by PIN: 1" in today
    assert "开门密码，此前已刷脸，读卡器street" in text_of(manager.get("/events", headers={"accept-language": "zh-CN"}))
    services = text_of(manager.get("/services"))
    assert re.search(r"by PIN\s+1 .*by card\s+1|by card\s+1 .*by PIN\s+1", services)
    guard = text_of(browser("guard").get("/guard"))
    assert "Refused: a PIN, a card or a pass that is nobody's by PIN" in guard


def test_duress_stands_out_for_whoever_reads_the_record_and_is_on_no_screen(browser, store, state, fang):
    owner, guard = browser("owner"), browser("guard")
    made = owner.post("/api/v1/webhooks", json={"url": "https://example.org/hook", "kinds": ["duress"]})
    assert made.status_code == 201
    put(store, Kind.GRANTED, {"method": "pin", "claim": "a", "reader": "street"}, fang)
    put(store, Kind.DURESS, {"claim": "a", "reader": "street"}, fang)
    for today in (owner.get("/"), browser("manager").get("/?part=live")):
        assert re.search(r'class="card alarm".*Duress alarm.*Wang Fang.*3-1204', today.text, re.DOTALL)
    for reader in (owner, browser("auditor")):
        assert '<tr class="kind-duress">' in reader.get("/events").text
        assert '<tr class="kind-duress">' in reader.get("/events?what=alarms").text
    (hook,) = webhooks.every(store)
    assert [line.kind for line in webhooks.waiting(store, hook, 9)] == ["duress"]
    with answering(state, "door", written(door_says(signal="grant", mode="pulse", residents=(fang.id,)))):
        at_the_gate = browser(address="127.0.0.1").get("/gate/now").text
    for told in (guard.get("/guard").text, at_the_gate):
        assert "uress" not in told


HALF_A_DAY = 12 * 3600
YEARS = 20 * 365 * 86400


@pytest.mark.parametrize(
    ("ago", "clock", "boot", "stands"),
    [
        (60, -YEARS, None, True), (60, YEARS, None, True), (HALF_A_DAY + 60, -HALF_A_DAY, None, False),
        (0, -60, "before", True), (0, -HALF_A_DAY - 60, "before", False), (0, YEARS, "before", False),
    ],
)  # fmt: skip
def test_a_duress_alarm_stands_for_half_a_day_whatever_the_clock_said_then(
    browser, store, fang, monkeypatch, ago, clock, boot, stands
):
    now = audit.this_moment()
    if boot is not None:
        monkeypatch.setattr(audit, "boot_id", lambda: boot)
    then = Moment(now.mono - ago, now.wall + clock, False)
    audit.append(store, AuditEvent(Kind.DURESS, {}, {"resident": fang.id, "name": fang.name}, fang.id), then)
    monkeypatch.undo()
    assert ('id="duress"' in browser("owner").get("/").text) is stands


def test_the_screen_has_a_dot_for_each_digit_and_no_digit(browser, state):
    screen = browser(address="127.0.0.1")
    with answering(state, "door", written(door_says(typed=4))):
        said = screen.get("/gate/now").json()
        page = screen.get("/gate").text
    assert (said["words"], said["typed"]) == ("Type your PIN", 4)
    assert '<path id="typed" d="M82 160h36.1"/>' in page
    with answering(state, "door", written(door_says(typed=4, signal="grant", mode="pulse"))):
        assert "typed" not in screen.get("/gate/now").json()
