"""A million lines of the record: each page, filter and search of the console, and the export, in time and memory."""

import json
import random
import resource
import threading
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime

import pytest

from gate.care import retention
from gate.keep_settings import KeepSettings
from gate.store.database import open_database, transaction
from gate.store.people import residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.vocabulary import AuditEvent

pytestmark = pytest.mark.soak

LINES = 1_000_000
PEOPLE = 2_000
AT_MOST_MS = 100
# How often each is asked: of twenty the p95 would be the second worst, and that is a checkpoint or a cold page.
ASKED = 100
BEGAN = 1_750_000_000


@pytest.fixture
def lived(store, staff):
    """Two years of a busy gate, written without their hashes: what is measured is the finding."""
    rng = random.Random(7)
    people = [
        residents.enrol(store, f"Person {number}", f"{number // 100}-{number % 100}", []) for number in range(PEOPLE)
    ]
    first = audit.anchor(store).sequence + 1

    def lines():
        for sequence in range(first, LINES + 1):
            at = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime(BEGAN + 60 * sequence))
            kind = rng.choices(("granted", "denied", "pulse", "passage", "looked_at"), (30, 10, 30, 28, 2))[0]
            details = {"method": "face", "similarity": 0.7}
            if kind == "denied":
                details["reason"] = rng.choice(("unknown", "unknown", "too_far", "turned_away", "busy"))
            yield (
                sequence,
                str(uuid.UUID(int=(sequence << 80) | (7 << 76) | (8 << 60) | sequence)),
                kind,
                at,
                json.dumps(details),
            )

    store.execute("PRAGMA synchronous = OFF")
    store.execute("BEGIN")
    store.executemany(
        "INSERT INTO audit (sequence, id, gate_id, boot_id, kind, at, mono, details, commitments, previous, hash)"
        " VALUES (?, ?, 'g', 'b', ?, ?, 1, ?, '{}', '', '')",
        lines(),
    )
    store.execute(
        "INSERT INTO audit_personal SELECT a.id, 'resident', r.id, zeroblob(32), r.id FROM audit a"
        " JOIN residents r ON r.number = 1 + a.sequence % ? WHERE a.kind = 'granted'", (PEOPLE,),
    )  # fmt: skip
    store.execute("COMMIT")
    return people


QUERIES = {
    "newest": "",
    "let in": "what=entries",
    "refused": "what=refusals",
    "refused for a common reason": "reason=unknown",
    "refused for a rare reason": "what=refusals&reason=busy",
    "for no reason there is": "reason=lockdown",
    "a common reason, of what never has it": "what=door&reason=unknown",
    "alarms, of which there are none": "what=alarms",
    "one person": "person=Person 77",
    "one home": "person=3-14",
    "all the people": "person=person",
    "nobody": "person=zzz",
    "one hour": "since=2026-03-01T09:00&until=2026-03-01T10:00",
    "one year": "since=2026-01-01T00:00&until=2026-12-31T00:00",
    "one person in one month": "person=Person 77&since=2026-03-01T00:00&until=2026-04-01T00:00",
    "let in long ago": "what=entries&until=2025-07-01T00:00",
    "far back": "before=1000",
}


def test_each_search_of_a_million_events_is_quick(browser, lived):
    auditor, slow = browser("auditor"), []
    for name, query in QUERIES.items():
        took = []
        for _ in range(ASKED):
            began = time.perf_counter()
            assert auditor.get(f"/events?{query}").status_code == 200
            took.append((time.perf_counter() - began) * 1000)
        p50, p95 = sorted(took)[ASKED // 2], sorted(took)[int(ASKED * 0.95)]
        print(f"{name:35} p50 {p50:6.1f} ms, p95 {p95:6.1f} ms")
        slow += [name] if p95 > AT_MOST_MS else []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    export = auditor.get("/api/v1/events/export?format=csv&kind=denied")
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"export of {export.text.count(chr(10))} lines: {time.perf_counter() - began:.0f} s, {more} MB with the file")
    assert slow == []


def test_a_million_lines_verify_after_half_were_pruned_and_the_door_had_its_turn(store, state):
    now = datetime.now(UTC)
    with transaction(store):
        for number in range(LINES):
            wall = now.timestamp() - (LINES - number) * 15.552
            audit.append(store, AuditEvent("denied", {"reason": "unknown"}), Moment(0.0, wall, True))
    waited = []
    stop = threading.Event()

    def door():
        with closing(open_database(state)) as connection:
            while not stop.wait(0.05):
                began = time.perf_counter()
                audit.append(connection, AuditEvent("granted"))
                waited.append((time.perf_counter() - began) * 1000)

    writer = threading.Thread(target=door)
    writer.start()
    began = time.perf_counter()
    done = retention.tidy(store, KeepSettings(), now, UTC)
    took = time.perf_counter() - began
    stop.set()
    writer.join()
    print(f"\n{done.lines} lines pruned in {took:.0f} s; a line written meanwhile took at most {max(waited):.0f} ms")
    assert abs(done.lines - LINES / 2) < 10
    assert max(waited) < 1000
    began = time.perf_counter()
    assert audit.verify(store) is None
    print(f"the rest verifies in {time.perf_counter() - began:.0f} s")
