"""Running other programs, as root or as somebody else."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import Any

PYTHON = Path("/usr/bin/python3")


class Failed(Exception):
    """It cannot be done; the message says why and what to do."""


def run(
    *command: object,
    environment: dict[str, str] | None = None,
    user: str | int | None = None,
    may_fail: bool = False,
    why: str = "",
) -> subprocess.CompletedProcess[str]:
    """The finished program. Raises Failed, with the sentence `why` where there is one, unless it may fail."""
    try:
        found = subprocess.run(
            [str(part) for part in command],
            env={**(environment or os.environ), "HOME": "/"} if user is not None else environment,
            capture_output=True, text=True, check=False, **_identity(user),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Failed(f"The program {error.filename} is missing on this machine.") from error
    if found.returncode != 0 and not may_fail:
        raise Failed(why or f"{' '.join(map(str, command))} failed: {found.stderr.strip()}")
    return found


def is_older(one: str, other: str) -> bool:
    """Whether the first of two versions comes before the second, as dpkg orders them."""
    return run("dpkg", "--compare-versions", one, "lt", other, may_fail=True).returncode == 0


def newest(versions: Iterable[str]) -> str:
    """Of at least one, the last as dpkg orders them."""
    return reduce(lambda one, other: other if is_older(one, other) else one, versions)


def _identity(user: str | int | None) -> dict[str, Any]:
    """What makes a program run as that user, in all groups of theirs and no other.

    It has no terminal: what else that user runs could get into it, and type for root there.
    """
    if user is None:
        return {}
    alone: dict[str, Any] = {"cwd": "/", "stdin": subprocess.DEVNULL, "start_new_session": True}
    if isinstance(user, int):
        return alone | {"user": user, "group": user, "extra_groups": []}
    found = pwd.getpwnam(user)
    groups = os.getgrouplist(user, found.pw_gid)
    return alone | {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": groups}
