"""Whose a state is: a command that root gives becomes that user before it opens, follows or decodes anything there.

What a service can write it could have written for root to trip over: a link, a file that is another's, bytes that
break a decoder. A process that has become the service's user can be led to nothing that the service has not.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import signal
import stat
import sys
import termios
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate.errors import FacegateError, Refusal, UsageError

_LONGEST_ANSWER = 1 << 22


@dataclass(frozen=True, slots=True)
class Owner:
    """A user and a group of this machine."""

    uid: int
    gid: int


def owner_of(state: Path, part: str | None = "db") -> Owner | None:
    """Whom root becomes to work in a state: its own user, or where it is root's that of its folder `part`.

    None where nobody need become another: this is not root, there is no state yet, or all of it is root's. Raises
    UsageError where others than its owner may write in it.
    """
    if os.geteuid() != 0 or not state.is_dir():
        return None
    opened = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(opened)
        if found.st_uid != 0:
            return Owner(found.st_uid, found.st_gid)
        if found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != 0):
            raise UsageError(
                f"Others than root may put files into {state}, so root does nothing there. Run systemd/install again,"
                f" or say: chmod go-w {state}"
            )
        return None if part is None else _owner_within(opened, part, state)
    finally:
        os.close(opened)


def _owner_within(state: int, part: str, path: Path) -> Owner | None:
    try:
        found = os.stat(part, dir_fd=state, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        raise UsageError(f"{path / part} is no folder. Find out who put it there.")
    return None if found.st_uid == 0 else Owner(found.st_uid, found.st_gid)


def become(owner: Owner | None) -> None:
    """Give root's rights away for that user's, for good; None: stay."""
    if owner is None:
        return
    try:
        user = pwd.getpwuid(owner.uid)
        groups, home = os.getgrouplist(user.pw_name, user.pw_gid), user.pw_dir
    except KeyError:
        groups, home = [owner.gid], "/"
    os.setgroups([*dict.fromkeys([*groups, owner.gid])])
    os.setresgid(groups[0], groups[0], groups[0])
    os.setresuid(owner.uid, owner.uid, owner.uid)
    os.environ["HOME"] = home
    _leave_the_terminal()


def _leave_the_terminal() -> None:
    """It is still read and written, and no longer controls: what else that user runs could get into a program that is
    started from here, and type for root."""
    # Of the one who leads them all it would end the others.
    if os.getsid(0) != os.getpid():
        with suppress(OSError), open("/dev/tty", "rb", buffering=0) as terminal:
            fcntl.ioctl(terminal, termios.TIOCNOTTY)


def as_owner(owner: Owner | None, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` gives, done by a child that has become the owner; this process stays who it is.

    Raises UsageError or Refusal with the child's own sentence.
    """
    if owner is None:
        return work()
    sys.stdout.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _tell(writer, owner, work)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read(_LONGEST_ANSWER)
    os.waitpid(child, 0)
    try:
        told: dict[str, Any] = json.loads(said)
    except ValueError as error:
        raise UsageError("The command ended before it was done; what it printed says why.") from error
    values: dict[str, Any] = told.get("values") or {}
    if "refused" in told:
        raise Refusal(str(told["refused"]), **values)
    if "error" in told:
        raise UsageError(str(told["error"]), **values)
    done: dict[str, Any] = told["done"]
    return done


def _tell(writer: int, owner: Owner, work: Callable[[], dict[str, Any]]) -> None:
    answer: dict[str, Any]
    # Told to end, it ends: what its parent would do then is not its own to do.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        become(owner)
        answer = {"done": work()}
    except Refusal as error:
        answer = {"refused": error.sentence.pattern, "values": _as_texts(error)}
    except FacegateError as error:
        answer = {"error": error.sentence.pattern, "values": _as_texts(error)}
    except Exception as error:
        if "\n" in str(error) or not str(error):
            traceback.print_exc()
        answer = {"error": str(error)}
    with os.fdopen(writer, "w", encoding="utf-8") as out:
        json.dump(answer, out)
    sys.stdout.flush()
    os._exit(0)


def _as_texts(error: FacegateError) -> dict[str, str]:
    """What fills the gaps of its sentence, which a catalogue may know."""
    return {name: str(value) for name, value in error.sentence.values.items()}
