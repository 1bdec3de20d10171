"""Uses of passes: each was spent at one gate, and has an id by which it counts once, however often it is told.

What is known of a pass's uses only grows: another use, or that nobody passed by one. So several gates know the same in
the end, in whatever order they hear of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

MOST_GIVEN_BACK = 20
"""So many of those by which nobody passed are kept of a pass, the latest: who stands there for hours makes many."""
MOST_OF_A_GATE = 200
"""No gate spends more of one pass."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use. Ids sort by time; `at` is ISO 8601, UTC."""

    id: str
    gate: str
    """The id of the gate at which it was spent."""
    at: str
    given_back: bool = False
    """Nobody passed by it, and it counts no more."""


def merged(known: Iterable[Use], said: Iterable[Use]) -> tuple[Use, ...]:
    """All that either knows, the earliest first."""
    found: dict[str, Use] = {}
    for one in (*known, *said):
        before = found.setdefault(one.id, one)
        if one.given_back and not before.given_back:
            found[one.id] = replace(before, given_back=True)
    return tuple(found[identity] for identity in sorted(found))


def believed_of(gate: str, known: Iterable[Use], said: Iterable[Use]) -> tuple[Use, ...]:
    """What is taken of what this gate says: its own uses alone, so that it can spend, and give back nothing that
    another spent."""
    others = {one.id for one in known if one.gate != gate}
    own = [one for one in said if one.gate == gate and one.id not in others]
    return tuple(own[:MOST_OF_A_GATE])


def not_older(known: Iterable[Use], said: Iterable[Use]) -> tuple[Use, ...]:
    """What is taken of a former word of a centre, which a gate gives back: uses that are not known, and of those that
    are nothing, since they may count."""
    ids = {one.id for one in known}
    return tuple(one for one in said if one.id not in ids)


def counted(uses: Iterable[Use]) -> int:
    """How many of them count."""
    return sum(not one.given_back for one in uses)


def of_pass(connection: sqlite3.Connection, visit: str) -> tuple[Use, ...]:
    """All that is known here of a pass's uses, the earliest first."""
    query = "SELECT id, gate_id, at, given_back FROM pass_uses WHERE pass_id = ? ORDER BY id"
    return tuple(Use(one, gate, at, bool(back)) for one, gate, at, back in connection.execute(query, (visit,)))


def keep(connection: sqlite3.Connection, visit: str, said: Iterable[Use]) -> None:
    """Keep what is said of them too. Part of a transaction; triggers count them into the pass."""
    known = {one.id: one for one in of_pass(connection, visit)}
    for one in merged(known.values(), said):
        if one.id not in known:
            connection.execute(
                "INSERT OR IGNORE INTO pass_uses (id, pass_id, gate_id, at, given_back) VALUES (?, ?, ?, ?, ?)",
                (one.id, visit, one.gate, one.at, int(one.given_back)),
            )
        elif one != known[one.id]:
            connection.execute("UPDATE pass_uses SET given_back = 1 WHERE id = ?", (one.id,))
    forget_old(connection, visit)


def forget_old(connection: sqlite3.Connection, visit: str) -> None:
    """Of uses that were given back the latest alone are kept: they count for nothing."""
    connection.execute(
        "DELETE FROM pass_uses WHERE pass_id = ?1 AND given_back AND id NOT IN ("
        "SELECT id FROM pass_uses WHERE pass_id = ?1 AND given_back ORDER BY id DESC LIMIT ?2)",
        (visit, MOST_GIVEN_BACK),
    )
