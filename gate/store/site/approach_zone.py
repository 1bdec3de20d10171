"""The approach zone that somebody drew on the picture: it stands before that of the settings, and counts at once."""

from __future__ import annotations

import json
import sqlite3

from gate.errors import Refusal
from gate.store.database import transaction
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom, as fractions of the picture."""

# Less would be a slip of the hand, and let nobody in.
_LEAST_SIDE = 0.05


def drawn(connection: sqlite3.Connection) -> Edges | None:
    """The zone as it was drawn; None: nobody did."""
    (zone,) = connection.execute("SELECT zone FROM gate").fetchone()
    if zone is None:
        return None
    left, top, right, bottom = json.loads(zone)
    return left, top, right, bottom


def draw(connection: sqlite3.Connection, zone: Edges | None, by: str) -> None:
    """Let a face count only inside this; None: as the settings say. Raises Refusal for what is no zone."""
    if zone is not None:
        left, top, right, bottom = zone
        inside = all(0 <= edge <= 1 for edge in zone)
        if not (inside and right - left >= _LEAST_SIDE and bottom - top >= _LEAST_SIDE):
            raise Refusal("The zone must lie inside the picture and be at least a twentieth of it wide and high.")
    with transaction(connection):
        value = None if zone is None else json.dumps([round(edge, 4) for edge in zone])
        connection.execute("UPDATE gate SET zone = ?", (value,))
        audit.append(connection, AuditEvent(Kind.ZONE_CHANGED, {"zone": zone and list(zone), "by": by}))
