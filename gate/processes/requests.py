"""What one process may ask of another over its socket, and what it is answered.

A request is one message: `do` says what is asked, and beside it stand the fields of the value that belongs to it. A
claim and a lesson are those of `gate.vocabulary`; the others are here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gate.processes.fields import Malformed, written
from gate.processes.wire import Message
from gate.vocabulary import Kind, Reason


class Do(StrEnum):
    """All that can be asked: vision claims and offers what was learned to the door, readers present what is shown to
    them, both report; persons order it, the screen at the gate rings, and whoever enrols has it seal what a code is
    found by and hears which cards nobody knows; a status is asked of both, and a picture of vision."""

    CLAIM = "claim"
    PRESENT = "present"
    LEARN = "learn"
    REPORT = "report"
    STATUS = "status"
    OPEN = "open"
    LOCKDOWN = "lockdown"
    HOLD = "hold"
    CLOSE = "close"
    RELEASE = "release"
    END_LOCKDOWN = "end-lockdown"
    RELEASE_RELAY = "release-relay"
    FORGIVE = "forgive"
    RING = "ring"
    SEAL = "seal"
    UNKNOWN_CARDS = "unknown-cards"
    PREVIEW = "preview"


OF_DOOR = frozenset(Do) - {Do.PREVIEW}
OF_VISION = frozenset({Do.STATUS, Do.PREVIEW})


@dataclass(frozen=True, slots=True)
class Order:
    """A person's order to the door. `by` is whom the asking process speaks for, as the record names them ("user ID",
    "token ID"); None: itself. `asked_mono` is when they gave it, monotonic seconds; None: an asker of yesterday's."""

    by: str | None = None
    asked_mono: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What vision or readers have to put on record: one of its own kinds of event, and why, in words."""

    event: Kind
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """Whether it was done; `reason` says why not. So is refused whatever else was asked."""

    granted: bool
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class ClaimReply:
    """What the door made of a claim.

    `relay_mono` is when the relay was energised for it (monotonic seconds), None where it was not; `learn` whether the
    door would hear what can be learned from it; `grant` the id of the grant by which they go in, which is an earlier
    one where they come along with another.
    """

    granted: bool
    reason: Reason | None = None
    relay_mono: float | None = None
    learn: bool = False
    grant: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether the door took what vision offered it: a lesson, or a report."""

    taken: bool


@dataclass(frozen=True, slots=True)
class Forgive:
    """That the door forgets where a resident is, by their id; None: where anybody is."""

    resident: str | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """Digests of codes (`gate.codes`), 32 bytes each, to be turned into what they are found by."""

    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the codes are found by, 32 bytes each, in their order. It is of use to this door alone."""

    finders: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class UnknownCard:
    """A card that was shown a moment ago and is nobody's: what it is found by, at which reader, when (monotonic
    seconds), and its last signs, so that whoever holds it knows it for theirs."""

    finder: bytes
    reader: str
    taken_mono: float
    ending: str


@dataclass(frozen=True, slots=True)
class UnknownCards:
    """The latest first."""

    cards: tuple[UnknownCard, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What the camera sees, as a small JPEG, and when light hit it (monotonic seconds); None while it sees nothing."""

    jpeg: bytes | None = None
    taken_mono: float | None = None


def request(do: Do, value: Any = None) -> Message:
    """What is asked, with the dataclass that belongs to it, as a message."""
    return {"do": do.value} | (written(value) if value is not None else {})


def asked(message: Message, known: Collection[Do]) -> Do:
    """What a message asks. Raises Malformed unless it is among what is known."""
    try:
        do = Do(message["do"])
    except (KeyError, ValueError) as error:
        raise Malformed("unknown request") from error
    if do not in known:
        raise Malformed("unknown request")
    return do
