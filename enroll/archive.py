"""ZIP archives of photos, unpacked under limits: no member leads out of its folder or grows without end."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from enroll.decode import MAX_BYTES
from gate.errors import UsageError

MAX_MEMBERS = 50_000
MAX_UNPACKED = 8 << 30
# What is left free on the disk: the gate's record needs room too.
_LEAVE_FREE = 256 << 20
_CHUNK = 1 << 20


def unpack(archive: Path | BinaryIO, name: str, folder: Path) -> None:
    """Every file of a ZIP called `name` into `folder`, which exists. Raises UsageError with what is wrong with it."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir() and not _clutter(member)]
            if len(members) > MAX_MEMBERS:
                raise UsageError("{archive} holds more than {most} files; split it.", archive=name, most=MAX_MEMBERS)
            for member in members:
                _refuse_strange(member, name)
            room = min(MAX_UNPACKED, shutil.disk_usage(folder).free - _LEAVE_FREE)
            for member in members:
                room -= _write(opened, member, folder, room, name)
    # What zipfile raises for a damaged archive, an unknown compression, a short file, a password.
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise UsageError("{archive} is no ZIP that can be read ({why}).", archive=name, why=error) from error
    except OSError as error:
        raise UsageError(
            "{archive} cannot be unpacked: {why}.", archive=name, why=error.strerror or str(error)
        ) from error


def _clutter(member: zipfile.ZipInfo) -> bool:
    """What macOS adds to every archive."""
    return member.filename.startswith("__MACOSX/") or member.filename.endswith("/.DS_Store")


def _refuse_strange(member: zipfile.ZipInfo, name: str) -> None:
    path = PurePosixPath(member.filename)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename
    if leads_out or stat.S_ISLNK(member.external_attr >> 16):
        raise UsageError("{file} in {archive} leads out of it; nothing was unpacked.", file=path, archive=name)
    if member.flag_bits & 1:
        raise UsageError("{archive} is locked with a password; make one without.", archive=name)
    if member.file_size > MAX_BYTES:
        raise UsageError(
            "{file} in {archive} has {size} MB; {most} MB is the most.",
            file=path, archive=name, size=member.file_size >> 20, most=MAX_BYTES >> 20,
        )  # fmt: skip


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, room: int, name: str) -> int:
    target = folder / _named(member)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(member) as source, target.open("wb") as out:
        # What the archive says of its size is not believed.
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > min(room, MAX_BYTES):
                raise UsageError("{archive} grows larger than there is room for; split it.", archive=name)
            out.write(chunk)
    return written


def _named(member: zipfile.ZipInfo) -> str:
    """The name of a member; without the mark for UTF-8, Windows in China writes GBK."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename
