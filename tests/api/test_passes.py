"""Visitors' passes by API and on the pages, at a real door: made, told once, opened by, taken back, and by whom."""

import base64
import re
import time
from datetime import UTC, datetime, timedelta
from itertools import count

import cv2
import numpy as np
import pytest

from gate.processes.asking import present
from gate.store.compound import gates, proposals, role, taken
from gate.store.compound.entries import Version
from gate.store.compound.gates import Gate
from gate.store.compound.proposals import Answer, Because
from gate.store.people import changes, erasure, passes, residents, uses
from gate.store.record import audit
from gate.store.site import areas, schedules
from gate.vision.held_up import codes_on
from gate.vocabulary import Method, Presented
from tests.api.test_credentials import answered, press
from tests.api.test_ways_in_told import text_of
from tests.console import problem_of
from tests.door import door_process, until

_NUMBERS = count(1)
AT = "/api/v1/passes"


@pytest.fixture
def door(state):
    with door_process(state, True, freshness_s=5) as (_, client):
        yield client


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


def in_hours(hours):
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def wanted(**changes):
    return {"name": "Zhao Lei", "ends": in_hours(3)} | changes


def hold_up(door, code):
    present(door, Presented(f"h{next(_NUMBERS)}", Method.PASS, "camera", time.monotonic(), code))


def kinds(store):
    return [line.kind for line in audit.lines(store)]


def test_a_pass_is_told_once_opens_by_picture_and_number_and_is_taken_back(browser, store, door, fang):
    manager = browser("manager")
    made = manager.post(AT, json=wanted(host=fang.id, uses=3))
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    told = made.json()
    one = told["made"]
    assert made.headers["location"] == f"{AT}/{one['id']}"
    assert (one["name"], one["host_name"], one["unit"], one["phase"]) == ("Zhao Lei", "Wang Fang", "3-2-502", "in_use")
    assert told["typed"] == f"32502 # {told['digits']} #"
    hold_up(door, told["code"])
    answered(store, ("granted", "pass", None))
    until(door, mode="normal", at_rest=True)
    press(door, told["typed"])
    answered(store, ("granted", "pass", None), ("granted", "pass", None))
    listed = manager.get(AT)
    assert [(held["id"], held["uses_left"]) for held in listed.json()] == [(one["id"], 1)]
    assert told["code"] not in listed.text
    assert told["digits"] not in listed.text
    assert manager.ask("DELETE", f"{AT}/{one['id']}").status_code == 204
    assert manager.get(f"{AT}/{one['id']}").json()["phase"] == "over"
    assert manager.ask("DELETE", f"{AT}/{one['id']}").status_code == 409
    assert manager.ask("DELETE", f"{AT}/none").status_code == 404
    until(door, mode="normal", at_rest=True)
    hold_up(door, told["code"])
    answered(store, *[("granted", "pass", None)] * 2, ("denied", "pass", "revoked"))
    events = manager.get("/api/v1/events?kind=granted").json()["items"]
    assert {(event["visit"], event["visitor"], event["host"]) for event in events} == {
        (one["id"], "Zhao Lei", "Wang Fang")
    }


