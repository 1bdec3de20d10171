"""Days as they are written in forms, tables and commands."""

from __future__ import annotations

from datetime import date

from gate.errors import Refusal, Sentence

ENDS_BEFORE = Sentence("The last day is before the first day; correct one of them.")


def day_of(text: str) -> date:
    """The day that is written as YYYY-MM-DD. Raises Refusal."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Refusal("{day} is not a date; write it as 2027-01-31.", day=text) from error
    if len(text) != 10:
        raise Refusal("{day} is not a date; write it as 2027-01-31.", day=text)
    return day
