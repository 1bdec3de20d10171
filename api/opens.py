"""At which gates of a compound a pass opens, and at which it was used."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from api.context import Context
from gate.errors import Sentence
from gate.fleet.status import read_status
from gate.store.compound import gates, items, outbox, proposals, records
from gate.store.compound.entries import RegisterKind
from gate.store.compound.proposals import Because
from gate.store.compound.role import Part, part
from gate.store.people import uses
from gate.store.people.passes import Pass
from gate.store.site import areas

SPENT = Sentence(
    "Each use is known at all gates after about a second. A gate whose line is cut hears of none: the pass opens there"
    " as often as it says, whatever was used elsewhere meanwhile."
)
"""What is to be known of how often a pass opens, where there are several gates."""
_EVERY = Sentence("every gate of the compound")
_OF_HOST = Sentence("every gate at which whom they visit is let in")
_HERE = Sentence("this gate alone")
_WAITS = Sentence("this gate now, the others once the centre took it")
_WAITS_LONG = Sentence("this gate now, the others once the centre took it, which cannot be reached now")
_CODE = Sentence("this gate alone: its number is somebody else's at another gate. Take it back and make another")
_NOT_TAKEN = Sentence(
    "this gate alone: the centre did not take it. Upgrade the centre and this gate to the same version"
)
_ANOTHER = Sentence("another gate")
_SHOWN = 20


class Opens(StrEnum):
    """Which gates a pass opens."""

    EVERY_GATE = "every_gate"
    GATES_OF_HOST = "gates_of_host"
    """Every gate at which whom they visit is let in, who has an area."""
    THIS_GATE = "this_gate"
    WAITS = "waits"
    """This gate now, the others once the centre took it."""


@dataclass(frozen=True, slots=True)
class Used:
    """A use of a pass: at which gate, and when (ISO 8601, UTC)."""

    gate: str | Sentence
    at: str


def is_of_several(connection: sqlite3.Connection) -> bool:
    """Whether there are several gates."""
    return part(connection) is not Part.ALONE


def opens(connection: sqlite3.Connection, one: Pass) -> Opens | None:
    """Which gates it opens; None where there is this one alone, or it is taken back."""
    where = part(connection)
    if where is Part.ALONE or one.revoked_at is not None:
        return None
    on_register = items.version_of(connection, RegisterKind.PASS, one.id) is not None
    if where is Part.CENTRE:
        on_register = on_register and outbox.entry_of(connection, RegisterKind.PASS, one.id) is not None
    if on_register:
        return Opens.EVERY_GATE if one.host_gates is None else Opens.GATES_OF_HOST
    waits, _ = proposals.of_pass(connection, one.id)
    return Opens.WAITS if waits else Opens.THIS_GATE


def said(state: Path, connection: sqlite3.Connection, one: Pass) -> Sentence | None:
    """The same in words, with the reason where it is not every gate."""
    match opens(connection, one):
        case None:
            return None
        case Opens.EVERY_GATE:
            return _EVERY
        case Opens.GATES_OF_HOST:
            return _OF_HOST
        case Opens.WAITS:
            link = read_status(state)
            return _WAITS if link is not None and not link.cut_off else _WAITS_LONG
    _, because = proposals.of_pass(connection, one.id)
    if because is None:
        return _HERE
    return _CODE if because is Because.CODE else _NOT_TAKEN


def where_to(context: Context, connection: sqlite3.Connection, one: Pass) -> list[str] | None:
    """For whoever comes by it: the names of the gates that it opens; None for every gate of the compound."""
    match opens(connection, one):
        case Opens.EVERY_GATE:
            return None
        case Opens.GATES_OF_HOST:
            names = {gate: name for area in areas.every(connection) for gate, name in area.gates.items()}
            return sorted(names[gate] for gate in one.host_gates or () if gate in names) or [context.gate]
    return [context.gate]


def used(context: Context, connection: sqlite3.Connection, one: Pass) -> list[Used]:
    """The latest of the uses that count, the first one first, where there are several gates."""
    if not is_of_several(connection):
        return []
    names = gates.names(connection) | {records.own_gate(connection): context.gate}
    counted = [use for use in uses.of_pass(connection, one.id) if not use.given_back]
    return [Used(names.get(use.gate, _ANOTHER), use.at) for use in sorted(counted, key=lambda use: use.at)[-_SHOWN:]]
