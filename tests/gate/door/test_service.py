"""The door as a process of its own, asked over its socket, its relay read from the journal of its mock pins."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from itertools import cycle
from uuid import uuid4

import pytest

from gate.door.hardware import LEASE_S
from gate.door.pins import JOURNAL_NAME, read_journal
from gate.processes.addresses import socket_of
from gate.store.database import database_of
from gate.store.people import erasure, residents
from gate.store.people.changes import Changes, change
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record.search import Search, page
from gate.store.site import holidays, schedules
from tests.door import (
    CONTACT,
    FIRE,
    HOLD,
    READBACK,
    REX,
    TAMPER,
    claim,
    door_process,
    drive,
    edges,
    events,
    stopped,
    until,
)
from tests.running import stays, wait_for


@pytest.fixture
def resident(store):
    return residents.enrol(store, "Wang Fang", None, [Template("m", "s", {}, b"")], NO_PERSON)


def kinds_of(state):
    return [line.kind for line in events(state)]


def test_a_claim_moves_the_relay_once_and_is_on_record(state, resident):
    with door_process(state) as (_, client):
        answer = client.ask(claim(resident.id))
        assert answer["granted"]
        assert 0 <= answer["relay_mono"] - time.monotonic() + 0.2 <= 0.2
        assert client.ask(claim(resident.id, 2))["reason"] == "busy"
    assert edges(state) == [False, True, False, None]
    kinds = [line.kind for line in events(state)]
    assert kinds[1:4] == ["door_started", "granted", "denied"]
    assert set(kinds[4:]) == {"relay_pulse", "passage", "door_stopped"}
    granted = next(line for line in events(state) if line.kind == "granted")
    assert granted.personal == {"resident": resident.id, "name": "Wang Fang"}


def test_whom_a_refused_face_came_near_to_is_kept_until_they_are_erased(state, resident, store):
    unknown = {"resident": None, "reason": "unknown"}
    with door_process(state) as (_, client):
        for number, named in enumerate((resident.id, "nobody", None)):
            answer = client.ask(claim(None, number) | unknown | {"nearest": named})
            assert answer["reason"] == "unknown"
    denied = [line.personal for line in events(state) if line.kind == "denied"]
    assert denied == [{"nearest": resident.id}, {}, {}]
    about = Search(residents=(resident.id,), kinds=("denied",))
    assert (len(page(store, about)), len(page(store, replace(about, near=True)))) == (0, 1)
    erasure.remove(store, resident, by="test")
    assert [line.personal for line in events(state) if line.kind == "denied"] == [{}, {}, {}]


def test_who_is_asked_to_turn_the_head_is_shown_where_to_and_is_one_line_of_the_record(state, resident):
    asked = {"reason": "asked_to_turn"}
    with door_process(state) as (_, client):
        for number, (way, further) in enumerate((("left", False), ("left", True), ("right", False), (None, False))):
            said = asked | {"way": way, "further": further}
            # Whoever is named beside it: it never opens.
            answer = client.ask(claim(resident.id if further else None, number) | said)
            assert (answer["granted"], answer["reason"]) == (False, "asked_to_turn")
            signal_wanted = "look_ahead" if way is None else f"turn_{way}"
            until(client, signal=signal_wanted, reason="asked_to_turn", further=further)
        assert client.ask(claim(None, 9) | asked | {"way": "up"})["reason"] == "malformed"
    assert edges(state) == [False, None]
    lines = [line for line in events(state) if line.kind == "denied" and line.details["reason"] == "asked_to_turn"]
    assert [(line.details["claim"], line.personal) for line in lines] == [("c0", {})]


@pytest.mark.parametrize("revoke", [erasure.remove, erasure.withdraw])
def test_what_is_written_after_somebody_was_erased_or_withdrew_names_them_no_more(state, resident, store, revoke):
    with door_process(state) as (process, client):
        wait_for(lambda: "door_started" in kinds_of(state))
        store.execute("BEGIN IMMEDIATE")
        assert client.ask(claim(resident.id))["granted"]
        until(client, relay=False)
        # What was decided waits for the disk, and whoever was let in is quicker to go.
        with stopped(process):
            store.execute("ROLLBACK")
            revoke(store, resident, by="test")
    granted = next(line for line in events(state) if line.kind == "granted")
    assert (granted.personal, granted.commitments) == ({}, {})


def test_a_face_that_is_kept_no_more_opens_nothing_though_vision_has_not_heard_of_it(state, resident, store):
    with door_process(state) as (_, client):
        erasure.withdraw(store, resident, by="test")
        assert client.ask(claim(resident.id))["reason"] == "not_enrolled"
        near = {"resident": None, "reason": "unknown", "nearest": resident.id}
        assert client.ask(claim(None, 2) | near)["reason"] == "unknown"
    assert edges(state) == [False, None]
    assert [line.personal for line in events(state) if line.kind == "denied"] == [{}, {}]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"taken_mono": -10.0}, "stale"),
        ({"taken_mono": 1e12}, "stale"),
        ({"resident": "nobody"}, "not_enrolled"),
        ({"resident": None, "reason": "unknown"}, "unknown"),
        ({"taken_mono": "now"}, "malformed"),
        ({"taken_mono": True}, "malformed"),
        ({"similarity": 1e400}, "malformed"),
        ({"taken_mono": 10**300}, "malformed"),
        ({"id": ""}, "malformed"),
        ({"id": None}, "malformed"),
        ({"track": 1.5}, "malformed"),
        ({"resident": 7}, "malformed"),
        ({"reason": "because"}, "malformed"),
    ],
)
def test_a_claim_that_will_not_do_is_refused_on_record_and_moves_nothing(state, resident, changes, reason):
    with door_process(state) as (_, client):
        message = claim(resident.id) | changes
        raw = json.dumps(message).replace("Infinity", "1e999").encode() + b"\n"
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(socket_of(state, "door")))
            peer.sendall(raw)
            assert json.loads(peer.recv(4096))["reason"] == reason
        assert client.ask({"do": "status"})["mode"] == "normal"
    assert True not in edges(state)
    denied = [line for line in events(state) if line.kind == "denied"]
    assert [line.details["reason"] for line in denied] == [reason]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can speak to the socket as another user")
def test_claims_and_commands_from_another_user_are_refused_and_recorded(state, resident):
    with door_process(state) as (_, client):
        lines = [json.dumps(claim(resident.id)), '{"do":"open"}', '{"do":"status"}', '{"do":"release-relay"}']
        assert [json.loads(answer)["reason"] for answer in ask_as_nobody(state, lines)] == ["wrong_peer"] * 4
        assert client.ask({"do": "status"})["mode"] == "normal"
    assert True not in edges(state)
    denied = [line for line in events(state) if line.kind == "denied"]
    assert [line.details["reason"] for line in denied] == ["wrong_peer"] * 4


AS_NOBODY = """
import os, socket, sys
os.chdir(sys.argv[1])
os.setuid(65534)
with socket.socket(socket.AF_UNIX) as peer:
    peer.connect("link.sock")
    for line in sys.argv[2:]:
        peer.sendall(line.encode() + b"\\n")
        os.write(1, peer.recv(4096))
