"""An upgrade whose power is cut in its middle: after each cut door and console work, with the state as it was.

The system lies on a disk of its own, whose file system is shut down as by a power cut (an ioctl of ext4 for that): what
the kernel had not handed to the disk is gone. The disk itself loses nothing and keeps the order; what a card does that
does not is shown by the virtual board (tests/board/forgetful.py).
"""

import fcntl
import os
import queue
import random
import re
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

import pytest

from tests.conftest import REPOSITORY
from tests.soak import container
from tests.soak.conftest import BROKEN, FIRST, NEXT
from tests.soak.test_packages_debian import CURRENT, apt, debs_of, in_use, install
from tests.soak.test_systemd import finding, until

pytestmark = pytest.mark.soak

CUTS = int(os.environ.get("SOAK_CUTS", "10"))
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 30))
# EXT4_IOC_SHUTDOWN, and its flag by which not even the journal is written any more (fs/ext4/ext4.h).
SHUT_DOWN, WITHOUT_ITS_LOG = 0x8004587D, 2
SWITCH_BEGINS, GOES_BACK, ENDS = "Setting up facegate (", "Going back to", ""


class Disk:
    """A file system with the gate in it, in a file of its own, mounted and booted."""

    def __init__(self, image, at):
        self.image, self.at, self.root = image, at, at / "root"
        at.mkdir(exist_ok=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.at], check=True)

    def boot(self, network=False):
        self.box = container.Container(self.root, network=network)

    def cut(self):
        """The power is gone."""
        root = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(root, SHUT_DOWN, struct.pack("I", WITHOUT_ITS_LOG))
        os.close(root)
        self.box.kill()
        self.unmount()
        self.mount()

    def unmount(self):
        """Off, and with the last of what ran on it gone: mounted again before that, it would be the same as it was."""
        until(lambda: subprocess.run(["umount", self.at], check=False).returncode == 0, 20, f"{self.at} stays mounted")
        listed = ["losetup", "--associated", self.image]
        until(lambda: not subprocess.run(listed, capture_output=True, check=True).stdout, 60, "its device stays")


@dataclass
class Moment:
    """When the power is cut: so many seconds after apt has said a line that begins so."""

    version: str
    after: str
    seconds: float


class Upgrade:
    """By apt, with what it says and when."""

    def __init__(self, box, version):
        self._said = queue.Queue()
        command = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "install", *debs_of(box, version))
        self._process = box.begin(*command)
        threading.Thread(target=self._read, daemon=True).start()
        self._began = time.monotonic()
        self.lines = []

    def until(self, words):
        """Seconds from its beginning to the line with these words; without any, to its end."""
        while True:
            at, line = self._said.get(timeout=300)
            self.lines.append(line)
            if (words and words in line) or not line:
                return at - self._began

    def _read(self):
        for line in self._process.stdout:
            self._said.put((time.monotonic(), line))
        self._said.put((time.monotonic(), ENDS))


@pytest.fixture(scope="module")
def installed(packages, tmp_path_factory):
    """The image of a gate with the first version and something in its state, shut down in order."""
    folder = tmp_path_factory.mktemp("disk")
    image = folder / "installed.img"
    install_on(image, folder / "at", packages)
    yield image
    image.unlink()


def install_on(image, at, packages):
    with image.open("wb") as file:
        file.truncate(6 << 30)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    disk = Disk(image, at)
    container.bare(disk.root)
    subprocess.run(["cp", "-a", packages, disk.root / "root/debs"], check=True)
    # No camera: what is cut is the upgrade, and vision has nothing to say in it.
    config = disk.root / "etc/facegate/facegate.toml"
    config.parent.mkdir()
    sample = (REPOSITORY / "systemd/facegate.toml").read_text()
    config.write_text(re.sub(r'^source = ".*"', 'source = ""', sample, flags=re.MULTILINE))
    disk.boot(network=True)
    try:
        apt(disk.box, "update")
        install(disk.box, FIRST)
        until(lambda: works(disk.box), 90, "not started")
        disk.box.run("facegate", "schedules", "put", "day", "mon-sun 06:00-22:00")
        disk.box.run("facegate", "audit", "export", "/root/record.csv")
        until(lambda: disk.box.run("facegate", "door", "lockdown", check=False).returncode == 0, 10, "no lockdown")
    finally:
        disk.box.stop()
        disk.unmount()


@pytest.fixture
def disk(installed, tmp_path):
    """A copy of it, booted."""
    disk = copied(installed, tmp_path)
    yield disk
    disk.box.kill()
    disk.unmount()
    disk.image.unlink()


def copied(installed, folder):
    image = folder / "disk.img"
    subprocess.run(["cp", "--sparse=always", installed, image], check=True)
    disk = Disk(image, folder / "at")
    disk.boot()
    until(lambda: works(disk.box), 90, "not started")
    return disk


ASK_CONSOLE = """
import ssl, urllib.request
ours = ssl._create_unverified_context()
print(urllib.request.urlopen("https://127.0.0.1:8443/sign-in", context=ours, timeout=5).status)
"""


