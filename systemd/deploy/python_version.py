"""Which Python the services will run in."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from deploy.place import Installation
from deploy.programs import PYTHON, Failed

_SUPPORTED = ((3, 11), (3, 13))
# e_machine of the ELF header (elf(5)): what a program was built for.
_ELF_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}


def python_version(place: Installation) -> tuple[int, int]:
    """Of the interpreter the services will run in. Raises Failed where it cannot be used from here."""
    program = _interpreter(place)
    found = _version_of(program)
    if found is None:
        raise Failed(f"{PYTHON} is missing. Install Python 3.11, 3.12 or 3.13 of the distribution.")
    if not _SUPPORTED[0] <= found <= _SUPPORTED[1]:
        raise Failed(f"{PYTHON} is Python {found[0]}.{found[1]}; Facegate needs 3.11, 3.12 or 3.13.")
    machine = _ELF_MACHINES.get(int.from_bytes(program.read_bytes()[18:20], "little"), "another kind of machine")
    if machine != platform.machine() or _version_of(PYTHON.resolve()) != found:
        raise Failed(
            f"The image is for Python {found[0]}.{found[1]} on {machine}, which this machine is not."
            " Run systemd/install inside the image: on the board, or by systemd-nspawn with qemu-user-static."
        )
    return found


def _interpreter(place: Installation) -> Path:
    program = place.root / PYTHON.relative_to("/")
    # An image's own links lead to the image's own files.
    for _ in range(8):
        if not program.is_symlink():
            break
        target = program.readlink()
        program = place.root / target.relative_to("/") if target.is_absolute() else program.parent / target
    return PYTHON.resolve() if place.live or not program.is_file() else program


def _version_of(program: Path) -> tuple[int, int] | None:
    named = re.fullmatch(r"python(\d+)\.(\d+)", program.name)
    return (int(named[1]), int(named[2])) if named else None
