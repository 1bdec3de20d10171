"""Many people at once: a table with a row each, and a folder of photos. What was done before is passed over.

Columns, by their first line: name (needed), unit, group, from, until, photos (file names, separated by semicolons),
consent (told, paper or screen), language, guardian.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from enroll.checks import LeftOut
from enroll.consent import LANGUAGES, given
from enroll.days import day_of
from enroll.enrolment import Prepared, photo_in, prepare
from enroll.people import add_without_face, namesake
from enroll.photo_files import Photos
from enroll.tables.open import ENDINGS
from enroll.tables.table import Line, Table
from gate.errors import FacegateError, Sentence, UsageError, together
from gate.names import clean_text, name_key, normalised
from gate.spreadsheet import typed
from gate.store.database import transaction
from gate.store.people import residents
from gate.store.people.changes import ENDS_BEFORE, NO_GROUP, Changes, change
from gate.store.people.consents import Way
from gate.store.people.residents import Resident
from gate.store.people.templates import MAX_TEMPLATES
from gate.store.site import schedules
from gate.vision.gallery import LiveGallery
from models.pack import Models

COLUMNS = ("name", "unit", "group", "from", "until", "photos", "consent", "language", "guardian")
_DAYS = ("from", "until")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table as it is meant. `line` counts from 1, the names of the columns included."""

    line: int
    name: str
    unit: str | None
    group: str
    valid_from: str
    valid_until: str
    photos: tuple[Path, ...]
    way: Way | None
    language: str
    guardian: str | None


