"""A record written anew verifies by itself, and not beside whoever saw the old one."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.care import backup, retention
from gate.care.backup.restore import restore
from gate.care.witnesses import of_backups
from gate.keep_settings import KeepSettings
from gate.store.database import open_database
from gate.store.record import audit
from gate.store.record.anchors import (
    EVERY_S,
    LINES_APART,
    Keeper,
    Witness,
    compare,
    due,
    heard,
    in_journal,
    in_text,
    said,
)
from gate.store.record.audit import Anchor, Moment
from gate.vocabulary import AuditEvent, Kind
from tests.forging import another_time, rewrite, without

NOW = time.time()
DAY = 86400.0


def happen(store, times=1, at=None):
    moment = Moment(0.0, at, True) if at is not None else None
    for _ in range(times):
        audit.append(store, AuditEvent(Kind.GRANTED, {"method": "face"}), moment)


def seen(store, at=NOW, keeper=Keeper.JOURNAL):
    return Witness(audit.anchor(store), keeper, at)


@pytest.fixture
def watched(store):
    """Thirty lines, and who saw the record after each ten."""
    witnesses = []
    for _ in range(3):
        happen(store, 10)
        witnesses.append(seen(store))
    return store, witnesses


def test_a_whole_record_agrees_with_all_who_saw_it(watched):
    store, witnesses = watched
    happen(store, 5)
    found = compare(store, witnesses, NOW)
    assert (found.flaw, found.held, found.newest) == (None, {Keeper.JOURNAL: 3}, witnesses[-1])


@pytest.mark.parametrize(
    ("first", "change", "named"),
    [
        (15, another_time, 11), (1, another_time, 1), (11, another_time, 11), (21, another_time, 21),
        (15, without(15), 11), (30, without(30), 30),
    ],
)  # fmt: skip
def test_a_record_written_anew_is_told_from_where_it_was_last_seen(watched, first, change, named):
    store, witnesses = watched
    rewrite(store, first, change)
    flaw = compare(store, witnesses, NOW).flaw
    assert flaw.sequence == named
    assert "the journal at 20" in flaw.problem
    assert compare(store, [], NOW).flaw is None, "without an anchor nobody knows"


def test_lines_after_the_last_that_was_seen_can_be_written_anew(watched):
    store, witnesses = watched
    happen(store, 5)
    rewrite(store, 31, another_time)
    assert compare(store, witnesses, NOW).flaw is None


def test_what_was_pruned_since_is_no_alarm_and_what_pruning_would_not_take_is(store):
    happen(store, 10, NOW - 100 * DAY)
    old = seen(store, NOW - 100 * DAY)
    happen(store, 10, NOW - 95 * DAY)
    last_gone = seen(store, NOW - 95 * DAY)
    happen(store, 10, NOW - DAY)
    young = seen(store, NOW - DAY / 2)
    retention.tidy(store, KeepSettings(), datetime.fromtimestamp(NOW, UTC), UTC)
    found = compare(store, [old, last_gone, young], NOW)
    assert (found.flaw, found.before_start, found.held) == (None, 1, {Keeper.JOURNAL: 2})
    # Whoever can write the database calls it pruning to make it forget.
    through = audit.Anchor(31, "f" * 64)
    audit.append(store, AuditEvent(Kind.TIDIED, {"through": through.sequence, "hash": through.hash}))
    store.execute("PRAGMA foreign_keys = OFF")
    store.execute("DELETE FROM audit WHERE sequence <= 31")
    store.execute("UPDATE audit_base SET sequence = 31, hash = ?", (through.hash,))
    rewrite(store, 32, lambda row: row)
    assert "less than a day after the journal" in compare(store, [young], NOW).flaw.problem


def test_a_line_may_be_pruned_soon_after_a_backup_saw_it(store):
    happen(store, 1, NOW - 100 * DAY)
    witness = seen(store, NOW - 60, Keeper.BACKUP)
    happen(store, 1, NOW)
    retention.tidy(store, KeepSettings(), datetime.fromtimestamp(NOW, UTC), UTC)
    assert (audit.base(store).sequence, compare(store, [witness], NOW).flaw) == (1, None)


@pytest.fixture
def restored(state, tmp_path):
    """A gate whose backup came back: its store, who saw it before the backup, and who between the two."""
    store = open_database(state)
    happen(store, 10)
    before = seen(store)
    path = backup.make(state, tmp_path, None).path
    happen(store, 20)
    lost = seen(store, time.time())
    store.close()
    restore(path, state)
    store = open_database(state)
    yield store, before, lost
    store.close()


def test_what_a_restore_replaced_is_explained_by_its_own_line(restored):
    store, before, lost = restored
    happen(store, 50)
    after = seen(store, time.time())
    found = compare(store, [before, lost, after], time.time())
    assert (found.flaw, found.lost, found.held) == (None, 1, {Keeper.JOURNAL: 2})


def test_a_restore_explains_nothing_that_was_seen_before_its_backup_after_it_or_beyond_it(restored):
    store, before, lost = restored
    happen(store, 5)
    late = time.time() + DAY
    for number, at, problem in (
        (before.anchor.sequence, NOW, "is not the one"),
        (lost.anchor.sequence - 15, late, "is not the one"),
        (lost.anchor.sequence + 1, lost.at, "ends before"),
    ):
        wrong = Witness(Anchor(number, "f" * 64), Keeper.JOURNAL, at)
        assert problem in compare(store, [wrong], late).flaw.problem


def test_pruning_keeps_what_a_restore_explains(restored):
    store, _, lost = restored
    happen(store, 5)
    later = datetime.now(UTC) + timedelta(days=100)
    retention.tidy(store, KeepSettings(), later, UTC)
    assert not [line for line in audit.lines(store) if line.kind == Kind.RESTORED]
    happen(store, 3, later.timestamp())
    assert audit.base(store).sequence < lost.anchor.sequence
    found = compare(store, [lost], later.timestamp())
    assert (found.flaw, found.lost) == (None, 1)


def test_a_backup_says_what_it_saw(state, store, tmp_path):
    happen(store, 3)
    backup.make(state, tmp_path, None)
    (witness,) = of_backups(tmp_path)
    assert (witness.anchor.sequence, witness.keeper) == (3, Keeper.BACKUP)
    assert compare(store, [witness], NOW).flaw is None
    rewrite(store, 2, another_time)
    assert "a backup at 20" in compare(store, [witness], NOW).flaw.problem


ANCHOR = Anchor(12, "ab" * 32)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"sequence": 12, "hash": "ab" * 32}),
        "Nov 25 gate facegate-door[7]: door: " + said(ANCHOR),
        json.dumps({"type": "facegate.granted", "data": {"head": {"sequence": 12, "hash": "ab" * 32}}}),
        json.dumps({"MESSAGE": "door: " + said(ANCHOR), "_SYSTEMD_UNIT": "facegate-door.service"}),
        "Nov 25 gate facegate-door[7]: door: The record cannot be written (" + said(ANCHOR) + ").\n" + said(ANCHOR),
        "not this\n{\n" + said(ANCHOR) + "\n[1]\n" + "[" * 50_000,
    ],
)
def test_anchors_are_found_in_whatever_kept_them(text):
    assert list(in_text(text)) == [ANCHOR]


@given(st.integers(1, 10**17), st.binary(min_size=32, max_size=32))
def test_what_is_said_is_heard(sequence, digest):
    assert heard("door: " + said(Anchor(sequence, digest.hex()))) == Anchor(sequence, digest.hex())


def test_only_the_doors_own_words_count_in_the_journal():
    entry = {"MESSAGE": "door: " + said(ANCHOR), "_SYSTEMD_UNIT": "facegate-door.service", "__REALTIME_TIMESTAMP": "5"}
    lines = [
        json.dumps(entry),
        json.dumps(entry | {"_SYSTEMD_UNIT": "facegate-api.service"}),
        json.dumps({name: value for name, value in entry.items() if name != "_SYSTEMD_UNIT"}),
        json.dumps(
            entry | {"MESSAGE": "door: The record cannot be written (door: " + said(ANCHOR) + "); tried again."}
        ),
        json.dumps(entry | {"MESSAGE": "door: It cannot be written: " + said(ANCHOR)}),
        json.dumps(entry | {"MESSAGE": [114, 101]}) + " record anchor",
        "record anchor {",
    ]
    assert list(in_journal(lines, "facegate-door.service")) == [Witness(ANCHOR, Keeper.JOURNAL, 5e-6)]


@pytest.mark.parametrize(
    ("last", "head", "after_s", "said_now"),
    [
        (None, 1, 0, True), (5, 5, 1e6, False), (5, 6, EVERY_S - 1, False), (5, 6, EVERY_S, True),
        (5, 5 + LINES_APART, 0, True), (5, 4 + LINES_APART, 0, False), (500, 3, EVERY_S, True),
    ],
)  # fmt: skip
def test_the_door_says_an_anchor_when_there_is_something_new_to_say(last, head, after_s, said_now):
    before = None if last is None else Anchor(last, "0" * 64)
    assert due(before, 100.0, Anchor(head, "1" * 64), 100.0 + after_s) is said_now