def works(box):
    """Whether the door answers, and the console."""
    return all(
        box.run(*command, check=False).returncode == 0
        for command in (("facegate", "door", "status"), ("/usr/bin/python3", "-c", ASK_CONSOLE))
    )


CHECK = """
import sqlite3
store = sqlite3.connect("file:/var/lib/facegate/db/facegate.db?mode=ro", uri=True)
print(*store.execute("PRAGMA integrity_check").fetchone())
"""


def packages_of(box):
    """Those of ours that are not as they should be: (name, status)."""
    shown = box.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", "facegate*").stdout
    found = [line.split() for line in shown.splitlines()]
    return [(name, status) for name, status in found if status not in ("installed", "not-installed")]


def is_finished(box):
    """Whether what goes on with an upgrade has been started, and has ended."""
    said = box.run("systemctl", "show", "--property=ActiveState,Job", "facegate-finish.service").stdout.split()
    return "Job=" in said and any(f"ActiveState={word}" in said for word in ("inactive", "failed"))


def state_is_kept(box):
    assert "day" in box.run("facegate", "schedules", "list").stdout
    assert "mode: lockdown" in box.run("facegate", "door", "status").stdout
    assert "verifies" in box.run("facegate", "audit", "verify", "--anchor", "/root/record.csv.anchor.json").stdout


@pytest.fixture(scope="module")
def takes():
    """How long an upgrade of either kind took that nobody cut, and its switch of that: seconds by version."""
    return {}


@pytest.mark.parametrize("version", [NEXT, BROKEN])
def test_an_upgrade_that_nobody_cuts_is_timed(disk, takes, version):
    upgrade = Upgrade(disk.box, version)
    begins = upgrade.until(SWITCH_BEGINS)
    takes[version] = (upgrade.until(ENDS), begins)
    print(f"\n{version}: {takes[version][0]:.1f} s, of which its switch begins after {begins:.1f} s")
    assert in_use(disk.box) == (NEXT if version == NEXT else FIRST), upgrade.lines
    assert packages_of(disk.box) == []
    until(lambda: works(disk.box), 60, "does not work")
    state_is_kept(disk.box)


def moment(number, takes):
    """Of five, two anywhere, two in the switch, and one in that of a version that does not come up."""
    chance = random.Random(SEED + number)
    if number % 5 < 2:
        return Moment(NEXT, "", chance.uniform(0, takes[NEXT][0]))
    version = BROKEN if number % 5 == 4 else NEXT
    whole, begins = takes[version]
    return Moment(version, SWITCH_BEGINS, chance.uniform(0, whole - begins))


@pytest.mark.parametrize("number", range(CUTS))
def test_the_power_is_cut_in_the_middle(disk, takes, number):
    when = moment(number, takes)
    print(f"\n{number} of seed {SEED}: {when.version}, {when.seconds:.2f} s after {when.after or 'apt began'!r}")
    upgrade = Upgrade(disk.box, when.version)
    if when.after:
        upgrade.until(when.after)
    time.sleep(when.seconds)
    disk.cut()
    link = (disk.root / CURRENT[1:]).readlink().name
    cut_in = packages_of_disk(disk)
    began = time.monotonic()
    disk.boot()
    until(lambda: works(disk.box), 200, "door or console is down")
    print(f"  {link} in use, {cut_in or 'dpkg done'}; door and console {time.monotonic() - began:.0f} s after power")
    until(lambda: is_finished(disk.box), 200, "is not finished")
    until(lambda: works(disk.box), 60, "door or console is down")
    state_is_kept(disk.box)
    assert disk.box.run("runuser", "-u", "facegate-api", "--", "/usr/bin/python3", "-c", CHECK).stdout == "ok\n"
    left = packages_of(disk.box)
    print(f"  then {in_use(disk.box)} in use, {left or 'dpkg done'}")
    assert not (disk.root / "usr/lib/facegate/switching.json").exists()
    if left:
        said = finding(disk.box, "upgrade")
        print(f"  {said['seen']} {said['do']}")
        assert all(name in said["seen"] for name, _ in left)
        disk.box.run("dpkg", "--configure", "-a", check=False)
    # What that sentence says, or where nothing had begun.
    if left or in_use(disk.box) != when.version == NEXT:
        install(disk.box, when.version)
    assert packages_of(disk.box) == []
    assert in_use(disk.box) == (NEXT if when.version == NEXT else FIRST)
    until(lambda: works(disk.box), 60, "door or console is down")
    state_is_kept(disk.box)


def packages_of_disk(disk):
    """What dpkg's own files say of ours, before anything has run."""
    command = ("dpkg-query", f"--admindir={disk.root}/var/lib/dpkg", "-W", "-f", "${Package} ${db:Status-Status}\n")
    done = subprocess.run([*command, "facegate*"], capture_output=True, text=True, check=False)
    found = [line.split() for line in done.stdout.splitlines()]
    return [(name, status) for name, status in found if status not in ("installed", "not-installed")] + (
        done.stderr.splitlines()
    )
