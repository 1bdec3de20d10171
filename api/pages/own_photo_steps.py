"""How far a resident's link is in the browser that asks, and what of their name it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.store.people.photo_link import PhotoLink
from gate.store.people.residents import Resident


class Step(StrEnum):
    """How far a link is, as its page shows it."""

    AGREE = "agree"
    PHOTO = "photo"
    SENT = "sent"
    DONE = "done"
    USED_UP = "used_up"
    """Too much was sent by it."""
    ELSEWHERE = "elsewhere"
    """Another browser agreed."""
    OVER = "over"
    """It has ended, or never was."""
    STRAYED = "strayed"
    """The address is none of a link's own, or could not be asked."""


@dataclass(frozen=True, slots=True)
class Held:
    """A link that somebody holds, whose it is, and how far it is in their browser."""

    secret: str
    link: PhotoLink
    person: Resident
    step: Step


def step_of(link: PhotoLink, device: str | None) -> Step:
    """How far a link is in a browser that is known by a secret with the hash `device`; None: by none."""
    if link.device is not None and link.device != device:
        return Step.ELSEWHERE
    if link.done_at is not None:
        return Step.DONE
    if link.sent_at is not None:
        return Step.SENT
    if link.used_up:
        return Step.USED_UP
    return Step.AGREE if link.consent is None else Step.PHOTO


def hint(name: str) -> str:
    """Enough of a name to know it for one's own, and no more.

    >>> hint("王芳"), hint("Barack Obama"), hint("Ann")
    ('王*', 'Barack *', 'A*')
    """
    # Whoever was called by signs alone before such names were refused is hinted at by the first.
    first, *rest = name.replace("·", " ").split() or [name]
    return f"{first} *" if rest and len(first) > 1 else f"{first[0]}*"
