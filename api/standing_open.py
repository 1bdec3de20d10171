"""Who may change when the gate itself stands open: whoever may open it, by whatever way its hours are changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from api.actors import may_not
from api.auth import Actor, Permission
from gate.store.database import transaction
from gate.store.site import schedules


def refuse_without_door(actor: Actor) -> None:
    """Raises HttpProblem (403) where they may not open the gate."""
    if not actor.may(Permission.DOOR):
        raise may_not(Permission.DOOR)


@contextmanager
def changing_hours(connection: sqlite3.Connection, actor: Actor, schedule: str | None) -> Iterator[None]:
    """Within it the hours of `schedule` (None: of every one) are changed, or what holds on its holidays, or nothing.

    Raises HttpProblem (403) where the gate itself stands open by them and the actor may not open it.
    """
    with transaction(connection):
        free = schedules.free_schedule(connection)
        if free is not None and schedule in (None, free):
            refuse_without_door(actor)
        yield
