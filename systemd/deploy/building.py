"""Building a release out of a checkout: the pinned libraries, and Facegate itself."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.place import Layout
from deploy.programs import PYTHON, Failed, run

SOURCE = Path(__file__).resolve().parent.parent.parent
# What a gate does without unless it is asked for: requirements/NAME.txt.
GROUPS = ("measure", "insightface", "fleet", "centre", "mqtt")
# What libraries bring to be run, and is run at a gate: a centre's broker.
_PROGRAMS = {"nats-server"}
# How what is pinned is taken: as its makers built it, but for the one that they publish as sources alone.
AS_PINNED = ("--no-deps", "--only-binary=:all:", "--no-binary=nkeys", "--no-build-isolation")
_PACKAGES = ("gate", "centre", "models", "enroll", "api", "evaluate", "commands")
_COMMAND = """#!/{current}/bin/python -I
import sys

from commands.cli import main

sys.exit(main())
"""


def declared_version() -> str:
    """The version that the sources have of themselves."""
    declared = re.search(r'^version = "(.+)"$', (SOURCE / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    return declared[1] if declared else "0"


def release_name(python: tuple[int, int], groups: set[str]) -> str:
    """The version, and a hash of all that goes into it: the same sources give the same name."""
    digest = hashlib.sha256(f"{python}{sorted(groups)}".encode())
    for path in sorted(_sources()):
        digest.update(str(path.relative_to(SOURCE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{declared_version()}-{digest.hexdigest()[:12]}"


def _sources() -> Iterator[Path]:
    for folder in (*_PACKAGES, "systemd", "requirements"):
        for path in (SOURCE / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
    yield SOURCE / "pyproject.toml"


def build(final: Path, layout: Layout, python: tuple[int, int], groups: Iterable[str]) -> None:
    """A virtual environment in the folder `final`, made beside it and put there whole."""
    new = final.with_name(final.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    packages = environment(new, layout, python)
    # All of it is named there, and some of it asks for what no gate needs.
    wanted = [("-r", SOURCE / f"requirements/{name}.txt") for name in ("gate", *sorted(groups))]
    with build_tools() as tools:
        pip("install", "--require-hashes", *AS_PINNED, "--target", packages, *sum(wanted, ()), tools=tools)
        put_facegate(packages, tools)
    # The highlighters of five hundred languages are colours for listings, which a gate never prints.
    run(
        PYTHON, "-m", "compileall", "-q", "-s", new, "-p", f"/{layout.releases}/{final.name}",
        "-x", "/pygments/(lexers|styles)/", "--invalidation-mode", "unchecked-hash", packages, may_fail=True,
    )  # fmt: skip
    for_everybody_to_read(new)
    new.replace(final)


def environment(new: Path, layout: Layout, python: tuple[int, int]) -> Path:
    """An environment without anything in it but the command; where its libraries belong."""
    packages = new / f"lib/python{python[0]}.{python[1]}/site-packages"
    (new / "bin").mkdir(parents=True)
    packages.mkdir(parents=True)
    # The distribution's own packages are seen too: lgpio and picamera2 come from there.
    (new / "pyvenv.cfg").write_text(f"home = {PYTHON.parent}\ninclude-system-site-packages = true\n", "ascii")
    (new / "bin/python").symlink_to(PYTHON)
    (new / "bin/facegate").write_text(_COMMAND.format(current=layout.current), "ascii")
    (new / "bin/facegate").chmod(0o755)
    shutil.copytree(SOURCE / "systemd", new / "systemd", ignore=shutil.ignore_patterns("__pycache__"))
    return packages


@contextmanager
def build_tools() -> Iterator[Path]:
    """What wheels are built with, pinned, in a folder for as long as it takes."""
    with tempfile.TemporaryDirectory() as tools:
        wanted = ("-r", SOURCE / "requirements/build.txt")
        pip("install", "--require-hashes", "--only-binary=:all:", "--target", tools, *wanted)
        yield Path(tools)


def put_facegate(packages: Path, tools: Path) -> None:
    """Facegate itself, by way of a wheel that is built of a copy: a checkout stays as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / "facegate"
        for path in _sources():
            copy = sources / path.relative_to(SOURCE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        for name in ("README.md", "LICENSE"):
            shutil.copyfile(SOURCE / name, sources / name)
        pip("wheel", "--no-deps", "--no-build-isolation", "-w", scratch, sources, tools=tools)
        pip("install", "--no-deps", "--no-index", "--target", packages, *Path(scratch).glob("facegate-*.whl"))
    tools_of_others = [path for path in packages.glob("bin/*") if path.name not in _PROGRAMS]
    # Half of that library is its own tests.
    tests_of_others = packages.glob("icalendar/tests")
    ours = packages.glob("facegate-*.dist-info/direct_url.json")
    for needless in (*tools_of_others, *tests_of_others, *ours):
        shutil.rmtree(needless) if needless.is_dir() else needless.unlink()
    if not any(packages.glob("bin/*")):
        (packages / "bin").rmdir()


def for_everybody_to_read(folder: Path) -> None:
    """A builder's umask has no say in it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o111 | (0o755 if path.is_dir() else 0o644))


def pip(*arguments: object, tools: Path | None = None) -> None:
    """Of the system's Python. Raises Failed with what it says last."""
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"} | ({"PYTHONPATH": str(tools)} if tools else {})
    found = run(
        PYTHON, "-m", "pip", arguments[0], "--quiet", "--no-input", "--disable-pip-version-check",
        *(["--no-compile"] if arguments[0] == "install" else []), *arguments[1:],
        environment=environment, may_fail=True,
    )  # fmt: skip
    if "No module named pip" in found.stderr:
        raise Failed("pip is missing. Install it: apt install python3-pip")
    if found.returncode != 0:
        errors = [line for line in found.stderr.splitlines() if line.startswith("ERROR")] or [found.stderr.strip()]
        raise Failed(f"pip could not fetch what Facegate needs. {errors[-1]}")
