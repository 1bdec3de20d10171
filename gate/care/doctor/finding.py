"""What a look at one thing gives: what was seen, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.errors import Sentence


class Grade(StrEnum):
    """How bad it is: well, worth a look, or in need of mending."""

    OK = "ok"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check saw, in one or more whole sentences, and what to do about it (empty where all is well)."""

    grade: Grade
    seen: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of the thing called `name`; what to do about it is empty where all is well."""

    name: str
    grade: Grade
    seen: str
    do: str = ""

    @property
    def for_everybody(self) -> bool:
        """Whether it is told in the reader's language: where residents are concerned, and not only the installation."""
        return isinstance(self.seen, Sentence)


def well(seen: str) -> Seen:
    """Nothing need be done."""
    return Seen(Grade.OK, seen)


def worth_a_look(seen: str, do: str) -> Seen:
    """The gate works, and somebody should look at this when they have time."""
    return Seen(Grade.LOOK, seen, do)


def to_mend(seen: str, do: str) -> Seen:
    """Something does not work, or is not safe, until it is mended."""
    return Seen(Grade.BAD, seen, do)
