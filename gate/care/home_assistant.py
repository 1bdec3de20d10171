"""How it stands between this gate and Home Assistant's broker, for whoever asks on this machine: a small file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gate.places import read_plain
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.fields import Malformed, read, written

_NAME = "home-assistant.json"


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """`at` is when it was written, ISO 8601, UTC."""

    at: str
    connected: bool
    problem: str | None = None
    """What somebody must mend, in a sentence; None: nothing."""


def write_status(state: Path, *, connected: bool, problem: str | None) -> None:
    """Replace the file. Raises OSError."""
    path = runtime_directory(state, "api") / _NAME
    new = path.with_suffix(".new")
    status = BrokerStatus(datetime.now(UTC).isoformat(timespec="seconds"), connected, problem)
    new.write_text(json.dumps(written(status)), "utf-8")
    new.chmod(0o640)
    new.rename(path)


def read_status(state: Path) -> BrokerStatus | None:
    """What the api wrote last; None where there is nothing to be read."""
    try:
        return read(BrokerStatus, json.loads(read_plain(socket_of(state, "api").with_name(_NAME))))
    except (OSError, ValueError, Malformed):
        return None
