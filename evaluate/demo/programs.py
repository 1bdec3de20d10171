"""The programs that a demo stands on: `facegate` itself, called as a person calls it, in states of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.errors import FacegateError


def environment(models_dir: Path) -> dict[str, str]:
    """This process's environment, with nothing in it of another gate's settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FACEGATE_")}
    return clean | {"FACEGATE_MODELS__DIR": str(models_dir.resolve()), "FACEGATE_API__PORT": "0"}


@contextmanager
def running(arguments: list[str], given: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A command that goes on until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "commands.cli", *arguments],
        env=given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def facegate(arguments: list[str], given: dict[str, str]) -> str:
    """The last line of a command's answer. Raises FacegateError with its sentence where it refuses."""
    done = subprocess.run(
        [sys.executable, "-m", "commands.cli", *arguments], env=given, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise FacegateError(done.stderr.strip())
    return done.stdout.splitlines()[-1]
