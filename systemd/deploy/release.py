"""A version in its folder, and what it is asked to do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deploy.place import STATE, Installation
from deploy.programs import PYTHON, Failed, run


def facegate(
    place: Installation,
    release: Path,
    *arguments: object,
    state: Path | None = None,
    user: str | int | None = None,
    may_fail: bool = False,
) -> subprocess.CompletedProcess[str]:
    """A command of one release, on the state of this place or another, as root or another user."""
    # A release from before the commands had a folder of their own is asked where they were.
    module = "commands.cli" if (packages_of(place, release) / "commands").is_dir() else "gate.cli"
    return run_module(place, release, module, *arguments, state=state, user=user, may_fail=may_fail)


def run_module(
    place: Installation,
    release: Path,
    module: str,
    *arguments: object,
    state: Path | None = None,
    user: str | int | None = None,
    may_fail: bool = False,
) -> subprocess.CompletedProcess[str]:
    """A program of one release.

    Without this machine's site packages: what they do at an interpreter's start has no business in an image.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FACEGATE_")},
        "PYTHONPATH": str(packages_of(place, release)),
        "FACEGATE_STATE": str(state or place.root / STATE),
        "FACEGATE_MODELS__DIR": str((state or place.root / STATE) / "models"),
    }
    program = (python_of(place, release), "-SPB", "-m", module)
    return run(*program, *arguments, environment=environment, user=user, may_fail=may_fail)


def python_of(place: Installation, release: Path) -> Path:
    """The interpreter that it was built for. Raises Failed where this machine has it no more."""
    python = PYTHON.with_name(packages_of(place, release).parent.name)
    if not python.exists():
        raise Failed(f"{release.name} was built for {python}, which this machine does not have.")
    return python


def packages_of(place: Installation, release: Path) -> Path:
    """Where its libraries lie, and Facegate itself."""
    (packages,) = (place.root / release / "lib").glob("python*/site-packages")
    return packages


def has_folders(place: Installation, release: Path) -> bool:
    """Whether this release has the database in a folder of its own; those before version 0.2 had it at the top."""
    return b"/var/lib/facegate/db " in (place.root / release / "systemd/tmpfiles.conf").read_bytes()
