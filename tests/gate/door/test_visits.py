"""Passes at the door: a use is spent once, before the relay moves; what is over, taken back or stale opens nothing."""

import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enroll import codes
from gate.door.controller import Controller
from gate.door.hours import LocalTime, known_of_pass, visit_of
from gate.door.settings import DoorSettings
from gate.door.states import Event, Happening
from gate.door.visits import Visits
from gate.processes.asking import present, seal
from gate.store.database import database_of, open_database
from gate.store.people import erasure, passes, residents
from gate.store.people.passes import Wanted
from gate.store.site import schedules
from gate.vocabulary import Method, Presented
from tests.conftest import MEMORY
from tests.door import CONTACT, HOLD, claim, door_process, drive, edges, events, until
from tests.gate.door.test_controller import BenchRelay
from tests.gate.door.test_credentials import answers, press
from tests.running import wait_for

_NUMBERS = count(1)
HOUR = timedelta(hours=1)


def at_door(state, *clock, **door):
    return door_process(state, *(clock or (True,)), **{"freshness_s": 5} | door)


def new_pass(store, client, **wanted):
    now = datetime.now(UTC)
    asked = Wanted(**{"name": "Zhao Lei", "begins": now - HOUR, "ends": now + HOUR, "unit": "3-2-502"} | wanted)
    return codes.new_pass(store, partial(seal, client), asked, now, by="test")


def hold_up(client, code, age_s=0.0):
    shown = Presented(f"h{next(_NUMBERS)}", Method.PASS, "camera", time.monotonic() - age_s, code)
    assert present(client, shown).taken
    return shown


def answered(state, *wanted):
    wait_for(lambda: len(answers(state)) >= len(wanted), 5, lambda: answers(state))
    assert answers(state) == [(kind, reason, "pass") for kind, reason in wanted]


def at_rest(client):
    until(client, mode="normal", at_rest=True)


def left(store, one):
    return passes.get(store, one.made.id).uses_left


GRANTED = ("granted", None)


def test_a_pass_opens_as_often_as_it_says_and_is_on_record_with_visitor_and_host(state, store):
    wang = residents.enrol(store, "Wang Fang", "3-2-502", [])
    with at_door(state) as (_, client):
        one = new_pass(store, client, host=wang, uses=2)
        hold_up(client, one.code)
        answered(state, GRANTED)
        until(client, mode="pulse", signal="grant", residents=[])
        assert left(store, one) == 1
        at_rest(client)
        # Who has no telephone types the number behind the digits of the home.
        press(client, one.typed)
        answered(state, GRANTED, GRANTED)
        at_rest(client)
        hold_up(client, one.code)
        answered(state, GRANTED, GRANTED, ("denied", "spent"))
        until(client, reason="spent")
    lines = [line for line in events(state) if line.kind in ("granted", "denied")]
    visitor = {"pass": one.made.id, "visitor": "Zhao Lei", "unit": "3-2-502", "host": "Wang Fang"}
    assert [line.personal for line in lines] == [visitor] * 3
    assert [line.details["reader"] for line in lines] == ["camera", "keypad", "camera"]
    assert lines[0].details["shown_to_relay_ms"] > 0
    said = str([(line.details, line.personal) for line in events(state)])
    assert (one.code in said, one.digits in said) == (False, False)
    assert edges(state)[:2] == [False, True]


def test_whoever_visits_no_home_types_the_number_alone(state, store):
    with at_door(state) as (_, client):
        one = new_pass(store, client, unit=None)
        assert (one.made.flat, one.typed) == (None, f"{one.digits} #")
        press(client, one.typed)
        answered(state, GRANTED)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"begins": datetime.now(UTC) + HOUR, "ends": datetime.now(UTC) + 2 * HOUR}, "too_early"),
        ({"schedule": "Never today"}, "out_of_hours"),
    ],
)
def test_a_pass_opens_nothing_outside_its_time_and_nothing_is_spent(state, store, wanted, reason):
    tomorrow = (datetime.now(UTC) + timedelta(days=3)).strftime("%a")
    schedules.put(store, "Never today", f"{tomorrow} 10:00-11:00", "test")
    with at_door(state) as (_, client):
        one = new_pass(store, client, **wanted)
        hold_up(client, one.code)
        answered(state, ("denied", reason))
        told = until(client, reason=reason)
        assert told["begins_at"] == (one.made.valid_from if reason == "too_early" else None)
        assert left(store, one) == 1
    assert True not in edges(state)


