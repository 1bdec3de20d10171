"""What Debian packages are made of; that they install, upgrade and go back is proved by tests/soak."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

PINS_FOR = """
import sys
from deploy.wheels import GROUPS, SOURCE, joined, pins_for
pins = [(SOURCE / f"requirements/{name}.txt").read_text("utf-8") for name in GROUPS]
print(pins_for(eval(sys.argv[1]), joined(pins)))
"""
# What a package holds: a centre, its gates and Home Assistant need no other.
PACKED = ("gate", "centre", "fleet", "mqtt")
TEMPLATES = REPOSITORY / "systemd/debian"
SCRIPTS = sorted(path for path in TEMPLATES.rglob("*") if path.name in ("preinst", "postinst", "prerm", "postrm"))


@pytest.mark.parametrize("python", [(3, 11), (3, 12), (3, 13)])
def test_each_python_gets_one_pin_of_each_library_with_its_hashes(python):
    pins = "".join((REPOSITORY / f"requirements/{name}.txt").read_text("utf-8") for name in PACKED)
    command = [sys.executable, "-c", PINS_FOR, str(python)]
    environment = {"PYTHONPATH": str(REPOSITORY / "systemd"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    names = re.findall(r"^([a-z0-9.-]+)==", done.stdout, re.MULTILINE)
    assert sorted(names) == sorted(set(re.findall(r"^([a-z0-9.-]+)==", pins, re.MULTILINE)))
    assert "python_full_version" not in done.stdout
    assert all("--hash=sha256:" in pin for pin in re.split(r"^(?=[a-z])", done.stdout, flags=re.MULTILINE)[1:])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_script_is_a_shell_script_that_stops_at_an_error(script):
    assert script.read_text("utf-8").startswith("#!/bin/sh\nset -e\n")
    subprocess.run([shutil.which("dash") or "sh", "-n", script], check=True)


def test_a_system_for_which_there_are_no_packages_is_said(tmp_path):
    command = [REPOSITORY / "systemd/package", "--to", tmp_path, "--suite", "buster"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'bookworm', 'noble', 'trixie'" in done.stderr


SWITCHING = """
import errno, os, subprocess, sys
from pathlib import Path
from deploy import packaged
from deploy.place import PACKAGES, Installation

place = Installation(None, False, PACKAGES)
place.root = Path(sys.argv[1])
(place.root / "run").mkdir()
free = ("flock", "--nonblock", place.root / "run/facegate-switch", "true")
with packaged._alone(place):
    print(subprocess.run(free).returncode)
print(subprocess.run(free).returncode)

for why in (errno.EROFS, errno.ENOSPC):
    def fails(*_):
        raise OSError(why, os.strerror(why), "/usr/lib/facegate/switching.json")

    packaged.os.geteuid, packaged._switch, packaged._alone = lambda: 0, fails, lambda _: open("/dev/null")
    sys.argv = ["facegate-switch", "0.1.0"]
    code = packaged.main()
sys.exit(code)
"""


def test_one_switch_at_a_time_and_a_card_that_cannot_be_written_is_said_in_one_sentence(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "systemd"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", SWITCHING, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.returncode) == ("1\n0\n", 1)
    assert done.stderr.splitlines() == [
        "The root file system is only read. On a card that was written whole, say: writable facegate-switch 0.1.0",
        "/usr/lib/facegate/switching.json: No space left on device. Once that is mended, say:"
        " sudo facegate-switch 0.1.0",
    ]
