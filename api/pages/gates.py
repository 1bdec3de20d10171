"""The centre's page of its gates: how each is now, how far behind, what is ordered of their doors and what came of
it, and who is still to be forgotten where."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Any
from unicodedata import east_asian_width

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from api.actors import Doorkeeper, Watcher
from api.auth import Actor, Permission
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.gates import GateNow, gates_now, is_quiet, leads_gates, order, own_id
from api.pages.page import gate_clock, language_of, page, said_of
from api.pages.told_once import then, told_once
from api.problems import HttpProblem
from api.telling import Done
from api.v1.door import Given
from api.v1.live import Changes
from api.wording import ORDER_REASONS, TROUBLES
from gate.care.health import words_of_fault
from gate.errors import Refusal, Sentence
from gate.fleet.centre_status import CentreStatus, read_status, trouble_of_brokers
from gate.store.compound import door_orders, forgotten, gates, records, site_map, succession
from gate.store.compound.door_orders import Came, DoorOrder
from gate.store.compound.forgotten import Standing
from gate.store.compound.site_map import Place
from gate.store.record import audit

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/gates")

_LOOKED_THROUGH = 200
_SHOWN = 10
_ORDERS_SHOWN = 5
# For so long an alarm stands above all else, as on the page Today.
_ALARM_STANDS = timedelta(hours=12)
# An order that every gate has answered is shown for so long.
_ORDER_SHOWN_FOR = timedelta(hours=1)
# What stands open or is barred where it should not be, so that whoever looks sees it first.
_ALARMING = ("forced", "held_open")
_IN_A_FIRE, _PULSES = ("fire", "fire_pause"), ("pulse", "extended_pulse", "egress")
# A cell of the map, and the letters that it has room for.
_CELL_WIDE, _CELL_HIGH, _NAME_WIDE = 100, 90, 11


@dataclass(frozen=True, slots=True)
class Card:
    """One gate, as it is shown."""

    now: GateNow
    unproved: int
    """How many who were erased are not proved to be forgotten there."""

    @property
    def locked(self) -> bool:
        """Whether it says that it is locked down, or blocked after tampering."""
        state = self.now.state
        return self.now.reached and state is not None and bool({"lockdown", "tamper_block"} & {*state.standing})

    @property
    def alarming(self) -> bool:
        """Whether its leaf is not as it should be."""
        state = self.now.state
        return self.now.reached and state is not None and state.leaf in _ALARMING

    @property
    def problems(self) -> list[Sentence]:
        """What it says that is wrong with it."""
        state = self.now.state
        if state is None or not self.now.reached or not self.now.is_said_lately:
            return []
        words = [
            TROUBLES.get(one) or Sentence("The gate reports a trouble: {word}.", word=one) for one in state.troubles
        ]
        return [*map(words_of_fault, state.faults), *words]


class Look(StrEnum):
    """How a gate is drawn, each with a sign of its own beside the colour."""

    CLOSED = "closed"
    OPEN = "open"
    LOCKED = "locked"
    ALARM = "alarm"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A gate on the map: where its corner is, what of its name fits there, and how it looks."""

    card: Card
    x: int
    y: int
    short: str
    look: Look


