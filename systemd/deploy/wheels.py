"""The pinned wheels for another distribution or another kind of machine than this one."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.building import AS_PINNED, SOURCE, pip
from deploy.programs import Failed, run


@dataclass(frozen=True)
class Suite:
    """A release of a distribution: what versions of packages say of it, its Python, its C library's minor number."""

    mark: str
    python: tuple[int, int]
    glibc: int


SUITES = {
    "bookworm": Suite("deb12", (3, 11), 36),
    "trixie": Suite("deb13", (3, 13), 41),
    "noble": Suite("ubuntu24.04", (3, 12), 39),
}
# As Debian calls them, and as wheels do.
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
# What a package holds: a gate's own, and of what a checkout leaves out unless it is asked for what is small. An upgrade
# that brought these in a package of their own would stop a centre wherever somebody forgets it.
GROUPS = ("gate", "centre", "mqtt")
_FIRST_MANYLINUX = 17
_MARKER = re.compile(r"^(\S+==\S+) ; python_full_version (<|>=) '(\d+)\.(\d+)'", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """What is built for."""

    suite: str
    architecture: str
    python: tuple[int, int]
    glibc: int

    @classmethod
    def of(cls, suite: str, architecture: str) -> Target:
        """Raises Failed where there are no packages for it."""
        if suite not in SUITES or architecture not in ARCHITECTURES:
            there = f"{', '.join(SUITES)}, on {' and '.join(ARCHITECTURES)}"
            raise Failed(f"There are no packages for {suite or 'this system'} on {architecture}, but for {there}.")
        return cls(SUITES[suite].mark, architecture, SUITES[suite].python, SUITES[suite].glibc)


def own_suite() -> str:
    """This machine's distribution, by the name of its release."""
    lines = Path("/etc/os-release").read_text("utf-8").splitlines()
    return dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line).get("VERSION_CODENAME", "")


def own_architecture() -> str:
    """This machine's kind, as Debian calls it."""
    return run("dpkg", "--print-architecture").stdout.strip()


def fetch_wheels(target: Target, into: Path, tools: Path) -> None:
    """What the files of `GROUPS` pin, by its hashes, as that target takes it. Raises Failed."""
    machine = ARCHITECTURES[target.architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(target.glibc, _FIRST_MANYLINUX - 1, -1)]
    # pip takes the tags in the order in which they are given.
    tags = [part for name in (*platforms, f"manylinux2014_{machine}") for part in ("--platform", name)]
    version = f"{target.python[0]}.{target.python[1]}"
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "pins.txt"
        pins = [(SOURCE / f"requirements/{name}.txt").read_text("utf-8") for name in GROUPS]
        wanted.write_text(pins_for(target.python, joined(pins)), "utf-8")
        # What a package says of Python, pip's install holds against the Python that it runs in; all is pinned.
        pip(
            "install", "--require-hashes", *AS_PINNED, "--ignore-requires-python",
            "--implementation", "cp", "--python-version", version, *tags, "--target", into, "-r", wanted, tools=tools,
        )  # fmt: skip


def joined(files: Iterable[str]) -> str:
    """The pins of several files, each library once: pip takes no two of one.

    >>> print(joined(["a==1 ; x\\n  --hash=b\\n", "a==1\\n  --hash=b\\nc==1\\n"]))
    a==1 ; x
      --hash=b
    c==1
    <BLANKLINE>
    """
    pins: dict[str, str] = {}
    for pin in (one for text in files for one in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if one.strip()):
        pins.setdefault(pin.split(" ")[0].strip(), pin)
    return "".join(pins.values())


def pins_for(python: tuple[int, int], pins: str) -> str:
    """Those for one Python: pip judges by the Python that it runs in, whatever it fetches for.

    >>> print(pins_for((3, 12), "a==1 ; python_full_version < '3.12'\\na==2 ; python_full_version >= '3.12'\\nb==3"))
    a==2
    b==3
    """
    kept = []
    for pin in re.split(r"^(?=\S)", pins, flags=re.MULTILINE):
        marked = _MARKER.match(pin)
        if marked is None:
            kept.append(pin)
        elif (python < (int(marked[3]), int(marked[4]))) == (marked[2] == "<"):
            kept.append(_MARKER.sub(r"\1", pin, count=1))
    return "".join(kept)
