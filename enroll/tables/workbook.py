"""Workbooks (.xlsx and the like, .ods), opened by a child with limits and without rights; its answer is checked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from enroll.archive import sane_archive
from enroll.tables.table import MAX_COLUMNS, MAX_LINES, Cell, Line, Table, too_long
from enroll.tables.workbook_child import LOCKED, LONG
from gate.errors import Sentence, UsageError

_START = "import sys; sys.path.insert(0, sys.argv[1]); from enroll.tables.workbook_child import main; sys.exit(main())"
_HOUSE = str(Path(__file__).resolve().parents[2])
_WALL_S = 60.0
_MOST_MEMBERS = 2_000
_MOST_UNPACKED = 64 << 20
_MOST_ANSWERED = 64 << 20


def read_workbook(path: Path, columns: Collection[str]) -> Table:
    """The first sheet of a workbook whose first line names some of `columns`. Raises UsageError, OSError."""
    name = path.name
    sane_archive(path, name, most_members=_MOST_MEMBERS, most_bytes=_MOST_UNPACKED)
    for sheet, lines in _answered(path):
        if lines and any(cell.text.strip().lower() in columns for cell in lines[0].cells):
            return Table(name, lines, Sentence("Read from the sheet {sheet}.", sheet=sheet))
    raise UsageError(
        "No sheet of {table} begins with a line that names the columns, out of {columns}.",
        table=name, columns=", ".join(columns),
    )  # fmt: skip


def _answered(path: Path) -> list[tuple[str, tuple[Line, ...]]]:
    name = path.name
    try:
        answer = json.loads(_ask(path))
        if "problem" not in answer:
            return [(str(one["name"])[:100], tuple(_lines(one["lines"]))) for one in answer["sheets"]]
        problem = str(answer["problem"])
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise _unreadable(name) from error
    if problem == LOCKED:
        raise UsageError("{table} is locked with a password; save it without.", table=name)
    raise too_long(name) if problem == LONG else _unreadable(name)


def _ask(path: Path) -> bytes:
    """What the child says, at most so much and so long."""
    with path.open("rb") as file, subprocess.Popen(
        [sys.executable, "-I", "-c", _START, _HOUSE],
        stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env={},
    ) as child:  # fmt: skip
        late = threading.Timer(_WALL_S, child.kill)
        late.start()
        try:
            return child.stdout.read(_MOST_ANSWERED) if child.stdout else b""
        finally:
            late.cancel()
            child.kill()


def _unreadable(name: str) -> UsageError:
    return UsageError("{table} is no workbook that can be read; save it anew as .xlsx, or as CSV in UTF-8.", table=name)


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
