"""Many people at once: a table with a row each, and a folder of photos. What was done before is passed over.

Columns, by their first line, in English or as property offices call them (`enroll.tables.headings`): name (needed),
unit, group, from, until, photos (file names, separated by semicolons), consent (told, paper or screen), language,
guardian, another_person (yes, where somebody looked: they are not the one they look like). Whoever names no language
agreed in the one that `read_rows` is given.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from enroll.application import Application, of_namesake, write
from enroll.consent import agreed
from enroll.decode import photo_in
from enroll.decoder.parent import Decoder
from enroll.duplicates import LooksLikeAnother
from enroll.enrolment import Prepared, keep, prepare, refuse_lookalikes
from enroll.named_photos import NamedPhotos
from enroll.tables.days import day_of
from enroll.tables.headings import CALLED, COLUMNS, SAID, column_of, language_of, way_of
from enroll.tables.open import ENDINGS
from enroll.tables.table import Line, Table
from gate.days import ENDS_BEFORE
from gate.errors import FacegateError, Sentence, UsageError, together
from gate.names import folded_name, normalised
from gate.spreadsheet import typed
from gate.store.database import transaction
from gate.store.people.changes import NO_GROUP, Changes, change
from gate.store.people.consents import Way
from gate.store.people.homes import are_one, home_key
from gate.store.people.residents import Resident
from gate.store.site import schedules
from gate.vision.gallery import LiveGallery
from models.pack import Models

_DAYS = ("from", "until")
# What is typed for yes in a table.
_YES = frozenset({"yes", "y", "x", "true", "1", "是"})
_SAY_SO = Sentence("Where they are, write yes in the column another_person of this line.")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table as it is meant. `line` counts from 1, the names of the columns included."""

    line: int
    asked: Application
    group: str
    """Empty: none is named."""
    valid_from: str
    """A day as YYYY-MM-DD; empty: none is named."""
    valid_until: str
    """The same, for the last one."""
    agreed: bool = False
    """Whether it says that they agreed, with a photo or without."""


class Action(StrEnum):
    """What becomes of a row."""

    ADDED = "added"
    ENROLLED = "enrolled"
    CHANGED = "changed"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row, or would; `why` for a refusal and for look-alikes. Two are the same that tell the same."""

    line: int
    name: str
    action: Action
    why: Sentence | None = None
    is_like: bool = False
    """Whether it is refused because nobody said yet that this is another person than the one they look like."""
    resident: str | None = field(default=None, compare=False)
    """The id of whose row it is; None: it was refused. In a rehearsal whoever is new has one of the rehearsal's own."""
    like: frozenset[str] = field(default=frozenset(), compare=False)
    """The ids of those whom they look like, where it is refused for that."""

    @property
    def warns(self) -> bool:
        """Whether somebody should look at it, although it is not refused."""
        return self.why is not None and self.action is not Action.REFUSED


def read_rows(
    table: Table, folder: Path, decoder: Decoder, language: str, ended: frozenset[str] = frozenset()
) -> tuple[list[Row], list[Outcome]]:
    """The rows of a table whose photos lie in `folder`, for `decoder` to open, and those that are none with the reason.

    Whoever agreed and names no language did so in `language`, and before any consent ended that is not among `ended`.
    Raises UsageError where the columns cannot be understood.
    """
    names, photos = _columns(table), NamedPhotos(folder)
    rows: list[Row] = []
    refused: list[Outcome] = []
    seen: dict[tuple[str, str | None], int] = {}
    for line in table.lines[1:]:
        try:
            row = _row(line.number, _cells(names, line), photos, decoder, language)
            row = replace(row, asked=replace(row.asked, ended=ended))
            home = home_key(row.asked.unit) if row.asked.unit else None
            first = seen.setdefault((folded_name(row.asked.name), home), line.number)
            if first != line.number:
                raise UsageError("{name} is already in line {line}.", name=row.asked.name, line=first)
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


def carry_out(connection: sqlite3.Connection, models: Models, row: Row, by: str, known: LiveGallery) -> Outcome:
    """Do it: whole or not at all. Someone who is there already is only brought up to date.

    `known` are the faces of this store. To rehearse rows, carry them out on `gate.store.copy_rows.people_in_memory`.
    """
    try:
        _refuse_unknown_group(connection, row)
        asked, found = of_namesake(connection, row.asked), None
        if asked.photos and (asked.whose is None or not asked.whose.templates):
            found = prepare(connection, models, asked, known)
            refuse_lookalikes(asked, found.lookalikes)
        with transaction(connection):
            if found is not None:
                person = keep(connection, models, asked, found.templates, by, known).resident
                action = Action.ENROLLED
            else:
                action, person = _without_a_face(connection, asked, by)
            if _changes(person, row):
                _bring_up_to_date(connection, person, row, by)
                action = Action.CHANGED if action is Action.KNOWN else action
    except LooksLikeAnother as error:
        told, like = together([error.sentence, _SAY_SO]), frozenset(one.resident.id for one in error.lookalikes)
        return Outcome(row.line, row.asked.name, Action.REFUSED, told, is_like=True, like=like)
    except FacegateError as error:
        return Outcome(row.line, row.asked.name, Action.REFUSED, error.sentence)
    said = _remarks(found) if found else _without_a_photo(row, asked)
    return Outcome(row.line, row.asked.name, action, said, resident=person.id)


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


