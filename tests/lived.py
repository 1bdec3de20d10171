"""A gate that has been lived with: residents by homes, and a month of its record."""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta

from gate.store.people import residents
from gate.store.record import audit

# One of many refusals is of somebody whom the gate does not know; what the others met.
_REASONS = ("unknown",) * 6 + ("too_far", "turned_away", "busy", "ambiguous", "too_dark")


def settle(store, count):
    """Enrol so many residents without a face, three to a home, in ten buildings; returns them."""
    rng = random.Random(5)
    surnames = ("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu")
    given = ("Xiaoming", "Fang", "Na", "Wei", "Jing", "Qiang", "Lei", "Min", "Jun", "Yan")
    return [
        residents.enrol(store, f"{rng.choice(surnames)} {rng.choice(given)} {number}", _home(number // 3), [])
        for number in range(count)
    ]


def _home(number):
    return f"{1 + number % 10}-{101 + 100 * (number // 40) + number // 10 % 4}"


def live(store, people, lines, until=None):
    """Write so many lines of the last thirty days, without their hashes: to be found, not to be verified."""
    rng = random.Random(7)
    until = until or datetime.now(UTC)
    began = audit.anchor(store).sequence + 1
    moments = sorted(until - timedelta(seconds=rng.uniform(60, 30 * 86_400)) for _ in range(lines))
    rows, names = [], []
    for sequence, at in enumerate(moments, began):
        kind = rng.choices(("granted", "denied", "relay_pulse", "passage", "looked_at"), (30, 10, 30, 28, 2))[0]
        event = str(uuid.UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (8 << 60) | sequence))
        details = {"method": "face"} if kind == "granted" else {}
        if kind == "denied":
            details = {"reason": rng.choice(_REASONS)}
        rows.append((sequence, event, kind, at.isoformat(timespec="milliseconds"), json.dumps(details)))
        if kind == "granted":
            one = rng.choice(people)
            names += [(event, "resident", one.id, one.id), (event, "name", one.id, one.name)]
    store.execute("BEGIN")
    store.executemany(
        "INSERT INTO audit (sequence, id, gate_id, boot_id, kind, at, mono, details, commitments, previous, hash)"
        " VALUES (?, ?, 'g', 'b', ?, ?, 1, ?, '{}', '', '')", rows,
    )  # fmt: skip
    store.executemany("INSERT INTO audit_personal VALUES (?, ?, ?, zeroblob(32), ?)", names)
    store.execute("COMMIT")