def test_a_visitor_is_found_in_the_record_by_name_and_by_the_home_they_visit(browser, store, door):
    manager = browser("manager")
    told = manager.post(AT, json=wanted(unit="3-2-502")).json()
    manager.post(AT, json=wanted(unit="4-101") | {"name": "Sun Li"})
    hold_up(door, told["code"])
    answered(store, ("granted", "pass", None))
    for query in ("person=zhao", "person=Zhao%20Lei", "home=3-2-502", "person=3-2-502"):
        found = manager.get(f"/api/v1/events?{query}").json()["items"]
        assert [(one["kind"], one["visitor"]) for one in found] == [("granted", "Zhao Lei"), ("pass_made", "Zhao Lei")]
    assert "Zhao Lei" in manager.get("/events?person=zhao").text
    assert manager.get("/api/v1/events?person=nobody").json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"ends": "2026-01-01T10:00Z", "begins": "2026-01-01T08:00Z"}, 409, "would be over already"),
        ({"uses": 1000}, 409, "between 1 and 100 times"),
        ({"uses": 10**30}, 409, "between 1 and 100 times"),
        ({"lasts_s": 10**30}, 409, "between a minute and 92 days"),
        ({"name": ""}, 422, "between 1 and 100 characters"),
        ({"name": " \u200b"}, 422, "characters"),
        ({"begins": "2099-01-01T10:00Z"}, 409, "ends before it begins"),
        ({"schedule": "No such hours"}, 409, "There is no schedule"),
        ({"host": "nobody"}, 404, ""),
        ({"begins": "soon"}, 422, ""),
        ({"ends": "9999-12-31T23:59:59-14:00"}, 422, ""),
        ({"ends": "9999-12-31T00:00:00Z"}, 409, "at most 92 days"),
    ],
)
def test_what_is_no_pass_is_one_sentence_and_changes_nothing(browser, store, door, changes, status, says):
    said = browser("manager").post(AT, json=wanted(**changes))
    assert (said.status_code, says in said.text) == (status, True)
    assert passes.every(store) == []
    assert store.execute("SELECT count(*) FROM credentials").fetchone() == (0,)
    assert "pass_made" not in kinds(store)


def test_who_may_and_that_each_look_is_on_record(browser, store, door):
    guard = browser("guard")
    for answer in (guard.get(AT), guard.post(AT, json=wanted()), guard.get("/passes"), guard.ask("DELETE", f"{AT}/x")):
        assert answer.status_code == 403
    owner = browser("owner")
    made = owner.post(AT, json=wanted()).json()["made"]
    before = kinds(store).count("looked_at")
    for path in (AT, f"{AT}/{made['id']}", "/passes", f"/passes/{made['id']}"):
        assert owner.get(path).status_code == 200
    looks = [line for line in audit.lines(store) if line.kind == "looked_at"][before:]
    assert [line.details["what"] for line in looks] == ["passes"] * 4


def test_without_a_door_nothing_is_made(browser, store):
    assert browser("manager").post(AT, json=wanted()).status_code == 503
    assert passes.every(store) == []


def form(**changes):
    return {"name": "Zhao Lei", "unit": "3-2-502", "span": "week", "uses": "2", "key": "k"} | changes


def picture_on(page, kind):
    """What a reader makes of the file that the page offers."""
    data = re.search(rf'download="pass.{kind}" href="([^"]+)"', page.text)[1]
    assert data.startswith("data:image/")
    if kind == "svg":
        return data
    raw = np.frombuffer(base64.b64decode(data.partition(",")[2]), np.uint8)
    return codes_on(cv2.imdecode(raw, cv2.IMREAD_COLOR))


