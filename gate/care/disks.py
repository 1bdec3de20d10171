"""The disk that the state lies on, by what the kernel says of it: whether it can be written, keeps it, and how worn it
is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTS, _SYS = Path("/proc/self/mountinfo"), Path("/sys")
_IN_MEMORY = {"tmpfs", "ramfs"}
# A file system told so does not wait for what its disk has only taken in (mount(8)).
_WITHOUT_FLUSH = {"nobarrier", "barrier=0"}


@dataclass(frozen=True, slots=True)
class Disk:
    """What the kernel says; None where it says nothing."""

    read_only: bool = False
    in_memory: bool = False
    """What is written is gone with the power, as under the overlay that a board's system may be put under."""
    unflushed: bool = False
    """What was written for good may be gone with the power."""
    errors: int | None = None
    """How many the file system has found in itself since it was last checked."""
    life_used: int | None = None
    """Of an eMMC, tenths of its life that have begun; 11: more than it was made for."""


@dataclass(frozen=True, slots=True)
class _Mount:
    """A line of /proc/self/mountinfo (proc(5)): its device as MAJOR:MINOR, where it is, and how."""

    device: str
    at: Path
    kind: str
    options: frozenset[str]


def disk_of(folder: Path, mounts: Path = _MOUNTS, sys: Path = _SYS) -> Disk:
    """The disk that a folder lies on; nothing is said of it where there is no such list of mounts."""
    try:
        known = [_mount(line) for line in mounts.read_text("utf-8", "surrogateescape").splitlines()]
    except OSError:
        return Disk()
    mount = _mount_of(folder.resolve(), known)
    if mount is None:
        return Disk()
    upper = next((option.partition("=")[2] for option in mount.options if option.startswith("upperdir=")), None)
    below = _mount_of(Path(upper), known) if upper else mount
    block = sys / "dev/block" / mount.device
    return Disk(
        read_only="ro" in mount.options,
        in_memory=below is not None and below.kind in _IN_MEMORY,
        unflushed=bool(_WITHOUT_FLUSH & mount.options),
        errors=_number(sys / "fs" / mount.kind / Path(os.path.realpath(block)).name / "errors_count"),
        life_used=_life_used(block),
    )


def _mount(line: str) -> _Mount:
    own, _, source = line.partition(" - ")
    _, _, device, _, at, options, *_ = own.split()
    kind, _, more = source.split(" ", 2)
    options_of_both = (_unescaped(option) for option in (*options.split(","), *more.split(",")))
    return _Mount(device, Path(_unescaped(at)), kind, frozenset(options_of_both))


def _unescaped(word: str) -> str:
    r"""A blank in a path is written as \040."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), word)


def _mount_of(folder: Path, mounts: list[_Mount]) -> _Mount | None:
    """The innermost, and of several at one place the last, which hides the others."""
    around = [mount for mount in mounts if folder.is_relative_to(mount.at)]
    return max(reversed(around), key=lambda mount: len(mount.at.parts), default=None)


def _life_used(block: Path) -> int | None:
    """The worse of both kinds of its cells: DEVICE_LIFE_TIME_EST_TYP_A and _B (JEDEC JESD84-B51, 7.4.25 and 7.4.26)."""
    for device in (block / "device", block / "../device"):
        try:
            return max(int(word, 16) for word in (device / "life_time").read_text("ascii").split()) or None
        except (OSError, ValueError):
            continue
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
