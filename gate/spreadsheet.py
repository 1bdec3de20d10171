"""Tables as a spreadsheet may open them: every cell in quotes, and none that it would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

# What spreadsheets take for the beginning of a formula, also as East Asian keyboards type it.
_BEGINS = "=+\\-@＝＋－＠﹦﹢﹣﹫"
# Where a cell may begin: at its own beginning, and after what another program takes for the end of a cell.
_GUARDED = re.compile(rf"(\A|[;|\t\r\n])(\s*)('*[{_BEGINS}])")
_MARKED = re.compile(rf"(\A|[;|\t\r\n])(\s*)'('*[{_BEGINS}])")


def csv_line(cells: Iterable[object]) -> str:
    """One line of a CSV with every cell in quotes, each as `harmless` writes it."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def harmless(cell: object) -> str:
    """A cell's text; what a spreadsheet would run is marked as text, also where it splits the cell in two.

    >>> harmless("=1+1"), harmless("Li;=1+2"), harmless("-5")
    ("'=1+1", "Li;'=1+2", "'-5")
    """
    return _GUARDED.sub(r"\1\2'\3", "" if cell is None else str(cell))


def typed(cell: str) -> str:
    """What was typed into a cell, without the marks of `harmless`.

    >>> typed("'=1+1"), typed("Li;'=1+2"), typed("'s-Hertogenbosch")
    ('=1+1', 'Li;=1+2', "'s-Hertogenbosch")
    """
    return _MARKED.sub(r"\1\2\3", cell)
