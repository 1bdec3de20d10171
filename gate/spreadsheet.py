"""Cells as a spreadsheet may open them."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: object) -> str:
    """A cell's text; one that a spreadsheet would run is marked as text.

    >>> harmless("=1+1")
    "'=1+1"
    """
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def typed(cell: str) -> str:
    """What was typed into a cell, without the mark of `harmless`.

    >>> typed("'=1+1"), typed("'s-Hertogenbosch")
    ('=1+1', "'s-Hertogenbosch")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
