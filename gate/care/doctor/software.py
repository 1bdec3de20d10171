"""What the gate's software stands on: the last upgrade, and the system's Python, now and after its next upgrade."""

from __future__ import annotations

import re
import sys
from contextlib import closing

from gate.care.doctor.finding import Seen, well, worth_a_look
from gate.care.doctor.site import Site
from gate.store.database import open_read_only
from gate.store.record.upgrades import last

_OURS = (sys.version_info.major, sys.version_info.minor)
_OURS_IN_WORDS = f"Python {_OURS[0]}.{_OURS[1]}"


def upgrade(site: Site) -> Seen:
    """Whether the last upgrade failed, or stopped in its middle.

    Raises StoreError and sqlite3.Error where the record cannot be read.
    """
    if site.half_installed:
        names = " and ".join(site.half_installed)
        seen = f"One stopped in its middle: the machine has {names} by half, and the gate runs the version in use."
        again = "Say: sudo dpkg --configure -a. Then install the same packages once more, from the stick or with apt."
        return worth_a_look(seen, again)
    with closing(open_read_only(site.state)) as connection:
        found = last(connection)
    if found is None or not found.failed:
        return well("None that failed.")
    seen = f"The one to {found.version} of {found.at[:10]} failed, and the version before runs on: {found.why}"
    return worth_a_look(seen, "Mend that, then upgrade again.")


def python(site: Site) -> Seen:
    """Whether the system's Python is the one that this version was built for, and stays so in the next upgrade."""
    if site.units is None:
        return well(f"{_OURS_IN_WORDS}, in which this gate is run by hand.")
    installed = _numbers(site.system_python.resolve().name)
    if installed is not None and installed != _OURS:
        seen = f"The system's is {_in_words(installed)}; this version goes on with {_OURS_IN_WORDS} while that stays."
        return worth_a_look(seen, f"Install Facegate for {_in_words(installed)} before {_OURS_IN_WORDS} is removed.")
    coming = _numbers(site.python_to_come)
    if coming is not None and coming != _OURS:
        seen = f"The next upgrade of the system would bring {_in_words(coming)}; this version is for {_OURS_IN_WORDS}."
        return worth_a_look(seen, f"Have Facegate for {_in_words(coming)} at hand before you upgrade the system.")
    return well(f"{_OURS_IN_WORDS}, the system's own.")


def _numbers(named: str) -> tuple[int, int] | None:
    """Of python3.11 or 3.11.2-1+b1."""
    found = re.match(r"(?:python)?(\d+)\.(\d+)", named)
    return (int(found[1]), int(found[2])) if found else None


def _in_words(numbers: tuple[int, int]) -> str:
    return f"Python {numbers[0]}.{numbers[1]}"
