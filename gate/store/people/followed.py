"""People who are here by the word of a centre: to take from them works at every gate, and what was taken comes back at
the centre alone. What else is changed of them is proposed to it (`gate.store.compound.proposals`)."""

from __future__ import annotations

import sqlite3

from gate.errors import ResidentRefusal


def refuse_followed(connection: sqlite3.Connection, resident: str, name: str) -> None:
    """Raises Refusal where a resident is on the register of a centre that this gate follows."""
    row = connection.execute(
        "SELECT 1 FROM register, compound WHERE kind = 'resident' AND id = ? AND part = 'gate' AND taking = 0",
        (resident,),
    ).fetchone()
    if row is not None:
        raise ResidentRefusal(
            "A card of {name} that was lost at every gate is found again at the centre. Say it there, or remove it"
            " here and add it anew.",
            name=name,
        )
