"""Which columns a table has, by the line that names them; and what is wrong with that line, all of it at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from enroll.tables.headings import CALLED, COLUMNS, SAID, TOLD_ONLY, column_of
from enroll.tables.table import Line
from gate.errors import Sentence, UsageError, together

# So many lines below the first are looked through for the one that names the columns.
_LOOKED_AT = 50
_LONGEST = 100


def columns_of(lines: Sequence[Line], table: str) -> list[str]:
    """What the columns of a `table` are called, by its first line; empty for those without a name and with nothing in
    them.

    Raises UsageError with every name that is unknown, missing or there twice; where the line names no column, with what
    stands there instead.
    """
    if not lines:
        raise UsageError(_lacks_the_name(1, table))
    if not _names_any(lines[0]):
        raise not_named(lines, table)
    first, said = lines[0].number, [cell.text for cell in lines[0].cells]
    names = [column_of(text) for text in said]
    unknown = [text for text, name in zip(said, names, strict=True) if name and name not in (*COLUMNS, TOLD_ONLY)]
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1}, key=COLUMNS.index)
    wrong = []
    if unknown:
        wrong.append(
            Sentence(
                "In line {line} of {table} are names of columns that are not known: {unknown}. The known ones are"
                " {columns}; rename these to one of them, or remove them.",
                line=first, table=table, unknown=_listed(unknown), columns=SAID,
            )
        )  # fmt: skip
    if "name" not in names:
        wrong.append(_lacks_the_name(first, table))
    wrong += [Sentence("The column '{column}' is in {table} twice.", column=CALLED[one], table=table) for one in twice]
    if wrong:
        raise UsageError(together(wrong))
    return names


def not_named(lines: Sequence[Line], table: str) -> UsageError:
    """The error, not yet raised, for a `table` with lines whose first names no column."""
    found = _listed(cell.text for cell in lines[0].cells)
    named = next((line.number for line in lines[1 : 1 + _LOOKED_AT] if _names_any(line)), None)
    if named is not None:
        return UsageError(
            "In {table} the columns are named in line {named}, and above it stands {found}. Remove what stands above"
            " line {named}.",
            table=table, named=named, found=found,
        )  # fmt: skip
    return UsageError(
        "Line {line} of {table} must name the columns, out of {columns}; {found} is none of them.",
        line=lines[0].number, table=table, columns=SAID, found=found,
    )  # fmt: skip


def _lacks_the_name(line: int, table: str) -> Sentence:
    return Sentence(
        "Line {line} of {table} must name the columns, out of {columns}; 'name' is missing.",
        line=line, table=table, columns=SAID,
    )  # fmt: skip


def _names_any(line: Line) -> bool:
    return any(column_of(cell.text) in COLUMNS for cell in line.cells)


def _listed(texts: Iterable[str]) -> Sentence:
    """Some texts as they were typed, for a sentence."""
    last, *before = [Sentence("'{text}'", text=text[:_LONGEST]) for text in texts if text][::-1]
    for one in before:
        last = Sentence("{one}, {rest}", one=one, rest=last)
    return last
