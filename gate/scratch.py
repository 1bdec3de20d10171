"""Folders for what is put together before it counts: copies of a database, an archive. They go with whoever made them,
and where that was killed, or the power went, with the next who makes one there, or at night."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

_PREFIX = ".under-way-"


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """A new folder within `folder`, for as long as the block lasts. Raises OSError."""
    end_left(folder)
    with TemporaryDirectory(dir=folder, prefix=_PREFIX) as made, kept_alive(Path(made)):
        yield Path(made)


def new_scratch(folder: Path) -> Path:
    """One that its maker removes; whoever works in it keeps it alive meanwhile. Raises OSError."""
    end_left(folder)
    return Path(mkdtemp(dir=folder, prefix=_PREFIX))


@contextmanager
def kept_alive(made: Path) -> Iterator[None]:
    """Somebody works in it until the block ends, or they die. Raises OSError."""
    descriptor = _opened(made)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def end_left(folder: Path) -> int:
    """Remove what nobody works in any more. How many went."""
    gone = 0
    for left in folder.glob(f"{_PREFIX}*"):
        # Somebody works in it, was quicker, or it is another's.
        with suppress(OSError):
            descriptor = _opened(left)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
                gone += 1
            finally:
                os.close(descriptor)
    return gone


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
