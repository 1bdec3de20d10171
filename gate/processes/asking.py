"""What can be asked of the door and of vision, typed: a question, and the answer that belongs to it.

Each function asks over the client it is given, whose socket is the door's or vision's. All raise LinkDown where nobody
answers, and NotUnderstood, which is one, where the answer is not what was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeVar

from gate.errors import Refusal, Sentence
from gate.processes.client import Client, LinkDown
from gate.processes.fields import Malformed, read
from gate.processes.requests import (
    ClaimReply,
    Do,
    Forgive,
    Order,
    Preview,
    Reply,
    Report,
    Seal,
    Sealed,
    Taken,
    UnknownCard,
    UnknownCards,
    request,
)
from gate.processes.status import DoorStatus, VisionStatus
from gate.vocabulary import Claim, Lesson, Presented, Reason

Answer = TypeVar("Answer")

_NO_KEY = Sentence(
    "The door has lost its key for PINs and cards, so none can be given. Whoever installed the gate must look at it."
)


class NotUnderstood(LinkDown):
    """Somebody answers on the socket, but not what was asked for: they refuse, or are of another version."""


def door_status(client: Client) -> DoorStatus:
    """How the door is."""
    return _ask(client, DoorStatus, Do.STATUS)


def vision_status(client: Client) -> VisionStatus:
    """How vision is."""
    return _ask(client, VisionStatus, Do.STATUS)


def claim(client: Client, made: Claim) -> ClaimReply:
    """Tell the door who is believed to stand there, and hear whether it opens."""
    return _ask(client, ClaimReply, Do.CLAIM, made)


def present(client: Client, shown: Presented) -> Taken:
    """Tell the door what somebody showed to a reader. What comes of it is the door's, and is not waited for."""
    return _ask(client, Taken, Do.PRESENT, shown)


def seal(client: Client, digests: Sequence[bytes]) -> tuple[bytes, ...]:
    """What codes of these digests (`gate.codes`) are found by, in their order. Raises Refusal where the door has no
    key to seal them by."""
    said = client.ask(request(Do.SEAL, Seal(tuple(digests))))
    if said.get("reason") == Reason.STORE_UNREADABLE:
        raise Refusal(_NO_KEY)
    finders = _read(client, Sealed, said).finders
    if len(finders) != len(digests):
        raise NotUnderstood(
            "The door on {socket} sealed another number of codes than it was asked to.", socket=client.path
        )
    return finders


def forgive(client: Client, resident: str | None) -> Reply:
    """Have the door forget where a resident is, by their id; None: where anybody is."""
    return _ask(client, Reply, Do.FORGIVE, Forgive(resident))


def unknown_cards(client: Client) -> tuple[UnknownCard, ...]:
    """The cards that were shown in the last minute and are nobody's, the latest first."""
    return _ask(client, UnknownCards, Do.UNKNOWN_CARDS).cards


def teach(client: Client, lesson: Lesson) -> Taken:
    """Offer the door what was learned from a claim that it granted."""
    return _ask(client, Taken, Do.LEARN, lesson)


def report(client: Client, said: Report) -> Taken:
    """Have the door put something of vision's or of a reader's on record."""
    return _ask(client, Taken, Do.REPORT, said)


def order(client: Client, do: Do, by: str | None = None, asked_mono: float | None = None) -> Reply:
    """Give the door an order, for oneself or for whom one speaks; it is on record who gave it.

    `asked_mono` is when it was asked, where that was not now; the door does nothing that nobody waits for any more.
    """
    said = client.ask(request(do, Order(by, time.monotonic() if asked_mono is None else asked_mono)))
    # So a door of version 0.1 says that its relay is off, which may run still while the gate is upgraded.
    if do is Do.RELEASE_RELAY and said == {"released": True}:
        return Reply(True)
    return _read(client, Reply, said)


def preview(client: Client) -> Preview:
    """What vision's camera sees now; without a picture also where vision shows this user none."""
    return _ask(client, Preview, Do.PREVIEW)


def _ask(client: Client, answer: type[Answer], do: Do, value: Any = None) -> Answer:
    return _read(client, answer, client.ask(request(do, value)))


def _read(client: Client, answer: type[Answer], said: dict[str, Any]) -> Answer:
    try:
        return read(answer, said)
    except Malformed as error:
        raise NotUnderstood(
            "What is answered on {socket} is not what was asked for ({why}). Ask as root; and where the gate was"
            " upgraded just now, start it again: sudo systemctl restart facegate.target",
            socket=client.path,
            why=said.get("reason") or error,
        ) from error
