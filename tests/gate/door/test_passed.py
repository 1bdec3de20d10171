"""Who went through by which grant, and which way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.door.passed import Passers, Went
from gate.vocabulary import AuditEvent, Direction, Kind

OUTCOMES = ("taken", "not_taken", "unknown")


def granted(grant, resident="wang", reader=None, kind=Kind.GRANTED):
    details = {"claim": grant} if reader is None else {"claim": grant, "reader": reader}
    return AuditEvent(kind, details, {}, resident)


def passage(grant, outcome="taken"):
    return AuditEvent(Kind.PASSAGE, {"grant": grant, "outcome": outcome})


def test_only_at_a_reader_on_the_inside_people_leave():
    passers = Passers(frozenset({"inner"}))
    assert [passers.way_at(one) for one in ("inner", "outer", None)] == [Direction.OUT, Direction.IN, Direction.IN]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(("reader", "way"), [("inner", Direction.OUT), ("outer", Direction.IN), (None, Direction.IN)])
def test_what_came_of_a_grant_is_told_once(outcome, reader, way):
    passers = Passers(frozenset({"inner"}))
    assert passers.heed(granted("g1", reader=reader)) is None
    assert passers.heed(passage("g1", outcome)) == Went("wang", way, outcome)
    assert passers.heed(passage("g1", outcome)) is None


def test_a_passage_after_what_was_no_grant_of_a_resident_is_nobodys():
    passers = Passers(frozenset())
    passers.heed(granted("denied", kind=Kind.DENIED))
    passers.heed(granted("along", kind=Kind.CAME_ALONG))
    passers.heed(granted("console", resident=None))
    assert [passers.heed(passage(one)) for one in ("denied", "along", "console", "never")] == [None] * 4


@given(st.integers(1, 40))
def test_of_grants_without_a_passage_the_last_sixteen_are_remembered(many):
    passers = Passers(frozenset())
    for number in range(many):
        passers.heed(granted(f"g{number}", resident=f"r{number}"))
    known = [number for number in range(many) if passers.heed(passage(f"g{number}")) is not None]
    assert known == list(range(many))[-16:]
