"""Versions of before, out of this clone's own history."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


def unpacked(version: str, folder: Path) -> Path:
    """The files of an earlier version in a new folder; skips the test where this clone has it not."""
    packed = subprocess.run(["git", "archive", version], cwd=REPOSITORY, capture_output=True, check=False)
    if packed.returncode != 0:
        pytest.skip(f"the version {version} is not in this clone")
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder
