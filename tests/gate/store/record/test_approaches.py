"""Lines of one coming to the gate stand together, and pages of them join without gap or overlap."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.store.people import residents
from gate.store.record import approaches, audit
from gate.store.record.audit import Moment
from gate.store.record.search import Search
from gate.vocabulary import AuditEvent
from tests.stores import new_store

NINE = 1_780_300_800.0  # 2026-06-01T08:00:00Z


def write(store, kind, at, details=None, who=None):
    personal = {"resident": who.id, "name": who.name} if who else {}
    audit.append(store, AuditEvent(kind, details or {}, personal, who and who.id), Moment(at, NINE + at, True))


def refusal(store, at, track, reason="unknown", who=None):
    write(store, "denied", at, {"method": "face", "reason": reason, "track": track, "claim": f"r{at}"}, who)


def grant(store, at, track, claim, who):
    write(store, "granted", at, {"method": "face", "track": track, "claim": claim}, who)


@pytest.fixture
def family(store):
    return [residents.enrol(store, name, "3-1204", []) for name in ("Wang Fang", "Wang Lei")]


def shown(store, search=None, **given):
    asked = search or Search(kinds=approaches.ANSWERS)
    return [[line.kind for line in one.lines] for one in approaches.page(store, asked, **given).approaches]


def test_a_pass_of_two_after_two_tries_is_one_and_a_stranger_among_them_another(store, family):
    refusal(store, 0.0, 7)
    refusal(store, 1.5, 7)
    refusal(store, 2.0, 9)
    grant(store, 3.0, 7, "c1", family[0])
    write(store, "came_along", 3.5, {"method": "face", "track": 8, "claim": "c2", "with": "c1"}, family[1])
    write(store, "passage", 5.0, {"grant": "c1", "outcome": "taken"})
    write(store, "relay_pulse", 8.0, {"seconds": 5.0})
    assert shown(store) == [
        ["relay_pulse", "passage", "came_along", "granted", "denied", "denied"],
        ["denied"],
    ]
    (first, _) = approaches.page(store, Search(kinds=approaches.ANSWERS)).approaches
    along, opened = first.answers
    assert [one.line.personal["name"] for one in (along, opened)] == ["Wang Lei", "Wang Fang"]
    assert [line.kind for line in opened.lines] == ["relay_pulse", "passage", "granted", "denied", "denied"]
    assert (len(first.refusals), len(opened.refused_before), along.lines) == (2, 2, (along.line,))


def test_who_looks_for_a_person_finds_the_whole_approach_and_no_other(store, family):
    refusal(store, 0.0, 1)
    grant(store, 2.0, 1, "c1", family[0])
    write(store, "passage", 4.0, {"grant": "c1", "outcome": "taken"})
    grant(store, 60.0, 2, "c2", family[1])
    about = Search(residents=(family[0].id,), kinds=approaches.ANSWERS)
    assert shown(store, about) == [["passage", "granted", "denied"]]


def test_a_track_of_the_same_number_long_afterwards_is_another(store):
    refusal(store, 0.0, 1)
    refusal(store, 30.0, 1)
    assert shown(store) == [["denied"], ["denied"]]


def test_lines_of_other_kinds_stand_alone(store):
    write(store, "passage", 0.0, {"grant": "gone", "outcome": "taken"})
    write(store, "looked_at", 1.0, {"what": "today", "by": "x"})
    assert shown(store, Search()) == [["looked_at"], ["passage"]]
    assert shown(store) == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(("denied", "granted", "passage")), st.integers(0, 3)), max_size=40),
    st.integers(1, 5),
)
def test_pages_join_without_gap_or_overlap(lines, count):
    store = new_store()
    for at, (kind, track) in enumerate(lines):
        details = {"grant": f"c{track}"} if kind == "passage" else {"track": track, "claim": f"c{track}"}
        write(store, kind, float(at), details)
    asked, before, pages = Search(kinds=approaches.ANSWERS), None, []
    while True:
        found = approaches.page(store, asked, before, count)
        pages.append(
            [line.sequence for one in found.approaches for line in one.lines if line.kind in approaches.ANSWERS]
        )
        if (before := found.next) is None:
            break
    seen = [number for one in pages for number in one]
    answers = [line.sequence for line in audit.lines(store) if line.kind in approaches.ANSWERS]
    assert set(seen) == set(answers)
    # What belongs to an approach of the page before is shown with both, and nothing is newer than what was shown.
    assert all(max(later) <= max(earlier) for earlier, later in pairwise(one for one in pages if one))
    store.close()
