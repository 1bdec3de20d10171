"""Whoever is in already, at a real door with a contact and a reader on the inside; and who forgives it."""

import re
import time
from datetime import UTC, datetime

import pytest

from api.app import create_app
from api.auth import digest
from api.whereabouts import muster
from gate.care.backup import stays_revoked
from gate.door.hours import LocalTime
from gate.processes.asking import present
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.people import changes, erasure, residents, whereabouts
from gate.store.record import audit
from gate.store.site import accounts
from gate.vocabulary import Direction, Method, Moved, Presented
from tests.codes import card_of_number
from tests.console import Browser, context_on, signed_in
from tests.door import CONTACT, REX, door_process, drive, until
from tests.running import wait_for

CARD = "0004711"
# What holds the contact open at rest is a door that stands open: it is shut first.
RULES = {"contact_pin": CONTACT, "inside_readers": "osdp 1", "freshness_s": 5, "open_grace_s": 10.0}


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


def show(door, reader="outer"):
    assert present(door, Presented(new_id(), Method.CARD, reader, time.monotonic(), CARD)).taken


def answered(store, count):
    """What the record says to each who showed the card so far: what was done, why not, and whether they were in."""

    def told():
        lines = [line for line in audit.lines(store) if line.kind in ("granted", "denied")]
        return [(line.kind, line.details.get("reason"), line.details.get("in_already", False)) for line in lines]

    wait_for(lambda: len(told()) == count, 5, told)
    return told()[-1]


def pass_through(state, door, store):
    """The leaf opens and shuts, and the relay rests."""
    before = len([line for line in audit.lines(store) if line.kind == "passage"])
    drive(state, CONTACT, 1)
    wait_for(lambda: len([line for line in audit.lines(store) if line.kind == "passage"]) > before)
    drive(state, CONTACT, 0)
    until(door, mode="normal", leaf="shut", at_rest=True)


def at_door(state, rule, **more):
    return door_process(state, True, passback=rule, **RULES | more)


def way_of(store, person):
    found = whereabouts.of_resident(store, person.id)
    return found.way if found else None


IN, REFUSED, SOFT = ("granted", None, False), ("denied", "passback", False), ("granted", None, True)


def test_hard_refuses_who_is_in_until_they_went_out_also_over_a_restart(browser, state, store, fang):
    with at_door(state, "hard") as (_, door):
        drive(state, CONTACT, 0)
        until(door, leaf="shut")
        card_of_number(store, door, fang, CARD, "fob", by="test")
        show(door)
        assert answered(store, 1) == IN
        until(door, mode="normal", at_rest=True)
        # Nobody went through, so they are not in.
        wait_for(lambda: any(line.details.get("outcome") == "not_taken" for line in audit.lines(store)), 15)
        show(door)
        assert answered(store, 2) == IN
        pass_through(state, door, store)
        wait_for(lambda: way_of(store, fang) is Direction.IN)
        show(door)
        kind, reason, _ = answered(store, 3)
        assert (kind, reason) == ("denied", "passback")
    with at_door(state, "hard") as (_, door):
        drive(state, CONTACT, 0)
        until(door, leaf="shut")
        show(door)
        assert answered(store, 4)[1] == "passback"
        show(door, "osdp 1")
        assert answered(store, 5) == IN
        pass_through(state, door, store)
        wait_for(lambda: way_of(store, fang) is Direction.OUT)
        show(door)
        assert answered(store, 6) == IN


def test_soft_lets_in_and_says_so_and_who_is_forgiven_is_nowhere(browser, state, store, fang):
    manager, guard = browser("manager"), browser("guard")
    with at_door(state, "soft", rex_pin=REX) as (_, door):
        drive(state, CONTACT, 0)
        until(door, leaf="shut")
        card_of_number(store, door, fang, CARD, "fob", by="test")
        for number, told in enumerate((IN, SOFT), 1):
            show(door)
            assert answered(store, number) == told
            pass_through(state, door, store)
        assert "was in already" in manager.get("/events?view=everything").text
        page = manager.get(f"/residents/{fang.id}").text
        assert "Last seen going in" in page
        assert manager.get("/api/v1/whereabouts").json()[0]["way"] == "in"
        for one, forgive in (
            (manager, lambda: manager.post(f"/residents/{fang.id}/forgiveness").status_code == 303),
            (manager, lambda: manager.post(f"/api/v1/residents/{fang.id}/forgiveness").status_code == 204),
            (guard, lambda: guard.post("/api/v1/whereabouts/forgiveness").status_code == 204),
            (guard, lambda: guard.post("/whereabouts/forgiveness").status_code == 303),
        ):
            assert forgive(), one
        wait_for(lambda: way_of(store, fang) is None)
        show(door)
        assert answered(store, 3) == IN
    assert len([line for line in audit.lines(store) if line.kind == "forgiven"]) == 4
    assert guard.post(f"/api/v1/residents/{fang.id}/forgiveness").status_code == 403
    assert manager.post(f"/api/v1/residents/{fang.id}/forgiveness").status_code == 503


