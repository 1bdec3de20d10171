"""What is drawn when it is asked for first is the same to all who ask first at once."""

import os
import time
from multiprocessing import get_context

import pytest

from centre.secrets import first_secrets
from gate.door.code_key import shared_key
from gate.places import write_first, write_whole

AT_ONCE = 4


def _draw(draw, state, together, told):
    together.wait(30)
    told.put(draw(state))


@pytest.mark.parametrize("draw", [first_secrets, shared_key])
def test_processes_that_begin_at_once_draw_one_and_the_same(draw, tmp_path):
    processes = get_context("fork")
    for number in range(5):
        state = tmp_path / str(number)
        together, told = processes.Barrier(AT_ONCE), processes.Queue()
        began = [processes.Process(target=_draw, args=(draw, state, together, told)) for _ in range(AT_ONCE)]
        for one in began:
            one.start()
        drawn = [told.get(timeout=30) for _ in began]
        for one in began:
            one.join(30)
        assert drawn == [draw(state)] * AT_ONCE


def _write(path, content, together, told):
    together.wait(30)
    try:
        for _ in range(50):
            write_whole(path, content)
        told.put(None)
    except OSError as error:
        told.put(str(error))


def test_of_processes_that_write_one_file_at_once_each_writes_all_of_theirs(tmp_path):
    processes, path = get_context("fork"), tmp_path / "file"
    contents = [bytes([number]) * 100_000 for number in range(AT_ONCE)]
    together, told = processes.Barrier(AT_ONCE), processes.Queue()
    began = [processes.Process(target=_write, args=(path, one, together, told)) for one in contents]
    for one in began:
        one.start()
    assert [told.get(timeout=60) for _ in began] == [None] * AT_ONCE
    for one in began:
        one.join(30)
    assert path.read_bytes() in contents
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_what_a_power_cut_left_half_written_goes_with_the_next_that_is_written(tmp_path):
    path, left, begun = tmp_path / "key", tmp_path / "key.0badcafe.new", tmp_path / "key.1badcafe.new"
    for one in (left, begun):
        one.write_bytes(b"ha")
    two_hours_ago = time.time() - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))
    write_whole(path, b"half")
    assert {one.name for one in tmp_path.iterdir()} == {path.name, begun.name}


def test_what_lies_there_stays_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "key"
    assert write_first(path, b"first") == b"first"
    assert write_first(path, b"second") == b"first"
    assert (path.stat().st_mode & 0o777, [one.name for one in tmp_path.iterdir()]) == (0o600, ["key"])
