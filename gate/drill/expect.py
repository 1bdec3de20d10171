"""What a check expects of the gate, and how it says what it saw."""

from __future__ import annotations

import json

from gate.care.health import ask_api
from gate.drill.results import CheckFailed
from gate.drill.rig import Rig
from gate.processes.requests import ClaimReply, Reply
from gate.vocabulary import Reason

_LATENCY_MS = 50.0


def expect(condition: object, otherwise: str) -> None:
    """Raises CheckFailed with `otherwise` unless the condition holds."""
    if not condition:
        raise CheckFailed(otherwise)


def refused(reply: Reply | ClaimReply, reason: Reason) -> str:
    """The reason of a refusal, which must be this one. Raises CheckFailed."""
    expect(not reply.granted and reply.reason is reason, f"it answered {reply}")
    return reason.value


def soon(seconds: float) -> str:
    """How long something took that must be at once."""
    expect(0 <= seconds * 1000 <= _LATENCY_MS, f"it took {milliseconds(seconds)}, more than {_LATENCY_MS:g} ms")
    return milliseconds(seconds)


def milliseconds(seconds: float) -> str:
    """A duration in words."""
    return f"{seconds * 1000:.1f} ms"


def press_exit(gate: Rig) -> float:
    """Press REX and let go once the relay moves; the seconds until it did."""
    pressed = gate.drive(rex=True)
    opened = gate.edge("relay", True, pressed)
    gate.drive(rex=False)
    return opened - pressed


def health(gate: Rig) -> dict[str, dict[str, object]]:
    """What HTTP says of the gate's health."""
    found: dict[str, dict[str, object]] = json.loads(ask_api(gate.state, "/api/health"))
    return found
