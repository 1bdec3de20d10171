"""De-energise the relay of a door that is not running: what a supervisor or a unit calls when the door has died."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from gate.door.hardware import release_relay
from gate.door.settings import DoorSettings
from gate.errors import FacegateError
from gate.processes.addresses import runtime_directory
from gate.processes.starting import settings_from_starter


def main() -> int:
    """Entry point: one line of JSON, {"state", "door"}, on standard input."""
    given = settings_from_starter()
    try:
        let_go(DoorSettings(**given["door"]), Path(given["state"]))
    except FacegateError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def let_go(settings: DoorSettings, state: Path) -> None:
    """De-energise the relays of a door that is not running. Raises UsageError when the pins cannot be had."""
    try:
        release_relay(settings, runtime_directory(state, "door"))
    except OSError:
        # The folder of a service is systemd's to make, and gone while the service is; and a state that cannot be used
        # holds no relay.
        with TemporaryDirectory() as scratch:
            release_relay(settings, Path(scratch))


if __name__ == "__main__":
    sys.exit(main())
