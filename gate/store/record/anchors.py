"""The record held against anchors: what was seen of it by things that whoever can write the database cannot write.

The chain proves that its lines belong together. Whoever can write the database can also compute a whole new chain; that
one does not have the hashes that the journal, a webhook's receiver or a backup elsewhere saw. Each of these keeps
*witnesses*: a line's number and hash, and when they were seen. Two things excuse a witness whose line is not there:
pruning, which only ever takes lines a day old or older, and a restore, which says in a line of its own which lines it
replaced.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gate.processes.fields import Malformed, read
from gate.store.record import audit
from gate.store.record.audit import Anchor, Flaw
from gate.store.record.details import details_of, object_of
from gate.vocabulary import Kind

# The door says an anchor after so many lines, and after so many seconds in which there was any.
LINES_APART = 16
EVERY_S = 600.0
# An anchor is said a little after its line was written, and one machine's clock is not another's, seconds.
_SAID_LATE_S = 2 * EVERY_S
# No retention is shorter, seconds.
_LEAST_KEPT_S = 86400.0
# The whole of what the door says then: words of others that it repeats, in an error for example, are no anchor.
_SAID = re.compile(r"(?:^|door: )record anchor: line (\d{1,18}), hash ([0-9a-f]{64})\s*$")
_DOORS_WORDS = ("record anchor: ", "door: record anchor: ")


class Keeper(StrEnum):
    """Who kept an anchor."""

    JOURNAL = "journal"
    BACKUP = "backup"
    EXPORT = "export"
    GIVEN = "given"


# Whoever can write the database cannot write here.
OUT_OF_REACH = (Keeper.JOURNAL, Keeper.GIVEN)


@dataclass(frozen=True, slots=True)
class Witness:
    """An anchor as somebody kept it; `at` is when it was taken, seconds since 1970, None where nobody knows."""

    anchor: Anchor
    keeper: Keeper
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a restore did at `at` (seconds since 1970): the lines after `kept` went, up to `through` (None: to any)."""

    kept: int
    through: int | None
    at: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The record beside its witnesses."""

    held: dict[Keeper, int]
    """How many agree, by who kept them."""
    newest: Witness | None
    """The one of them that reaches furthest."""
    before_start: int
    """How many are of lines that were pruned since: nothing can be compared."""
    lost: int
    """How many are of lines that a restore replaced."""
    flaw: Flaw | None
    """The first that does not agree."""


def said(anchor: Anchor) -> str:
    """An anchor in the words in which the door says it."""
    return f"record anchor: line {anchor.sequence}, hash {anchor.hash}"


def heard(text: str) -> Anchor | None:
    """The anchor that a line of text says, if it says one."""
    found = _SAID.search(text)
    return Anchor(int(found[1]), found[2]) if found else None


def due(last: Anchor | None, last_mono: float, head: Anchor, now: float) -> bool:
    """Whether the door is to say its record's head again; times are monotonic seconds."""
    if last is None:
        return True
    apart = head.sequence - last.sequence
    return apart >= LINES_APART or (apart != 0 and now - last_mono >= EVERY_S)


def in_text(text: str) -> Iterator[Anchor]:
    """The anchors in what somebody kept: what an export wrote, bodies of webhooks one a line, or a log."""
    for line in text.splitlines():
        anchor = heard(line)
        if anchor is not None:
            yield anchor
        try:
            yield from _in_json(json.loads(line))
        except (ValueError, RecursionError):
            continue


def _in_json(value: Any) -> Iterator[Anchor]:
    if not isinstance(value, dict):
        return
    sequence, digest, message = value.get("sequence"), value.get("hash"), value.get("MESSAGE")
    anchor = heard(message) if isinstance(message, str) and "door" in str(value.get("_SYSTEMD_UNIT", "door")) else None
    if anchor is not None:
        yield anchor
    if type(sequence) is int and isinstance(digest, str):
        yield Anchor(sequence, digest)
    for inner in ("data", "head", "anchor"):
        yield from _in_json(value.get(inner))


def in_journal(lines: Iterable[str], unit: str) -> Iterator[Witness]:
    """What a unit said by the journal's own word (`journalctl --output=json`); what another unit says is no witness."""
    for line in lines:
        if "record anchor" not in line:
            continue
        try:
            entry = json.loads(line)
            message, at = entry["MESSAGE"], int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(message, str) and message.startswith(_DOORS_WORDS) and entry.get("_SYSTEMD_UNIT") == unit:
            yield from (Witness(one, Keeper.JOURNAL, at) for one in [heard(message)] if one is not None)


