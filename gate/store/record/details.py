"""The details of a line of the record, as far as anybody looks for them: the one place that knows their names.

Whoever writes a line puts into its details whatever there is to say of it, and all of that is shown to whoever may read
the record. What is counted, compared or put into words afterwards is a field here. In old lines it may be missing, and
whoever may write the database may have put anything in its place: what is not of its kind is None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gate.nesting import nests_too_deep


@dataclass(frozen=True, slots=True)
class Details:
    """What a line says, each None where it does not."""

    method: str | None = None
    """By what somebody asked to be let in: "face", "pin", "card", "rolling", "pass", "command", "rex", "link"."""
    first: str | None = None
    """What they had shown before, where two were asked for: "face", "pin", "card", "rolling"."""
    reader: str | None = None
    """The name of the reader at which a PIN, a card or a pass was shown."""
    reason: str | None = None
    """Why it was refused, of `gate.vocabulary.Reason`."""
    similarity: float | None = None
    frames: int | None = None
    """How many sightings a claim rested on, or how often a reader was not understood."""
    frame_age_ms: float | None = None
    """How old a claim's frame was when the door heard it, milliseconds before the line's own time."""
    frame_to_relay_ms: float | None = None
    track: int | None = None
    """Whose face a claim was of, as vision counts the faces in view."""
    claim: str | None = None
    """The id of what was granted."""
    along: str | None = None
    """The id of the grant that somebody came along with; in the record it is called "with"."""
    grant: str | None = None
    """The id of what was granted before, of which this line tells how it ended."""
    answers: str | None = None
    """The id of the call that rang when somebody opened from the console."""
    in_already: bool | None = None
    """Whether somebody went in, or wanted to, who was in already as far as was known."""
    in_at: str | None = None
    """The name of the other gate that saw them go in; empty: it is the centre's."""
    gate: str | None = None
    """The name of the gate that joined, left or was taken away."""
    id: str | None = None
    """The id of that gate."""
    rung: str | None = None
    """By what somebody rang: "keypad", "button", "screen", "face"."""
    outcome: str | None = None
    """How a grant ended: "taken", "not_taken", "unknown"."""
    event: str | None = None
    """The id of the line that this one is about."""
    fault: str | None = None
    order: str | None = None
    what: str | None = None
    """What was looked at."""
    why: str | None = None
    by: str | None = None
    """Who did it."""
    user: str | None = None
    """The id of the user whom it is about, or who signed in."""
    address: str | None = None
    """Where somebody signed in from, or tried to; in the record it is called "from"."""
    token: str | None = None
    """The id of a token."""
    role: str | None = None
    gates: str | None = None
    """The names of the gates that something was ordered of, or that an area has."""
    group: str | None = None
    area: str | None = None
    schedule: str | None = None
    holiday: str | None = None
    valid_from: str | None = None
    """Of a resident who was changed their first day; empty: it was taken away, as with the three around it."""
    valid_until: str | None = None
    extended: bool | None = None
    """Whether they have more time from then on."""
    seconds: float | None = None
    phase: str | None = None
    """How far an import was that was stopped: "rehearsing", "rehearsed", "working"."""
    done: int | None = None
    """How many of its rows were done, where they were being done; so with the two that follow."""
    refused: int | None = None
    untouched: int | None = None
    through: int | None = None
    """The last line that went: by pruning, or by a restore."""
    hash: str | None = None
    """That line's hash, where pruning took it."""
    kept: int | None = None
    """The last line that a restore left."""
    erased_again: int | None = None
    """How many residents a restore erased again."""


_SINGLE: dict[str, type | tuple[type, ...]] = {
    "str | None": str, "int | None": int, "float | None": (int, float), "bool | None": bool,
}  # fmt: skip
# What has another name in the record than a field can have.
CALLED = {"along": "with", "address": "from"}
_KINDS = {field.name: _SINGLE[str(field.type)] for field in fields(Details)}


def details_of(said: object) -> Details:
    """What is looked for in a line's details."""
    found = said if isinstance(said, dict) else {}
    named = ((name, found.get(CALLED.get(name, name)), kind) for name, kind in _KINDS.items())
    return Details(**{name: value for name, value, kind in named if _is(value, kind)})


def object_of(text: str) -> dict[str, Any]:
    """What stands in a line as JSON; empty where that is no object of plain numbers and writable text, or lies so deep
    that whoever shows it could not.

    >>> object_of('{"why":"dark"}'), object_of('["why"]')
    ({'why': 'dark'}, {})
    """
    try:
        found = json.loads(text)
        # Half a surrogate pair, and 1e999, are valid JSON that no answer and no file takes.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and not nests_too_deep(found) else {}


def without_scores(details: Mapping[str, Any]) -> dict[str, Any]:
    """All that a line says but how alike a face was, which is for administrators alone."""
    return {name: value for name, value in details.items() if name != "similarity"}


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
