"""A table from a workbook (.xlsx, .xlsm, .xlsb, .ods).

The file is opened by a child process with limits and without rights (`workbook_child`): it comes from anybody, and what
reads it is a large library. The child's answer is checked as if it came from the file's author.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from enroll.child import answer_of
from enroll.tables.columns import not_named
from enroll.tables.headings import column_of
from enroll.tables.table import MAX_COLUMNS, MAX_LINES, Cell, Line, Table, too_long
from enroll.tables.workbook_child import LOCKED, LONG
from enroll.zip_archive import sane_archive
from gate.errors import Sentence, UsageError

_MOST_MEMBERS = 2_000
_MOST_UNPACKED = 64 << 20
_MOST_ANSWERED = 64 << 20


def read_workbook(path: Path, name: str, columns: Collection[str]) -> Table:
    """The first sheet, of those that are shown, whose first line names some of `columns` (in small letters).

    `name` is what the file is called in a sentence. The sheets that are not read are named in the table's `read_as`.
    Raises UsageError where it is no workbook, locked, too large, or no sheet begins so; OSError where the file cannot
    be opened.
    """
    sane_archive(path, name, most_members=_MOST_MEMBERS, most_bytes=_MOST_UNPACKED)
    sheets = [(sheet, lines) for sheet, lines in _answered(path, name) if lines]
    found = [
        (sheet, lines) for sheet, lines in sheets if any(column_of(cell.text) in columns for cell in lines[0].cells)
    ]
    if not found:
        raise _not_named(sheets, name)
    (sheet, lines), *others = found
    return Table(name, lines, _read_as(sheet, [other for other, _ in others]))


def _not_named(sheets: Sequence[tuple[str, tuple[Line, ...]]], name: str) -> UsageError:
    """The error for a workbook called `name` of which no sheet begins with the names of columns."""
    if not sheets:
        return UsageError("{table} is empty.", table=name)
    # The sheet that names them further down is the one that is meant.
    told = [not_named(lines, Sentence("{table}, sheet {sheet},", table=name, sheet=sheet)) for sheet, lines in sheets]
    return next((one for one in told if "named" in one.sentence.values), told[0])


def _read_as(sheet: str, others: list[str]) -> Sentence:
    if not others:
        return Sentence("Read from the sheet {sheet}.", sheet=sheet)
    return Sentence(
        "Read from the sheet {sheet} alone. Not read: {others}; import each as a table of its own.",
        sheet=sheet, others=", ".join(others),
    )  # fmt: skip


def _answered(path: Path, name: str) -> list[tuple[str, tuple[Line, ...]]]:
    try:
        with path.open("rb") as file:
            answer = json.loads(answer_of("enroll.tables.workbook_child", file, _MOST_ANSWERED))
        if "problem" not in answer:
            return [(str(one["name"])[:100], tuple(_lines(one["lines"]))) for one in answer["sheets"]]
        problem = str(answer["problem"])
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise _unreadable(name) from error
    if problem == LOCKED:
        raise UsageError("{table} is locked with a password; save it without.", table=name)
    raise too_long(name) if problem == LONG else _unreadable(name)


def _unreadable(name: str) -> UsageError:
    return UsageError("{table} cannot be read as a workbook; save it again as .xlsx, or as CSV in UTF-8.", table=name)


def _lines(given: Any) -> Iterator[Line]:
    if len(given) > MAX_LINES:
        raise ValueError("more lines than were asked for")
    for number, cells in given:
        if len(cells) > MAX_COLUMNS:
            raise ValueError("more columns than were asked for")
        yield Line(int(number), tuple(_cell(cell) for cell in cells))


def _cell(given: object) -> Cell:
    if isinstance(given, list):
        (day,) = given
        return Cell(str(day), is_day=True)
    return Cell(str(given))
