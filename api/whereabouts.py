"""Where residents are, by the rule against passing a credential back: the door alone notes it, and forgets when asked.

Who is in is read from the store, so that the list is there in a fire though the door is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from api.context import Context
from api.problems import HttpProblem
from gate.door.hours import LocalTime
from gate.door.passback import Elsewhere, Last, is_forgotten, newest
from gate.errors import Sentence
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.store.people import elsewhere, homes, residents, whereabouts
from gate.store.people.changes import is_over
from gate.store.people.residents import Resident
from gate.store.people.whereabouts import LetThroughBy, Passed
from gate.vocabulary import Direction

_SILENT = Sentence(
    "The door does not answer, and it alone knows who is in; nothing was changed. Try again in a moment."
)


def forgive(context: Context, connection: sqlite3.Connection, resident: Resident | None, *, by: str) -> None:
    """Have the door forget where somebody is (None: where anybody is), so that nobody is refused for it. On record.

    Raises HttpProblem (503) where the door does not answer.
    """
    with closing(Client(socket_of(context.state, "door"))) as door:
        try:
            asking.forgive(door, None if resident is None else resident.id)
        except LinkDown as error:
            raise HttpProblem(503, _SILENT) from error
    whereabouts.say_forgiven(connection, resident, by=by)


@dataclass(frozen=True, slots=True)
class Inside:
    """Somebody who went in, as far as the gate saw, since when (ISO 8601, UTC), and by what they were let in."""

    resident: Resident
    since: str
    by: LetThroughBy | None
    at: str | None = None
    """The name of the other gate that saw it; empty: it is the centre's."""


@dataclass(frozen=True, slots=True)
class Muster:
    """Everybody who may come in today: who is in, who is nobody knows where, both by home and name, and how many were
    seen going out."""

    inside: tuple[Inside, ...]
    unknown: tuple[Resident, ...]
    outside: int


def muster(connection: sqlite3.Connection, now: LocalTime) -> Muster:
    """Who is in, as the rule against passing a credential back takes it at a time of the gate, by what it and the other
    gates saw last."""
    last = {
        one.resident: one
        for one in whereabouts.every(connection)
        if not is_forgotten(Last(one.way, datetime.fromisoformat(one.at).timestamp()), now)
    }
    there = _of_others(connection, last, now)
    for resident, seen in there.items():
        if seen.way is None:
            last.pop(resident, None)
        else:
            at = datetime.fromtimestamp(seen.wall, UTC).isoformat(timespec="milliseconds")
            last[resident] = Passed(resident, seen.way, at)
    went_in = [one for one in last.values() if one.way is Direction.IN]
    by = whereabouts.let_through_by(connection, [one for one in went_in if one.resident not in there])
    families = homes.grouped(residents.every(connection))
    people = [one for home in families for one in home.people]
    inside = tuple(
        Inside(one, last[one.id].at, by.get(one.id), there[one.id].gate if one.id in there else None)
        for one in people
        if one.id in last and last[one.id].way is Direction.IN
    )
    # Whoever was in as their last day ended is in until they are seen going out.
    expected = [one for one in people if not is_over(one.valid_until, now.at.date())]
    return Muster(inside, tuple(one for one in expected if one.id not in last), len(last) - len(went_in))


def _of_others(connection: sqlite3.Connection, own: Mapping[str, Passed], now: LocalTime) -> dict[str, Elsewhere]:
    """Of whom another gate saw more lately than this one: the latest of it, by their ids."""
    told: dict[str, list[Elsewhere]] = {}
    for one in elsewhere.of_others(connection):
        wall = datetime.fromisoformat(one.at).timestamp()
        told.setdefault(one.resident, []).append(Elsewhere(one.way, wall, one.name or ""))
    found = {}
    for resident, seen in told.items():
        latest, here = newest(seen, now), own.get(resident)
        if latest is not None and (here is None or datetime.fromisoformat(here.at).timestamp() < latest.wall):
            found[resident] = latest
    return found
