"""De-energise the relay of a door that is not running: what a supervisor or a unit calls when the door has died."""

from __future__ import annotations

import sys
from pathlib import Path

from gate.door.hardware import release_relay
from gate.door.settings import DoorSettings
from gate.errors import FacegateError
from gate.processes.addresses import runtime_directory
from gate.processes.starting import settings_from_starter


def main() -> int:
    """Entry point: one line of JSON, {"state", "door"}, on standard input."""
    given = settings_from_starter()
    try:
        release_relay(DoorSettings(**given["door"]), runtime_directory(Path(given["state"]), "door"))
    except FacegateError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