def test_a_visitor_reads_why_not_though_their_face_is_a_strangers(state, store):
    with at_door(state) as (_, client):
        one = new_pass(store, client, begins=datetime.now(UTC) + HOUR, ends=datetime.now(UTC) + 2 * HOUR)
        hold_up(client, one.code)
        until(client, reason="too_early", begins_at=one.made.valid_from)
        stranger = claim(None) | {"reason": "unknown"}
        assert client.ask(stranger)["reason"] == "unknown"
        told = client.ask({"do": "status"})
        assert (told["reason"], told["begins_at"]) == ("too_early", one.made.valid_from)
        # For as long as anybody is told anything.
        until(client, reason=None, begins_at=None)
        assert client.ask(stranger | {"id": "c2", "taken_mono": time.monotonic()})["reason"] == "unknown"
        until(client, reason="unknown", begins_at=None)


def test_what_is_over_taken_back_erased_or_of_nobody_opens_nothing(state, store):
    wang = residents.enrol(store, "Wang Fang", "3-2-502", [])
    with at_door(state) as (_, client):
        over, back, gone = (new_pass(store, client, **wanted) for wanted in ({}, {}, {"host": wang, "unit": None}))
        used = new_pass(store, client, uses=2, lasts_s=60)
        past = passes.text_of(datetime.now(UTC) - timedelta(seconds=1))
        store.execute("UPDATE passes SET valid_until = ? WHERE id = ?", (past, over.made.id))
        long_ago = passes.text_of(datetime.now(UTC) - HOUR)
        store.execute("UPDATE passes SET first_used_at = ? WHERE id = ?", (long_ago, used.made.id))
        passes.revoke(store, back.made.id, datetime.now(UTC), by="test")
        erasure.remove(store, wang, by="test")
        told = []
        for one, reason in ((over, "expired"), (back, "revoked"), (used, "expired"), (gone, "wrong_code")):
            hold_up(client, one.code)
            told.append(("denied", reason))
            answered(state, *told)
        hold_up(client, "V" + "A" * 16)
        answered(state, *told, ("denied", "wrong_code"))
    assert True not in edges(state)
    assert "Zhao Lei" not in [line.personal.get("visitor") for line in events(state)][-2:]


def test_in_hours_that_ask_for_two_a_pass_is_one_alone_and_without_a_clock_it_is_none(state, store):
    with at_door(state, True, face_and_pin="daily 00:00-24:00") as (_, client):
        one = new_pass(store, client)
        hold_up(client, one.code)
        answered(state, ("denied", "pass_not_enough"))
    with at_door(state, False) as (_, client):
        hold_up(client, one.code)
        answered(state, ("denied", "pass_not_enough"), ("denied", "clock_untrusted"))
    assert left(store, one) == 1


def test_what_bars_the_door_spends_nothing(state, store):
    with at_door(state) as (_, client):
        one = new_pass(store, client)
        assert client.ask({"do": "lockdown"})["granted"]
        hold_up(client, one.code)
        answered(state, ("denied", "lockdown"))
        assert client.ask({"do": "release"})["granted"]
        assert left(store, one) == 1
        again = hold_up(client, one.code)
        answered(state, ("denied", "lockdown"), GRANTED)
        at_rest(client)
        assert present(client, again).taken
        answered(state, ("denied", "lockdown"), GRANTED, ("denied", "replayed"))
        hold_up(client, one.code, age_s=6)
        answered(state, ("denied", "lockdown"), GRANTED, ("denied", "replayed"), ("denied", "stale"))


def test_while_the_store_is_locked_nothing_opens_and_nothing_is_spent(state, store):
    with at_door(state) as (_, client):
        one = new_pass(store, client)
        store.execute("BEGIN IMMEDIATE")
        hold_up(client, one.code)
        until(client, reason="store_unreadable")
        assert True not in edges(state)
        store.execute("ROLLBACK")
        assert left(store, one) == 1
        hold_up(client, one.code)
        answered(state, ("denied", "store_unreadable"), GRANTED)
    assert left(store, one) == 0


