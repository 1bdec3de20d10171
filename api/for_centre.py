"""What the api does for the centre that this gate follows, by way of the link: it says how the gate is, and gives the
door what the centre orders, as it does for whoever presses a button here."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version

from api.auth import Actor
from api.context import Context, store_of
from gate.care.health import HOT_C, LOW_DISK, MANY_UNWRITTEN, Health, Machine, door_status, gather, sees
from gate.errors import FacegateError
from gate.fleet.state import SAID_EVERY_S, GateState, Trouble, write_state
from gate.processes.client import LinkDown
from gate.processes.requests import Do
from gate.processes.status import DoorStatus, VisionStatus
from gate.store.compound import centre_orders
from gate.store.compound.centre_orders import Due
from gate.store.compound.door_orders import Came, DoorOrder
from gate.store.database import open_read_only
from gate.vocabulary import Reason

_log = logging.getLogger(__name__)

_ASK_DOOR_EVERY_S = 0.5
# Vision and the machine change slowly, and cost more to look at.
_LOOK_EVERY_S = 5.0
_ORDERS_EVERY_S = 0.1


async def say_state(context: Context) -> None:
    """For ever: keep the file of how this gate is true, from which the link says it to the centre."""
    said, said_mono, looked_mono, health = None, float("-inf"), float("-inf"), None
    running = version("facegate")
    while True:
        try:
            now = time.monotonic()
            if health is None or now - looked_mono >= _LOOK_EVERY_S:
                looked_mono = now
                health = await asyncio.to_thread(gather, context.state, by_face=context.by_face)
                door = health.door
            else:
                door = await asyncio.to_thread(door_status, context.state)
            state = state_of(running, health, door, now)
            if state != said or now - said_mono >= SAID_EVERY_S:
                await asyncio.to_thread(write_state, context.state, state)
                said, said_mono = state, now
        except (OSError, FacegateError) as error:
            _log.error("How this gate is cannot be said to its centre: %s", error)
            await asyncio.sleep(_LOOK_EVERY_S)
        await asyncio.sleep(_ASK_DOOR_EVERY_S)


def state_of(running: str, health: Health, door: DoorStatus | None, now: float) -> GateState:
    """Pure: how a gate of the version `running` is, by what its processes say at `now` (monotonic
    seconds); no name is in it."""
    troubles = tuple(_troubles(door, health.vision, health.machine, now, by_face=health.by_face))
    if door is None:
        return GateState(version=running, troubles=troubles, camera=health.by_face)
    return GateState(
        version=running, mode=door.mode, leaf=door.leaf, standing=door.standing, faults=door.faults,
        troubles=troubles, camera=health.by_face,
    )  # fmt: skip


def _troubles(
    door: DoorStatus | None, vision: VisionStatus | None, machine: Machine, now: float, *, by_face: bool
) -> Iterator[Trouble]:
    if door is None:
        yield Trouble.DOOR
    else:
        if door.code_fault:
            yield Trouble.CODES
        if door.store_fault or door.unwritten_events > MANY_UNWRITTEN:
            yield Trouble.RECORD
    if by_face and not sees(vision, now):
        yield Trouble.VISION
    if not machine.clock_trusted:
        yield Trouble.CLOCK
    if machine.disk_free_bytes < LOW_DISK or machine.no_more_files:
        yield Trouble.DISK
    if machine.temperature_c is not None and machine.temperature_c > HOT_C:
        yield Trouble.HEAT
    if machine.under_voltage:
        yield Trouble.POWER


async def carry_out(context: Context) -> None:
    """For ever: give the door what the centre ordered, as it comes."""
    while True:
        try:
            with closing(open_read_only(context.state)) as connection:
                while True:
                    if centre_orders.due(connection, time.monotonic()):
                        await asyncio.to_thread(carry_out_what_is_due, context)
                    await asyncio.sleep(_ORDERS_EVERY_S)
        except (sqlite3.Error, FacegateError) as error:
            _log.error("What the centre orders cannot be read: %s", error)
            await asyncio.sleep(_LOOK_EVERY_S)


def carry_out_what_is_due(context: Context) -> None:
    """Give the door each order that is due, and keep what came of it. Raises StoreError."""
    with store_of(context) as connection:
        for one in centre_orders.due(connection, time.monotonic()):
            if one.what is DoorOrder.OPEN:
                # Whatever becomes of this process, it is not opened twice.
                centre_orders.answer(connection, one.id, Came.UNKNOWN)
            outcome = _void(context, connection, one) or _ordered(context, one)
            if outcome is not None:
                centre_orders.answer(connection, one.id, outcome)


def _void(context: Context, connection: sqlite3.Connection, order: Due) -> str | None:
    """A late end of a lockdown ends the one that the centre ordered, and nothing that somebody did here since."""
    if order.what is not DoorOrder.RELEASE or not order.waited:
        return None
    door = door_status(context.state)
    if door is None or ("lockdown" in door.standing and centre_orders.is_the_centres(connection)):
        return None
    return Came.VOID


def _ordered(context: Context, order: Due) -> str | None:
    """What came of an order; None: the door has not done it, and it is tried again while it holds."""
    stands = order.what is not DoorOrder.OPEN
    # Who ordered a late end did not see how the gate is: that its housing was opened since, for one.
    late_end = order.what is DoorOrder.RELEASE and order.waited
    try:
        what = Do.END_LOCKDOWN if late_end else Do(order.what)
        reply = context.order_door(what, Actor(order.by, frozenset()), order.taken_mono)
    except LinkDown:
        return None if stands else Came.SILENT
    if reply.granted:
        return Came.DONE
    if reply.reason is Reason.STALE and stands:
        return None
    return (reply.reason or Reason.FAULT).value