def _bring_up_to_date(connection: sqlite3.Connection, person: Resident, row: Row, by: str) -> None:
    wanted = Changes(
        unit=None if are_one(person.unit, row.asked.unit) else row.asked.unit, group=row.group or None,
        valid_from=row.valid_from or None, valid_until=row.valid_until or None,
    )  # fmt: skip
    change(connection, person, wanted, by=by)


def _remarks(found: Prepared) -> Sentence | None:
    """What should be told of somebody who is enrolled, where there is something."""
    said = [one.said for one in found.lookalikes]
    said += [Sentence("Left out: {why}", why=one.why) for one in found.left_out]
    return together(said) if said else None


def _without_a_photo(row: Row, asked: Application) -> Sentence | None:
    """What should be told of somebody who agreed to their face being kept, and has none."""
    has_face = asked.whose is not None and asked.whose.templates > 0
    return Sentence("They agreed, but no photo is named: no face is kept.") if row.agreed and not has_face else None


def _columns(table: Table) -> list[str]:
    """What the columns are called, by the first line; empty for those that have no name and nothing in them."""
    names = [column_of(cell.text) for cell in table.lines[0].cells] if table.lines else []
    unknown = [name for name in names if name and name not in COLUMNS]
    if unknown:
        raise UsageError(
            "The first line of {table} must name the columns, out of {columns}; '{column}' is none of them. Remove what"
            " stands above that line, and give the columns these names.",
            table=table.name, columns=SAID, column=unknown[0][:100],
        )  # fmt: skip
    if "name" not in names:
        raise UsageError(
            "The first line of {table} must name the columns, out of {columns}; 'name' is missing.",
            table=table.name, columns=SAID,
        )  # fmt: skip
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise UsageError("The column '{column}' is in {table} twice.", column=CALLED[twice], table=table.name)
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
                "In the column '{column}' is a date, {day}: a spreadsheet makes one of 3-12, for example. Format the"
                " column as text, and type it again.",
                column=CALLED[name], day=cell.text,
            )  # fmt: skip
    return {name: typed(cell.text) for name, cell in named.items()}


def _row(line: int, cells: dict[str, str], found: NamedPhotos, decoder: Decoder, language: str) -> Row:
    names = [name.strip() for name in re.split("[;；\n]", cells.get("photos", "")) if name.strip()]
    photos = [photo_in(found.called(name), decoder) for name in names]
    spoken = language_of(cells.get("language", "")) or language
    said = agreed(_way(cells.get("consent", "")), spoken, cells.get("guardian", "") or None)
    valid_from, valid_until = (day_of(text) if (text := cells.get(column, "")) else "" for column in _DAYS)
    if valid_from and valid_until and valid_until < valid_from:
        raise UsageError(ENDS_BEFORE)
    return Row(
        line=line,
        # A consent is for a face: without photos there is nothing to agree to.
        asked=Application.of(
            cells.get("name", ""),
            cells.get("unit", "") or None,
            photos,
            said if photos else None,
            another_than=None if _is_yes(cells.get("another_person", "")) else frozenset(),
        ),
        group=normalised(cells.get("group", "")),
        valid_from=valid_from,
        valid_until=valid_until,
        agreed=said.way is not Way.NONE,
    )


def _way(text: str) -> Way:
    """How they agreed; `Way.NONE` for an empty cell. Raises UsageError for what cannot be understood."""
    way = way_of(text) if text else Way.NONE
    if way is None:
        raise UsageError(
            "In the column consent stands '{text}': write told, paper or screen, or leave it empty.", text=text[:100]
        )
    return way


def _is_yes(text: str) -> bool:
    """What a cell says that is empty for no. Raises UsageError for anything else."""
    if text and text.casefold() not in _YES:
        raise UsageError("In the column another_person stands '{text}': write yes, or leave it empty.", text=text[:100])
    return bool(text)


def _refuse_unknown_group(connection: sqlite3.Connection, row: Row) -> None:
    if row.group and not schedules.has_group(connection, row.group):
        raise UsageError(NO_GROUP, name=row.group)


def _changes(person: Resident, row: Row) -> bool:
    """Whether something of the row is not so yet. An empty cell says nothing."""
    moved = row.asked.unit is not None and not are_one(person.unit, row.asked.unit)
    wanted = (row.group, row.valid_from, row.valid_until)
    there = (person.group, person.valid_from, person.valid_until)
    return moved or any(value and value != now for value, now in zip(wanted, there, strict=True))
