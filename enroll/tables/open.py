"""A table from a file, by what the file holds and not by what it is called."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from enroll.tables.table import MAX_BYTES, Table
from enroll.tables.text import read_text
from gate.errors import UsageError

# How files end that may hold a table; of an old Excel file is said what to do.
ENDINGS = (".csv", ".tsv", ".xlsx", ".xlsm", ".xlsb", ".ods", ".xls")
_ARCHIVE = b"PK\x03\x04"
# Of old Excel files, and of new ones with a password.
_COMPOUND = b"\xd0\xcf\x11\xe0"


def open_table(path: Path, columns: Collection[str], encoding: str | None = None, called: str | None = None) -> Table:
    """The table in a file whose first line names some of `columns`; `encoding` as of `letters.decoded`.

    `called` is its name, where it lies under another.

    Raises UsageError with one sentence for whatever is none.
    """
    name = called or path.name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("{table} is larger than {most} MB; split it.", table=name, most=MAX_BYTES >> 20)
        content = path.read_bytes()
        if content.startswith(_ARCHIVE):
            from enroll.tables.workbook import read_workbook

            return read_workbook(path, name, columns)
    except OSError as error:
        raise UsageError(
            "The table {table} cannot be read: {why}.", table=called or path, why=error.strerror
        ) from error
    if content.startswith(_COMPOUND):
        raise UsageError(
            "{table} is an old Excel file (.xls), or locked with a password; save it as .xlsx, without one.",
            table=name,
        )
    return read_text(content, name, columns, encoding)
