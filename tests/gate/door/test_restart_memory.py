import json
from dataclasses import asdict

import pytest

from gate.door.lockout import KeptTries
from gate.door.restart_memory import Remembered, RestartMemory, memory_of
from gate.door.states import Barred
from tests.running import wait_for

KEPT = Remembered(Barred(lockdown=True, tamper_left_s=12.5), 1.8e9)


def remembered(state):
    """What a door would find there."""
    memory = RestartMemory(state)
    memory.close()
    return memory.found


def test_what_barred_credentials_is_remembered_and_a_damaged_memory_is_said(tmp_path, caplog):
    memory = RestartMemory(tmp_path)
    assert memory.found == Remembered()
    memory.keep(KEPT, 100.0)
    memory.close()
    assert remembered(tmp_path) == KEPT
    memory_of(tmp_path).write_text("{")
    assert remembered(tmp_path) == Remembered()
    assert "a lockdown that stood must be ordered again" in caplog.text


def test_the_file_is_as_earlier_doors_wrote_and_read_it(tmp_path):
    memory_of(tmp_path).parent.mkdir()
    words = {"standing": {"lockdown": True, "tamper_left_s": 12.5}, "latest_wall": 1.8e9}
    memory_of(tmp_path).write_text(json.dumps(words))
    memory = RestartMemory(tmp_path)
    assert memory.found == KEPT
    memory.keep(Remembered(Barred(True, 11.5), 1.9e9), 100.0)
    memory.close()
    assert json.loads(memory_of(tmp_path).read_text()) == {
        "standing": {"lockdown": True, "tamper_left_s": 11.5}, "latest_wall": 1.9e9,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("barred", "at", "at_once", "written"),
    [
        (Barred(True, 11.0), 130.0, False, False),
        (Barred(True, 11.0), 160.0, False, True),
        (Barred(True, 11.0), 130.0, True, True),
        (Barred(False, 11.0), 100.1, False, True),
        (Barred(True, 0.0), 100.1, False, True),
    ],
)
def test_what_comes_or_goes_is_written_at_once_and_what_runs_now_and_then(tmp_path, barred, at, at_once, written):
    memory, later = RestartMemory(tmp_path), Remembered(barred, 1.8e9 + 1)
    memory.keep(KEPT, 100.0)
    memory.keep(later, at, at_once=at_once)
    memory.close()
    assert remembered(tmp_path) == (later if written else KEPT)


@pytest.mark.parametrize(("at", "written"), [(900.0, False), (1000.0, True)])
def test_where_nothing_runs_but_the_time_a_card_is_spared(tmp_path, at, written):
    memory = RestartMemory(tmp_path)
    before, later = Remembered(Barred(lockdown=True), 1.8e9), Remembered(Barred(lockdown=True), 1.8e9 + 1)
    memory.keep(before, 100.0)
    memory.keep(later, at)
    memory.close()
    assert remembered(tmp_path) == (later if written else before)


def test_a_wrong_pin_is_written_at_once_and_nonsense_in_its_place_lifts_no_lockdown(tmp_path, caplog):
    memory = RestartMemory(tmp_path)
    memory.keep(Remembered(latest_wall=1.8e9), 100.0)
    for wrong in (1, 2):
        tries = (KeptTries(True, "keypad", wrong, 0, 0.0, 0.3), KeptTries(False, "32502", wrong, 0, 0.0, 0.3))
        memory.keep(Remembered(latest_wall=1.8e9, tries=tries), 100.0 + wrong)
    memory.close()
    assert remembered(tmp_path).tries == tries
    for nonsense in (
        [7],
        [{"name": "x"}],
        "x",
        [{**asdict(tries[0]), "left_s": 1e9}],
        [{**asdict(tries[0]), "wrong": -1}],
    ):
        words = {"standing": {"lockdown": True, "tamper_left_s": 0}, "latest_wall": 1.8e9, "tries": nonsense}
        memory_of(tmp_path).write_text(json.dumps(words))
        assert remembered(tmp_path) == Remembered(Barred(lockdown=True, tamper_left_s=0), 1.8e9)
    assert "they are counted anew" in caplog.text


@pytest.fixture
def no_new_file(monkeypatch):
    """What lies, as a folder, where the new file of a path is to be made: by chance its name is taken each time."""
    monkeypatch.setattr("gate.places.os.urandom", bytes)
    return lambda path: path.with_name(f"{path.name}.00000000.new")


def test_where_no_new_file_can_be_made_a_lockdown_is_written_in_the_place_of_the_last_one(tmp_path, no_new_file):
    memory = RestartMemory(tmp_path)
    memory.keep(Remembered(), 100.0)
    memory.close()
    no_new_file(memory_of(tmp_path)).mkdir()
    for kept in (KEPT, Remembered(latest_wall=1.9e9)):
        memory = RestartMemory(tmp_path)
        memory.keep(kept, 200.0)
        memory.close()
        assert (remembered(tmp_path), memory.fault) == (kept, None)


@pytest.mark.parametrize(("said", "lost"), [(7, 7), (-1, 0), ("7", 0), (None, 0)])
def test_how_many_events_were_never_written_is_remembered(tmp_path, said, lost):
    memory = RestartMemory(tmp_path)
    memory.keep(Remembered(Barred(lockdown=True), lost=7), 100.0)
    memory.close()
    words = json.loads(memory_of(tmp_path).read_text())
    assert words["lost"] == 7
    memory_of(tmp_path).write_text(json.dumps(words | {"lost": said}))
    assert remembered(tmp_path) == Remembered(Barred(lockdown=True), lost=lost)


def test_what_cannot_be_written_is_said_and_tried_again(tmp_path, no_new_file):
    (tmp_path / "door").mkdir()
    no_new_file(memory_of(tmp_path)).mkdir()
    memory = RestartMemory(tmp_path)
    memory.keep(KEPT, 100.0)
    wait_for(lambda: memory.fault is not None)
    assert "A lockdown would not outlast a restart" in memory.fault
    no_new_file(memory_of(tmp_path)).rmdir()
    memory.keep(KEPT, 101.0)
    assert memory.fault is not None
    memory.keep(KEPT, 106.0)
    memory.close()
    assert (remembered(tmp_path), memory.fault) == (KEPT, None)
