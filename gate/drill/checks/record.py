"""What the gate says of itself, and what it writes down."""

from __future__ import annotations

import time
from contextlib import closing

from gate.care import backup
from gate.care.backup.restore import restore
from gate.drill.expect import expect, health, milliseconds
from gate.drill.rig import Rig
from gate.store.database import open_database
from gate.store.record import audit
from gate.vocabulary import Kind


def health_is_told(gate: Rig, _resident: str) -> str:
    """HTTP says what is alive and how fresh."""
    gate.rest()
    began = time.monotonic()
    found = health(gate)
    took = time.monotonic() - began
    expect(found["door"]["alive"] and found["vision"]["alive"], f"it says {found['problems']}")
    return f"answered in {milliseconds(took)}; the last frame is {found['vision']['last_frame_age_s']} s old"


def backup_of_a_running_gate_verifies(gate: Rig, _resident: str) -> str:
    """A backup taken while the gate works is whole, and can be restored."""
    made = backup.make(gate.state, gate.state / "backups", None)
    # Into a state of its own, which has no seal yet.
    found = restore(made.path, gate.state / "restored", unsealed=True)
    expect(found.backup.events == made.events, "events are missing")
    return f"{made.events} events, {made.residents} resident"


def record_accounts_for_every_grant(gate: Rig, _resident: str) -> str:
    """The record verifies, and every grant but those whose door was killed has exactly one outcome."""
    with closing(open_database(gate.state)) as connection:
        flaw = audit.verify(connection)
        lines = list(audit.lines(connection))
    expect(flaw is None, f"line {flaw.sequence if flaw else 0} is not whole")
    granted = [line.says.claim for line in lines if line.kind == Kind.GRANTED]
    outcomes = [line.says.grant for line in lines if line.kind == Kind.PASSAGE]
    starts = sum(line.kind == Kind.DOOR_STARTED for line in lines)
    expect(len(outcomes) == len(set(outcomes)), "a grant has two outcomes")
    expect(set(outcomes) <= set(granted), "an outcome has no grant")
    missing = len(set(granted) - set(outcomes))
    expect(missing < starts, f"{missing} grants have no outcome")
    return f"{len(lines)} lines, {len(granted)} grants, {missing} cut short by a killed door"
