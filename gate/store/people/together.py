"""What is done to many residents at once: to all of them or to nobody, by page, API and command alike."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gate.errors import Refusal, ResidentRefusal
from gate.store.database import transaction
from gate.store.people import erasure
from gate.store.people.changes import Changes, change, is_over
from gate.store.people.erasure import Receipt
from gate.store.people.residents import Resident

# As many are named of those with whom it cannot be done.
_NAMED = 3
# Of more than these nobody is erased by a slip of the hand, nor shut out by a last day that is over: whoever does it
# says how many they are.
FEW = 10


class Deed(StrEnum):
    """What can be done to many."""

    GROUP = "group"
    HOURS = "hours"
    LAST_DAY = "last_day"
    WITHDRAW = "withdraw"
    MOVED_OUT = "moved_out"


ERASING = (Deed.WITHDRAW, Deed.MOVED_OUT)


@dataclass(frozen=True, slots=True)
class Count:
    """How many somebody says they are."""

    field: str
    """What the field or the option is called in which they say it."""
    said: str | None = None
    """None: they did not say."""
    always: bool = False
    """Whether they have to, however few they erase."""

    def refuse(self, deed: Deed, people: int, *, over: bool = False) -> None:
        """Raises Refusal where it is said and not true, and where it has to be said and is not; also of a last day
        that is `over`."""
        asked = self.said is None and (self.always or people > FEW)
        if asked and deed in ERASING:
            raise Refusal(
                "Their number is {count}: say so in “{field}”. Nobody was erased.", field=self.field, count=people
            )
        if asked and over:
            raise Refusal(
                "Their last day is over already: look whether the year is right. If it is, their number is {count}: say"
                " so in “{field}”. Nobody was changed.", field=self.field, count=people,
            )  # fmt: skip
        if self.said is not None and self.said.strip() != str(people):
            raise Refusal(
                "“{field}” says {said}, and their number is {count}: look again whom it concerns. Nothing was done.",
                field=self.field, said=self.said, count=people,
            )  # fmt: skip


def meant(connection: sqlite3.Connection, deed: Deed, chosen: Iterable[Resident]) -> list[Resident]:
    """Those of the chosen to whom it can be done: a consent is withdrawn of those who agreed. Raises Refusal for
    nobody."""
    chosen = list(chosen)
    found = [one for one in chosen if deed is not Deed.WITHDRAW or erasure.may_withdraw(connection, one.id)]
    if chosen and not found:
        raise Refusal("None of those you chose agreed to their face being kept: there is no consent to withdraw.")
    if not found:
        raise Refusal("Choose at least one person whom this can be done to.")
    return found


def is_last_day_over(deed: Deed, value: str, today: date) -> bool:
    """Whether they would get a last day that is over by `today`: they come in no more, and are erased in time."""
    return deed is Deed.LAST_DAY and is_over(value, today)


def do(
    connection: sqlite3.Connection, deed: Deed, value: str, people: Sequence[Resident], count: Count, *, by: str,
    today: date,
) -> Receipt | None:  # fmt: skip
    """Do it to those who are meant; the record says `by` whom. The receipt, where something was erased.

    `value` is the group, the schedule or the last day; empty takes theirs away. `today` is the day at the gate. Raises
    Refusal as `Count.refuse`, `change` and `erasure`.
    """
    count.refuse(deed, len(people), over=is_last_day_over(deed, value, today))
    if deed not in ERASING:
        _change(connection, deed, value, people, by)
        return None
    erase = erasure.remove_together if deed is Deed.MOVED_OUT else erasure.withdraw_together
    return erase(connection, people, by=by)


def _change(connection: sqlite3.Connection, deed: Deed, value: str, people: Sequence[Resident], by: str) -> None:
    wanted = {
        Deed.GROUP: Changes(group=value), Deed.HOURS: Changes(schedule=value), Deed.LAST_DAY: Changes(valid_until=value)
    }[deed]  # fmt: skip
    if deed is Deed.LAST_DAY and value:
        _refuse_later_first_days(value, people)
    with transaction(connection):
        for one in people:
            change(connection, one, wanted, by=by)


def _refuse_later_first_days(day: str, people: Sequence[Resident]) -> None:
    """Raises Refusal where a last day is before the first day of some, with whose."""
    later = [one for one in people if one.valid_from and day < one.valid_from]
    names, more = ", ".join(one.name for one in later[:_NAMED]), len(later) - _NAMED
    if more > 0:
        raise ResidentRefusal(
            "{day} is before the first day of {names} and {count} more. Choose another last day, or leave them out."
            " Nobody was changed.",
            day=day, names=names, count=more,
        )  # fmt: skip
    if later:
        raise ResidentRefusal(
            "{day} is before the first day of {names}. Choose another last day, or leave them out. Nobody was changed.",
            day=day, names=names,
        )  # fmt: skip
