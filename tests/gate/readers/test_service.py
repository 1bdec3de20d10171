"""Readers as they run: what is typed and read opens a real door, and what goes wrong on the way."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from tests.codes import card_of_number, new_pin
from tests.conftest import REPOSITORY
from tests.door import door_process, events, stopped, until
from tests.osdp_reader import cable, reader
from tests.readers import Device, readers_process
from tests.running import stays, wait_for

pytestmark = pytest.mark.whole

REAL = ("-m", "gate.readers.service")


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [Template("m", "s", {}, b"")], NO_PERSON)


@pytest.fixture
def keypad(tmp_path):
    return Device(tmp_path / "keypad")


@pytest.fixture
def cards(tmp_path):
    return Device(tmp_path / "cards")


def told(state, *kinds):
    """What the record says of these kinds, in order: the kind, and why or how."""
    lines = [line for line in events(state) if line.kind in kinds]
    return [(line.kind, line.details.get("why") or line.details.get("reason")) for line in lines]


def answers(state):
    return told(state, "granted", "denied")


def of_readers(state):
    return [kind for kind, _ in told(state, "readers_started", "reader_lost", "reader_back")]


def wait_for_answers(state, *wanted):
    wait_for(lambda: len(answers(state)) >= len(wanted), 5, lambda: answers(state))
    assert answers(state) == list(wanted)


def wait_for_log(log, words, within_s=5.0):
    return wait_for(lambda: words in log.read_text(), within_s, log.read_text)


GRANTED = ("granted", None)


def test_a_pin_that_is_typed_and_a_card_that_is_read_open_the_gate(state, store, wang, keypad, cards):
    with door_process(state, freshness_s=5) as (_, door):
        typed = new_pin(store, door, wang, by="test").typed
        card_of_number(store, door, wang, "0004711", None, by="test")
        with readers_process(state, keypad=keypad.path, card_reader=cards.path) as (_, log):
            keypad.press(typed)
            wait_for_answers(state, GRANTED)
            until(door, mode="normal", at_rest=True)
            cards.press("4711#")
            wait_for_answers(state, GRANTED, GRANTED)
            assert of_readers(state) == ["readers_started"]
    granted = [line for line in events(state) if line.kind == "granted"]
    assert [(line.details["method"], line.details["reader"]) for line in granted] == [
        ("pin", "keypad"),
        ("card", "card reader"),
    ]
    assert typed.split("#")[1].strip() not in log.read_text()
    assert "4711" not in log.read_text()


def test_a_card_at_an_osdp_reader_opens_and_its_light_says_so(state, store, wang):
    key = bytes(range(16))
    with cable() as wire, reader(wire, key) as device, door_process(state) as (_, door):
        card_of_number(store, door, wang, "26:2468ACC0", None, by="test")
        (state / "osdp-keys").write_text(f"0 {key.hex()}\n")
        with readers_process(state, program=REAL, osdp_port=wire.path) as (process, log):
            wait_for_log(log, "osdp 0: it is read", 10)
            # What is shown in the first two seconds of a session is dropped.
            stays(lambda: process.poll() is None, 2.5)
            device.card("2468ACC0")
            wait_for(lambda: answers(state), 5)
            assert answers(state)[0] == GRANTED
            assert device.told().split()[-1] == "2"
            until(door, mode="normal", at_rest=True)
            device.card("13579BC0")
            wait_for(lambda: ("denied", "wrong_code") in answers(state), 5)
            wire.is_cut = True
            wait_for(lambda: "reader_lost" in of_readers(state), 15)
            wire.is_cut = False
            wait_for(lambda: "reader_back" in of_readers(state), 15)
            assert process.poll() is None
        assert key.hex() not in log.read_text()
    granted = next(line for line in events(state) if line.kind == "granted")
    assert (granted.details["method"], granted.details["reader"]) == ("card", "osdp 0")


def test_osdp_readers_without_a_key_wait_to_be_paired_and_a_damaged_key_is_named(state):
    with cable() as wire, readers_process(state, program=REAL, osdp_port=wire.path) as (process, log):
        wait_for_log(log, "Pair each: sudo facegate readers pair ADDRESS")
        assert process.poll() is None


def test_a_keypad_that_is_unplugged_is_told_once_and_found_again(state, store, wang, keypad):
    with door_process(state, freshness_s=5) as (_, door), readers_process(state, keypad=keypad.path) as (_, log):
        typed = new_pin(store, door, wang, by="test").typed
        wait_for_log(log, "keypad: it is read")
        keypad.press("325")
        keypad.unplug()
        wait_for(lambda: "reader_lost" in of_readers(state), 5)
        # It is looked for every second; a second look says nothing more.
        stays(lambda: of_readers(state) == ["readers_started", "reader_lost"], 1.5)
        keypad.plug_in()
        wait_for(lambda: "reader_back" in of_readers(state), 5)
        keypad.press("*" + typed)
        wait_for_answers(state, GRANTED)
        assert of_readers(state) == ["readers_started", "reader_lost", "reader_back"]
    assert told(state, "reader_lost") == [("reader_lost", f"keypad: {keypad.path} is not there. Plug it in, or correct"
                                           " the path: ls /dev/input/by-id")]  # fmt: skip
    assert log.read_text().count("is not there") == 1


def test_what_is_typed_while_the_door_is_dead_is_lost_and_not_brought_late(state, store, wang, keypad):
    with door_process(state, freshness_s=5) as (_, door):
        typed = new_pin(store, door, wang, by="test").typed
    with readers_process(state, keypad=keypad.path) as (process, log):
        wait_for_log(log, "keypad: it is read")
        keypad.press(typed)
        wait_for_log(log, "What is shown is lost until the door answers")
        with door_process(state, freshness_s=5) as (_, door):
            wait_for(lambda: of_readers(state)[-1:] == ["readers_started"], 5)
            assert until(door)["typed"] == 0
            assert answers(state) == []
            keypad.press(typed)
            wait_for_answers(state, GRANTED)
        assert process.poll() is None
    assert log.read_text().count("is lost until") == 1


def test_what_is_typed_while_the_door_hangs_opens_nothing_when_it_goes_on(state, store, wang, keypad):
    with door_process(state) as (running, door), readers_process(state, keypad=keypad.path) as (_, log):
        typed = new_pin(store, door, wang, by="test").typed
        wait_for(lambda: of_readers(state), 5)
        with stopped(running):
            keypad.press(typed)
            wait_for_log(log, "What is shown is lost")
            # Until the one that waits at its socket is too old for the door.
            stays(lambda: running.poll() is None, 1.0)
        assert until(door)["typed"] == 0
    assert answers(state) == []


def test_keys_that_are_old_when_they_are_read_count_for_nothing(state, store, wang, keypad):
    with door_process(state, freshness_s=5) as (_, door), readers_process(state, keypad=keypad.path) as (_, log):
        typed = new_pin(store, door, wang, by="test").typed
        wait_for_log(log, "keypad: it is read")
        keypad.press(typed, age_s=6)
        keypad.press(typed)
        wait_for_answers(state, GRANTED)


def test_a_device_that_floods_is_cut_short_and_told_once(state, store, wang, keypad, cards):
    with door_process(state, freshness_s=5) as (_, door):
        card_of_number(store, door, wang, "4711", None, by="test")
        with readers_process(state, keypad=keypad.path, card_reader=cards.path) as (process, log):
            wait_for_log(log, "card reader: it is read")
            keypad.press("1" * 500 + "#")
            wait_for_log(log, "keypad: more keys come than anybody presses")
            cards.press("4711#")
            wait_for(lambda: ("granted", None) in answers(state), 5)
            assert process.poll() is None
            process.terminate()
            assert process.wait(2) == 0
    assert log.read_text().count("more keys come") == 1


def test_a_number_too_long_for_a_card_is_dropped_whole_and_told_once(state, store, wang, cards):
    with door_process(state, freshness_s=5) as (_, door):
        card_of_number(store, door, wang, "4711", None, by="test")
        with readers_process(state, card_reader=cards.path) as (_, log):
            wait_for_log(log, "card reader: it is read")
            for _ in range(2):
                cards.press("4711" * 20 + "#")
            cards.press("4711#")
            wait_for_answers(state, GRANTED)
    assert log.read_text().count("a number of more than 64 signs is no card's") == 1


@pytest.mark.parametrize("what", ["nothing", "folder", "file", "fifo", "terminal"])
def test_what_is_no_input_device_is_refused_in_one_sentence_and_looked_at_again(state, tmp_path, what):
    path = tmp_path / "device"
    terminal = os.openpty() if what == "terminal" else ()
    {
        "nothing": lambda: None,
        "folder": path.mkdir,
        "file": path.touch,
        "fifo": lambda: os.mkfifo(path),
        "terminal": lambda: path.symlink_to(os.ttyname(terminal[1])),
    }[what]()
    with readers_process(state, program=REAL, keypad=path) as (process, log):
        wait_for_log(log, "is not there" if what == "nothing" else "is no input device")
        stays(lambda: process.poll() is None, 1.3)
    assert log.read_text().count(str(path)) == 2, "once in the settings, once for what is wrong"
    for descriptor in terminal:
        os.close(descriptor)


def test_a_door_that_takes_codes_from_another_user_is_told_with_what_to_set(state, keypad):
    with door_process(state, readers_user="nobody"), readers_process(state, keypad=keypad.path) as (_, log):
        wait_for_log(log, "keypad: it is read")
        keypad.press("1")
        wait_for_log(log, "Set door.readers_user to the user of this process, and restart the gate (wrong_peer).")


def test_it_ends_when_it_is_told_to_and_with_its_starter(state, keypad):
    with readers_process(state, keypad=keypad.path) as (process, _):
        process.terminate()
        assert process.wait(2) == 0
    with readers_process(state, keypad=keypad.path) as (process, _):
        process.stdin.close()
        assert process.wait(2) == 0


def test_it_is_small_and_starts_at_once(state, keypad):
    began = time.monotonic()
    with readers_process(state, keypad=keypad.path) as (process, _):
        ready_s = time.monotonic() - began
        status = Path(f"/proc/{process.pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024
    print(f"readers: ready after {ready_s:.2f} s, {resident:.1f} MB resident")
    assert resident < 20


def test_it_loads_no_store_no_network_and_no_library():
    asks = "import gate.readers.service, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); {asks}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    theirs = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    ours = {name for name in loaded if name.startswith("gate.")}
    assert {one for one in theirs if not one.startswith(("_", "gate"))} == set()
    assert {name.split(".")[1] for name in ours} <= {
        "errors",
        "nesting",
        "places",
        "processes",
        "readers",
        "vocabulary",
    }
    assert "sqlite3" not in loaded
    assert "ssl" not in loaded
