"""Sentences for people, and the errors whose message is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self


class Sentence(str):
    """A sentence with its gaps filled, that still knows the one without: that is what a catalogue translates.

    >>> Sentence("{name} is away.", name="Ann")
    'Ann is away.'
    """

    pattern: str
    values: dict[str, object]

    def __new__(cls, pattern: str, **values: object) -> Self:
        """`pattern` as in str.format, or a Sentence, whose gaps stay known; a value may be a Sentence itself."""
        if isinstance(pattern, Sentence):
            values, pattern = pattern.values | values, pattern.pattern
        made = super().__new__(cls, pattern.format(**values) if values else pattern)
        made.pattern, made.values = pattern, values
        return made


def together(sentences: Sequence[Sentence]) -> Sentence:
    """Several sentences, one after the other, as one.

    >>> together([Sentence("It rains."), Sentence("{name} is wet.", name="Ann")])
    'It rains. Ann is wet.'
    """
    last, *before = reversed(sentences)
    for one in before:
        last = Sentence("{first} {rest}", first=one, rest=last)
    return last


class FacegateError(Exception):
    """Something a person can mend; the message says what to do."""

    tells: str | None = None
    """What whoever reads it is shown of a resident, as the record calls a look at that; None: nothing of anybody."""

    def __init__(self, pattern: str, **values: object) -> None:
        self.sentence = Sentence(pattern, **values)
        super().__init__(self.sentence)

    @property
    def plain(self) -> Sentence:
        """The same for whoever has no hand on the machine: no file, no process and no command in it."""
        return self.sentence


class UsageError(FacegateError):
    """Wrong use: exit code 2."""


class Refusal(FacegateError):
    """The answer is no: exit code 1."""


class ResidentRefusal(Refusal):
    """The same with a resident's name in it, also for whoever knew their id alone."""

    tells = "a resident"
