"""The gates of a centre, for its console and its API: how each is now, and what is ordered of their doors."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.acting import acting
from api.auth import Actor
from api.context import Context
from gate.care.health import door_status
from gate.config import is_centre
from gate.errors import Refusal
from gate.fleet.centre_status import CentreStatus, GateStatus
from gate.fleet.state import SILENT_AFTER_S, GateState
from gate.processes.client import LinkDown
from gate.processes.requests import Do
from gate.processes.status import DoorStatus
from gate.store.compound import door_orders, gates, succession
from gate.store.compound.door_orders import Came, DoorOrder
from gate.store.compound.gates import Gate
from gate.vocabulary import Reason

# The centre writes how its gates are every two seconds at least.
_CENTRE_QUIET_S = 15.0
# Whoever gives an order waits no longer.
_WAITED_S, _ROUNDED_S = 3.0, 1.0


@dataclass(frozen=True, slots=True)
class GateNow:
    """One gate as it is now. `state` is the last that it said, also where it is not reached any more."""

    id: str
    name: str
    is_here: bool = False
    """Whether it is this machine itself."""
    reached: bool = False
    status: GateStatus | None = None
    state: GateState | None = None
    is_said_lately: bool = False
    """Whether it said its state lately, or is this machine's own."""


def leads_gates(context: Context) -> bool:
    """Whether this machine is the centre of a compound."""
    return is_centre(context.settings, context.state)


def is_quiet(status: CentreStatus | None, now: datetime) -> bool:
    """Whether the centre itself does not say any more how its gates are."""
    return status is None or _age_s(status.at, now) > _CENTRE_QUIET_S


def gates_now(
    connection: sqlite3.Connection, context: Context, status: CentreStatus | None, now: datetime
) -> list[GateNow]:
    """This machine's own gate, and then all that follow it, by their names."""
    heard = {} if status is None else status.gates
    here = _here(own_id(connection), context.gate, door_status(context.state))
    return [here, *(_following(one, heard.get(one.id), now) for one in gates.every(connection))]


def own_id(connection: sqlite3.Connection) -> str:
    """The id of this machine's own gate."""
    return str(connection.execute("SELECT id FROM gate").fetchone()[0])


def order(
    connection: sqlite3.Connection, context: Context, actor: Actor, what: DoorOrder, whom: Sequence[Gate], *,
    here: bool, given: float | None = None,
) -> int:  # fmt: skip
    """Order this of the doors of these gates, and of this machine's own where `here`. Returns the order's number.

    `given` is when it was given, by the seconds that the gate tells its followers: what comes much later is refused.
    Raises Refusal where nothing was ordered.
    """
    if given is not None and not -_ROUNDED_S <= time.monotonic() - given <= _WAITED_S:
        raise Refusal("That came too late to the centre, and nothing was ordered. Press again.")
    if whom and succession.superseded(connection) is not None:
        raise Refusal("Another centre leads in the place of this one. Nothing was ordered: order it there.")
    own = own_id(connection)
    name = actor.user.name if actor.user else ""
    with acting(connection, actor):
        number = door_orders.give(connection, what, whom, by=actor.label, name=name, here=own if here else None)
    if here:
        door_orders.answer(connection, number, own, _ordered_here(context, actor, what))
    return number


def _ordered_here(context: Context, actor: Actor, what: DoorOrder) -> str:
    """What came of an order at this machine's own door."""
    try:
        reply = context.order_door(Do(what), actor)
    except LinkDown:
        return Came.SILENT
    return Came.DONE if reply.granted else (reply.reason or Reason.FAULT).value


def _here(identity: str, name: str, door: DoorStatus | None) -> GateNow:
    state = None
    if door is not None:
        state = GateState(version="", mode=door.mode, leaf=door.leaf, standing=door.standing, faults=door.faults)
    return GateNow(identity, name, True, door is not None, None, state, True)


def _following(gate: Gate, status: GateStatus | None, now: datetime) -> GateNow:
    reached = status is not None and _age_s(status.heard_at, now) <= SILENT_AFTER_S
    said_lately = status is not None and status.state_at is not None and _age_s(status.state_at, now) <= SILENT_AFTER_S
    state = None if status is None or (reached and not said_lately) else status.state
    return GateNow(gate.id, gate.name, False, reached, status, state, said_lately)


def _age_s(at: str, now: datetime) -> float:
    """How long ago that was, seconds; a clock that was set back since has nothing to say."""
    try:
        return abs((now - datetime.fromisoformat(at)).total_seconds())
    except (ValueError, TypeError):
        return float("inf")
