"""Files that whoever gives a command names: root's rights open them before root's rights are given away.

Nothing else is opened so: what lies in the state itself is opened by the state's own user.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from commands.drop_root import Owner, owner_of
from gate.errors import UsageError
from gate.state_folder import state_directory

_LARGEST = 8 << 30
# As the kernel follows.
_MOST_LINKS = 40


def new_file(path: Path) -> IO[str]:
    """A file to write text to, its owner's alone, emptied where it was there.

    Raises OSError; UsageError where it is a link or another user's, who could have put it there for this one to fill.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        if found.st_uid != os.geteuid() or found.st_nlink > 1:
            os.close(descriptor)
            raise UsageError("{file} is another user's, or has a second name. Name a new file.", file=path)
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def opened_by_giver(path: Path, state: Path | None) -> IO[str] | None:
    """The file to write to, with the rights of whoever gives the command; None where it lies in the state, and the
    state's own user is to open it. Raises what `new_file` does."""
    directory = state_directory(state)
    if owner_of(directory) is not None and is_within(path, directory):
        return None
    return new_file(path)


def is_within(path: Path, state: Path) -> bool:
    """Whether a path leads into the state, or on its way through a folder or a link of the state's own user: what they
    could turn elsewhere is for them alone to open."""
    inside, owner = state.resolve(), owner_of(state)
    return any(step.is_relative_to(inside) or _is_of(step, owner) for step in _way_to(path))


def _is_of(step: Path, owner: Owner | None) -> bool:
    try:
        found = step.lstat()
    except OSError:
        return False
    return owner is not None and found.st_uid == owner.uid and not stat.S_ISREG(found.st_mode)


def _way_to(path: Path) -> Iterator[Path]:
    """Every folder and link that is passed on the way to a path, and where it ends, as the kernel would go."""
    here, ahead, links = Path("/"), deque(path.absolute().parts[1:]), 0
    while ahead:
        part = ahead.popleft()
        step = here.parent if part == ".." else here / part
        yield step
        if step.is_symlink() and links < _MOST_LINKS:
            target, links = step.readlink(), links + 1
            here = Path("/") if target.is_absolute() else here
            ahead.extendleft(reversed(target.parts[1:] if target.is_absolute() else target.parts))
        else:
            here = step


def handed_over(paths: Sequence[Path], state: Path | None) -> tuple[Path, ...]:
    """The files to read, as the state's own user can read them, until the command ends: see `lent`."""
    return click.get_current_context().with_resource(lent(paths, state))


@contextmanager
def lent(paths: Sequence[Path], state: Path | None, part: str = "db") -> Iterator[tuple[Path, ...]]:
    """The files to read, as whoever owns that part of the state can read them: where root names one that lies
    elsewhere, a copy that is there until the block ends. Of a folder the files in it are copied.

    Whoever leaves the block must be root still, or that owner: nobody else can take the copies away. Raises UsageError
    where a file cannot be read.
    """
    directory = state_directory(state)
    owner = owner_of(directory, part)
    if owner is None:
        yield tuple(paths)
        return
    with tempfile.TemporaryDirectory(prefix="facegate-given-") as scratch:
        given = []
        for number, path in enumerate(paths):
            given.append(path if is_within(path, directory) else _copied(path, Path(scratch) / str(number), owner))
        # Until now nobody but root reached what is in it.
        os.chown(scratch, owner.uid, owner.gid)
        yield tuple(given)


def _copied(path: Path, folder: Path, owner: Owner) -> Path:
    folder.mkdir()
    os.chown(folder, owner.uid, owner.gid)
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            _copy(file, folder / file.name, owner)
    return folder if path.is_dir() else folder / path.name


def _copy(path: Path, to: Path, owner: Owner) -> None:
    try:
        with path.open("rb") as source, to.open("xb") as copy:
            if os.fstat(source.fileno()).st_size > _LARGEST:
                raise UsageError("{file} is too large.", file=path)
            shutil.copyfileobj(source, copy)
            os.fchown(copy.fileno(), owner.uid, owner.gid)
    except OSError as error:
        raise UsageError("{file} cannot be read: {why}.", file=path, why=error.strerror) from error
