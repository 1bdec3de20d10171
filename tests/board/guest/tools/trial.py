"""Runs in the board, as the console's user: a resident's PIN under duress is tried out now (`trial.py NAME`)."""

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from gate.store.database import open_database
from gate.store.people import credentials, residents

STATE = Path("/var/lib/facegate")


def main():
    """What the button on their page does."""
    with closing(open_database(STATE)) as store:
        credentials.begin_trial(store, residents.find(store, sys.argv[1]), datetime.now(UTC), by="the board")


if __name__ == "__main__":
    sys.exit(main())
