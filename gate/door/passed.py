"""Who went through by which grant: grants by face, PIN or card, and the passages that follow them. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gate.vocabulary import AuditEvent, Direction, Kind

CAMERA = "camera"
"""What the camera is called among the readers."""
# Of one gate's grants no more than a few wait for their passage at once.
_REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class Went:
    """A grant of a resident ended: they went through ("taken"), did not ("not_taken"), or nobody can tell
    ("unknown")."""

    resident: str
    way: Direction
    outcome: str


class Passers:
    """Joins grants with their passages. Not thread-safe: the door's loop owns it."""

    def __init__(self, inside: frozenset[str]) -> None:
        """`inside` are the names of the readers at which people leave, the camera by `CAMERA`."""
        self._inside = inside
        self._grants: OrderedDict[str, tuple[str, Direction]] = OrderedDict()

    def way_at(self, reader: object) -> Direction:
        """Which way somebody wants to go who asks at this reader; None: before the camera."""
        return Direction.OUT if (reader or CAMERA) in self._inside else Direction.IN

    def heed(self, event: AuditEvent) -> Went | None:
        """Take note of what happens at the door; what came of a grant, where that is it."""
        details = event.details
        if event.kind == Kind.GRANTED and event.resident is not None:
            self._grants[str(details["claim"])] = event.resident, self.way_at(details.get("reader"))
            if len(self._grants) > _REMEMBERED:
                self._grants.popitem(last=False)
        elif event.kind == Kind.PASSAGE and (found := self._grants.pop(str(details["grant"]), None)):
            return Went(*found, str(details["outcome"]))
        return None
