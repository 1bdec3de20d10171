"""A table from a file: CSV or a workbook, told by the first bytes of the file and not by its name."""

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
    """The table in the file at `path`, whose first line must name some of `columns` (in small letters).

    `encoding` says in which encoding a CSV is, see `encodings.decoded`. `called` is what the file is called in a
    sentence, where it lies at `path` under another name. Raises UsageError, with one sentence, where it cannot be
    read, is larger than MAX_BYTES, or holds no such table.
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
        raise UsageError("The table {table} cannot be read: {why}.", table=name, why=error.strerror) from error
    if content.startswith(_COMPOUND):
        raise UsageError(
            "{table} is an old Excel file (.xls), or locked with a password; save it as .xlsx, without one.",
            table=name,
        )
    return read_text(content, name, columns, encoding)
