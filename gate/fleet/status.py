"""How the link stands, for whoever asks on this machine: a small file that it writes anew every few seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gate.places import read_plain
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.fields import Malformed, read, written


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """`at` is when it was written, ISO 8601, UTC."""

    at: str
    centre: str
    """Its address."""
    heard_at: str | None
    """When the centre was heard last; None: not since the link was started."""
    cut_off: bool
    """Whether the centre has not been heard for a while. The gate goes on by itself."""
    behind: bool
    """Whether the register here is not the centre's yet."""
    entries: int
    """How many there are here."""
    waiting: int
    """How many revocations, enrolments and changes of this gate the centre is still to hear."""
    problem: str | None = None
    """What somebody must mend; None: nothing."""


def write_status(state: Path, status: LinkStatus) -> None:
    """Replace the file. Raises OSError."""
    path = runtime_directory(state, "link") / "status.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(written(status)), "utf-8")
    new.chmod(0o640)
    new.rename(path)


def read_status(state: Path) -> LinkStatus | None:
    """What the link wrote last; None where there is nothing to be read."""
    try:
        return read(LinkStatus, json.loads(read_plain(socket_of(state, "link").with_name("status.json"))))
    except (OSError, ValueError, Malformed):
        return None
