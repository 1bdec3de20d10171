"""What a drill found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One named check: whether it passed, and the figure or the words that show it."""

    name: str
    passed: bool
    figure: str


class CheckFailed(Exception):
    """What was expected did not come about; the message says what was seen instead."""
