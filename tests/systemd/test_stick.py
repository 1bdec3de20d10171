"""What is taken off a stick, and off which; that gates are upgraded from one is proved by tests/soak/test_stick.py."""

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

CALL = "import json, sys; from pathlib import Path; from deploy import offer, stick; print({})"


def said_by(expression, *arguments, check=True):
    """What an expression of the installer's comes to, in the system's own Python as at a gate."""
    environment = {"PYTHONPATH": str(REPOSITORY / "systemd"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CALL.format(expression), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=check)


DISKS = {
    "blockdevices": [
        # A Raspberry Pi's card, and one that starts from a USB disk; a stick with two partitions; one without a table,
        # which somebody mounted; one with a file system that is none of a stick's; a card reader with nothing in it.
        {"path": "/dev/mmcblk0", "tran": "mmc", "rm": False, "fstype": None, "mountpoints": [None], "children": [
            {"path": "/dev/mmcblk0p1", "tran": None, "rm": False, "fstype": "vfat", "mountpoints": ["/boot/firmware"]},
            {"path": "/dev/mmcblk0p2", "tran": None, "rm": False, "fstype": "ext4", "mountpoints": ["/"]}]},
        {"path": "/dev/sda", "tran": "usb", "rm": False, "fstype": None, "mountpoints": [None], "children": [
            {"path": "/dev/sda1", "tran": None, "rm": False, "fstype": "vfat", "mountpoints": [None]},
            {"path": "/dev/sda2", "tran": None, "rm": False, "fstype": "ext4", "mountpoints": ["/var/lib/facegate"]}]},
        {"path": "/dev/sdb", "tran": "usb", "rm": True, "fstype": None, "mountpoints": [None], "children": [
            {"path": "/dev/sdb1", "tran": None, "rm": True, "fstype": "vfat", "mountpoints": [None]},
            {"path": "/dev/sdb2", "tran": None, "rm": True, "fstype": "exfat", "mountpoints": [None]}]},
        {"path": "/dev/sdc", "tran": "usb", "rm": True, "fstype": "vfat", "mountpoints": ["/media/pi/STICK"]},
        {"path": "/dev/sdd", "tran": "usb", "rm": True, "fstype": "btrfs", "mountpoints": [None]},
        {"path": "/dev/sde", "tran": "usb", "rm": True, "fstype": None, "mountpoints": []},
    ]
}  # fmt: skip


def test_only_what_is_plugged_in_is_looked_at_and_never_the_systems_own_disk():
    found = said_by("[(one.device, one.mounted) for one in stick.partitions(sys.argv[1])]", json.dumps(DISKS)).stdout
    wanted = [("/dev/sdb1", None), ("/dev/sdb2", None), ("/dev/sdc", "/media/pi/STICK")]
    assert found.strip() == str(wanted)


def test_what_this_machine_lists_of_its_disks_can_be_read():
    if shutil.which("lsblk") is None:
        pytest.skip("lsblk missing: this machine lists no disks")
    columns = "PATH,TRAN,RM,FSTYPE,MOUNTPOINTS"
    listed = subprocess.run(["lsblk", "--json", "--output", columns], capture_output=True, text=True, check=True)
    assert said_by("stick.partitions(sys.argv[1])", listed.stdout).returncode == 0


TAKE = "stick.take(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), 100)"


def test_a_plain_file_is_taken_with_its_digest(tmp_path):
    (tmp_path / "given/deep").mkdir(parents=True)
    (tmp_path / "given/deep/file").write_bytes(b"x" * 100)
    found = said_by(TAKE, tmp_path / "given", "deep/file", tmp_path / "into").stdout.strip()
    assert found == sha256(b"x" * 100).hexdigest()
    assert (tmp_path / "into/deep/file").read_bytes() == b"x" * 100


@pytest.mark.parametrize(
    "kind", ["link", "folder that is a link", "pipe", "folder", "too large", "device", "above", "at the top"]
)
def test_nothing_but_a_plain_file_in_its_size_is_taken(tmp_path, kind):
    given, secret = tmp_path / "given", tmp_path / "secret"
    (secret / "deep").mkdir(parents=True)
    (secret / "deep/file").write_text("secret")
    given.mkdir()
    name = "deep/file"
    if kind == "folder that is a link":
        (given / "deep").symlink_to(secret / "deep")
    else:
        (given / "deep").mkdir()
    if kind == "link":
        (given / name).symlink_to(secret / name)
    elif kind == "pipe":
        os.mkfifo(given / name)
    elif kind == "folder":
        (given / name).mkdir()
    elif kind == "too large":
        (given / name).write_bytes(b"x" * 101)
    elif kind == "device":
        name, given = "zero", Path("/dev")
    elif kind == "above":
        name = "../secret/deep/file"
    elif kind == "at the top":
        name = str(secret / "deep/file")
    done = said_by(TAKE, given, name, tmp_path / "into", check=False)
    assert "deploy.stick.Unlike" in done.stderr
    assert not (tmp_path / "into").exists()


def test_a_card_that_is_full_is_not_taken_for_a_worn_stick(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("not root: no file system of a few pages can be mounted")
    for name in ("given", "card"):
        (tmp_path / name).mkdir()
    (tmp_path / "given/file").write_bytes(os.urandom(50_000))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", tmp_path / "card"], check=True)
    try:
        took = "offer.take_off(Path(sys.argv[1]), 'file', Path(sys.argv[2]), 50000)"
        done = said_by(took, tmp_path / "given", tmp_path / "card/into", check=False)
    finally:
        subprocess.run(["umount", tmp_path / "card"], check=True)
    assert "and the card has" in done.stderr
    assert "worn" not in done.stderr


def test_the_changes_since_a_version_are_those_above_its_heading():
    text = "# Changelog\n\n## 0.10\n\n- Newest.\n\n## 0.2 (2026-01-01)\n\n- Newer.\n\n## 0.1\n\n- Old.\n"
    since = "json.dumps(offer.changes_since(sys.argv[1], sys.argv[2]))"
    assert json.loads(said_by(since, text, "0.2").stdout) == "## 0.10\n\n- Newest."
    assert json.loads(said_by(since, text, "0.1").stdout) == "## 0.10\n\n- Newest.\n\n## 0.2 (2026-01-01)\n\n- Newer."
    assert "Old." in json.loads(said_by(since, text, "0.0.9").stdout)
