"""The door: what it is doing, and what it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.actors import Doorkeeper, Watcher
from api.auth import Actor
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import IdempotencyKey, answered_once
from api.problems import RESPONSES, HttpProblem
from api.wording import ORDER_REASONS
from gate.processes.requests import Do
from gate.vocabulary import Reason

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1/door", tags=["door"], responses=RESPONSES)

Order = Literal["open", "lockdown", "hold", "close", "release"]
# When an order was given, by the seconds that the gate tells its followers (`api.v1.live`): a network may hold it back
# for minutes and deliver it then, when nobody waits for it any more.
Given = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]


class Door(BaseModel):
    """What the door is doing."""

    mode: str
    leaf: str | None
    standing: list[str]
    faults: list[str]
    signal: str | None
    relay: bool
    clock_trusted: bool


class Done(BaseModel):
    """The door did it, and is now in this mode."""

    mode: str


@router.get("")
def show_door(context: Shared, _actor: Watcher) -> Door:
    """What the door is doing now."""
    status = context.door_status()
    return Door(
        mode=status.mode,
        leaf=status.leaf,
        standing=list(status.standing),
        faults=list(status.faults),
        signal=status.signal,
        relay=status.relay,
        clock_trusted=status.clock_trusted,
    )


@router.post("/{order}")
def order_door(
    order: Order,
    context: Shared,
    connection: Store,
    actor: Doorkeeper,
    given: Annotated[Given, Query()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Done:
    """Open once, lock down, hold open, or end that. On record with who asked.

    `close` ends a hold and nothing else. `release` ends a lockdown, a hold and a tamper block alike, also one that
    somebody ordered since whoever asks last looked: ask for it where the end of a lockdown is meant.

    `given` is when it was given, by the seconds that `/api/v1/live` tells: what comes to the door more than three
    seconds later is refused (`stale`).
    """

    def tell() -> str:
        tell_door(context, order, actor, given)
        return context.door_status().mode

    return Done(mode=answered_once(connection, actor, idempotency_key, (b"door", order.encode()), tell))


def tell_door(context: Context, order: Order, actor: Actor, given: Given = None) -> None:
    """Give the door an order for `actor`. Raises HttpProblem (409) where it refuses."""
    reply = context.order_door(Do(order), actor, given)
    if not reply.granted:
        reason = reply.reason or Reason.FAULT
        raise HttpProblem(409, "That was not done: {why}.", reason=reason.value, why=ORDER_REASONS[reason])