def test_on_the_page_a_pass_is_made_shown_once_as_picture_and_number_and_taken_back_by_one_press(
    browser, store, door, fang
):
    manager = browser("manager")
    # Of the first the answer is lost: what it was to show the second shows.
    for _ in range(2):
        made = manager.post("/passes", data=form(unit="", host=fang.id))
    shown = manager.get(made.headers["location"])
    text = text_of(shown)
    assert "Pass of Zhao Lei" in text
    assert "Wang Fang" in text
    (code,) = picture_on(shown, "png")
    assert picture_on(shown, "svg")
    typed = "".join(re.findall(r"<kbd>(.)</kbd>", shown.text))
    assert re.fullmatch(r"32502#\d{8}#", typed)
    hold_up(door, code)
    answered(store, ("granted", "pass", None))
    # Loaded again it shows the pass and not its codes, and the same form makes no second one.
    again = manager.get(made.headers["location"])
    assert "A pass is shown once" in text_of(again)
    assert code not in again.text
    assert manager.post("/passes", data=form(unit="", host=fang.id)).headers["location"] == made.headers["location"]
    assert len(passes.every(store)) == 1
    page = manager.get("/passes")
    assert "1 of 2 uses left" in text_of(page)
    back = manager.send(f"{made.headers['location']}/removal")
    assert "is taken back" in text_of(back)
    assert "Over" in text_of(back)
    until(door, mode="normal", at_rest=True)
    hold_up(door, code)
    answered(store, ("granted", "pass", None), ("denied", "pass", "revoked"))
    today = text_of(manager.get("/"))
    assert "Zhao Lei" in today
    assert "visiting Wang Fang" in today
    assert "Zhao Lei" in text_of(manager.get(f"/residents/{fang.id}/held"))
    erasure.remove(store, fang, by="test")
    for path in ("/passes", "/events?what=everything", "/"):
        assert "Zhao Lei" not in text_of(manager.get(path))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "between 1 and 100 characters"),
        ({"uses": "1000"}, "between 1 and 100 times"),
        ({"uses": "many"}, "between 1 and 100 times"),
        ({"span": "ever"}, "no time"),
        ({"begins": "yesterday"}, "no time"),
        ({"begins": "2026-01-01T10:00", "ends": "2026-01-01T11:00"}, "would be over already"),
        ({"ends": "0001-01-01T00:00"}, "ends before it begins"),
        ({"schedule": "No such hours"}, "There is no schedule"),
        ({"lasts": "0"}, "lasts between a minute"),
    ],
)
def test_what_is_typed_wrong_stays_in_the_form_with_one_sentence(browser, store, door, changes, says):
    answer = browser("manager").post("/passes", data=form(**changes))
    assert answer.status_code == 422
    assert says in problem_of(answer)
    assert 'value="3-2-502"' in answer.text
    assert passes.every(store) == []


def test_the_form_makes_what_it_says_on_the_gates_clock(browser, store, door):
    schedules.put(store, "Day", "daily 07:00-19:00", "test")
    manager = browser("manager")
    day = (datetime.now(UTC) + timedelta(days=2)).date()
    asked = form(begins=f"{day}T14:00", span="today", lasts="4", schedule="Day", uses="5", key="k2")
    assert manager.post("/passes", data=asked).status_code == 303
    (one,) = passes.every(store)
    begins, ends = (datetime.fromisoformat(text) for text in (one.valid_from, one.valid_until))
    zone_hours = (begins - datetime.combine(day, datetime.min.time(), UTC)).total_seconds() / 3600
    assert ends - begins == timedelta(hours=10)
    assert -12 <= zone_hours <= 26
    assert (one.lasts_s, one.schedule, one.uses_left, one.unit) == (4 * 3600, "Day", 5, "3-2-502")
    assert "Coming" in text_of(manager.get("/passes"))


def test_the_screen_tells_a_visitor_why_not(browser, store, door):
    owner = browser("owner")
    begins = datetime.now(UTC) + timedelta(days=1)
    later = owner.post(AT, json=wanted(begins=begins.isoformat(), ends=in_hours(48))).json()
    hold_up(door, later["code"])
    until(door, reason="too_early")
    said = owner.get("/gate/now").json()
    assert said["words"] == "Too early"
    assert re.fullmatch(r"Your pass begins \d{4}-\d\d-\d\d \d\d:\d\d", said["advice"])
    used = owner.post(AT, json=wanted()).json()
    hold_up(door, used["code"])
    until(door, mode="pulse")
    until(door, mode="normal", at_rest=True)
    hold_up(door, used["code"])
    until(door, reason="spent")
    chinese = owner.get("/gate/now", headers={"accept-language": "zh-CN"}).json()
    assert (chinese["words"], chinese["advice"]) == ("访客码已用完", "请按门铃")


