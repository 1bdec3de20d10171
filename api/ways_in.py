"""PINs, phones, cards and passes as the console and the API give them: the door seals each code."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from api.context import Context
from api.problems import HttpProblem
from enroll import codes
from enroll.codes import DrawnPass, DrawnPin, DrawnRolling
from gate.errors import Refusal, Sentence
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.store.people.passes import Wanted
from gate.store.people.residents import Resident
from gate.vocabulary import Method

_SILENT = Sentence(
    "The door does not answer, and it alone can take a PIN, a phone, a card or a pass; nothing was changed. Try"
    " again in a moment."
)
_NOT_SHOWN = Sentence("This card was shown too long ago, or is somebody's by now. Show it to the reader again.")


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card that was shown a moment ago and is nobody's. Its `id` means nothing elsewhere, and to nobody else."""

    id: str
    reader: str
    ending: str
    """Its last signs."""
    seconds_ago: float


def ways_of(resident: Resident, others: Collection[Method]) -> list[Method]:
    """By what a resident may come now; `others` beside their face."""
    return [one for one in Method if one in others or (one is Method.FACE and resident.templates)]


def draw_pin(context: Context, connection: sqlite3.Connection, resident: Resident, *, by: str) -> DrawnPin:
    """A new PIN for a resident, told once. Raises Refusal, and HttpProblem (503) where the door does not answer."""
    with _door(context) as door:
        return codes.new_pin(connection, partial(asking.seal, door), resident, by=by)


def draw_rolling(context: Context, connection: sqlite3.Connection, resident: Resident, *, by: str) -> DrawnRolling:
    """A new rolling code for their phone, told once. Raises Refusal, and HttpProblem (503)."""
    with _door(context) as door:
        return codes.new_rolling(connection, partial(asking.seal, door), resident, by=by)


def draw_pass(context: Context, connection: sqlite3.Connection, wanted: Wanted, *, by: str) -> DrawnPass:
    """A new pass for a visitor, told once. Raises Refusal and UsageError for what is none, and HttpProblem (503)."""
    with _door(context) as door:
        return codes.new_pass(connection, partial(asking.seal, door), wanted, context.now, by=by)


def shown_cards(context: Context) -> list[ShownCard]:
    """The cards of the last minute that are nobody's, the latest first. Raises HttpProblem (503)."""
    with _door(context) as door:
        found, now = asking.unknown_cards(door), time.monotonic()
    handle = context.card_handles.of
    return [ShownCard(handle(one), one.reader, one.ending, max(0.0, now - one.taken_mono)) for one in found]


def finder_of(context: Context, number: str) -> bytes:
    """What the card of this number is found by: what is kept of a request holds that, since a number could be tried
    out. Raises Refusal, and HttpProblem (503)."""
    with _door(context) as door:
        return codes.finder_of_number(partial(asking.seal, door), number)


def add_shown(
    context: Context, connection: sqlite3.Connection, resident: Resident, shown: str, label: str | None, *, by: str
) -> str:
    """Give a resident the card that was just shown, by the id of a `ShownCard`; its own id. Raises as above."""
    with _door(context) as door:
        found = asking.unknown_cards(door)
    card = next((one for one in found if context.card_handles.of(one) == shown), None)
    if card is None:
        raise Refusal(_NOT_SHOWN)
    return codes.card_as_found(connection, resident, card.finder, label, by=by)


@contextmanager
def _door(context: Context) -> Iterator[Client]:
    with closing(Client(socket_of(context.state, "door"))) as client:
        try:
            yield client
        except LinkDown as error:
            raise HttpProblem(503, _SILENT) from error
