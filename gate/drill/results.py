"""What a drill found."""

from __future__ import annotations

from dataclasses import dataclass

from gate.errors import Sentence


@dataclass(frozen=True, slots=True)
class Result:
    """One named check: whether it passed, and the figure or the words that show it."""

    name: str
    passed: bool
    figure: Sentence


class CheckFailed(Exception):
    """What was expected did not come about; `seen` says what was seen instead."""

    def __init__(self, seen: Sentence) -> None:
        super().__init__(seen)
        self.seen = seen
