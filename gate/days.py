"""Days as they are written in forms, tables and commands."""

from __future__ import annotations

from datetime import date

from gate.errors import Refusal, Sentence

ENDS_BEFORE = Sentence("The last day is before the first day; correct one of them.")
_NO_DAY = Sentence("{day} is not a date; write it as 2027-01-31.")


def day_of(text: str) -> date:
    """The day that is written as YYYY-MM-DD, by which days are compared as they are written. Raises Refusal."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(_NO_DAY, day=text) from error
    # ISO 8601 has others, such as 20270131 and 2027-W04-7.
    if day.isoformat() != text:
        raise Refusal(_NO_DAY, day=text)
    return day
