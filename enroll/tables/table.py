"""What a table is once it is read, whatever file it came in, and how large it may be."""

from __future__ import annotations

from dataclasses import dataclass

from gate.errors import Sentence, UsageError

# Of the file, and of the table in it.
MAX_BYTES = 16 << 20
MAX_LINES = 20_000
MAX_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of a cell without white space around it; `is_day` where the file says it is a date: then YYYY-MM-DD."""

    text: str
    is_day: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table. `number` is the one that a spreadsheet or an editor shows beside it, from 1 on.

    `cells` are as many as the line has up to its last that is not empty; lines of one table differ in that.
    """

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `name` is its file's, `lines` are those that are not empty, and the first names the columns.

    `read_as` says how it was read (encoding and separator, or the sheet), for whoever brought it to see.
    """

    name: str
    lines: tuple[Line, ...]
    read_as: Sentence


def too_long(name: str) -> UsageError:
    """The error, not yet raised, for a table called `name` with more than MAX_LINES lines."""
    return UsageError("{table} has more than {most} lines; split it.", table=name, most=MAX_LINES)
