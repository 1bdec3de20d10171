"""The gates of a compound, at its centre: how each is, and what is ordered of their doors."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.actors import Doorkeeper, Watcher
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.gates import GateNow, gates_now, leads_gates, order, own_id
from api.idempotency import IdempotencyKey, answered_once
from api.problems import RESPONSES, HttpProblem
from api.v1.door import Given
from gate.fleet.centre_status import read_status
from gate.store.compound import door_orders, gates
from gate.store.compound.door_orders import DoorOrder

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1/gates", tags=["gates"], responses=RESPONSES)

_MOST_GATES = 1000
_MOST_LISTED = 200


class GateDoor(BaseModel):
    """What the door of a gate is doing, as the gate said last."""

    mode: str | None = Field(description="Null: the door does not answer there.")
    leaf: str | None
    standing: list[str]
    faults: list[str]


class Gate(BaseModel):
    """A gate of the compound. Times are ISO 8601, UTC."""

    id: str
    name: str
    here: bool = Field(description="Whether it is the centre's own, at which this is asked.")
    reached: bool = Field(description="Whether it was heard in the last 25 seconds.")
    heard_at: str | None = Field(description="Null: not since the centre was started, or it is its own.")
    up_to_date: bool | None = Field(description="Whether it has every change; null: it was not heard.")
    version: str | None
    door: GateDoor | None = Field(description="Null: it does not say how it is.")
    troubles: list[str] = Field(description="What else is wrong with it.")


class NewOrder(BaseModel):
    """An order to the doors of some gates, or of all."""

    model_config = ConfigDict(extra="forbid")
    what: DoorOrder
    gates: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=_MOST_GATES)] | None = Field(
        None, description="Their ids; null: all, and the centre's own with them."
    )


class Order(BaseModel):
    """An order with what came of it."""

    number: int
    what: DoorOrder
    by: str
    given_at: str
    holds: bool = Field(description="Whether a gate that has not answered would still carry it out.")
    gates: dict[str, str | None] = Field(
        description="What came of it, by the ids of the gates: `done`; `void`: not done, and not done any more;"
        " `unknown`; `silent`: the door does not answer there; else the reason why not, as in the record. Null: the"
        " gate has not answered."
    )


@router.get("")
def list_gates(connection: Store, context: Shared, _actor: Watcher) -> list[Gate]:
    """The centre's own gate, and all that follow it, by their names."""
    _refuse_where_no_centre(context)
    return [_said(one) for one in gates_now(connection, context, read_status(context.state), datetime.now(UTC))]


@router.get("/orders")
def list_orders(
    connection: Store, context: Shared, _actor: Watcher, count: Annotated[int, Query(ge=1, le=_MOST_LISTED)] = 20
) -> list[Order]:
    """The newest orders, the latest first."""
    _refuse_where_no_centre(context)
    return [_shown(one) for one in door_orders.lately(connection, count)]


@router.get("/orders/{number}")
def show_order(number: int, connection: Store, context: Shared, _actor: Watcher) -> Order:
    """One order, with what each gate answered until now."""
    _refuse_where_no_centre(context)
    return _found(connection, number)


@router.post("/orders", status_code=201)
def order_doors(
    asked: NewOrder, connection: Store, context: Shared, actor: Doorkeeper,
    given: Annotated[Given, Query()] = None, idempotency_key: IdempotencyKey = None,
) -> Order:  # fmt: skip
    """Open once, lock down, or end that, at these gates. On record at each with who asked.

    It is answered as soon as it is on its way: ask for the order again to see what each gate answered. To open once
    holds for ten seconds; a lockdown until it is ended from the centre, so that a gate that is away locks down when it
    is back; its end for a day, which at a gate that is reached ends holding open and a tamper block too.

    `given` is as at `/api/v1/door/{order}`.
    """
    _refuse_where_no_centre(context)
    following, own = gates.every(connection), own_id(connection)
    chosen = {own, *(one.id for one in following)} if asked.gates is None else set(asked.gates)
    if not chosen:
        raise HttpProblem(422, "Choose at least one gate. Nothing was ordered.")
    if chosen - {own, *(one.id for one in following)}:
        raise HttpProblem(404, "There is no gate of one of these ids. Nothing was ordered.")
    whom = [one for one in following if one.id in chosen]

    def give() -> str:
        return str(order(connection, context, actor, asked.what, whom, here=own in chosen, given=given))

    said = (b"gates", asked.model_dump_json().encode())
    return _found(connection, int(answered_once(connection, actor, idempotency_key, said, give)))


def _refuse_where_no_centre(context: Context) -> None:
    if not leads_gates(context):
        raise HttpProblem(404, "This machine is not the centre of a compound.")


def _found(connection: sqlite3.Connection, number: int) -> Order:
    given = next((one for one in door_orders.lately(connection, _MOST_LISTED) if one.number == number), None)
    if given is None:
        raise HttpProblem(404, "There is no such order.")
    return _shown(given)


def _shown(given: door_orders.Given) -> Order:
    return Order(
        number=given.number, what=given.what, by=given.by, given_at=given.given_at, holds=given.holds,
        gates=dict(given.outcomes),
    )  # fmt: skip


def _said(gate: GateNow) -> Gate:
    state, status = gate.state, gate.status
    door = None
    if state is not None:
        door = GateDoor(mode=state.mode, leaf=state.leaf, standing=[*state.standing], faults=[*state.faults])
    return Gate(
        id=gate.id, name=gate.name, here=gate.is_here, reached=gate.reached,
        heard_at=None if status is None else status.heard_at,
        up_to_date=True if gate.is_here else None if status is None else not status.behind,
        version=(state.version or None) if state is not None else None, door=door,
        troubles=[] if state is None else [*state.troubles],
    )  # fmt: skip