@dataclass(frozen=True, slots=True)
class SiteMap:
    """All gates as they are drawn, row by row, and how large that is, in units of the drawing."""

    width: int
    height: int
    gates: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order as it is shown: what, by whom, when, at how many of how many it was done, and where not and why."""

    what: Sentence
    name: str
    at: str
    done: int
    of: int
    others: tuple[tuple[str, Sentence], ...]


@router.get("")
def show_gates(request: Request, connection: Store, context: Shared, actor: Watcher, part: str = "") -> Response:
    """All gates at a glance."""
    refuse_where_no_centre(context)
    if part == "live":
        changes: Changes = request.app.state.changes
        status = read_status(context.state)
        key = ("gates", language_of(request).tag, actor.permissions, repr(status))
        live = changes.made_once(key, lambda: _live(request, connection, context, actor, status))
        return HTMLResponse(live, headers=gate_clock())
    values = _now(connection, context, actor, read_status(context.state)) | said_of(request, told_once(request))
    return page(request, "gates.html", actor=actor, **values)


@router.post("/orders/{what}")
def order_doors(
    request: Request,
    what: DoorOrder,
    connection: Store,
    context: Shared,
    actor: Doorkeeper,
    gate: Annotated[list[str] | None, Form(max_length=1000)] = None,
    given: Annotated[Given, Form()] = None,
) -> Response:
    """Order this of the doors of these gates, or of all. What each answers is shown on the page."""
    refuse_where_no_centre(context)
    problem = _order(connection, context, actor, what, gate, given)
    words = problem or Sentence("Ordered. What each gate answers stands below.")
    if "application/json" in request.headers.get("accept", ""):
        said = {"said": language_of(request)(words), "good": problem is None, "modes": ()}
        return JSONResponse(said, headers=gate_clock())
    return then(request, "/gates", Done(notice=words) if problem is None else Done(problem=words))


def _order(
    connection: sqlite3.Connection, context: Context, actor: Actor, what: DoorOrder, chosen: Sequence[str] | None,
    given: float | None,
) -> Sentence | None:  # fmt: skip
    """Why it was not ordered; None: it was."""
    whom = [one for one in gates.every(connection) if chosen is None or one.id in chosen]
    here = chosen is None or own_id(connection) in chosen
    if not whom and not here:
        return Sentence("Choose at least one gate. Nothing was ordered.")
    try:
        order(connection, context, actor, what, whom, here=here, given=given)
    except Refusal as refusal:
        return refusal.sentence
    return None


def refuse_where_no_centre(context: Context) -> None:
    """Raises HttpProblem where this machine is no centre."""
    if not leads_gates(context):
        raise HttpProblem(404, "There is no such page.")


def _live(
    request: Request, connection: sqlite3.Connection, context: Context, actor: Actor, status: CentreStatus | None
) -> bytes:
    return bytes(page(request, "gates_live.html", actor=actor, **_now(connection, context, actor, status)).body)


def _now(connection: sqlite3.Connection, context: Context, actor: Actor, status: CentreStatus | None) -> dict[str, Any]:
    """What the page shows, the same for all who may see the same."""
    now = datetime.now(UTC)
    standing = forgotten.standing(connection, _LOOKED_THROUGH)
    unfinished = [one for one in standing if one.said or one.missing]
    cards = [_card(one, unfinished) for one in gates_now(connection, context, status, now)]
    names = {one.now.id: one.now.name for one in cards}
    given = door_orders.lately(connection, _ORDERS_SHOWN)
    waits = any(one.holds and None in one.outcomes.values() and one.what is DoorOrder.LOCKDOWN for one in given)
    return {
        "cards": cards,
        "map": _drawn(cards, site_map.kept(connection)),
        "ordered": [_told(one, names) for one in given if _is_shown(one, now)],
        "any_locked": waits or any(one.locked for one in cards),
        "duress": _duress(connection, names) if actor.may(Permission.RECORD) else [],
        "superseded": succession.superseded(connection) is not None,
        "keys_lost": status is not None and status.keys_lost,
        "quiet": is_quiet(status, now),
        "connected": status is not None and status.connected,
        "brokers": trouble_of_brokers([one.name for one in gates.with_brokers(gates.every(connection))], status),
        "due": 0 if status is None else status.due,
        "entries": 0 if status is None else status.entries,
        "most": _LOOKED_THROUGH,
        "unfinished": unfinished[:_SHOWN] if actor.may(Permission.PEOPLE) else [],
        "more": max(0, len(unfinished) - _SHOWN),
    }


def _drawn(cards: Sequence[Card], kept: Mapping[str, Place]) -> SiteMap:
    """The map of the gates, whoever was placed nowhere with them."""
    places = site_map.arranged([one.now.id for one in cards], kept)
    wide = max(one.column for one in places.values())
    gates = [
        Drawn(
            one, (places[one.now.id].column - 1) * _CELL_WIDE, (places[one.now.id].row - 1) * _CELL_HIGH,
            _shortened(one.now.name), _look_of(one),
        )
        for one in sorted(cards, key=lambda one: places[one.now.id])
    ]  # fmt: skip
    return SiteMap(wide * _CELL_WIDE, max(one.row for one in places.values()) * _CELL_HIGH, tuple(gates))


def _look_of(card: Card) -> Look:
    state = card.now.state
    if not card.now.reached:
        return Look.UNKNOWN if card.now.is_here else Look.AWAY
    if state is None or state.mode is None:
        return Look.UNKNOWN
    if card.alarming or state.mode in _IN_A_FIRE:
        return Look.ALARM
    if card.locked:
        return Look.LOCKED
    stands_open = state.leaf not in (None, "shut") or state.mode in (*_PULSES, "manual_hold", "free_access")
    return Look.OPEN if stands_open else Look.CLOSED


def _shortened(name: str) -> str:
    """As much of a name as a cell of the map has room for; a Chinese sign takes the room of two letters."""
    room, fits = _NAME_WIDE, ""
    for sign in name:
        room -= 2 if east_asian_width(sign) in "WF" else 1
        if room < 0:
            return f"{fits[:-1]}…"
        fits += sign
    return fits


def _duress(connection: sqlite3.Connection, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """When somebody was forced lately, at which gate, by its id and its name; who it was is on the page of events."""
    found = records.duress(connection, audit.this_moment(), _ALARM_STANDS, _SHOWN)
    return [(one.at, one.gate_id, names.get(one.gate_id, one.gate_id)) for one in found]


def _is_shown(given: door_orders.Given, now: datetime) -> bool:
    is_open = given.holds and None in given.outcomes.values()
    return is_open or abs(now - datetime.fromisoformat(given.given_at)) <= _ORDER_SHOWN_FOR


_WHAT: dict[DoorOrder, Sentence] = {
    DoorOrder.OPEN: Sentence("Open once"),
    DoorOrder.LOCKDOWN: Sentence("Lock down"),
    DoorOrder.RELEASE: Sentence("End the lockdown"),
}
_WAITING: dict[DoorOrder, Sentence] = {
    DoorOrder.OPEN: Sentence("has not answered yet"),
    DoorOrder.LOCKDOWN: Sentence("not reached; it locks down when it is back"),
    DoorOrder.RELEASE: Sentence("not reached; its lockdown ends when it is back"),
}
_CAME: dict[str, Sentence] = {
    Came.VOID: Sentence("not done: something else was ordered since, or it was too late"),
    Came.UNKNOWN: Sentence("whether it was done cannot be told"),
    Came.SILENT: Sentence("its door does not answer"),
}
_TOO_LATE = Sentence("not reached, and it is not done there any more")


def _told(given: door_orders.Given, names: Mapping[str, str]) -> Ordered:
    # Two may be called the same.
    outcomes = [(names[gate], one) for gate, one in given.outcomes.items() if gate in names]
    others = tuple(sorted(((name, _why(given, one)) for name, one in outcomes if one != Came.DONE), key=itemgetter(0)))
    return Ordered(_WHAT[given.what], given.name, given.given_at, len(outcomes) - len(others), len(outcomes), others)


def _why(given: door_orders.Given, outcome: str | None) -> Sentence:
    if outcome is None:
        return _WAITING[given.what] if given.holds else _TOO_LATE
    return _CAME.get(outcome) or ORDER_REASONS.get(outcome) or Sentence("not done: {why}", why=outcome)


def _card(gate: GateNow, unfinished: Sequence[Standing]) -> Card:
    return Card(gate, sum(gate.id in {each.id for each in (*one.said, *one.missing)} for one in unfinished))
