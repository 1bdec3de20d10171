"""The receipts of what was erased, found again in the record, which holds nothing of whom they are about."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.store.people.erasure import Receipt
from gate.store.record import audit, search
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.vocabulary import Kind

_KINDS = (Kind.ERASED, Kind.CONSENT_WITHDRAWN, Kind.ERASED_TOGETHER)


@dataclass(frozen=True, slots=True)
class Kept:
    """A receipt with what the record says beside it."""

    sequence: int
    """The number of its line."""
    receipt: Receipt
    withdrawn: bool
    """Whether a consent ended, and whoever gave it stayed; else they were erased whole."""
    by: str
    """Who did it, as the record names them."""
    first: int
    """The number of the first line that it is for: of several people each has a line, right before the one for all."""


def found(connection: sqlite3.Connection, event: str) -> Kept | None:
    """The receipt of this id; None where the record has none, or has it no longer."""
    line = audit.line_of(connection, event)
    return _kept(line) if line is not None and line.kind in _KINDS else None


def newest(connection: sqlite3.Connection, before: int | None, count: int) -> list[Kept]:
    """At most `count` receipts, from the newest one before line `before` on backwards; for several people the one."""
    found: list[Kept] = []
    lines = search.page(connection, Search(kinds=_KINDS), before, count)
    while lines and len(found) < count:
        for one in map(_kept, lines):
            if not found or one.sequence < found[-1].first:
                found.append(one)
        lines = search.page(connection, Search(kinds=_KINDS), found[-1].first, count) if len(lines) == count else []
    return found[:count]


def _kept(line: Line) -> Kept:
    said = line.details
    templates, fields = _number(said.get("templates"), 0), _number(said.get("personal_fields"), 0)
    receipt = Receipt(line.id, line.at, templates, fields, _number(said.get("people"), 1))
    withdrawn = Kind.CONSENT_WITHDRAWN in (line.kind, said.get("what"))
    first = line.sequence - (receipt.people if line.kind == Kind.ERASED_TOGETHER else 0)
    return Kept(line.sequence, receipt, withdrawn, line.says.by or "", first)


def _number(said: object, absent: int) -> int:
    return said if isinstance(said, int) and not isinstance(said, bool) else absent
