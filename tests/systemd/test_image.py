"""What a card's image is made of; that it boots is proved by tests/board."""

import os
import re
import shutil
import subprocess

import pytest

from tests.conftest import REPOSITORY

CARD = REPOSITORY / "systemd/card"
SCRIPTS = sorted(
    path for path in CARD.rglob("*") if path.is_file() and path.read_text("utf-8").startswith("#!/bin/sh\n")
)


def test_there_are_scripts():
    assert {"finish", "facegate-card", "host-key", "show-code"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(CARD)))
def test_every_script_can_be_read_and_run(script):
    subprocess.run([shutil.which("dash") or "sh", "-n", script], check=True)
    assert os.access(script, os.X_OK)


def test_what_is_written_is_mounted_from_the_state():
    lines = (CARD / "root/etc/fstab").read_text("utf-8").splitlines()
    mounts = {fields[1]: fields for line in lines if (fields := line.split()) and not line.startswith("#")}
    assert "ro" in mounts["/"][3].split(",")
    for place in ("/var/lib/facegate", "/etc/facegate", "/var/lib/systemd", "/var/log", "/var/tmp"):  # noqa: S108 - names
        assert mounts[place][0].startswith("/state/"), place


def test_packages_that_are_not_there_are_said_in_one_sentence(tmp_path):
    image = [REPOSITORY / "systemd/image", "--packages", tmp_path, "--to", tmp_path]
    done = subprocess.run(image, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    if os.geteuid() != 0:
        assert "Only root" in done.stderr
    else:
        assert re.search(r"make deb SUITE=bookworm ARCH=amd64|apt install", done.stderr)
    assert list(tmp_path.iterdir()) == []
