"""A table, whatever file it came in."""

from __future__ import annotations

from dataclasses import dataclass

from gate.errors import Sentence, UsageError

MAX_BYTES = 16 << 20
MAX_LINES = 20_000
MAX_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell; `is_day` where the file itself says that it is a date."""

    text: str
    is_day: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table; `number` counts from 1 as the program counts that shows it."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Its lines without the empty ones, the first with the names of the columns, and in words how it was read."""

    name: str
    lines: tuple[Line, ...]
    read_as: Sentence


def too_long(name: str) -> UsageError:
    """For a table with more lines than are taken."""
    return UsageError("{table} has more than {most} lines; split it.", table=name, most=MAX_LINES)
