"""A day as people write it in a table, read where it can mean one day only. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from gate.errors import UsageError

_MARK = r"\s*[-/.]\s*"
_YEAR_FIRST = re.compile(rf"(\d{{4}})(?:{_MARK}|\s*年\s*)(\d{{1,2}})(?:{_MARK}|\s*月\s*)(\d{{1,2}})\s*日?")
_WITHOUT_MARKS = re.compile(r"(\d{4})(\d{2})(\d{2})")
# With points the day comes first wherever people write so; with other marks that depends on the country.
_YEAR_LAST = re.compile(r"(\d{1,2})\s*([-/.])\s*(\d{1,2})\s*\2\s*(\d{4})")
# What programs add to a day that has no time.
_MIDNIGHT = re.compile(r"[T ]0?0:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?\Z")


def day_of(text: str) -> str:
    """The day that `text` says, as YYYY-MM-DD.

    Known are the year first, with any mark, with Chinese signs or without any; and the year last, where one of the
    other two numbers is above 12, both are the same, or points stand between them (then the day comes first). A time
    is let pass where it is midnight, and digits may be wide. Raises UsageError, with one sentence, for what is no day
    and for what may be two.

    >>> day_of("2026/1/5"), day_of("31.12.2026"), day_of("2026年12月31日"), day_of("12/31/2026")
    ('2026-01-05', '2026-12-31', '2026-12-31', '2026-12-31')
    """
    plain = _MIDNIGHT.sub("", unicodedata.normalize("NFKC", text).strip())
    if found := _YEAR_FIRST.fullmatch(plain) or _WITHOUT_MARKS.fullmatch(plain):
        year, month, day = map(int, found.groups())
        return _written(text, year, month, day)
    if found := _YEAR_LAST.fullmatch(plain):
        return _year_last(text, int(found[1]), found[2], int(found[3]), int(found[4]))
    raise UsageError("{day} is not a date; write it as 2027-01-31.", day=text)


def _year_last(text: str, first: int, mark: str, second: int, year: int) -> str:
    if mark == "." or first > 12:
        return _written(text, year, second, first)
    if second > 12 or first == second:
        return _written(text, year, first, second)
    raise UsageError(
        "{day} may be {one} or {other}; write which one, with the year first.",
        day=text, one=f"{year:04}-{second:02}-{first:02}", other=f"{year:04}-{first:02}-{second:02}",
    )  # fmt: skip


def _written(text: str, year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError as error:
        raise UsageError("There is no {day} in the calendar; check it.", day=text) from error
