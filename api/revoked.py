"""What an import holds of people who were erased or withdrew their consent since its table was read: it goes.

A person is known by an id, and whoever is new in a rehearsal has none that the store knows. Where somebody came after
the table was read and was erased since, nothing tells any more whether they are one of those: such a rehearsal ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from enroll.application import ENDED, Application
from gate.errors import Sentence
from gate.names import folded_name
from gate.store.people import consents, erasure, residents
from gate.store.people.homes import are_one

if TYPE_CHECKING:
    from api.imported import Import
    from enroll.rows import Outcome, Row
    from gate.store.people.residents import Resident

UNKNOWN = Sentence(
    "Somebody was erased who came after this table was read and may stand in it, so that it and its photos are"
    " forgotten. Take their line out of the table, and upload it again."
)
_ERASED = Sentence("Whoever stood here was erased in the meantime; nothing is kept. Take the line out of the table.")
_LIKE_GONE = Sentence(
    "Somebody whom this line named was erased in the meantime. Upload the table again to see what becomes of it."
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store said when a table was read: the hashes of who lived here and of who was erased, and the ids of the
    consents that had ended."""

    people: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()


def known(store: sqlite3.Connection) -> Known:
    """What it says now."""
    people = (erasure.hash_of(one.id) for one in residents.every(store))
    return Known(frozenset(people), frozenset(erasure.erased(store)), consents.ended(store))


def of_known(store: sqlite3.Connection, refused: Sequence[Outcome]) -> list[Outcome]:
    """Lines that are no rows, each with the ids of those who have the name that stands there."""
    return [replace(one, like=frozenset(who.id for who in residents.called(store, one.name))) for one in refused]


def may_be_among(store: sqlite3.Connection, job: Import) -> bool:
    """Whether somebody was erased who came after the table was read, by another hand than this import's."""
    gone = frozenset(erasure.erased(store)) - job.known.erased - job.known.people
    # Most of the time nobody is, and each row of thousands asks.
    return bool(gone) and not gone <= {erasure.hash_of(one.resident) for one in job.outcomes if one.resident}


def without(store: sqlite3.Connection, job: Import) -> Import:
    """The same without a word on whoever was erased since; a rehearsal also does nothing of their lines any more, nor
    of the photos of whoever withdrew."""
    gone = frozenset(erasure.erased(store)) - job.known.erased
    withdrew = consents.withdrawn_since(store, job.known.ended) if job.is_rehearsal else frozenset[str]()
    if not gone and not withdrew:
        return job
    rows = {one.line: one for one in job.rows}
    people = [who for one in withdrew if (who := residents.get(store, one)) is not None]
    told = ((one, _told(one, rows.get(one.line), gone, people)) for one in job.lines())
    after = {before.line: now for before, now in told if now is not None}
    return _changed(job, after)


def _changed(job: Import, after: Mapping[int, Outcome]) -> Import:
    """The same, of which these lines are told otherwise; of one that is done they count as before."""
    if not job.is_rehearsal:
        return replace(
            job,
            rows=[replace(one, asked=Application("", None)) if one.line in after else one for one in job.rows],
            outcomes=[after.get(one.line, one) for one in job.outcomes],
            refused=[after.get(one.line, one) for one in job.refused],
            shown=[one for one in job.shown if one.line not in after],
        )
    return replace(
        job,
        rows=[one for one in job.rows if one.line not in after],
        outcomes=[one for one in job.outcomes if one.line not in after],
        refused=[one for one in job.refused if one.line not in after] + [_refused(one) for one in after.values()],
    )


def _told(one: Outcome, row: Row | None, gone: frozenset[str], withdrew: Sequence[Resident]) -> Outcome | None:
    """A line as it is told from now on; None: as before."""
    erased = {who for who in (one.resident, *one.like) if who is not None and erasure.hash_of(who) in gone}
    if one.resident in erased or (erased and row is None):
        name, why = "", _ERASED
    elif erased:
        name, why = one.name, _LIKE_GONE
    elif row is not None and any(_is_theirs(row, one, who) for who in withdrew):
        name, why = one.name, Sentence(ENDED.pattern, name=one.name)
    else:
        return None
    return replace(one, name=name, why=why, changes=None, is_like=False, resident=None, like=frozenset())


def _refused(one: Outcome) -> Outcome:
    from enroll.rows import Action

    return replace(one, action=Action.REFUSED)


def _is_theirs(row: Row, one: Outcome, who: Resident) -> bool:
    """Whether a row has a photo of somebody, who may have been enrolled since it was rehearsed."""
    called = folded_name(row.asked.name) == folded_name(who.name)
    at_home = row.asked.unit is None or who.unit is None or are_one(who.unit, row.asked.unit)
    return bool(row.asked.photos) and (one.resident == who.id or (called and at_home))
