"""Each import contract, broken once on purpose in a copy: the check says so by its name."""

import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.soak

# By the beginning of a contract's name: what breaks it, and where.
BROKEN = {
    "nothing imports the commands": ("enroll/named_photos.py", "import api.auth"),
    "what only measures": ("gate/clock.py", "import evaluate.record"),
    "the rooms of a gate": ("gate/store/ids.py", "import gate.config"),
    "the door knows neither": ("gate/door/flood_limit.py", "import numpy"),
    "the door's machine": ("gate/care/health.py", "import gate.door.machine"),
    "readers have neither": ("gate/readers/hid.py", "import gate.store.ids"),
    "what holds a keypad": ("gate/care/health.py", "import gate.readers.hid"),
    "vision has no relay": ("gate/vision/recording_clock.py", "import gate.config"),
    "the store does not know": ("gate/store/ids.py", "import gate.care.health"),
    "the api reaches no pin": ("api/auth.py", "import gate.vision.camera"),
    "to enrol takes": ("enroll/named_photos.py", "import gate.door.signals"),
    "the decoder's child": ("enroll/decoder/child.py", "import gate.errors"),
    "the console stands": ("api/v1/door.py", "import api.pages.page"),
    "the pure core": ("gate/door/machine.py", "import time"),
    "nothing runs in a circle": ("gate/errors.py", "import gate.names"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    command = ["git", "ls-files", "*.py", "pyproject.toml"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        if not name.startswith("tests/") and (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    return folder


def broken(folder):
    """The names of the contracts that do not hold there."""
    script = (
        "import sys; sys.path.insert(0, '.')\nfrom importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True,
        check=False, env={"COLUMNS": "400", "PATH": ""},
    )  # fmt: skip
    assert "Contracts:" in said.stdout, said.stdout + said.stderr
    return [line.removesuffix("BROKEN").strip() for line in said.stdout.splitlines() if line.endswith("BROKEN")]


def test_every_contract_is_tried():
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    untried = [one["name"] for one in contracts if not one["name"].startswith(tuple(BROKEN))]
    assert untried == []
    assert [one["name"] for one in contracts if "ignore_imports" in one] == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_contract_that_is_broken_is_named(copy, name):
    path, line = BROKEN[name]
    file = copy / path
    sound = file.read_text()
    file.write_text(sound + f"\n{line}\n")
    try:
        found = broken(copy)
    finally:
        file.write_text(sound)
    print(f"{line} in {path}: {found}")
    assert any(one.startswith(name) for one in found)