def test_an_erasure_takes_it_and_a_restore_brings_none_back(store, fang):
    store.execute("INSERT INTO whereabouts VALUES (?, 'in', '2026-06-01T12:00:00.000+00:00')", (fang.id,))
    erasure.remove(store, fang, by="test")
    assert whereabouts.every(store) == []
    other = residents.enrol(store, "Li Na", None, [])
    store.execute("INSERT INTO whereabouts VALUES (?, 'in', '2026-06-01T12:00:00.000+00:00')", (other.id,))
    stays_revoked.keep_revoked(store, None, stays_revoked.Tombstones((), frozenset()), has_them=True)
    assert whereabouts.every(store) == []


def test_whoever_was_in_as_their_last_day_ended_is_called_over(store, fang):
    now = LocalTime(datetime(2026, 11, 24, 0, 10, tzinfo=UTC).timestamp(), UTC, trusted=True)
    with transaction(store):
        whereabouts.note(store, Moved(fang.id, Direction.IN, now.wall - 1800))
    changes.change(store, fang, changes.Changes(valid_until="2026-11-23"), by="test")
    assert [one.resident.id for one in muster(store, now).inside] == [fang.id]


def test_who_is_inside_is_called_over_by_whoever_has_the_desk(staff, browser, state, store, fang):
    app = create_app(context_on(state, settings={"door": {"passback": "soft"} | RULES}))
    guard, manager, auditor = (signed_in(app, role) for role in ("guard", "manager", "auditor"))
    lei = residents.enrol(store, "Li Lei", "3-2-501", [])
    gone = residents.enrol(store, "Moved Out", "9", [])
    changes.change(store, gone, changes.Changes(valid_until="2020-01-01"), by="test")
    with at_door(state, "soft") as (_, door):
        drive(state, CONTACT, 0)
        until(door, leaf="shut")
        card_of_number(store, door, fang, CARD, "fob", by="test")
        show(door)
        assert answered(store, 1) == IN
        pass_through(state, door, store)
        wait_for(lambda: way_of(store, fang) is Direction.IN)
        page = guard.get("/whereabouts").text
        inside, unknown = page.split('id="unknown"')
        assert re.search(r"Wang Fang</td><td>[^<]+</td>\s*<td>by card, at the reader outer</td>", inside)
        assert ("1 person is inside" in inside, "Li Lei" in unknown, "Moved Out" in page) == (True, True, False)
        # The guard sees the name; the manager's leads to the page.
        assert (f"/residents/{fang.id}" in page, f"/residents/{fang.id}" in manager.get("/whereabouts").text) == (
            False, True,
        )  # fmt: skip
        assert "/whereabouts" in guard.get("/guard").text
        show(door, "osdp 1")
        pass_through(state, door, store)
        wait_for(lambda: way_of(store, fang) is Direction.OUT)
        page = guard.get("/whereabouts").text
        assert ("0 people are inside" in page, "1 person was seen going out last." in page) == (True, True)
        (told,) = manager.get("/api/v1/whereabouts").json()
        assert (told["name"], told["unit"], told["method"], told["reader"]) == (
            "Wang Fang",
            "3-2-502",
            "card",
            "osdp 1",
        )
        assert guard.get("/api/v1/whereabouts").status_code == 403
    assert "The door does not answer" in guard.get("/whereabouts").text
    assert lei.name in guard.get("/whereabouts").text
    looked = [line for line in audit.lines(store) if line.details.get("what") == "whereabouts"]
    assert len(looked) == 6
    assert auditor.get("/whereabouts").status_code == 403
    # A lift that may open reads nobody's coming and going.
    accounts.add_token(store, "lift", digest("secret"), ("door", "live"), staff["owner"], "test")
    lift = Browser(app)
    lift.headers = {"authorization": "Bearer secret"}
    assert lift.get("/whereabouts").status_code == 403


def test_without_a_rule_the_page_says_what_turns_it_on_and_what_it_costs(browser, store):
    page = browser("guard").get("/whereabouts").text
    assert ("inside_readers" in page, "What it costs" in page, "<table" in page) == (True, True, False)
    assert not [line for line in audit.lines(store) if line.details.get("what") == "whereabouts"]


def test_a_clock_that_is_not_trusted_tells_nobody_inside(state, store, fang):
    store.execute("INSERT INTO whereabouts VALUES (?, 'in', ?)", (fang.id, datetime.now(UTC).isoformat()))
    for trusted in (True, False):
        found = muster(store, LocalTime(time.time() + 1, UTC, trusted))
        assert ([one.resident.name for one in found.inside], [one.name for one in found.unknown]) == (
            (["Wang Fang"], []) if trusted else ([], ["Wang Fang"])
        )
    # Nothing in the record says by what they came.
    assert muster(store, LocalTime(time.time() + 1, UTC, True)).inside[0].by is None
    assert muster(store, LocalTime(time.time() + 13 * 3600, UTC, True)).unknown == (fang,)
