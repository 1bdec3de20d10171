"""What doctor says of the disk: by real mounts, and by files as the kernel has them for a worn one."""

import os
import shutil
import subprocess
import sys

import pytest

from gate.care.disks import Disk, disk_of

ROOT = "27 1 179:2 / / rw,relatime - ext4 /dev/root rw\n"


@pytest.fixture
def asked_in(tmp_path):
    """The disk of a folder after some commands in a namespace of its own, which may mount what they like."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root mounts anything")

    def run(folder, *commands):
        asked = f"from pathlib import Path; from gate.care.disks import disk_of; print(disk_of(Path('{folder}')))"
        said = " && ".join((*commands, f"exec '{sys.executable}' -c \"{asked}\""))
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", said], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        if done.returncode != 0 and "mount:" in done.stderr:
            pytest.skip(f"nothing can be mounted here: {done.stderr}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def said_of(**known):
    return str(Disk(**known))


def test_a_state_in_memory_is_seen_also_under_an_overlay(asked_in, tmp_path):
    for name in ("in memory", "card", "over"):
        (tmp_path / name).mkdir()
    tmpfs = "mount -t tmpfs none 'in memory'"
    made = "mkdir -p 'in memory/upper/state' 'in memory/work'"
    assert asked_in(tmp_path / "in memory", tmpfs) == said_of(in_memory=True)
    layers = f"lowerdir={tmp_path}/card,upperdir={tmp_path}/in memory/upper,workdir={tmp_path}/in memory/work"
    over = f"mount -t overlay none -o '{layers}' over"
    assert asked_in(tmp_path / "over/state", tmpfs, made, over) == said_of(in_memory=True)


def test_a_disk_that_went_read_only_and_one_that_does_not_flush_are_seen(asked_in, tmp_path):
    (tmp_path / "card").mkdir()
    subprocess.run(["mkfs.ext4", "-q", tmp_path / "card.img", "8m"], check=True)
    for options, known in (("rw", {}), ("ro", {"read_only": True}), ("nobarrier", {"unflushed": True})):
        mounted = f"mount -o loop,{options} card.img card"
        assert asked_in(tmp_path / "card", mounted) == said_of(errors=0, **known)


def test_errors_of_the_file_system_and_wear_are_read_where_the_kernel_tells_them(tmp_path):
    partition = tmp_path / "sys/devices/mmcblk0/mmcblk0p2"
    partition.mkdir(parents=True)
    (tmp_path / "sys/dev/block").mkdir(parents=True)
    (tmp_path / "sys/dev/block/179:2").symlink_to(partition)
    errors = tmp_path / "sys/fs/ext4/mmcblk0p2/errors_count"
    errors.parent.mkdir(parents=True)
    errors.write_text("3\n")
    (tmp_path / "mounts").write_text(ROOT)
    asked = (tmp_path, tmp_path / "mounts", tmp_path / "sys")
    assert disk_of(*asked) == Disk(errors=3)
    (partition.parent / "device").mkdir()
    (partition.parent / "device/life_time").write_text("0x02 0x09\n")
    assert disk_of(*asked) == Disk(errors=3, life_used=9)
    (partition.parent / "device/life_time").write_text("0x00 0x00\n")
    assert disk_of(*asked).life_used is None


def test_where_there_is_no_list_of_mounts_nothing_is_said(tmp_path):
    assert disk_of(tmp_path, tmp_path / "none") == Disk()
