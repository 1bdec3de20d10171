"""What the gate says of itself, and what it writes down."""

from __future__ import annotations

import time
from contextlib import closing

from gate.care import backup
from gate.care.backup.restore import restore
from gate.drill.expect import expect, health, milliseconds
from gate.drill.rig import Rig
from gate.errors import Sentence
from gate.store.database import open_database
from gate.store.record import audit
from gate.vocabulary import Kind


def health_is_told(gate: Rig, _resident: str) -> Sentence:
    """HTTP says what is alive and how fresh."""
    gate.rest()
    began = time.monotonic()
    found = health(gate)
    took = time.monotonic() - began
    vision = found["vision"]
    alive = found["door"]["alive"] and (vision is None or vision["alive"])
    expect(alive, Sentence("it says {problems}", problems=found["problems"]))
    if vision is None:
        return Sentence("answered in {time}", time=milliseconds(took))
    return Sentence(
        "answered in {time}; the last frame is {age} s old",
        time=milliseconds(took), age=vision["last_frame_age_s"],
    )  # fmt: skip


def backup_of_a_running_gate_verifies(gate: Rig, _resident: str) -> Sentence:
    """A backup taken while the gate works is whole, and can be restored."""
    made = backup.make(gate.state, gate.state / "backups", None)
    # Into a state of its own, which has no seal yet.
    found = restore(made.path, gate.state / "restored", unsealed=True)
    expect(found.backup.events == made.events, Sentence("events are missing"))
    return Sentence("events: {events}, residents: {residents}", events=made.events, residents=made.residents)


def record_accounts_for_every_grant(gate: Rig, _resident: str) -> Sentence:
    """The record verifies, and every grant but those whose door was killed has exactly one outcome."""
    with closing(open_database(gate.state)) as connection:
        flaw = audit.verify(connection)
        lines = list(audit.lines(connection))
    expect(flaw is None, Sentence("line {number} is not whole", number=flaw.sequence if flaw else 0))
    granted = [line.says.claim for line in lines if line.kind == Kind.GRANTED]
    outcomes = [line.says.grant for line in lines if line.kind == Kind.PASSAGE]
    starts = sum(line.kind == Kind.DOOR_STARTED for line in lines)
    expect(len(outcomes) == len(set(outcomes)), Sentence("a grant has two outcomes"))
    expect(set(outcomes) <= set(granted), Sentence("an outcome has no grant"))
    missing = len(set(granted) - set(outcomes))
    expect(missing < starts, Sentence("grants without an outcome: {count}", count=missing))
    return Sentence(
        "lines: {lines}, grants: {granted}, cut short by a killed door: {missing}",
        lines=len(lines), granted=len(granted), missing=missing,
    )  # fmt: skip