"""


def ask_as_nobody(state, lines):
    """The answers to some lines from another user, who was let through to the socket for once."""
    (state / "run").chmod(0o751)
    (state / "run" / "door").chmod(0o751)
    (socket_of(state, "door")).chmod(0o666)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(state / "run" / "door"), *lines],
        capture_output=True,
        check=True,
        timeout=20,
    )
    return done.stdout.splitlines()


def test_a_person_may_open_and_release_with_nobody_enrolled(state):
    with door_process(state, pulse_s=0.5) as (_, client):
        assert client.ask({"do": "open"}) == {"granted": True, "reason": None}
        assert client.ask({"do": "open"})["reason"] == "busy"
        assert client.ask({"do": "release-relay"}) == {"granted": True, "reason": None}
        assert client.ask({"do": "nonsense"})["reason"] == "malformed"
    assert edges(state) == [False, True, False, None]


def test_a_report_from_its_user_is_on_record(state):
    with door_process(state) as (_, client):
        client.ask({"do": "report", "event": "camera_lost", "why": "no picture"})
        client.ask({"do": "report", "event": "made_up"})
    lost = [line for line in events(state) if line.kind == "camera_lost"]
    assert [line.details for line in lost] == [{"why": "no picture"}]
    assert not [line for line in events(state) if line.kind == "made_up"]


def test_a_kill_in_a_pulse_leaves_no_grant_behind(state, resident):
    with door_process(state, pulse_s=0.5) as (process, client):
        client.ask(claim(resident.id))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert edges(state)[-1] is True
    with door_process(state) as (_, client):
        assert client.ask({"do": "status"})["mode"] == "normal"
    assert edges(state) == [False, True, False, None]


def test_a_locked_database_neither_stops_the_relay_nor_loses_the_record(state, resident, store):
    with door_process(state) as (_, client):
        store.execute("BEGIN IMMEDIATE")
        assert client.ask({"do": "open"})["granted"]
        deadline = time.monotonic() + 5
        while edges(state)[-1] is True:
            assert time.monotonic() < deadline
            client.ask({"do": "status"})
        store.execute("ROLLBACK")
    assert "granted" in [line.kind for line in events(state)]


def hold_edges(state):
    return [
        edge["level"] for edge in read_journal(state / "run" / "door" / JOURNAL_NAME) if edge["pin"] == f"GPIO{HOLD}"
    ]


def test_what_a_door_could_not_write_before_its_end_the_record_says_that_it_lacks(state, resident, store):
    with door_process(state) as (_, client):
        until(client, unwritten_events=0, store_fault=None)
        store.execute("BEGIN IMMEDIATE")
        assert client.ask(claim(resident.id))["granted"]
    store.execute("ROLLBACK")
    for _ in range(2):
        with door_process(state) as (_, client):
            until(client, unwritten_events=0, lost_events=0, within_s=10)
    assert "granted" not in {line.kind for line in events(state)}
    (lost,) = [line for line in events(state) if line.kind == "events_lost"]
    assert lost.details["count"] >= 2


def test_fire_opens_and_keeps_open_over_lockdown_and_a_cut_wire_is_a_fire(state):
    with door_process(state, fire_pin=FIRE, hold_pin=HOLD) as (_, client):
        # Nothing is wired to the input yet: that is a cut wire.
        until(client, mode="fire", hold_relay=True)
        drive(state, FIRE, 0)
        until(client, mode="normal", hold_relay=False)
        assert client.ask({"do": "lockdown"})["granted"]
        drive(state, FIRE, 1)
        until(client, mode="fire", hold_relay=True, signal="fire")
        assert client.ask({"do": "open"})["granted"]
        drive(state, FIRE, 0)
        until(client, mode="lockdown", hold_relay=False, signal="locked")
        assert client.ask({"do": "open"}) == {"granted": False, "reason": "lockdown"}
        assert client.ask({"do": "release"})["granted"]
        assert client.ask({"do": "status"})["mode"] == "normal"
    assert hold_edges(state) == [False, True, False, True, False, None]
    assert True not in edges(state)
    story = [kind for kind in kinds_of(state) if kind.startswith(("fire", "lockdown"))]
    assert story == ["fire", "fire_over", "lockdown", "fire", "fire_over", "lockdown_over"]


def test_the_hold_relay_is_held_while_the_loop_turns_and_let_go_at_the_end(state):
    with door_process(state, hold_pin=HOLD) as (process, client):
        assert client.ask({"do": "hold"})["granted"]
        until(client, mode="manual_hold", hold_relay=True)
        assert client.ask({"do": "open"})["granted"]
        stays(lambda: hold_edges(state) == [False, True], LEASE_S + 0.5, "the lease is renewed while the loop turns")
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    assert hold_edges(state) == [False, True, False, None]


def test_rex_opens_under_lockdown_and_as_long_as_it_is_pressed(state):
    with door_process(state, rex_pin=REX, min_interval_s=1.0) as (_, client):
        assert client.ask({"do": "lockdown"})["granted"]
        drive(state, REX, 0)
        wait_for(lambda: edges(state).count(True) >= 3)
        drive(state, REX, 1)
        until(client, mode="lockdown", exit_pressed=False)
    opened = [line.details["method"] for line in events(state) if line.kind == "granted"]
    assert set(opened) == {"rex"}
    assert edges(state)[-2:] == [False, None]


def test_while_the_other_door_is_open_or_its_wire_cut_only_the_exit_button_opens(state):
    with door_process(state, interlock_pin=20, rex_pin=REX) as (_, client):
        # Nothing holds its contact shut: it is as a cut wire.
        until(client, inputs={"rex": False, "interlock": True})
        assert client.ask({"do": "open"}) == {"granted": False, "reason": "interlocked"}
        drive(state, REX, 0)
        until(client, mode="egress")
        drive(state, REX, 1)
        drive(state, 20, 0)
        until(client, mode="normal", inputs={"rex": False, "interlock": False})
        wait_for(lambda: client.ask({"do": "open"})["granted"])
        until(client, mode="normal")
        drive(state, 20, 1)
        until(client, inputs={"rex": False, "interlock": True})
        assert client.ask({"do": "open"})["reason"] == "interlocked"


def test_a_lockdown_and_a_tamper_block_outlast_the_door(state):
    wired = {"tamper_pin": TAMPER, "tamper_block_s": 600.0}
    with door_process(state, **wired) as (_, client):
        # An open loop is an opened housing.
        until(client, mode="tamper_block", faults=["tamper"], signal="alarm")
        client.ask({"do": "lockdown"})
        assert client.ask({"do": "open"})["reason"] == "lockdown"
        drive(state, TAMPER, 0)
        until(client, faults=[])
    with door_process(state) as (process, client):
        assert client.ask({"do": "status"})["standing"] == ["lockdown", "tamper_block"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    with door_process(state) as (_, client):
        assert client.ask({"do": "open"})["reason"] == "lockdown"
        assert client.ask({"do": "release"})["granted"]
        assert client.ask({"do": "status"})["mode"] == "normal"
    with door_process(state) as (_, client):
        assert client.ask({"do": "status"})["mode"] == "normal"
        assert client.ask({"do": "open"})["granted"]


def test_a_door_that_could_not_keep_a_lockdown_over_a_restart_says_so(state):
    with door_process(state) as (_, client):
        kept = state / "door" / "door.json"
        wait_for(kept.exists)
        # Nothing takes the place of a folder.
        kept.unlink()
        kept.mkdir()
        for order in ("lockdown", "release"):
            client.ask({"do": order})
        wait_for(lambda: "A lockdown would not outlast" in (client.ask({"do": "status"})["store_fault"] or ""))
        assert client.ask({"do": "open"})["granted"]
        kept.rmdir()
        until(client, within_s=10, store_fault=None)


def test_a_passage_is_accounted_for_by_the_contact(state):
    with door_process(state, contact_pin=CONTACT, open_grace_s=0.2, pulse_s=0.4) as (_, client):
        drive(state, CONTACT, 0)
        until(client, leaf="shut")
        for number, taken in enumerate((True, False), start=1):
            wait_for(lambda: client.ask({"do": "open"})["granted"])
            if taken:
                drive(state, CONTACT, 1)
                until(client, leaf="open")
                drive(state, CONTACT, 0)
                # Locked as soon as it is shut again.
                until(client, leaf="shut", mode="normal", relay=False)
            wait_for(lambda number=number: kinds_of(state).count("passage") == number)
        drive(state, CONTACT, 1)
        until(client, leaf="forced", signal="alarm")
    lines = events(state)
    assert [line.details["outcome"] for line in lines if line.kind == "passage"] == ["taken", "not_taken"]
    granted = [line.details["claim"] for line in lines if line.kind == "granted"]
    assert [line.details["grant"] for line in lines if line.kind == "passage"] == granted


def test_a_gate_found_open_at_start_is_timed_and_not_called_forced(state):
    wired = {"contact_pin": CONTACT, "held_open_s": 1.0, "extended_held_open_s": 1.0, "pre_alarm_s": 0.5}
    with door_process(state, **wired) as (_, client):
        # A mock board's wires are cut at first: the contact reads open.
        until(client, leaf="held_open")
        drive(state, CONTACT, 0)
        until(client, leaf="shut")
    assert "door_forced" not in kinds_of(state)


def test_a_relay_that_sticks_is_an_alarm(state):
    with door_process(state, readback_pin=READBACK, pulse_s=0.5) as (_, client):
        drive(state, READBACK, 0)
        until(client, faults=["relay_stuck_on"], signal="fault")
        drive(state, READBACK, 1)
        until(client, faults=[])
        client.ask({"do": "open"})
        until(client, faults=["relay_stuck_off"])
        until(client, faults=[], relay=False)
    told = [line.details["fault"] for line in events(state) if line.kind == "fault"]
    assert told == ["relay_stuck_on", "relay_stuck_off"]


def test_a_contact_that_chatters_and_a_button_that_sticks_are_faults(state):
    wired = {"contact_pin": CONTACT, "rex_pin": REX, "rex_stuck_s": 5.0, "debounce_s": 0.001}
    with door_process(state, **wired) as (_, client):
        drive(state, REX, 0)
        levels = cycle((0, 1))

        def chatters():
            drive(state, CONTACT, next(levels))
            return "contact_chatter" in client.ask({"do": "status"})["faults"]

        wait_for(chatters)
        until(client, within_s=8, faults=["contact_chatter", "rex_stuck"])
        drive(state, REX, 1)
        until(client, faults=["contact_chatter"])


@pytest.mark.parametrize("trusted", [True, False])
def test_schedules_need_a_clock_that_can_be_trusted(state, store, trusted):
    with door_process(state, synchronised=trusted, hold_pin=HOLD) as (_, client):
        assert client.ask({"do": "status"})["clock_trusted"] is trusted
        schedules.put(store, "always", "daily 00:00-24:00", "test")
        someone = residents.enrol(store, "Wang Fang", None, [Template("m", "s", {}, b"")], NO_PERSON)
        change(store, someone, Changes(schedule="always"), by="test")
        schedules.set_free_access(store, "always", "test", can_hold=True)
        if trusted:
            until(client, mode="free_access", hold_relay=True)
            assert client.ask(claim(someone.id))["granted"]
            # A holiday counts at once, and so does its end.
            today = date.today()
            days = [(today + timedelta(days=more)).isoformat() for more in (-1, 1)]
            holiday = holidays.add(store, holidays.New("New year", *days), "test")
            until(client, mode="normal", hold_relay=False)
            assert client.ask(claim(someone.id, 2))["reason"] == "out_of_hours"
            holidays.remove(store, holiday, "test")
            until(client, mode="free_access", hold_relay=True)
        else:
            assert client.ask(claim(someone.id))["reason"] == "clock_untrusted"
            assert client.ask({"do": "status"})["mode"] == "normal"
        schedules.set_free_access(store, None, "test", can_hold=True)
        until(client, mode="normal", hold_relay=False)
    assert all(line.clock_trusted is trusted for line in events(state) if line.kind.startswith("door_st"))


def test_a_flood_of_refusals_does_not_fill_the_record(state):
    with door_process(state) as (_, client):
        for _ in range(1000):
            assert client.ask({"do": "nonsense"})["reason"] == "malformed"
    denied = [line.details for line in events(state) if line.kind == "denied"]
    assert len(denied) < 100
    assert sum(line.get("count", 1) for line in denied) == 1000


@pytest.mark.parametrize("damage", ["garbage", "cut"])
def test_a_damaged_database_leaves_exit_fire_and_commands_at_work(state, store, resident, damage):
    store.close()
    database = database_of(state)
    for name in ("facegate.db-wal", "facegate.db-shm"):
        database.with_name(name).unlink(missing_ok=True)
    data = database.read_bytes()
    database.write_bytes(b"not a database" * 500 if damage == "garbage" else data[: len(data) // 3])
    with door_process(state, fire_pin=FIRE, hold_pin=HOLD, rex_pin=REX) as (_, client):
        until(client, mode="fire", hold_relay=True)
        drive(state, FIRE, 0)
        until(client, mode="normal")
        assert client.ask({"do": "open"})["granted"]
        assert not client.ask(claim(resident.id))["granted"]
        until(client, mode="normal", relay=False)
        drive(state, REX, 0)
        until(client, mode="egress")
        drive(state, REX, 1)
        assert client.ask({"do": "lockdown"})["granted"]
        assert "damaged" in client.ask({"do": "status"})["store_fault"]
        client.ask({"do": "release"})
    assert edges(state).count(True) >= 2


def test_it_imports_nothing_but_the_standard_library_and_gpiozero():
    script = (
        "import sys, gate.door.service, gate.door.relay_off\n"
        "print(*{name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("_") and "coverage" not in name}
    assert loaded == {"gate", "gpiozero", "colorzero"}


@pytest.mark.parametrize(
    ("do", "told"),
    [("open", {"command"}), ("hold", {"hold"}), ("lockdown", {"lockdown"}), ("close", {"hold_over"}),
     ("release", {"lockdown_over", "hold_over", "tamper_block_over"})],
)  # fmt: skip
def test_an_order_that_comes_late_is_refused_on_record_and_one_in_time_is_not(state, do, told):
    guard = f"user {uuid4()}"
    with door_process(state, hold_pin=HOLD) as (_, client):
        for late in (2.0, 1.6, -5.0):
            answer = client.ask({"do": do, "by": guard, "asked_mono": time.monotonic() - late})
            assert answer == {"granted": False, "reason": "stale"}
        assert client.ask({"do": "status"})["standing"] == []
        assert edges(state) == [False]
        assert client.ask({"do": do, "asked_mono": time.monotonic() - 0.5})["granted"]
        assert client.ask({"do": "release-relay", "asked_mono": time.monotonic() - 9.0})["granted"]
    late = [line.details for line in events(state) if line.details.get("reason") == "stale"]
    assert {one.get("order", one.get("method")) for one in late} == told
    assert {one["by"] for one in late} == {f"{guard} through uid {os.getuid()}"}
