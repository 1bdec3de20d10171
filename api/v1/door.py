"""The door: what it is doing, and what it is told."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api.asked_first import AskedFirst
from api.auth import Actor
from api.context import Context, Doorkeeper, Shared, Store, Watcher
from api.idempotency import IdempotencyKey, answered_once
from api.problems import RESPONSES, HttpProblem
from api.wording import REASONS
from gate.processes.wire import Message

router = APIRouter(route_class=AskedFirst, prefix="/api/v1/door", tags=["door"], responses=RESPONSES)

Order = Literal["open", "lockdown", "hold", "release"]


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
    status = context.ask_door("status")
    return Door(**{name: status[name] for name in Door.model_fields})


@router.post("/{order}")
def order_door(
    order: Order, context: Shared, connection: Store, actor: Doorkeeper, idempotency_key: IdempotencyKey = None
) -> Done:
    """Open once, lock down, hold open, or end a lockdown, a hold and a tamper block. On record with who asked."""

    def tell() -> str:
        tell_door(context, order, actor)
        return str(context.ask_door("status")["mode"])

    return Done(mode=answered_once(connection, actor, idempotency_key, (b"door", order.encode()), tell))


def tell_door(context: Context, order: Order, actor: Actor) -> Message:
    """Raises 409 where the door refuses."""
    answer = context.ask_door(order, actor)
    if not answer.get("granted"):
        reason = str(answer.get("reason"))
        raise HttpProblem(409, "The door refused: {why}.", reason=reason, why=REASONS.get(reason, reason))
    return answer