def compare(connection: sqlite3.Connection, witnesses: Sequence[Witness], now: float) -> Comparison:
    """Hold a record whose chain verifies against its witnesses. `now` is seconds since 1970."""
    base, last = audit.base(connection), audit.anchor(connection)
    end = last.sequence if last else base.sequence
    replaced, pruned_at = replaced_by_restores(connection), _pruned_at(connection, now)
    held, before, lost, broken = list[Witness](), 0, 0, list[Witness]()
    for one in sorted(witnesses, key=lambda witness: witness.anchor.sequence):
        number = one.anchor.sequence
        if (number > base.sequence and _hash_of(connection, number) == one.anchor.hash) or one.anchor == base:
            held.append(one)
        elif number < base.sequence and not _too_young(one, pruned_at):
            before += 1
        elif any(_explains(restore, one) for restore in replaced):
            lost += 1
        else:
            broken.append(one)
    flaw = _flaw(broken[0], held, base, end) if broken else None
    counts = Counter(one.keeper for one in held)
    return Comparison(dict(counts), held[-1] if held else None, before, lost, flaw)


def _flaw(broken: Witness, held: Sequence[Witness], base: Anchor, end: int) -> Flaw:
    number, who = broken.anchor.sequence, _told(broken)
    if number < base.sequence:
        return Flaw(number, f"the line was taken away less than a day after {who} saw it; pruning takes older ones")
    if number > end:
        return Flaw(end + 1, f"the record ends before line {number}, which {who} saw")
    before = (one.anchor.sequence for one in held if base.sequence <= one.anchor.sequence < number)
    sound = min(number - 1, max(before, default=base.sequence))
    return Flaw(
        sound + 1,
        f"the record was rewritten from this line on, or from a later one: line {number} is not the one that {who} saw",
    )


def _too_young(witness: Witness, pruned_at: float) -> bool:
    """Whether a line was pruned that the journal saw less than a day before. (A backup may see a line long after.)"""
    if witness.keeper is not Keeper.JOURNAL or witness.at is None:
        return False
    return witness.at > pruned_at - _LEAST_KEPT_S + _SAID_LATE_S


def _told(witness: Witness) -> str:
    names = {
        Keeper.JOURNAL: "the journal",
        Keeper.BACKUP: "a backup",
        Keeper.EXPORT: "the last export",
        Keeper.GIVEN: "the anchor that was given",
    }
    when = f" at {datetime.fromtimestamp(witness.at, UTC):%Y-%m-%d %H:%M:%S} UTC" if witness.at else ""
    return names[witness.keeper] + when


def _explains(restore: Replaced, witness: Witness) -> bool:
    in_time = witness.at is None or witness.at <= restore.at + _SAID_LATE_S
    replaced = restore.through is None or witness.anchor.sequence <= restore.through
    return in_time and replaced and witness.anchor.sequence > restore.kept


def replaced_by_restores(connection: sqlite3.Connection) -> list[Replaced]:
    """What restores replaced: by their own lines, and by what pruning kept of those that it took."""
    rows = connection.execute(
        "SELECT sequence, kind, at, details FROM audit WHERE kind IN (?, ?) ORDER BY sequence",
        (Kind.RESTORED, Kind.TIDIED),
    )
    found: list[Replaced] = []
    for sequence, kind, at, text in rows:
        details = object_of(text)
        if kind == Kind.TIDIED:
            found += _kept_by_pruning(details)
        else:
            # Before restores said so, they wrote a line for each resident they erased again, and their own.
            says = details_of(details)
            kept = sequence - 1 - (says.erased_again or 0) if says.kept is None else says.kept
            found.append(Replaced(kept, says.through, datetime.fromisoformat(at).timestamp()))
    return found


def _kept_by_pruning(details: dict[str, Any]) -> Iterator[Replaced]:
    """What a line says in which nothing else is checked yet: what makes no sense excuses nothing."""
    said = details.get("replaced")
    for one in said if isinstance(said, list) else ():
        with suppress(Malformed):
            yield read(Replaced, one)


def replaced_beyond(connection: sqlite3.Connection, sequence: int) -> list[dict[str, Any]]:
    """What pruning up to a line must keep of the restores among what goes: whatever still excuses a later witness."""
    kept = [one for one in replaced_by_restores(connection) if one.through is None or one.through > sequence]
    return [asdict(one) for one in dict.fromkeys(kept)]


def _pruned_at(connection: sqlite3.Connection, now: float) -> float:
    """When lines were pruned last, seconds since 1970, by the record's word where that is not in the future."""
    row = connection.execute(
        "SELECT max(at) FROM audit WHERE kind = ? AND json_extract(details, '$.through') IS NOT NULL", (Kind.TIDIED,)
    ).fetchone()
    return min(now, datetime.fromisoformat(row[0]).timestamp()) if row and row[0] else now


def _hash_of(connection: sqlite3.Connection, sequence: int) -> str | None:
    row = connection.execute("SELECT hash FROM audit WHERE sequence = ?", (sequence,)).fetchone()
    return row[0] if row else None
