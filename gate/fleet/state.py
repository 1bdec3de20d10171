"""What a gate that follows a centre says of itself to it, without a name of anybody; and the small file by which the
api, which may ask the door, hands it to the link, which may not."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gate.places import read_plain
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.fields import Malformed, read, written

SAID_EVERY_S = 10.0
"""The state of a gate is said so often where nothing changes, and at once where something does."""
SILENT_AFTER_S = 25.0
"""Of whoever has said nothing for so long nobody knows how they are."""


class Trouble(StrEnum):
    """What may be wrong with a gate, as far as it is said to the centre; the door's faults are words of their own."""

    DOOR = "door"
    """The door does not answer."""
    API = "api"
    """Nobody says how the door is: the gate's own console does not answer."""
    VISION = "vision"
    """Nobody comes in by face."""
    CODES = "codes"
    """Not every PIN and card opens."""
    RECORD = "record"
    """The record cannot be written."""
    CLOCK = "clock"
    DISK = "disk"
    HEAT = "heat"
    POWER = "power"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """How a gate is now. `mode`, `leaf`, `standing` and `faults` are those of `gate.processes.status.DoorStatus`; texts
    here, as `troubles` are (words of `Trouble`), so that those of a gate of another version are shown as they are."""

    version: str
    mode: str | None = None
    """None: the door does not answer."""
    leaf: str | None = None
    standing: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    camera: bool | None = None
    """Whether the gate has a camera at which somebody can be enrolled from the centre; None: its version knows of no
    such thing."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A state with when it was so, monotonic seconds of the gate's own machine."""

    state: GateState
    at_mono: float

    def holds(self, now: float) -> bool:
        """Whether whoever said it is there still."""
        return 0 <= now - self.at_mono <= SILENT_AFTER_S


def write_state(state: Path, said: GateState) -> None:
    """Replace the file. Raises OSError."""
    path = runtime_directory(state, "api") / "gate.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(written(Kept(said, time.monotonic()))), "utf-8")
    new.chmod(0o640)
    new.rename(path)


def read_state(state: Path) -> Kept | None:
    """What was written last; None where there is nothing to be read."""
    try:
        return read(Kept, json.loads(read_plain(socket_of(state, "api").with_name("gate.json"))))
    except (OSError, ValueError, Malformed):
        return None
