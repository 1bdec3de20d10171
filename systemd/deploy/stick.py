"""The stick that is plugged in, and what is taken off it: its files may be anything, and it may be pulled out."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from deploy.programs import Failed, run
from deploy.refused import Refused, Why

# What sticks come with; a file system that few look at is a way into a kernel.
_FILE_SYSTEMS = "vfat,exfat,ext4"
_OPTIONS = "ro,nosuid,nodev,noexec"
_SYSTEMS_OWN = ("/", "/boot", "/usr", "/var", "[SWAP]")
_READ_AT_ONCE = 1 << 20


class Missing(Failed):
    """There is no such file on it."""


class Unlike(Failed):
    """It is no file as the archive's maker puts it there."""


@dataclass(frozen=True)
class Partition:
    """What a stick may be on: a device with a file system, and where it is mounted already."""

    device: str
    mounted: str | None


def partitions(listed: str) -> list[Partition]:
    """The file systems on USB and other removable disks but the system's own, out of what lsblk lists as JSON."""
    found = []
    for disk in json.loads(listed)["blockdevices"]:
        parts = list(_with_children(disk))
        mounted = [point for part in parts for point in part["mountpoints"] if point]
        if (disk["tran"] == "usb" or disk["rm"]) and not any(_is_systems_own(point) for point in mounted):
            found += [
                Partition(part["path"], next(filter(None, part["mountpoints"]), None))
                for part in parts
                if part["fstype"] in _FILE_SYSTEMS.split(",")
            ]
    return found


@contextmanager
def plugged_in(mount_at: Path, holds: str) -> Iterator[Path]:
    """The folder of the one stick that has a folder called `holds`; read-only as long as the block lasts."""
    there = partitions(run("lsblk", "--json", "--output", "PATH,TRAN,RM,FSTYPE,MOUNTPOINTS").stdout)
    holding = []
    for one in there:
        with mounted(one, mount_at) as folder:
            if (folder / holds).is_dir():
                holding.append(one)
    if len(holding) > 1:
        raise Refused(Why.TWO_STICKS)
    if not holding:
        raise Refused(Why.NO_STICK)
    with mounted(holding[0], mount_at) as folder:
        yield folder


def take(folder: Path, name: str, into: Path, at_most: int) -> str:
    """Copies a plain file, reached by no link, and returns its SHA-256. Raises Missing, Unlike, or OSError.

    It lies in `into` as it lay in `folder`, by its `name`.

    The copy alone is looked at from then on: what is on a stick may become something else at any moment.
    """
    parts = PurePosixPath(name).parts
    if not parts or any(part in ("/", "..") for part in parts):
        raise Unlike(f"{name!r} leads out of the archive")
    opened = _opened(folder, parts)
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_size > at_most:
            raise Unlike(f"{name} is no plain file, or larger than the {at_most} bytes it may have")
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        return _copied(opened, into / name, at_most)
    finally:
        os.close(opened)


def _with_children(device: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield device
    for child in device.get("children", ()):
        yield from _with_children(child)


def _is_systems_own(point: str) -> bool:
    return point in _SYSTEMS_OWN or point.startswith(("/boot/", "/usr/", "/var/"))


@contextmanager
def mounted(one: Partition, at: Path) -> Iterator[Path]:
    """Its folder, for reading alone."""
    if one.mounted is not None:
        yield Path(one.mounted)
        return
    at.mkdir(parents=True, exist_ok=True)
    run("umount", "--quiet", at, may_fail=True)
    done = run("mount", "--types", _FILE_SYSTEMS, "--options", _OPTIONS, one.device, at, may_fail=True)
    if done.returncode != 0:
        raise Refused(Why.UNREADABLE, what=" ".join(done.stderr.split()) or one.device)
    try:
        yield at
    finally:
        run("umount", "--lazy", at, may_fail=True)


def _opened(folder: Path, parts: tuple[str, ...]) -> int:
    at = None
    for number, part in enumerate((str(folder), *parts)):
        # A pipe would have its reader wait.
        kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
        try:
            below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=at)
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise Missing(f"{'/'.join(parts)} is not there") from error
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Unlike(f"{'/'.join(parts)} is no plain file") from error
            raise
        finally:
            if at is not None:
                os.close(at)
        at = below
    return below


def _copied(opened: int, target: Path, at_most: int) -> str:
    digest, left = hashlib.sha256(), at_most
    with target.open("xb") as copy:
        while piece := os.read(opened, min(_READ_AT_ONCE, left + 1)):
            left -= len(piece)
            if left < 0:
                raise Unlike(f"{target.name} grows as it is read")
            digest.update(piece)
            copy.write(piece)
    return digest.hexdigest()
