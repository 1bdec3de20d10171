"""Where residents are, by the rule against passing a credential back: the door alone knows, and forgets when asked."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from api.context import Context
from api.problems import HttpProblem
from gate.errors import Sentence
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.store.people import whereabouts
from gate.store.people.residents import Resident

_SILENT = Sentence(
    "The door does not answer, and it alone knows who is in; nothing was changed. Try again in a moment."
)


def forgive(context: Context, connection: sqlite3.Connection, resident: Resident | None, *, by: str) -> None:
    """Have the door forget where somebody is (None: where anybody is), so that nobody is refused for it. On record.

    Raises HttpProblem (503) where the door does not answer.
    """
    with closing(Client(socket_of(context.state, "door"))) as door:
        try:
            asking.forgive(door, None if resident is None else resident.id)
        except LinkDown as error:
            raise HttpProblem(503, _SILENT) from error
    whereabouts.say_forgiven(connection, resident, by=by)