def test_many_passes_are_listed_a_page_at_a_time(browser, store):
    now = datetime.now(UTC)
    for number in range(7):
        wanted = passes.checked(passes.Wanted(f"V{number}", now, now + timedelta(days=1 + number)), now)
        passes.make(store, wanted, None, bytes([number]) * 32, bytes([100 + number]) * 32, now, by="test")
    manager, listed, where = browser("manager"), [], "/api/v1/passes?count=3"
    while where:
        answer = manager.get(where)
        assert len(answer.json()) <= 3
        listed += [one["name"] for one in answer.json()]
        where = answer.links["next"]["url"] if "next" in answer.links else None
    assert listed == [f"V{number}" for number in reversed(range(7))]
    whole = manager.get("/api/v1/passes")
    assert ([one["name"] for one in whole.json()], whole.links) == (listed, {})


def test_where_there_are_several_gates_a_pass_says_which_it_opens_and_at_which_it_was_used(browser, store, door):
    manager = browser("manager")
    alone = manager.post(AT, json=wanted()).json()["made"]
    assert alone["opens"] is None
    assert "second" not in text_of(manager.get("/passes"))
    role.become_centre(store)
    east = Gate("gate-1", "East gate", "N" * 56, bytes(32), bytes(32), "2026-01-01T00:00:00+00:00")
    gates.add(store, east)
    assert "Each use is known at all gates after about a second" in text_of(manager.get("/passes"))
    one = manager.post(AT, json=wanted(uses=5)).json()["made"]
    assert one["opens"] == "every_gate"
    use = passes.spend(store, one["id"], datetime.now(UTC))
    said = [uses.Use(f"u{number}", where, "2026-05-04T12:00:00.000000+00:00") for number, where in enumerate(
        ("gate-1", "gone")
    )]  # fmt: skip
    uses.keep(store, one["id"], said)
    page = text_of(manager.get(f"/passes/{one['id']}"))
    assert use is not None
    assert "every gate of the compound" in page
    for name in ("North gate, today", "East gate, Mon, May 4 12:00", "another gate, Mon, May 4 12:00"):
        assert name in page
    passes.revoke(store, alone["id"], datetime.now(UTC), by="test")
    assert manager.get(f"{AT}/{alone['id']}").json()["opens"] is None
    # Of whoever is let in at some gates alone the visitor is too.
    areas.put(store, "Tower A", {"gate-1": "East gate"}, "test")
    fang = residents.enrol(store, "Wang Fang", "3-1204", [], by="test")
    changes.change(store, fang, changes.Changes(area="Tower A"), by="test")
    theirs = manager.post(AT, json=wanted(host=fang.id)).json()["made"]
    assert theirs["opens"] == "gates_of_host"
    assert "every gate at which whom they visit is let in" in text_of(manager.get(f"/passes/{theirs['id']}"))
    # What is sent along names them, since a visitor knows no area.
    for made, said in (({"key": "k1"}, "at every gate"), ({"key": "k2", "host": fang.id}, "East gate: a pass for")):
        answer = manager.post("/passes", data=form(unit="", **made))
        assert said in text_of(manager.get(answer.headers["location"])), answer.text


def test_at_a_gate_that_follows_a_pass_waits_for_the_centre_and_says_why_it_was_not_taken(browser, store, door):
    role.follow(store, b"s" * 16, "10.0.0.2", by="test")
    manager = browser("manager")
    one = manager.post(AT, json=wanted()).json()["made"]
    assert one["opens"] == "waits"
    page = f"/passes/{one['id']}"
    assert "once the centre took it, which cannot be reached now" in text_of(manager.get(page))
    (sent,) = [proposals.following(store)]
    taken.take_answer(store, Answer(sent.number, sent.kind, one["id"], Because.CODE, None, None), sent)
    assert manager.get(f"{AT}/{one['id']}").json()["opens"] == "this_gate"
    assert "its number is somebody else's at another gate" in text_of(manager.get(page))
    # One that is taken is at all of them.
    two = manager.post(AT, json=wanted()).json()["made"]
    sent = proposals.following(store)
    taken.take_answer(store, Answer(sent.number, sent.kind, two["id"], None, Version(1, 1), sent.entry), sent)
    assert manager.get(f"{AT}/{two['id']}").json()["opens"] == "every_gate"
