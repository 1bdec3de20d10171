"""What the record says of how well the gate serves."""

from datetime import datetime

import pytest

from gate.store.people import erasure, residents
from gate.store.record import audit, statistics, times
from gate.store.record.audit import Moment
from gate.store.record.search import refusals_since
from gate.vocabulary import AuditEvent

NINE = 1_780_300_800.0  # 2026-06-01T08:00:00Z
SPAN = ("2026-06-01T00:00:00+00:00", "2026-06-02T00:00:00+00:00")


@pytest.fixture
def happen(store):
    """Writes an event some seconds after nine."""

    def write(after, kind, someone=None, **details):
        personal = {"resident": someone.id, "name": someone.name} if someone else {}
        event = AuditEvent(kind, details, personal, someone.id if someone else None)
        audit.append(store, event, Moment(after, NINE + after, True))

    return write


def test_openings_and_refusals_are_counted_the_most_frequent_first(store, happen):
    for after, kind, details in (
        (1, "granted", {"method": "rex"}), (2, "granted", {"method": "face"}), (3, "granted", {"method": "face"}),
        (4, "denied", {"reason": "unknown"}), (100_000, "granted", {"method": "face"}),
    ):  # fmt: skip
        happen(after, kind, **details)
    found = statistics.of(store, *SPAN)
    assert list(found.openings.items()) == [("face", 2), ("rex", 1)]
    assert found.refusals == {"unknown": 1}


def test_what_the_console_and_programs_were_refused_is_no_refusal_at_the_gate(store, happen):
    happen(1, "denied", reason="lockdown", method="face")
    happen(2, "denied", reason="lockdown", method="command")
    happen(3, "denied", reason="stale", method="link")
    assert statistics.of(store, *SPAN).refusals == {"lockdown": 1}
    assert [(one.reason, one.count) for one in refusals_since(store, SPAN[0])] == [("lockdown", 1)]
    counts = times.quarters(store, *(datetime.fromisoformat(end) for end in SPAN))
    assert sum(one.refused for one in counts.values()) == 1


def test_who_is_often_refused_just_before_is_invited_to_enrol_again(store, happen):
    troubled, fine, rare = (residents.enrol(store, name, None, []) for name in ("Troubled", "Fine", "Rare"))
    for day in range(6):
        start = day * 1000
        happen(start, "denied", method="face", reason="unknown")
        happen(start + 5, "granted", troubled, method="face")
        happen(start + 7, "granted", fine, method="face")
    happen(7000, "denied", method="face", reason="unknown")
    happen(7001, "granted", rare, method="face")
    # Long before is another's try.
    happen(8000, "denied", method="face", reason="unknown")
    happen(8100, "granted", fine, method="face")
    (one,) = statistics.of(store, *SPAN).tries
    assert (one.name, one.openings, one.retried) == ("Troubled", 6, 6)
    erasure.remove(store, troubled, by="test")
    assert statistics.of(store, *SPAN).tries == ()


def test_who_came_along_came_in_and_a_gate_in_motion_is_no_try_of_theirs(store, happen):
    first, second = (residents.enrol(store, name, None, []) for name in ("First", "Second"))
    for day in range(6):
        start = day * 1000
        happen(start, "denied", method="face", reason="unknown")
        happen(start + 1, "came_along", second, method="face", **{"with": "c"})
        happen(start + 500, "denied", first, method="face", reason="busy")
        happen(start + 505, "granted", first, method="face")
    found = statistics.of(store, *SPAN)
    assert found.openings == {"face": 12}
    assert found.tries == ()


def test_hours_are_summed_and_what_has_not_ended_goes_on(store, happen):
    happen(0, "door_held_open")
    happen(1800, "door_held_open_over")
    happen(3600, "camera_lost", why="gone")
    found = statistics.of(store, SPAN[0], "2026-06-01T10:00:00+00:00")
    assert found.held_open_s == 1800
    assert found.without_camera_s == 3600


def test_the_last_drill_at_the_gate_counts_whenever_it_was(store, happen):
    assert statistics.of(store, *SPAN).drill is None
    happen(-50 * 86400, "drilled", simulated=True)
    assert statistics.of(store, *SPAN).drill.simulated
    happen(-40 * 86400, "drilled", failed=["fire"], simulated=False)
    happen(-30 * 86400, "drilled", failed=[], simulated=True)
    found = statistics.of(store, *SPAN).drill
    assert (found.at[:10], found.failed, found.proves) == ("2026-04-22", 1, False)
    happen(-20 * 86400, "drilled", failed=[], simulated=False)
    assert statistics.of(store, *SPAN).drill.proves
