"""The child process that opens a workbook from standard input and answers with one JSON object on standard output.

It gives its rights away before it looks at the file (`enroll.decoder.sandbox`). It answers {"sheets": [{"name": ...,
"lines": [[number, [cell, ...]], ...]}, ...]}, where a cell is a text, or a list of one text where it is a day; or
{"problem": a word of PROBLEMS}.
"""

from __future__ import annotations

import io
import json
import sys
from datetime import date, datetime
from typing import Any

from enroll.decoder.sandbox import allow_seconds, shut_in
from enroll.tables.table import MAX_COLUMNS, MAX_LINES

LOCKED, LONG, NO_WORKBOOK = "locked", "too long", "no workbook"
PROBLEMS = (LOCKED, LONG, NO_WORKBOOK)
_SECONDS = 20
# More is no list of people; it also stands in memory whole.
_MOST_CELLS = 1_000_000


def main() -> int:
    """Read one workbook and answer; returns the exit code, 0. Raises OSError where its rights cannot be given away."""
    import python_calamine

    content = sys.stdin.buffer.read()
    # The words of dates and numbers are loaded while files may be opened.
    json.dumps(str(datetime.min))
    shut_in()
    allow_seconds(_SECONDS)
    try:
        answer: dict[str, Any] = {
            "sheets": _sheets(python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)))
        }
    except python_calamine.PasswordError:
        answer = {"problem": LOCKED}
    except OverflowError:
        answer = {"problem": LONG}
    # Whatever a reader raises over what somebody else wrote.
    except Exception:
        answer = {"problem": NO_WORKBOOK}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return 0


def _sheets(workbook: Any) -> list[dict[str, Any]]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    shown = [
        one.name for one in workbook.sheets_metadata
        if one.visible == SheetVisibleEnum.Visible and one.typ == SheetTypeEnum.WorkSheet
    ]  # fmt: skip
    return [{"name": name, "lines": _lines(workbook.get_sheet_by_name(name))} for name in shown]


def _lines(sheet: Any) -> list[tuple[int, list[object]]]:
    if sheet.start is None:
        return []
    first, before = sheet.start
    if before + sheet.width > MAX_COLUMNS or sheet.height > MAX_LINES or sheet.height * sheet.width > _MOST_CELLS:
        raise OverflowError
    rows = sheet.to_python(skip_empty_area=True)
    _fill_down(rows, first, before, sheet.merged_cell_ranges or ())
    found = ((number, [""] * before + [_cell(value) for value in row]) for number, row in enumerate(rows, first + 1))
    return [(number, list(cells)) for number, cells in found if any(cells)]


def _fill_down(rows: list[list[Any]], first: int, before: int, merged: Any) -> None:
    """What stands in cells that are merged downwards holds for each of their lines: one home, say, for a family.

    Sideways it does not, nor in the first line with the names of the columns. `merged` counts from the sheet's corner.
    """
    for (top, left), (bottom, _) in merged:
        if top > first and left >= before:
            for row in rows[top - first + 1 : bottom - first + 1]:
                row[left - before] = rows[top - first][left - before]


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return [value.date().isoformat()] if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return [value.isoformat()]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        # A spreadsheet has no whole numbers: 1204 comes as 1204.0.
        return str(int(value))
    return str(value).strip()
