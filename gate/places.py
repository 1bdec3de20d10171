"""Folders and files with the rights they are to have, set on what was opened and not by what was inherited."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_ALONE = 0o077
# Whoever writes a file still has it under another name for no longer.
_LEFT_S = 3600.0
_MOST = 1 << 20
# What the kernel counts the room of a file in (stat(2)).
_BLOCK = 512


def keep_to_oneself() -> None:
    """Whatever this process makes is its user's alone, unless more is said: the first thing each program does."""
    os.umask(_ALONE)


def folder(path: Path, mode: int = 0o750) -> Path:
    """Make a folder and those missing above it, each with this mode; one that is there stays as it is."""
    if path.is_dir():
        return path
    folder(path.parent, mode)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return path
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # Set-group-id comes from the folder above, and is to stay.
        os.fchmod(descriptor, mode | os.fstat(descriptor).st_mode & stat.S_ISGID)
    finally:
        os.close(descriptor)
    return path


def read_plain(path: Path, most: int = _MOST) -> bytes:
    """What a plain file holds that others may have put there: at a pipe in its place a reader would wait for ever.

    Raises OSError, also where it is no plain file or larger than `most` bytes.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise OSError(errno.EINVAL, "no plain file, or too large", str(path))
        return file.read(most)


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put a file in place, the new one whole or the old one as it was, whenever the power fails; it is there for good
    when this returns. Of several who write at once each writes all of theirs, and the last one's stays. Raises OSError.
    """
    new = path.with_name(f"{path.name}.{os.urandom(4).hex()}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    _settle(path.parent)
    _tidy(path)


def _tidy(path: Path) -> None:
    """Take away what was begun for this file and left there when the power failed: it may hold a key."""
    for name in os.listdir(path.parent):
        if not (name.startswith(f"{path.name}.") and name.endswith(".new")):
            continue
        one = path.with_name(name)
        with suppress(OSError):
            if time.time() - one.stat(follow_symlinks=False).st_mtime > _LEFT_S:
                one.unlink()


def write_over(path: Path, content: bytes) -> None:
    """Put other content into a file that is there, in the room that it has: for a disk on which no new one can be made.
    It is there for good when this returns, and in parts where the power fails before. What is left of a longer one
    becomes blanks. Raises OSError.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "wb", 0) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or len(content) > found.st_blocks * _BLOCK:
            raise OSError(errno.ENOSPC, "no plain file, or too small", str(path))
        file.write(content.ljust(found.st_size))
        os.fsync(file.fileno())


def write_first(path: Path, content: bytes) -> bytes:
    """Put a file in place, for its owner alone, where there is none yet; what lies there then, which is the same to all
    who begin at once. Raises OSError.
    """
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(made, path)
        _settle(path.parent)
    finally:
        os.unlink(made)
    return read_plain(path)


def share(path: Path, *, readers: bool = True) -> None:
    """Give a file of this process's user to those its folder is for: what they may do there they may do with it.

    Set-group-id on the folder means that it is for several; else the file is its owner's, for its group to read.
    `readers` False keeps it from those who may only look into the folder.
    """
    # Of a file opened by name alone (O_PATH) SQLite's own locks stay: any other descriptor would end them.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found, above = os.fstat(descriptor), path.parent.stat().st_mode
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            shared = above & (0o666 if readers else 0o660) if above & stat.S_ISGID else 0o640
            # Said again it would be written again, and the card is worn by each time.
            if stat.S_IMODE(found.st_mode) != shared:
                os.chmod(f"/proc/self/fd/{descriptor}", shared)
    finally:
        os.close(descriptor)


def _settle(path: Path) -> None:
    """That a file is on its disk says nothing of its name."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
