"""A table from the bytes of a CSV, as spreadsheets and other programs write it.

The encoding is found by `encodings`; the separator is the one by which the first line names the most known columns, or
what a line `sep=;` above says. Quotation marks are those of RFC 4180.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator

from enroll.tables.encodings import decoded
from enroll.tables.headings import column_of
from enroll.tables.table import MAX_COLUMNS, MAX_LINES, Cell, Line, Table, too_long
from gate.errors import Sentence, UsageError

_SEPARATORS = {
    ",": Sentence("commas"), ";": Sentence("semicolons"), "\t": Sentence("tabs"), "|": Sentence("vertical bars"),
    "，": Sentence("wide commas"), "；": Sentence("wide semicolons"), "؛": Sentence("Arabic semicolons"),
}  # fmt: skip
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|table|meta|\?xml)\b", re.IGNORECASE)
# What Excel writes and reads before the first line.
_SAID = re.compile(r'"?sep=([^\r\n"])"?[,;\t|]*\r?\n', re.IGNORECASE)


def read_text(content: bytes, name: str, columns: Collection[str], encoding: str | None = None) -> Table:
    """The table in the bytes of a CSV.

    `name` is what the file is called in a sentence, `columns` are the known names of columns in small letters, by which
    the separator is found, and `encoding` is a key of `encodings.ENCODINGS` or None. Raises UsageError where it is text
    in no known encoding, its quotation marks are not in pairs, or it has too many lines or cells in a line, and for a
    web page, which programs of property offices export as .xls.
    """
    if _PAGE.match(content):
        raise UsageError(
            "{table} is a web page and no table; open it in Excel or WPS, and save it as .xlsx.", table=name
        )
    text, encoding = decoded(content, name, encoding, lambda text: _is_headed(text, columns))
    said = _SAID.match(text)
    separator = said[1] if said else _separator(text, columns)
    lines = tuple(_lines(text[said.end() :] if said else text, separator, name, 1 if said else 0))
    by = _SEPARATORS.get(separator) or separator
    return Table(name, lines, Sentence("Read as {encoding}, separated by {by}.", encoding=encoding, by=by))


def _is_headed(text: str, columns: Collection[str]) -> bool:
    """Whether the first line names one of `columns` in other than plain letters."""
    said = _SAID.match(text)
    start = text[said.end() :] if said else text
    separator = said[1] if said else _separator(start, columns)
    return any(column_of(cell) in columns and not cell.isascii() for cell in _headings(start, separator))


def _separator(text: str, columns: Collection[str]) -> str:
    """The separator by which the first line names the most of `columns`; a comma where none names any."""
    return max(_SEPARATORS, key=lambda one: sum(column_of(cell) in columns for cell in _headings(text, one)))


def _headings(text: str, separator: str) -> list[str]:
    start = text.lstrip("\r\n")[: MAX_COLUMNS * 64]
    try:
        return next(csv.reader(io.StringIO(start, newline=""), delimiter=separator), [])
    except csv.Error:
        return []


def _lines(text: str, separator: str, name: str, before: int) -> Iterator[Line]:
    """The lines that are not empty. Numbers count on from `before`, the lines above; a line whose quoted cell goes on
    over several has the number of its first. Raises UsageError."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = before + 1
    try:
        for cells in reader:
            if reader.line_num + before > MAX_LINES:
                raise too_long(name)
            used = max((at for at, cell in enumerate(cells, 1) if cell.strip()), default=0)
            if used > MAX_COLUMNS:
                raise UsageError("Line {line} of {table} has more than {most} cells.", line=number, table=name,
                                 most=MAX_COLUMNS)  # fmt: skip
            if used:
                yield Line(number, tuple(Cell(cell.strip()) for cell in cells[:used]))
            number = reader.line_num + before + 1
    except csv.Error as error:
        raise UsageError(
            "{table} cannot be read as CSV: the quotation marks in line {line} are not in pairs, or a cell is too long."
            " Correct that line.",
            table=name, line=number,
        ) from error  # fmt: skip