class Action(StrEnum):
    """What becomes of a row."""

    ADDED = "added"
    ENROLLED = "enrolled"
    CHANGED = "changed"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row, or would; `why` for a refusal and for look-alikes."""

    line: int
    name: str
    action: Action
    why: Sentence | None = None


def read_rows(table: Table, folder: Path) -> tuple[list[Row], list[Outcome]]:
    """The rows of a table whose photos lie in `folder`, and those that are none with the reason. Raises UsageError."""
    names, photos = _columns(table), Photos(folder)
    rows: list[Row] = []
    refused: list[Outcome] = []
    seen: dict[tuple[str, str | None], int] = {}
    for line in table.lines[1:]:
        try:
            row = _row(line.number, _cells(names, line), photos)
            first = seen.setdefault((name_key(row.name), row.unit), line.number)
            if first != line.number:
                raise UsageError("{name} stands in line {line} already.", name=row.name, line=first)
        except FacegateError as error:
            called = "".join(cell.text for name, cell in zip(names, line.cells, strict=False) if name == "name")
            refused.append(Outcome(line.number, called[:100], Action.REFUSED, error.sentence))
        else:
            rows.append(row)
    return rows, refused


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
    connection: sqlite3.Connection, models: Models, row: Row, by: str, known: LiveGallery | None = None
) -> Outcome:
    """Do it: whole or not at all. Someone who is there already is only brought up to date.

    `known` as for enrolling one. To rehearse rows, carry them out on `gate.store.copy_rows.people_in_memory`.
    """
    try:
        _refuse_unknown_group(connection, row)
        existing = namesake(connection, row.name, row.unit)
        found = None
        if row.photos and (existing is None or not existing.templates):
            found = prepare(connection, models, map(photo_in, row.photos), to=existing, known=known)
        with transaction(connection):
            action = _keep(connection, row, existing, found, by)
    except FacegateError as error:
        return Outcome(row.line, row.name, Action.REFUSED, error.sentence)
    return Outcome(row.line, row.name, action, _remarks(found.lookalikes, found.left_out) if found else None)


def _keep(
    connection: sqlite3.Connection, row: Row, existing: Resident | None, found: Prepared | None, by: str
) -> Action:
    if found is not None and row.way is not None:
        agreed = given(row.way, by, row.language, row.guardian)
        if existing is None:
            person = residents.enrol(connection, row.name, row.unit, found.templates, agreed, by=by)
        else:
            person = residents.add_templates(connection, existing, found.templates, agreed, unit=row.unit, by=by)
        action = Action.ENROLLED
    elif existing is None:
        action, person = Action.ADDED, add_without_face(connection, row.name, row.unit, by=by)
    else:
        action, person = Action.KNOWN, existing
    if _changes(person, row):
        wanted = Changes(
            unit=row.unit, group=row.group or None, valid_from=row.valid_from or None,
            valid_until=row.valid_until or None,
        )  # fmt: skip
        change(connection, person, wanted, by=by)
        action = Action.CHANGED if action is Action.KNOWN else action
    return action


def _remarks(lookalikes: Sequence[str], left_out: Sequence[LeftOut]) -> Sentence | None:
    """What should be told of somebody who is enrolled, where there is something."""
    said = [Sentence("Left out: {why}", why=one.why) for one in left_out]
    if lookalikes:
        said.insert(0, Sentence("Looks very like {others}.", others=", ".join(lookalikes)))
    return together(said) if said else None


def _columns(table: Table) -> list[str]:
    """What the columns are called, by the first line; empty for those that have no name and nothing in them."""
    names = [cell.text.lower() for cell in table.lines[0].cells] if table.lines else []
    unknown = [name for name in names if name and name not in COLUMNS]
    if unknown:
        raise UsageError(
            "The first line of {table} must name the columns, out of {columns}; '{column}' is none of them. Remove what"
            " stands above that line, and give the columns these names.",
            table=table.name, columns=", ".join(COLUMNS), column=unknown[0][:100],
        )  # fmt: skip
    if "name" not in names:
        raise UsageError(
            "The first line of {table} must name the columns, out of {columns}; 'name' is missing.",
            table=table.name, columns=", ".join(COLUMNS),
        )  # fmt: skip
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise UsageError("The column '{column}' stands twice in {table}.", column=twice, table=table.name)
    return names


def _cells(names: list[str], line: Line) -> dict[str, str]:
    """What stands under each column. Raises UsageError for what stands under none, and for a day where none belongs."""
    named = dict(zip(names, line.cells, strict=False))
    beside = line.cells[len(names) :] + tuple(cell for name, cell in zip(names, line.cells, strict=False) if not name)
    if any(cell.text for cell in beside):
        raise UsageError(
            "The line has text in more cells than there are columns; a text that holds the separator stands in quotes."
        )
    for name, cell in named.items():
        if cell.is_day and name not in _DAYS:
            raise UsageError(
                "In the column '{column}' stands a date, {day}: a spreadsheet makes one of 3-12, for example. Make it"
                " text there, and type it again.",
                column=name, day=cell.text,
            )  # fmt: skip
    return {name: typed(cell.text) for name, cell in named.items()}


def _row(line: int, cells: dict[str, str], found: Photos) -> Row:
    photos = tuple(found.called(name.strip()) for name in re.split("[;；\n]", cells.get("photos", "")) if name.strip())
    if len(photos) > MAX_TEMPLATES:
        raise UsageError("Give between 1 and {most} photos.", most=MAX_TEMPLATES)
    way, language, unit = cells.get("consent", "").lower(), cells.get("language", "") or "en", cells.get("unit", "")
    if photos and way not in (Way.TOLD, Way.PAPER, Way.SCREEN):
        raise UsageError("Photos need a consent: told, paper or screen.")
    if language not in LANGUAGES:
        raise UsageError("There is no consent text in this language.")
    guardian = cells.get("guardian", "")
    valid_from, valid_until = (day_of(text) if (text := cells.get(column, "")) else "" for column in _DAYS)
    if valid_from and valid_until and valid_until < valid_from:
        raise UsageError(ENDS_BEFORE)
    return Row(
        line=line,
        name=clean_text(cells.get("name", ""), "name"),
        unit=clean_text(unit, "unit") if unit else None,
        group=normalised(cells.get("group", "")),
        valid_from=valid_from,
        valid_until=valid_until,
        photos=photos,
        way=Way(way) if photos else None,
        language=language,
        guardian=clean_text(guardian, "guardian's name") if guardian else None,
    )


def _refuse_unknown_group(connection: sqlite3.Connection, row: Row) -> None:
    if row.group and row.group not in {one.name for one in schedules.groups(connection)}:
        raise UsageError(NO_GROUP, name=row.group)


def _changes(person: Resident, row: Row) -> bool:
    """Whether something of the row is not so yet. An empty cell says nothing."""
    wanted = (row.unit, row.group, row.valid_from, row.valid_until)
    there = (person.unit, person.group, person.valid_from, person.valid_until)
    return any(value and value != now for value, now in zip(wanted, there, strict=True))
