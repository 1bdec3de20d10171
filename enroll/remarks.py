"""What is told of a row of an import beside what becomes of it: what changes, and what somebody should look at."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import date, datetime

from enroll.enrolment import Prepared
from gate.errors import Sentence
from gate.store.people import residents
from gate.store.people.changes import OVER, is_over
from gate.store.people.homes import home_key
from gate.store.people.residents import Resident

# As many homes are named of those in which somebody of that name lives.
_NAMED = 3
_NONE = Sentence("none")
_MORE_TIME = Sentence("Needs the gate open for longer")
_CHANGING = (
    ("unit", Sentence("Home")), ("group", Sentence("Group")), ("area", Sentence("Area")),
    ("schedule", Sentence("Hours")), ("valid_from", Sentence("First day")), ("valid_until", Sentence("Last day")),
)  # fmt: skip


def changed(before: Resident | None, now: Resident) -> Sentence | None:
    """What is another of somebody who was there before; None: nothing, or nobody was."""
    if before is None:
        return None
    there = [(words, getattr(before, name), getattr(now, name)) for name, words in _CHANGING]
    said = [
        Sentence("{what}: {before} → {now}", what=words, before=was or _NONE, now=becomes or _NONE)
        for words, was, becomes in there if was != becomes
    ]  # fmt: skip
    said += [_MORE_TIME] if now.extended and not before.extended else []
    if not said:
        return None
    last, *others = reversed(said)
    for one in others:
        last = Sentence("{first}; {rest}", first=one, rest=last)
    return last


def of_photos(found: Prepared) -> list[Sentence]:
    """What should be told of somebody who is enrolled."""
    return [
        *(one.said for one in found.lookalikes),
        *(Sentence("Left out: {why}", why=one.why) for one in found.left_out),
    ]


def without_a_photo(whose: Resident | None, *, agreed: bool) -> list[Sentence]:
    """What should be told of somebody who agreed to their face being kept, and has none."""
    has_face = whose is not None and whose.templates > 0
    return [Sentence("They agreed, but no photo is named: no face is kept.")] if agreed and not has_face else []


def of_last_day(before: Resident | None, last_day: str) -> list[Sentence]:
    """What should be told of a last day that was not theirs before."""
    is_new = before is None or before.valid_until != last_day
    return [OVER] if is_new and is_over(last_day, _today()) else []


def elsewhere(connection: sqlite3.Connection, added: Resident, homes: Collection[str]) -> list[Sentence]:
    """What should be told of somebody who was added, where one of that name lives in a home that the table has not got
    beside that name: they may be one person, who moved. `homes` are the keys of those that it has."""
    found = {one.unit for one in residents.called(connection, added.name) if one.id != added.id and one.unit}
    others = sorted(one for one in found if home_key(one) not in homes)
    if not others:
        return []
    named = ", ".join(others[:_NAMED]) + (" …" if len(others) > _NAMED else "")
    return [Sentence("Somebody of this name lives in {home}: if they moved, change their home instead.", home=named)]


def _today() -> date:
    """The day by this machine's clock, which is the gate's but for its zone: a remark may come a day early or late."""
    return datetime.now().astimezone().date()
