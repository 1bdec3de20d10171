"""The rows of a table of people: each as it is meant, or with all that is wrong with it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from enroll.application import Application, Photo, refuse_photos
from enroll.consent import agreed
from enroll.decode import photo_in
from enroll.decoder.parent import Decoder
from enroll.named_photos import NamedPhotos
from enroll.tables.columns import columns_of
from enroll.tables.days import day_of
from enroll.tables.headings import CALLED, column_of, language_of, way_of
from enroll.tables.open import ENDINGS
from enroll.tables.table import Line, Table
from gate.days import ENDS_BEFORE
from gate.errors import FacegateError, Sentence, UsageError, together
from gate.names import clean_home, clean_name, folded_name, normalised
from gate.spreadsheet import typed
from gate.store.people.consents import Way
from gate.store.people.homes import home_key

Found = TypeVar("Found")

_DAYS = ("from", "until")
# What is typed for yes in a table, and for no where every cell is filled in.
_YES = frozenset({"yes", "y", "x", "true", "1", "是", "需要"})
_NO = frozenset({"", "no", "n", "false", "0", "-", "否", "不", "不需要", "无"})


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
    area: str = ""
    """Empty: none is named."""
    hours: str = ""
    """A schedule of their own; empty: none is named."""
    more_time: bool = False
    """Whether it says that they need the gate open for longer."""
    homes: frozenset[str] = frozenset()
    """The keys of the homes that the table has beside this name."""


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
    changes: Sentence | None = None
    """What is another of somebody who was there before."""
    is_like: bool = False
    """Whether it is refused because nobody said yet that this is another person than the one they look like."""
    resident: str | None = field(default=None, compare=False)
    """The id of whose row it is; None: nobody's who is there. In a rehearsal whoever is new has one of the rehearsal's
    own."""
    like: frozenset[str] = field(default=frozenset(), compare=False)
    """The ids of others whom `why` names, since they look like them."""

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
    names, source = columns_of(table.lines, table.name), _Source(NamedPhotos(folder), decoder, language)
    rows: list[Row] = []
    refused: list[Outcome] = []
    for line in table.lines[1:]:
        wrong: list[Sentence] = []
        cells = tried(wrong, _cells, names, line, wrong)
        row = _row(line.number, cells, source, wrong) if cells is not None else None
        if row is not None:
            rows.append(replace(row, asked=replace(row.asked, ended=ended)))
            continue
        called = "".join(cell.text for name, cell in zip(names, line.cells, strict=False) if name == "name")
        refused.append(Outcome(line.number, called[:100], Action.REFUSED, together(wrong)))
    homes: dict[str, set[str]] = defaultdict(set)
    for name, home in source.seen:
        homes[name].add(home or "")
    return [replace(one, homes=frozenset(homes[folded_name(one.asked.name)])) for one in rows], refused


def photos_lacking(table: Table, folder: Path) -> Sentence | None:
    """What to tell whoever brought a table that names photos, and none of any name; None where some came."""
    names = [column_of(cell.text) for cell in table.lines[0].cells] if table.lines else []
    at = names.index("photos") if "photos" in names else len(names)
    count = sum(bool(cell.text) for line in table.lines[1:] for cell in line.cells[at : at + 1])
    if not count or any(path.is_file() and path.suffix.lower() not in ENDINGS for path in folder.rglob("*")):
        return None
    return Sentence(
        "No photos came with this table, and {count} of its lines name some. Give the photos with it, as a ZIP.",
        count=count,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """What the lines of one table are read with, and whom its lines before are about."""

    photos: NamedPhotos
    decoder: Decoder
    language: str
    """In which those agreed whose line names none."""
    seen: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def photo(self, name: str) -> Photo:
        """The photo that a line calls so. Raises UsageError."""
        return photo_in(self.photos.called(name), self.decoder, name)

    def refuse_twice(self, name: str, unit: str | None, line: int) -> None:
        """Raises UsageError where a line before is about the same person."""
        first = self.seen.setdefault((folded_name(name), home_key(unit) if unit else None), line)
        if first != line:
            raise UsageError("{name} is already in line {line}.", name=name, line=first)


def _cells(names: list[str], line: Line, wrong: list[Sentence]) -> dict[str, str]:
    """What stands under each column; added to `wrong` is each day where none belongs, which is then left out.

    Raises UsageError for what stands under no column: then nothing of the line stands where it was meant.
    """
    named = dict(zip(names, line.cells, strict=False))
    if any(cell.text for cell in line.cells[len(names) :]):
        raise UsageError(
            "The line has text in more cells than there are columns; a text that holds the separator stands in quotes."
        )
    for number, (name, cell) in enumerate(zip(names, line.cells, strict=False), 1):
        if cell.text and not name:
            raise UsageError(
                "In column {number}, which has no name, stands '{text}'. Give that column a name, or remove it.",
                number=number, text=cell.text[:100],
            )  # fmt: skip
    days = {name for name, cell in named.items() if cell.is_day and name not in _DAYS}
    wrong += [
        Sentence(
            "In the column '{column}' is a date, {day}: a spreadsheet makes one of 3-12, for example. Format the"
            " column as text, and type it again.",
            column=CALLED[name], day=named[name].text,
        )
        for name in names if name in days
    ]  # fmt: skip
    return {name: typed(cell.text) for name, cell in named.items() if name not in days or name == "name"}


def _row(line: int, cells: dict[str, str], source: _Source, wrong: list[Sentence]) -> Row | None:
    """A line as it is meant; None where something is `wrong` with it, to which everything is added that is found."""
    names = [name.strip() for name in re.split("[;；\n]", cells.get("photos", "")) if name.strip()]
    photos = [photo for name in names if (photo := tried(wrong, source.photo, name))]
    spoken = language_of(cells.get("language", "")) or source.language
    said = None
    if way := tried(wrong, _way, cells.get("consent", "")):
        said = tried(wrong, agreed, way, spoken, cells.get("guardian", "") or None)
    if said is not None and "photos" in cells:
        # A consent is for a face: without photos there is nothing to agree to.
        tried(wrong, refuse_photos, len(names), said if names else None)
    valid_from, valid_until = (
        tried(wrong, day_of, text) or "" if (text := cells.get(one, "")) else "" for one in _DAYS
    )
    if valid_from and valid_until and valid_until < valid_from:
        wrong.append(Sentence(ENDS_BEFORE))
    another, more_time = (tried(wrong, _is_yes, cells, column) for column in ("another_person", "more_time"))
    name = tried(wrong, clean_name, cells.get("name", ""))
    home = tried(wrong, clean_home, unit) if (unit := cells.get("unit", "")) else None
    if name is not None:
        tried(wrong, source.refuse_twice, name, home, line)
    if wrong or name is None or said is None:
        return None
    return Row(
        line=line,
        asked=Application.of(name, home, photos, said if photos else None,
                             another_than=None if another else frozenset()),
        group=normalised(cells.get("group", "")),
        area=normalised(cells.get("area", "")),
        hours=normalised(cells.get("hours", "")),
        more_time=bool(more_time),
        valid_from=valid_from,
        valid_until=valid_until,
        agreed=said.way is not Way.NONE,
    )  # fmt: skip


def tried(wrong: list[Sentence], ask: Callable[..., Found], *given: object) -> Found | None:
    """What is found; None where it is refused, with the reason added to what is `wrong`."""
    try:
        return ask(*given)
    except FacegateError as error:
        wrong.append(error.sentence)
        return None


def _way(text: str) -> Way:
    """How they agreed; `Way.NONE` for an empty cell. Raises UsageError for what cannot be understood."""
    way = way_of(text) if text else Way.NONE
    if way is None:
        raise UsageError(
            "In the column consent stands '{text}': write told, paper or screen, or leave it empty.", text=text[:100]
        )
    return way


def _is_yes(cells: dict[str, str], column: str) -> bool:
    """What the cell of a column says, empty for no. Raises UsageError for anything else."""
    text = cells.get(column, "")
    if text.casefold() not in _YES | _NO:
        raise UsageError(
            "In the column {column} stands '{text}': write yes, or leave it empty.",
            column=CALLED[column], text=text[:100],
        )  # fmt: skip
    return text.casefold() in _YES
