"""Many people at once: a CSV with a row each, and a folder of photos. What was done before is passed over.

Columns, by their first line: name (needed), unit, group, from, until, photos (file names, separated by semicolons),
consent (told, paper or screen), language, guardian.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from enroll.checks import LeftOut
from enroll.consent import LANGUAGES, given
from enroll.days import day_of
from enroll.enrolment import Prepared, photo_in, prepare
from enroll.people import add_without_face, namesake
from gate.errors import FacegateError, Sentence, UsageError, together
from gate.names import clean_text, name_key
from gate.spreadsheet import typed
from gate.store import residents, schedules
from gate.store.consents import Way
from gate.store.database import transaction
from gate.store.residents import MAX_TEMPLATES, Resident
from gate.vision.gallery import LiveGallery
from models.pack import Models

COLUMNS = ("name", "unit", "group", "from", "until", "photos", "consent", "language", "guardian")
_MAX_BYTES = 16 << 20
_MAX_ROWS = 20_000
# What Excel writes: with a mark at the beginning, else in China GBK.
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_PLAIN = ("utf-8", "gb18030")


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


def read_table(path: Path, folder: Path) -> tuple[list[Row], list[Outcome]]:
    """The rows of a CSV whose photos lie in `folder`, and those that are none with the reason. Raises UsageError."""
    rows: list[Row] = []
    refused: list[Outcome] = []
    seen: dict[tuple[str, str | None], int] = {}
    for line, cells in _cells(path):
        try:
            row = _row(line, cells, folder)
            first = seen.setdefault((name_key(row.name), row.unit), line)
            if first != line:
                raise UsageError("{name} stands in line {line} already.", name=row.name, line=first)
        except FacegateError as error:
            refused.append(Outcome(line, cells.get("name", "")[:100], Action.REFUSED, error.sentence))
        else:
            rows.append(row)
    return rows, refused


def table_in(folder: Path) -> Path:
    """The one CSV among files that came together. Raises UsageError where there is none, or several."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() == ".csv" and path.is_file()]
    if len(found) != 1:
        raise UsageError("There must be one CSV among the files; {count} are there.", count=len(found))
    return found[0]


def carry_out(
    connection: sqlite3.Connection, models: Models, row: Row, by: str, known: LiveGallery | None = None
) -> Outcome:
    """Do it: whole or not at all. Someone who is there already is only brought up to date.

    `known` as for enrolling one. To rehearse rows, carry them out on `gate.store.rows.people_in_memory`.
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
        agreed, to = given(row.way, by, row.language, row.guardian), existing.id if existing else None
        person = residents.enrol(connection, row.name, row.unit, found.templates, agreed, to=to, by=by)
        action = Action.ENROLLED
    elif existing is None:
        action, person = Action.ADDED, add_without_face(connection, row.name, row.unit, by=by)
    else:
        action, person = Action.KNOWN, existing
    if _changes(person, row):
        residents.change(
            connection, person, unit=row.unit, group=row.group or None, valid_from=row.valid_from or None,
            valid_until=row.valid_until or None, by=by,
        )  # fmt: skip
        action = Action.CHANGED if action is Action.KNOWN else action
    return action


def _remarks(lookalikes: Sequence[str], left_out: Sequence[LeftOut]) -> Sentence | None:
    """What should be told of somebody who is enrolled, where there is something."""
    said = [Sentence("Left out: {why}", why=one.why) for one in left_out]
    if lookalikes:
        said.insert(0, Sentence("Looks very like {others}.", others=", ".join(lookalikes)))
    return together(said) if said else None


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        unknown = [name for name in names if name not in COLUMNS]
        if "name" not in names or unknown:
            raise UsageError(
                "The first line of {table} must name the columns, out of {columns}; '{column}' is {wrong}.",
                table=path.name, columns=", ".join(COLUMNS), column=unknown[0] if unknown else "name",
                wrong=Sentence("none") if unknown else Sentence("missing"),
            )  # fmt: skip
        for cells in reader:
            if reader.line_num > _MAX_ROWS:
                raise UsageError("{table} has more than {most} lines; split it.", table=path.name, most=_MAX_ROWS)
            if any(cell.strip() for cell in cells):
                yield reader.line_num, {name: typed(cell.strip()) for name, cell in zip(names, cells, strict=False)}
    except csv.Error as error:
        raise UsageError(
            "{table} is no CSV that can be read: {why}, in line {line}.",
            table=path.name,
            why=error,
            line=reader.line_num,
        ) from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError("{table} is larger than {most} MB; split it.", table=path.name, most=_MAX_BYTES >> 20)
        content = path.read_bytes()
    except OSError as error:
        raise UsageError("The table {table} cannot be read: {why}.", table=path, why=error.strerror) from error
    marked = [encoding for mark, encoding in _MARKS if content.startswith(mark)]
    for encoding in marked or _PLAIN:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UsageError("{table} is text in no encoding that is known here; save it as CSV in UTF-8.", table=path.name)


def _row(line: int, cells: dict[str, str], folder: Path) -> Row:
    photos = tuple(_photo(name.strip(), folder) for name in cells.get("photos", "").split(";") if name.strip())
    if len(photos) > MAX_TEMPLATES:
        raise UsageError("Give between 1 and {most} photos.", most=MAX_TEMPLATES)
    way, language, unit = cells.get("consent", ""), cells.get("language", "") or "en", cells.get("unit", "")
    if photos and way not in (Way.TOLD, Way.PAPER, Way.SCREEN):
        raise UsageError("Photos need a consent: told, paper or screen.")
    if language not in LANGUAGES:
        raise UsageError("There is no consent text in this language.")
    guardian = cells.get("guardian", "")
    valid_from, valid_until = (day_of(text) if (text := cells.get(column, "")) else "" for column in ("from", "until"))
    if valid_from and valid_until and valid_until < valid_from:
        raise UsageError(residents.ENDS_BEFORE)
    return Row(
        line=line,
        name=clean_text(cells.get("name", ""), "name"),
        unit=clean_text(unit, "unit") if unit else None,
        group=cells.get("group", ""),
        valid_from=valid_from,
        valid_until=valid_until,
        photos=photos,
        way=Way(way) if photos else None,
        language=language,
        guardian=clean_text(guardian, "guardian's name") if guardian else None,
    )


def _photo(name: str, folder: Path) -> Path:
    path = folder / name
    # A name that leads out of the folder, by itself or by a link.
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError("{photo} leads out of the folder of photos.", photo=name)
    if not path.is_file():
        raise UsageError("There is no photo {photo}.", photo=name)
    return path


def _refuse_unknown_group(connection: sqlite3.Connection, row: Row) -> None:
    if row.group and row.group not in {one.name for one in schedules.groups(connection)}:
        raise UsageError(residents.NO_GROUP, name=row.group)


def _changes(person: Resident, row: Row) -> bool:
    """Whether something of the row is not so yet. An empty cell says nothing."""
    wanted = (row.unit, row.group, row.valid_from, row.valid_until)
    there = (person.unit, person.group, person.valid_from, person.valid_until)
    return any(value and value != now for value, now in zip(wanted, there, strict=True))
