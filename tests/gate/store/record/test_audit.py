import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.store.record import audit
from gate.store.record.audit import Anchor
from gate.vocabulary import AuditEvent

LINES = 12


@pytest.fixture
def trail(store):
    for number in range(LINES):
        who = {"resident": f"id-{number % 3}", "name": f"Name {number % 3}"}
        audit.append(store, AuditEvent("granted", {"number": number}, who, f"id-{number % 3}"))
    return store


def test_a_whole_trail_verifies_and_reaches_its_anchor(trail):
    assert audit.verify(trail) is None
    assert audit.verify(trail, audit.anchor(trail)) is None
    assert [line.sequence for line in audit.lines(trail, last=3)] == [10, 11, 12]


@pytest.mark.parametrize(
    "column", ["kind", "at", "details", "commitments", "gate_id", "boot_id", "id", "hash", "previous"]
)
def test_one_changed_byte_is_found_at_its_line(trail, column):
    trail.execute("PRAGMA foreign_keys = OFF")
    (value,) = trail.execute(f"SELECT {column} FROM audit WHERE sequence = 7").fetchone()
    changed = re.sub(r"[0-9a-z](?=[^0-9a-z]*$)", lambda m: "1" if m[0] != "1" else "2", value)
    assert changed != value
    trail.execute(f"UPDATE audit SET {column} = ? WHERE sequence = 7", (changed,))
    flaw = audit.verify(trail)
    assert flaw is not None
    assert flaw.sequence == 7


def test_a_line_removed_from_the_middle_is_named(trail):
    trail.execute("PRAGMA foreign_keys = OFF")
    trail.execute("DELETE FROM audit WHERE sequence = 5")
    assert audit.verify(trail) == audit.Flaw(5, "the line is missing")


def test_a_removed_line_is_found_even_when_the_rest_is_renumbered(trail):
    trail.execute("PRAGMA foreign_keys = OFF")
    trail.execute("DELETE FROM audit WHERE sequence = 5")
    trail.execute("UPDATE audit SET sequence = sequence - 1 WHERE sequence > 5")
    flaw = audit.verify(trail)
    assert flaw is not None
    assert flaw.sequence == 5


def test_two_lines_swapped_are_found_at_the_first(trail):
    trail.execute("UPDATE audit SET sequence = -4 WHERE sequence = 4")
    trail.execute("UPDATE audit SET sequence = 4 WHERE sequence = 9")
    trail.execute("UPDATE audit SET sequence = 9 WHERE sequence = -4")
    flaw = audit.verify(trail)
    assert flaw is not None
    assert flaw.sequence == 4


def test_a_cut_end_is_found_against_the_anchor(trail):
    anchored = audit.anchor(trail)
    trail.execute("PRAGMA foreign_keys = OFF")
    trail.execute("DELETE FROM audit WHERE sequence = ?", (LINES,))
    assert audit.verify(trail) is None
    flaw = audit.verify(trail, anchored)
    assert flaw is not None
    assert flaw.sequence == LINES
    audit.append(trail, AuditEvent("granted", {}))
    refilled = audit.verify(trail, anchored)
    assert refilled is not None
    assert refilled.sequence == LINES


def test_an_anchor_of_another_trail_does_not_match(trail):
    flaw = audit.verify(trail, Anchor(3, "f" * 64))
    assert flaw is not None
    assert flaw.sequence == 3


def test_forgetting_a_person_leaves_the_chain_whole_and_the_others_named(trail):
    assert audit.forget(trail, "id-1") == 8
    assert audit.verify(trail) is None
    names = [line.personal.get("name") for line in audit.lines(trail)]
    assert names == ["Name 0", None, "Name 2"] * 4


def test_an_altered_personal_field_is_found(trail):
    (event,) = trail.execute("SELECT id FROM audit WHERE sequence = 8").fetchone()
    trail.execute("UPDATE audit_personal SET value = 'Name 9' WHERE event_id = ? AND field = 'name'", (event,))
    flaw = audit.verify(trail)
    assert flaw is not None
    assert flaw.sequence == 8
    assert "name" in flaw.problem


def test_the_same_name_commits_differently_each_time(trail):
    commitments = [line.commitments["name"] for line in audit.lines(trail)]
    assert len(set(commitments)) == LINES


def test_an_event_in_a_transaction_that_fails_leaves_no_line(trail):
    trail.execute("BEGIN IMMEDIATE")
    audit.append(trail, AuditEvent("granted", {}))
    trail.execute("ROLLBACK")
    assert audit.anchor(trail).sequence == LINES


@given(st.integers(1, LINES), st.text(max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_any_other_kind_on_any_line_is_found(trail, line, kind):
    (real,) = trail.execute("SELECT kind FROM audit WHERE sequence = ?", (line,)).fetchone()
    trail.execute("UPDATE audit SET kind = ? WHERE sequence = ?", (kind, line))
    flaw = audit.verify(trail)
    trail.execute("UPDATE audit SET kind = ? WHERE sequence = ?", (real, line))
    assert (flaw is None) == (kind == real)
    assert flaw is None or flaw.sequence == line
