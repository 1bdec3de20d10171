"""The gate's own count of strangers a day."""

from datetime import UTC, datetime, timedelta

import pytest

from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.store.record.strangers import a_day
from gate.vocabulary import AuditEvent

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def happen(store):
    """Writes an event so many days and minutes before now."""

    def write(days, minutes, kind, **details):
        at = (NOW - timedelta(days=days, minutes=-minutes)).timestamp()
        audit.append(store, AuditEvent(kind, details), Moment(0, at, True))

    return write


def test_strangers_are_counted_and_residents_who_come_again_are_not(store, happen):
    assert a_day(store, NOW) is None
    for day in range(10, 0, -1):
        happen(day, 0, "denied", method="face", reason="unknown")
        happen(day, 10, "denied", method="face", reason="unknown")
        happen(day, 20, "denied", method="face", reason="unknown")
        happen(day, 20.5, "granted", method="face")
        happen(day, 30, "denied", method="face", reason="blurred")
        happen(day, 40, "denied", method="command", reason="lockdown")
    assert a_day(store, NOW) == 2


def test_a_young_record_tells_nothing_and_an_old_one_of_its_last_weeks(store, happen):
    happen(6, 0, "denied", method="face", reason="unknown")
    assert a_day(store, NOW) is None
    for minutes in range(10, 60):
        happen(5, 10 * minutes, "denied", method="face", reason="unknown")
    assert a_day(store, NOW + timedelta(days=1)) == 7
    assert a_day(store, NOW + timedelta(days=60)) is None
