"""What a check expects of the gate, and how it says what it saw."""

from __future__ import annotations

import json
from typing import Any

from gate.care.health import ask_api
from gate.drill.results import CheckFailed
from gate.drill.rig import Rig
from gate.errors import Sentence
from gate.processes.requests import ClaimReply, Reply
from gate.vocabulary import Reason

_LATENCY_MS = 50.0
# What a check saw that expects to be refused.
REFUSED = {
    Reason.LOCKDOWN: Sentence("refused: lockdown"),
    Reason.TAMPER: Sentence("refused: tamper block"),
    Reason.BUSY: Sentence("refused: the gate is opening already"),
    Reason.REPLAYED: Sentence("refused: it was used before"),
    Reason.STALE: Sentence("refused: not of this moment"),
    Reason.UNKNOWN: Sentence("refused: nobody who is enrolled"),
    Reason.NOT_ENROLLED: Sentence("refused: no longer enrolled"),
    Reason.MALFORMED: Sentence("refused: no message of ours"),
}


def expect(condition: object, otherwise: Sentence) -> None:
    """Raises CheckFailed with `otherwise` unless the condition holds."""
    if not condition:
        raise CheckFailed(otherwise)


def refused(reply: Reply | ClaimReply, reason: Reason) -> Sentence:
    """The reason of a refusal, which must be this one. Raises CheckFailed."""
    expect(
        not reply.granted and reply.reason is reason,
        Sentence("it answered {reply}", reply=str(reply.reason or "granted")),
    )
    return REFUSED[reason]


def soon(seconds: float) -> Sentence:
    """How long something took that must be at once."""
    expect(
        0 <= seconds * 1000 <= _LATENCY_MS,
        Sentence("it took {time}, more than {most} ms", time=milliseconds(seconds), most=f"{_LATENCY_MS:g}"),
    )
    return milliseconds(seconds)


def milliseconds(seconds: float) -> Sentence:
    """A duration in words."""
    return Sentence("{time} ms", time=f"{seconds * 1000:.1f}")


def press_exit(gate: Rig) -> float:
    """Press REX and let go once the relay moves; the seconds until it did."""
    pressed = gate.drive(rex=True)
    opened = gate.edge("relay", True, pressed)
    gate.drive(rex=False)
    return opened - pressed


def health(gate: Rig) -> dict[str, Any]:
    """What HTTP says of the gate's health."""
    found: dict[str, Any] = json.loads(ask_api(gate.state, "/api/health"))
    return found