def test_a_use_by_which_nobody_passed_is_given_back_and_one_that_was_taken_is_not(state, store):
    with at_door(state, contact_pin=CONTACT, open_grace_s=0.3) as (_, client):
        drive(state, CONTACT, 0)
        one = new_pass(store, client, lasts_s=3600)
        hold_up(client, one.code)
        until(client, mode="pulse")
        assert left(store, one) == 0
        wait_for(lambda: left(store, one) == 1, 5)
        assert passes.get(store, one.made.id) == one.made
        at_rest(client)
        hold_up(client, one.code)
        until(client, mode="pulse")
        drive(state, CONTACT, 1)
        wait_for(lambda: any(line.details.get("outcome") == "taken" for line in events(state)), 5)
    outcomes = [line.details["outcome"] for line in events(state) if line.kind == "passage"]
    assert (outcomes, left(store, one)) == (["not_taken", "taken"], 0)


def test_a_door_that_dies_after_a_use_was_spent_never_gives_it_back(state, store):
    with at_door(state, contact_pin=CONTACT) as (process, client):
        drive(state, CONTACT, 0)
        one = new_pass(store, client)
        hold_up(client, one.code)
        until(client, mode="pulse")
        process.kill()
        process.wait(10)
    with at_door(state) as (_, client):
        hold_up(client, one.code)
        wait_for(lambda: answers(state)[-1:] == [("denied", "spent", "pass")], 5)


@pytest.mark.parametrize(
    ("who", "method", "code"),
    [("vision", Method.PIN, "1"), ("vision", Method.CARD, "4711"), ("readers", Method.PASS, "")],
)
def test_the_door_takes_each_code_from_the_user_that_may_say_it_alone(state, store, who, method, code):
    nobody = "nobody"
    with at_door(state, **{f"{'readers' if who == 'vision' else 'vision'}_user": nobody}) as (_, client):
        one = new_pass(store, client)
        told = {"do": "present", "id": "x", "method": method.value, "reader": "r", "taken_mono": time.monotonic(),
                "code": code or one.code}  # fmt: skip
        assert client.ask(told) == {"granted": False, "reason": "wrong_peer"}
        assert left(store, one) == 1


@pytest.mark.parametrize(
    "code", ["https://example.org/" + "x" * 3000, "WIFI:S:x;;", "V" + "a" * 16, "V" + "A" * 17, ""]
)
def test_a_text_that_is_no_pass_is_malformed_and_reaches_neither_record_nor_log(state, capfd, code):
    with at_door(state) as (_, client):
        told = {"do": "present", "id": "x", "method": "pass", "reader": "camera", "taken_mono": time.monotonic(),
                "code": code}  # fmt: skip
        assert client.ask(told)["reason"] == "malformed"
    said = str([line.details for line in events(state)])
    assert not code or (code not in said and code not in capfd.readouterr().err)


class Life:
    """A door's controller, its passes and its store, without the process: time is told, and what it does is counted."""

    def __init__(self, folder, uses):
        self.folder, self.store = folder, open_database(folder)
        wanted = passes.checked(Wanted("Zhao Lei", self.wall(), self.wall() + HOUR, uses), self.wall())
        finders = (bytes([number]) * 32 for number in (1, 2))
        self.made = passes.make(self.store, wanted, None, *finders, self.wall(), by="test")
        self.relay, self.record, self.woken = BenchRelay(), [], threading.Event()
        settings = DoorSettings(pulse_s=3, min_interval_s=2, contact_pin=CONTACT)
        self.controller = Controller(settings, self.relay, self._take)
        self.visits = Visits(folder, self.controller, self.woken.set)
        self.now, self.number, self.latest = 100.0, 0, None

    @staticmethod
    def wall():
        return datetime.now(UTC)

    def _take(self, event):
        self.record.append(event)
        self.visits.follow(event)

    def look(self):
        visit = visit_of(passes.get(self.store, self.made.id))
        return known_of_pass(visit, LocalTime(time.time(), UTC, True), None)

    def show(self, shown):
        before = len(self.record)
        self.woken.clear()
        self.visits.hear(shown, self.look, self.now)
        # A use that is given back meanwhile wakes as well.
        while len(self.record) == before:
            assert self.woken.wait(10)
            self.woken.clear()
            self.visits.turn(self.now)
        return self.record[before]

    def new(self):
        self.number += 1
        self.latest = Presented(f"s{self.number}", Method.PASS, "camera", self.now, "V")
        return self.latest

    def wait(self, seconds):
        self.now += seconds
        self.controller.tick(self.now)
        self.visits.turn(self.now)


