"""The board under the gate: its clock, disk, memory and supply, and what is installed on it."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version

from gate.care.disks import disk_of
from gate.care.doctor.finding import Seen, to_mend, well, worth_a_look
from gate.care.doctor.site import Site
from gate.care.health import HOT_C, LOW_DISK

# Of an eMMC's life, tenths that have begun.
_OLD = 9
_LEAST_MEMORY = 400 * 1024 * 1024
# Each under the names of its builds; one of them is enough.
_LIBRARIES = (
    ("onnxruntime",),
    ("faiss-cpu",),
    ("opencv-python-headless", "opencv-python"),
    ("numpy",),
    ("gpiozero",),
    ("fastapi",),
)


def clock(site: Site) -> Seen:
    """Whether something vouches for the time: the door's own judgement where it answers."""
    if (site.health.door or site.health.machine).clock_trusted:
        return well("It is to be trusted.")
    return worth_a_look("Nothing vouches for it: schedules deny.", "Turn on systemd-timesyncd, or fit an RTC.")


def disk(site: Site) -> Seen:
    """Whether there is room for the record, and whether what is written stays."""
    found = disk_of(site.state, site.mounts, site.sys)
    if found.read_only:
        return to_mend(
            "It is read-only: nothing is recorded.", "Say: dmesg. A card that fails goes read-only: replace it."
        )
    if found.in_memory:
        return to_mend(
            "The state lies in memory: a power cut takes residents and record along.",
            f"Turn the overlay file system off (raspi-config), or mount a disk at {site.state}.",
        )
    if found.unflushed:
        return to_mend(
            "It is mounted without barriers: a power cut may take what was recorded last.",
            "Take nobarrier or barrier=0 out of its line in /etc/fstab, and restart.",
        )
    if found.errors:
        return to_mend(
            f"Its file system has found {found.errors} errors.",
            "Make a backup now: sudo facegate backup. Then check it with fsck, or replace the card.",
        )
    free = site.health.machine.disk_free_bytes
    seen = f"{free // 2**20} MB free."
    if free < LOW_DISK:
        return to_mend(seen, "Free some space; the record needs it.")
    if site.health.machine.no_more_files:
        return to_mend("It takes no more files, whatever room it has.", "Remove files that nobody needs; df -i counts.")
    if found.life_used is not None:
        seen = f"{seen} It says that {_life(found.life_used)} of its life is used."
        if found.life_used >= _OLD:
            return worth_a_look(seen, "Make backups, and replace it soon.")
    return well(seen)


def _life(tenths: int) -> str:
    return "all" if tenths > 10 else f"{10 * (tenths - 1)} to {10 * tenths} %"


def memory(site: Site) -> Seen:
    """Whether the board has memory left for the gate's peaks."""
    free = site.health.machine.memory_available_bytes or 0
    seen = f"{free // 2**20} MB available."
    return worth_a_look(seen, "Stop what else runs on this board.") if free < _LEAST_MEMORY else well(seen)


def power(site: Site) -> Seen:
    """What the board says of its supply and its heat."""
    machine = site.health.machine
    if machine.under_voltage:
        return to_mend("Under-voltage.", "Fit a stronger supply; feed the lock from its own.")
    if machine.temperature_c is not None and machine.temperature_c > HOT_C:
        return worth_a_look(f"{machine.temperature_c:.0f} degrees.", "Give the board air.")
    return well("No complaint from the board.")


def versions(site: Site) -> Seen:
    """What runs here; whoever is asked for help asks for this first."""
    found = [
        f"facegate {version('facegate')}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
    ]
    for builds in _LIBRARIES:
        installed = [f"{build} {number}" for build in builds if (number := _version_of(build))]
        if not installed:
            return to_mend(f"{builds[0]} is missing.", "Run systemd/install again, or install requirements/gate.txt.")
        found.append(installed[0])
    return well(f"{', '.join(found)}, {os.uname().machine}{f', {site.board}' * bool(site.board)}.")


def _version_of(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
