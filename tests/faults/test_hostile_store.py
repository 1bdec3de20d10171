"""A database whose contents mean harm: the api may write it, and holds neither the door nor root up by it."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from gate.door.record_writer import RecordWriter
from gate.door.register import Register, StoreDown
from gate.processes.terminal import in_one_line, spelt
from gate.store.database import database_of
from gate.store.people import residents
from gate.store.people.changes import Changes, change
from gate.store.record import audit
from gate.store.record.anchors import in_text, said
from gate.store.record.audit import Anchor
from gate.store.site import schedules
from gate.vocabulary import AuditEvent
from tests.conftest import command_environment
from tests.door import door_process, until
from tests.running import wait_for

pytestmark = pytest.mark.whole

FOR_EVER = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n)"
ENORMOUS = "printf('%.*c', 400000000, 'x')"


def view(table, **columns):
    """The table becomes a view of itself with other columns."""
    said = ", ".join(f"{what} AS {name}" for name, what in columns.items())
    return (
        f"PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; ALTER TABLE {table} RENAME TO was;"
        f"CREATE VIEW {table} AS SELECT {said} FROM was;"
    )


UNREADABLE = {
    "no windows": "UPDATE schedules SET windows = 'at any time'",
    "a question without an end": view("schedules", id="id", name="name", windows=FOR_EVER),
    "an answer of 400 MB": view("schedules", id="id", name="name", windows="hex(zeroblob(200000000))"),
    "bytes for words": view("schedules", id="id", name="name", windows="x'00ff'"),
}
UNWRITABLE = {
    "the last number there is": (
        "INSERT INTO audit SELECT 9223372036854775807, 'x', gate_id, boot_id, kind, at, mono, details, commitments,"
        " previous, hash, clock_trusted FROM audit LIMIT 1",
        "DELETE FROM audit WHERE id = 'x'",
    ),
    "a trigger that makes 400 MB": (
        f"CREATE TRIGGER large AFTER INSERT ON audit BEGIN UPDATE gate SET id = {ENORMOUS}; END", "DROP TRIGGER large",
    ),
}  # fmt: skip


def written(state, script):
    with closing(sqlite3.connect(database_of(state), isolation_level=None)) as api:
        api.executescript(script)


@pytest.fixture
def resident(store):
    schedules.put(store, "day", "Mon-Sun 00:00-24:00", "test")
    schedules.set_free_access(store, "day", "test", can_hold=True)
    someone = residents.enrol(store, "Wang Fang", None, [])
    return change(store, someone, Changes(schedule="day"), by="test")


@pytest.mark.parametrize("script", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_makes_no_sense_or_has_no_end_is_the_stores_fault(state, resident, script):
    with closing(Register(state)) as register:
        assert register.free_hours() is not None
        written(state, script)
        began = time.thread_time()
        assert register.free_hours() is None
        assert register.fault
        with pytest.raises(StoreDown):
            register.find(resident.id)
        assert time.thread_time() - began < 1


@pytest.mark.parametrize(("script", "undo"), UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_the_record_is_written_once_its_contents_make_sense_again(state, store, script, undo):
    audit.append(store, AuditEvent("before"))
    written(state, script)
    writer = RecordWriter(state)
    writer.put(AuditEvent("kept"))
    wait_for(lambda: writer.fault is not None, 10)
    assert writer.alive
    written(state, undo)
    wait_for(lambda: not writer.waiting, 10)
    writer.close()
    assert "kept" in [line.kind for line in audit.lines(store)]


def test_the_door_answers_beside_a_question_without_an_end(state, resident):
    with door_process(state) as (_, client):
        client.ask({"do": "status"})
        written(state, UNREADABLE["a question without an end"])
        for order in ("lockdown", "release"):
            assert client.ask({"do": order})["granted"]
        assert until(client, mode="normal")
        deadline = time.monotonic() + 5
        while not client.ask({"do": "status"})["store_fault"]:
            assert time.monotonic() < deadline


def test_an_error_that_others_worded_is_one_line_and_no_anchor(state, store, capfd):
    audit.append(store, AuditEvent("before"))
    with door_process(state) as (_, client):
        client.ask({"do": "status"})
        false = said(Anchor(7, "ab" * 32))
        written(
            state,
            f"CREATE TRIGGER tells AFTER INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no\ndoor: {false}\n{false}'); END",
        )
        client.ask({"do": "lockdown"})
        deadline = time.monotonic() + 10
        while not client.ask({"do": "status"})["store_fault"]:
            assert time.monotonic() < deadline
        written(state, "DROP TRIGGER tells")
    told = capfd.readouterr().err
    assert false in told
    assert Anchor(7, "ab" * 32) not in list(in_text(told))


EVIL = "Ann\x1b]0;root\x07\x1b[2J\x1b[8m\x9b2J\u202e\rBob"


def on_a_terminal(environment, *arguments):
    """What a command writes to a terminal."""
    child, end = pty.fork()
    if child == 0:
        command = [sys.executable, "-m", "commands.cli", *arguments]
        os._exit(subprocess.run(command, env=environment | {"TERM": "xterm"}, check=False).returncode)
    shown = b""
    try:
        while part := os.read(end, 1 << 16):
            shown += part
    except OSError:
        pass  # How the end of a terminal is told.
    os.close(end)
    os.waitpid(child, 0)
    return shown.decode()


@pytest.mark.parametrize(
    "command", [("residents", "list"), ("residents", "show", "r"), ("audit", "tail"), ("audit", "tail", "--json")]
)
def test_a_name_gives_roots_terminal_no_orders(models_dir, state, store, command):
    audit.append(store, AuditEvent(EVIL, {EVIL: EVIL}))
    written(
        state,
        "INSERT INTO residents (id, name, unit, created_at) VALUES ('r', {0}, {0}, '2026-01-01')".format(
            " || ".join(f"char({ord(one)})" for one in EVIL)
        ),
    )
    shown = on_a_terminal(command_environment(models_dir, state), *command)
    assert "Ann" in shown
    assert [order for order in ("\x1b]", "\x07", "\x1b[2J", "\x1b[8m", "\x9b", "\u202e") if order in shown] == []
    if command[-1] == "--json":
        assert json.loads(shown)["lines"][-1]["kind"] == EVIL


def test_our_own_colours_pass_and_words_are_as_they_are():
    assert spelt("\x1b[31mno\x1b[0m\tWáng 王 \u200d\n") == "\x1b[31mno\x1b[0m\tWáng 王 \u200d\n"
    assert spelt(EVIL) == "Ann\\u001b]0;root\\u0007\\u001b[2J\\u001b[8m\\u009b2J\\u202e\\u000dBob"
    assert in_one_line("Ann\nBob") == "Ann\\u000aBob"
