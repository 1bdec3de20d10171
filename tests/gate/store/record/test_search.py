"""Whatever is looked for in a long record is all that matches, and as little as possible is read for it."""

import json
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from gate.store.database import open_database
from gate.store.record import audit, search
from gate.store.record.search import MAX_PAGE, Search

LINES = 30_000
PEOPLE = [f"r{number:02}" for number in range(60)]
KINDS = ("granted", "denied", "passage", "looked_at")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(sequence):
    return (BEGAN + timedelta(minutes=sequence)).isoformat(timespec="milliseconds")


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A record without its hashes. Of its newest lines none tells of the last person, and most tell of the first."""
    rng = random.Random(11)
    with closing(open_database(tmp_path_factory.mktemp("long"))) as store:
        store.execute("BEGIN")
        for sequence in range(1, LINES + 1):
            kind = rng.choices(KINDS, (85, 12, 2, 1))[0]
            details = {"reason": rng.choice(("unknown", "unknown", "busy"))} if kind == "denied" else {}
            store.execute(
                "INSERT INTO audit (sequence, id, gate_id, boot_id, kind, at, mono, details, commitments, previous,"
                " hash) VALUES (?, ?, 'g', 'b', ?, ?, 1, ?, '{}', '', '')",
                (sequence, f"e{sequence}", kind, at(sequence), json.dumps(details)),
            )
            if kind == "granted":
                known = PEOPLE if sequence < 5_000 else PEOPLE[:-1]
                who = PEOPLE[0] if rng.random() < 0.85 else rng.choice(known)
                store.execute(
                    "INSERT INTO audit_personal VALUES (?, 'resident', ?, x'00', ?)", (f"e{sequence}", who, who)
                )
        store.execute("COMMIT")
        yield store


@pytest.fixture(scope="module")
def lines(long):
    return list(reversed(list(audit.lines(long))))


ABOUT = (None, tuple(PEOPLE[:1]), tuple(PEOPLE[1:4]), tuple(PEOPLE[-1:]), tuple(PEOPLE))
OF = ((), ("denied",), ("granted", "denied"), ("looked_at", "lockdown"))


def matches(line, asked):
    return (
        (asked.residents is None or line.personal.get("resident") in asked.residents)
        and (not asked.kinds or line.kind in asked.kinds)
        and (asked.reason is None or line.details.get("reason") == asked.reason)
        and (asked.since or "") <= line.at < (asked.until or "9")
    )


@pytest.mark.parametrize("reason", [None, "unknown"])
@pytest.mark.parametrize(
    "span", [{}, {"since": at(10_000), "until": at(25_000)}, {"since": at(20_000), "until": at(20_100)}]
)
def test_all_that_matches_is_found_and_in_order(long, lines, span, reason):
    for residents, kinds in product(ABOUT, OF):
        asked = Search(residents=residents, kinds=kinds, reason=reason, **span)
        wanted = [line.sequence for line in lines if matches(line, asked)]
        assert [line.sequence for line in search.page(long, asked, None, 150)] == wanted[:150], asked
        before = [number for number in wanted if number < LINES // 2][:MAX_PAGE]
        assert [line.sequence for line in search.page(long, asked, LINES // 2, MAX_PAGE)] == before, asked


def test_page_after_page_is_the_whole(long, lines):
    asked = Search(residents=tuple(PEOPLE), kinds=("granted", "denied"), until=at(6_000))
    assert [line.sequence for line in search.every(long, asked)] == [
        line.sequence for line in lines if matches(line, asked)
    ]


# With the most hundreds of SQLite's own steps that each may take: of one who is most of it, twenty thousand lines are
# counted first.
COMMON = {
    "all the people, and kinds without them": (Search(residents=tuple(PEOPLE), kinds=("denied", "granted")), 300),
    "one who is most of it": (Search(residents=tuple(PEOPLE[:1]), kinds=("denied", "granted")), 3_300),
    "a common reason, and kinds without it": (Search(reason="unknown", kinds=("granted", "came_along", "denied")), 150),
    "a common reason": (Search(reason="unknown"), 150),
    "anything": (Search(), 150),
}


@pytest.mark.parametrize(("asked", "most"), COMMON.values(), ids=COMMON)
def test_what_is_common_is_found_at_the_end_of_the_record(long, asked, most):
    steps = []
    long.set_progress_handler(lambda: steps.append(1), 100)
    assert len(search.page(long, asked, None, 150)) == 150
    long.set_progress_handler(None, 1)
    assert len(steps) < most
