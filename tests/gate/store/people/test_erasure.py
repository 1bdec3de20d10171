"""What is erased is in no file any more, and the record says so and verifies."""

import sqlite3
import sys
from contextlib import closing

import pytest

from gate.store import write_ahead_log
from gate.store.database import database_of, open_read_only
from gate.store.people import erasure, receipts, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit

MARK = bytes(range(256))


def test_erasing_leaves_neither_name_nor_template_in_any_file(store, state):
    template = Template("m", "photo a.jpg", {}, MARK)
    resident = residents.enrol(store, "Wang Fang Unmistakable", None, [template], NO_PERSON)
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert MARK in everything
    erasure.remove(store, resident, by="test")
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert MARK not in everything
    assert b"Unmistakable" not in everything
    assert resident.id.encode() not in everything
    assert residents.every(store) == []
    assert audit.verify(store) is None
    assert [line.kind for line in audit.lines(store)] == ["enrolled", "erased"]


def files_of(state):
    return b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())


def test_while_somebody_reads_what_was_before_it_goes_as_soon_as_they_have(store, state):
    """As an export of the record that waits in a pager, a backup, or a look through the whole record."""
    store.execute("PRAGMA busy_timeout = 100")
    people = [residents.enrol(store, f"Unmistakable {number}", None, []) for number in range(3)]
    with closing(open_read_only(state)) as reader:
        lines = audit.lines(reader)
        next(lines)
        for person in people:
            erasure.remove(store, person, by="test")
        assert b"Unmistakable" in files_of(state), "nothing was to be waited for"
        assert not write_ahead_log.empty_where_marked(store)
        lines.close()
        assert write_ahead_log.empty_where_marked(store)
    assert b"Unmistakable" not in files_of(state)
    assert [path.name for path in state.rglob("erasing.*")] == []
    assert store.execute("PRAGMA busy_timeout").fetchone() == (100,)


def test_what_was_erased_by_a_command_that_was_killed_then_goes_from_the_log(store, state, monkeypatch):
    person = residents.enrol(store, "Unmistakable", None, [])
    with monkeypatch.context() as killed:
        killed.setattr(write_ahead_log, "empty", lambda _: sys.exit("killed"))
        with pytest.raises(SystemExit):
            erasure.remove(store, person, by="test")
    assert b"Unmistakable" in files_of(state)
    assert write_ahead_log.empty_where_marked(store)
    assert b"Unmistakable" not in files_of(state)


def test_an_erasure_in_old_copies_says_nothing_of_the_databases_own_log(store, state):
    store.execute("PRAGMA busy_timeout = 100")
    person = residents.enrol(store, "Unmistakable", None, [])
    for _ in range(3):
        residents.enrol(store, "Li Na", None, [])
    with closing(sqlite3.connect(database_of(state).with_name("facegate.db.before-restore"))) as copy:
        store.backup(copy)
    with closing(open_read_only(state)) as reader:
        lines = audit.lines(reader)
        next(lines)
        erasure.remove(store, person, by="test")
        lines.close()
    assert b"Unmistakable" in files_of(state)
    assert write_ahead_log.empty_where_marked(store)
    assert b"Unmistakable" not in files_of(state)


def test_several_erased_at_once_are_one_receipt_on_whichever_page_it_stands(store):
    for number in (1, 5, 1, 3):
        people = [residents.enrol(store, "Li Na", None, []) for _ in range(number)]
        one = erasure.remove_together(store, people, by="test")
        erasure.remove(store, residents.enrol(store, "Li Na", None, []), by="test")
        assert receipts.found(store, one.id).receipt.people == number
    whole = [one.receipt.people for one in receipts.newest(store, None, 50)]
    assert whole == [1, 3, 1, 1, 1, 5, 1, 1]
    for count in (1, 2, 3):
        paged, before = [], None
        while some := receipts.newest(store, before, count):
            paged += [one.receipt.people for one in some]
            before = some[-1].first
        assert paged == whole


def test_receipts_are_listed_by_as_few_questions_however_many_they_are(store):
    asked = []
    for number in (1, 30):
        erasure.remove_all(store, [residents.enrol(store, "Li Na", None, []) for _ in range(number)], by="test")
        store.set_trace_callback(asked.append)
        receipts.newest(store, None, 50)
        store.set_trace_callback(None)
    assert len(receipts.newest(store, None, 50)) == 31
    assert len(asked) == 2 * 4
