"""What a card's image is made of; that it boots is proved by tests/board."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from tests.conftest import REPOSITORY

CARD = REPOSITORY / "systemd/card"
SCRIPTS = sorted(
    path for path in CARD.rglob("*") if path.is_file() and path.read_text("utf-8").startswith("#!/bin/sh\n")
)


def test_there_are_scripts():
    assert {"finish", "facegate-card", "finish-upgrade", "host-key", "show-code", "writable"} <= {
        path.name for path in SCRIPTS
    }


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


class Root:
    """A card's root as its scripts see it, in a folder; what is done to it is written down instead."""

    def __init__(self, folder):
        self.folder, self.done = folder, folder / "done"
        self.done.touch()
        self.program("mount", f'echo "$4 $5" >> {self.done}')
        self.program("facegate-switch", f'echo "facegate-switch $*" >> {self.done}')
        self.program("dpkg-query", f"cat {folder}/packages 2>/dev/null")
        self.own("usr/sbin/writable", "/run/writable.lock")

    def program(self, name, does):
        (self.folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (self.folder / name).chmod(0o755)

    def own(self, script, *places):
        """A script of the card, which finds these places of the root here."""
        text = (CARD / "root" / script).read_text("utf-8")
        for place in places:
            assert place in text
            text = text.replace(place, f"{self.folder}/{place.rsplit('/', 1)[1]}")
        self.program(name := script.rsplit("/", 1)[1], text.removeprefix("#!/bin/sh\n"))
        return self.folder / name

    def start(self, *command):
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.Popen(
            ["sh", *command], env={"PATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def mounted(self):
        """How the root was mounted, one after the other."""
        lines = self.done.read_text().splitlines()
        return [line.split(",")[1].split()[0] for line in lines if line.endswith(" /")]


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


def test_the_root_stays_writable_until_the_last_who_has_it_so_is_done(root):
    writable = root.folder / "writable"
    first, second = (root.start(writable, "sh", "-c", "echo begun; read go") for _ in range(2))
    for one in (first, second):
        assert one.stdout.readline() == "begun\n"
    first.communicate("go\n", timeout=20)
    assert root.mounted() == ["rw", "rw"]
    second.communicate("go\n", timeout=20)
    assert root.mounted() == ["rw", "rw", "ro"]


def test_the_root_is_only_read_again_where_the_connection_broke_off(root):
    one = root.start(root.folder / "writable", "sh", "-c", "echo begun; read go")
    assert one.stdout.readline() == "begun\n"
    one.send_signal(signal.SIGHUP)
    one.communicate("go\n", timeout=20)
    assert root.mounted() == ["rw", "ro"]


def test_an_upgrade_that_a_power_cut_stopped_goes_on_with_the_root_writable_and_no_other_start_does_so(root):
    unit = "systemd/system/facegate-finish.service.d/card.conf"
    starts = (CARD / "root/etc" / unit).read_text("utf-8").splitlines()[-1].removeprefix("ExecStart=/")
    places = ("/usr/sbin/writable", "/usr/sbin/facegate-switch", "/usr/lib/facegate/switching.json")
    finish = root.own(starts, *places)
    (root.folder / "packages").write_text("installed\nnot-installed\n")
    assert root.start(finish).wait(20) == 0
    assert root.done.read_text() == ""
    (root.folder / "packages").write_text("installed\nhalf-configured\n")
    assert root.start(finish).wait(20) == 0
    assert root.mounted() == ["rw", "ro"]
    assert "facegate-switch --finish\n" in root.done.read_text()
    (root.folder / "packages").unlink()
    (root.folder / "switching.json").touch()
    assert root.start(finish).wait(20) == 0
    assert root.mounted() == ["rw", "ro"] * 2


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
