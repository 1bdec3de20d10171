"""People of one name: whose a name is in a home, and that nobody gets one by which two could not be told apart."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from gate.errors import ResidentRefusal
from gate.store.people import homes, residents
from gate.store.people.residents import Resident


def find(connection: sqlite3.Connection, name: str, unit: str | None) -> Resident | None:
    """The resident of this name, in this home where one is given; whoever has no home may live there.

    Of several who are written otherwise (other capitals, another width) the one who is written so. Raises Refusal where
    there are several still, with what to do.
    """
    found = _matching(connection, name, unit)
    if len(found) > 1:
        found = [one for one in found if one.name == name] or found
    if len(found) > 1:
        raise _several(name, unit, found)
    return found[0] if found else None


def refuse(connection: sqlite3.Connection, name: str, unit: str | None, *, besides: str | None = None) -> None:
    """Raises Refusal where somebody else of this name lives there, or nobody said where. `besides` is the id of whose
    name and home they are to be."""
    found = _matching(connection, name, unit, besides)
    if not found:
        return
    known = found[0]
    if unit is None:
        raise ResidentRefusal(
            "{name} is already enrolled; for another person of that name, give their home.", name=known.name
        )
    if known.unit is None:
        raise ResidentRefusal(
            "{name} is already enrolled, without a home. If this is another person, give that one a home first.",
            name=known.name,
        )
    raise ResidentRefusal(
        "{name} is already enrolled, in {home}. For another person of that name there, write into the name what tells"
        " them apart, for example: {name} (son).",
        name=known.name, home=known.unit,
    )  # fmt: skip


def _matching(
    connection: sqlite3.Connection, name: str, unit: str | None, besides: str | None = None
) -> list[Resident]:  # fmt: skip
    """Who may be meant: those of that home, else those without one; without a home all of that name."""
    called = [one for one in residents.called(connection, name) if one.id != besides]
    if unit is None:
        return called
    there = [one for one in called if homes.are_one(one.unit, unit)]
    return there or [one for one in called if one.unit is None]


def _several(name: str, unit: str | None, found: Sequence[Resident]) -> ResidentRefusal:
    if unit is None and len({homes.home_key(one.unit) if one.unit else None for one in found}) == len(found):
        return ResidentRefusal(
            "There are {count} residents called {name}; give their home.", count=len(found), name=name
        )
    pages = ", ".join(f"/residents/{one.id}" for one in found)
    return ResidentRefusal(
        "There are {count} residents called {name} who have one home, or none. Go on from the page of the one you mean,"
        " or write into their names what tells them apart, for example: {name} (son). Their pages: {pages}",
        count=len(found), name=name, pages=pages,
    )  # fmt: skip