def test_a_door_that_is_stopped_gives_back_a_use_on_which_nobody_decided(tmp_path):
    life = Life(tmp_path, 1)
    life.visits.hear(life.new(), life.look, life.now)
    assert life.woken.wait(10)
    assert passes.get(life.store, life.made.id).uses_left == 0
    life.visits.close()
    assert passes.get(life.store, life.made.id) == life.made
    assert life.relay.told == []
    life.store.close()


@settings(max_examples=40)
@given(
    st.integers(1, 3),
    st.lists(
        st.sampled_from(["show", "show", "again", "stale", "locked", "walk", "nobody", "revoke", "lockdown"]),
        max_size=14,
    ),
)
def test_no_use_is_ever_spent_twice_and_nothing_stale_opens(uses, acts):
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        life = Life(Path(folder), uses)
        granted = given_back = 0
        revoked = locked_down = False
        pending = False
        for act in acts:
            pulses = len([one for one in life.relay.told if one[0] == "on"])
            answer = None
            if act == "show":
                answer = life.show(life.new())
            elif act == "again" and life.latest is not None:
                assert life.show(life.latest).kind == "denied"
            elif act == "stale":
                assert life.show(replace(life.new(), taken_mono=life.now - 10)).kind == "denied"
            elif act == "locked":
                with closing(sqlite3.connect(database_of(life.folder), isolation_level=None)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    refused = life.show(life.new())
                    other.execute("ROLLBACK")
                assert refused.kind == "denied"
            elif act == "walk":
                life.controller.happen([Happening(Event.OPENED), Happening(Event.SHUT)], life.now)
                life.wait(5)
                pending = False
            elif act == "nobody":
                given_back += pending
                pending = False
            elif act == "revoke" and not revoked:
                life.store.execute("UPDATE passes SET revoked_at = '2026' WHERE id = ?", (life.made.id,))
                revoked = True
            elif act == "lockdown":
                life.controller.order(Event.LOCKDOWN_OVER if locked_down else Event.LOCKDOWN, "test", life.now)
                locked_down = not locked_down
            if answer is not None and answer.kind == "granted":
                # It was written before the relay moved.
                assert (revoked, locked_down, granted - given_back < uses) == (False, False, True)
                granted, pending = granted + 1, True
                # What was given back while the store was locked is written a little later.
                assert passes.get(life.store, life.made.id).uses_left <= uses - granted + given_back
            moved = len([one for one in life.relay.told if one[0] == "on"]) - pulses
            assert moved == (answer is not None and answer.kind == "granted")
            if act == "nobody":
                life.wait(30)
        life.visits.close()
        assert passes.get(life.store, life.made.id).uses_left == uses - granted + given_back
        life.store.close()


def test_where_the_gate_stands_open_no_use_is_spent(state, store):
    with at_door(state, hold_pin=HOLD) as (_, client):
        one = new_pass(store, client)
        assert client.ask({"do": "hold"})["granted"]
        until(client, mode="manual_hold")
        hold_up(client, one.code)
        answered(state, GRANTED)
        assert left(store, one) == 1
        assert client.ask({"do": "release"})["granted"]
        at_rest(client)
        hold_up(client, one.code)
        answered(state, GRANTED, GRANTED)
        assert left(store, one) == 0


def test_a_time_that_makes_no_sense_refuses_the_pass_and_the_door_goes_on(state, store):
    with at_door(state) as (_, client):
        one = new_pass(store, client)
        store.execute("UPDATE passes SET valid_from = '2026-01-01T00:00:00' WHERE id = ?", (one.made.id,))
        hold_up(client, one.code)
        answered(state, ("denied", "store_unreadable"))
        at_rest(client)
