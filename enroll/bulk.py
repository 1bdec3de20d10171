"""Many people at once: a table with a row each, and a folder of photos. What was done before is passed over.

Columns, by their first line, in English or as property offices call them (`enroll.tables.headings`): name (needed),
unit, group, area, hours (a schedule of their own), from, until, more_time (yes, where they need the gate open for
longer), photos (file names, separated by semicolons), consent (told, paper or screen), language, guardian,
another_person (yes, where somebody looked: they are not the one they look like). Whoever names no language agreed in
the one that `read_rows` is given.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from enroll import remarks
from enroll.application import NO_CAMERA, Application, of_namesake, write
from enroll.duplicates import LooksLikeAnother
from enroll.enrolment import keep, prepare, refuse_lookalikes
from enroll.rows import Action, Outcome, Row, tried
from enroll.tables.open import ENDINGS
from gate.errors import FacegateError, Refusal, Sentence, UsageError, together
from gate.store.database import transaction
from gate.store.people.changes import NO_GROUP, Changes, change
from gate.store.people.homes import are_one
from gate.store.people.residents import Resident
from gate.store.site import areas, schedules
from gate.vision.gallery import LiveGallery
from models.pack import Models

_SAY_SO = Sentence("Where they are, write yes in the column another_person of this line.")


def table_in(folder: Path) -> Path:
    """The one table among files that came together. Raises UsageError where there is none, or several."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS and path.is_file()]
    if len(found) != 1:
        raise UsageError(
            "There must be one table among the files, a CSV or a workbook (.xlsx, .ods); {count} are there.",
            count=len(found),
        )
    return found[0]


def carry_out(
    connection: sqlite3.Connection, models: Models | None, row: Row, by: str, known: LiveGallery | None
) -> Outcome:
    """Do it: whole or not at all. Someone who is there already is only brought up to date.

    `known` are the faces of this store; a gate without a camera has neither `models` nor them, and refuses photos. To
    rehearse rows, carry them out on `gate.store.copy_rows.people_in_memory`.
    """
    wrong: list[Sentence] = []
    tried(wrong, _refuse_unknown_group, connection, row)
    tried(wrong, areas.id_of, connection, row.area)
    tried(wrong, schedules.id_of, connection, row.hours or None)
    whose: str | None = None
    try:
        asked, found = of_namesake(connection, row.asked), None
        whose = asked.whose.id if asked.whose is not None else None
        if asked.photos and (asked.whose is None or not asked.whose.templates):
            if models is None or known is None:
                raise Refusal(NO_CAMERA)
            found = prepare(connection, models, asked, known)
            refuse_lookalikes(asked, found.lookalikes)
        if wrong:
            return Outcome(row.line, row.asked.name, Action.REFUSED, together(wrong), resident=whose)
        with transaction(connection):
            if found is not None and models is not None and known is not None:
                person = keep(connection, models, asked, found.templates, by, known).resident
                action = Action.ENROLLED
            else:
                action, person = _without_a_face(connection, asked, by)
            if _changes(person, row):
                person = _brought_up_to_date(connection, person, row, by)
                action = Action.CHANGED if action is Action.KNOWN else action
    except LooksLikeAnother as error:
        like = frozenset(one.resident.id for one in error.lookalikes)
        told = together([*wrong, error.sentence, _SAY_SO])
        return Outcome(row.line, row.asked.name, Action.REFUSED, told, is_like=not wrong, resident=whose, like=like)
    except FacegateError as error:
        return Outcome(row.line, row.asked.name, Action.REFUSED, together([*wrong, error.sentence]), resident=whose)
    said = remarks.of_photos(found) if found else remarks.without_a_photo(asked.whose, agreed=row.agreed)
    said += remarks.of_last_day(asked.whose, row.valid_until)
    said += remarks.elsewhere(connection, person, row.homes) if asked.whose is None else []
    changes = remarks.changed(asked.whose, person)
    like = frozenset(one.resident.id for one in found.lookalikes) if found else frozenset[str]()
    why = together(said) if said else None
    return Outcome(row.line, row.asked.name, action, why, changes, resident=person.id, like=like)


def as_rehearsed(row: Row, seen: str | None, another_than: frozenset[str]) -> Row:
    """The same, where somebody looked at what was rehearsed: whom a line was seen as, and who else it is not."""
    before = row.asked.another_than
    another = None if before is None else before | another_than
    return replace(row, asked=replace(row.asked, seen=seen, another_than=another))


def _without_a_face(connection: sqlite3.Connection, asked: Application, by: str) -> tuple[Action, Resident]:
    """Add whoever is not there; what became of the row, and whose it is."""
    if asked.whose is not None:
        return Action.KNOWN, asked.whose
    return Action.ADDED, write(connection, asked, (), by)


def _brought_up_to_date(connection: sqlite3.Connection, person: Resident, row: Row, by: str) -> Resident:
    wanted = Changes(
        unit=None if are_one(person.unit, row.asked.unit) else row.asked.unit, group=row.group or None,
        area=row.area or None, schedule=row.hours or None, valid_from=row.valid_from or None,
        valid_until=row.valid_until or None, extended=row.more_time or None,
    )  # fmt: skip
    return change(connection, person, wanted, by=by)


def _refuse_unknown_group(connection: sqlite3.Connection, row: Row) -> None:
    if row.group and not schedules.has_group(connection, row.group):
        raise UsageError(NO_GROUP, name=row.group)


def _changes(person: Resident, row: Row) -> bool:
    """Whether something of the row is not so yet. An empty cell says nothing."""
    moved = row.asked.unit is not None and not are_one(person.unit, row.asked.unit)
    wanted = (row.group, row.area, row.hours, row.valid_from, row.valid_until, row.more_time)
    there = (person.group, person.area, person.schedule, person.valid_from, person.valid_until, person.extended)
    return moved or any(value and value != now for value, now in zip(wanted, there, strict=True))
