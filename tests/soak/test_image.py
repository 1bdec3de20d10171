"""The image of a card under a real systemd: its root is only read, nobody has a password, and the code is shown.

A container has no firmware, no RAM disk and no disk that grows: these are for tests/board/test_image.py.
"""

import json
import os
import shutil
import subprocess
from contextlib import ExitStack

import pytest

from tests.board.written import CODE, Card, image
from tests.soak import container
from tests.soak.test_systemd import SERVICES, active, until

pytestmark = pytest.mark.soak

OWNER_PAGE = """
import ssl, urllib.request
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
print(urllib.request.urlopen("https://127.0.0.1:8443/owner", timeout=20, context=context).read().decode())
"""
WRITTEN = ("/var/lib/facegate", "/etc/facegate", "/var/lib/systemd", "/var/log", "/var/tmp", "/tmp")  # noqa: S108 - mounts
# Of what a container gives no machine: a root by its label, a network.
NOT_HERE = {"systemd-remount-fs.service", "systemd-networkd-wait-online.service"}


@pytest.fixture(scope="module")
def card(models_dir, tmp_path_factory):
    """A card as it was written."""
    absent = [name for name in ("mmdebstrap", "genimage", "mcopy", "sfdisk", "losetup") if shutil.which(name) is None]
    if why := container.missing() or (absent and f"{', '.join(absent)} missing"):
        pytest.skip(f"{why}: no image of a card")
    return Card(image(models_dir), tmp_path_factory.mktemp("image") / "card.img")


@pytest.fixture(scope="module")
def box(card, tmp_path_factory):
    """A machine with that card, booted: its root read-only, its state mounted, as the RAM disk leaves them."""
    root = tmp_path_factory.mktemp("mounted")
    with ExitStack() as stack:
        mount(stack, card, "root", root, "ro")
        mount(stack, card, "state", root / "state", "rw")
        (root / "state/machine-id").write_text(f"{os.urandom(16).hex()}\n")
        subprocess.run(["mount", "--bind", root / "state/machine-id", root / "etc/machine-id"], check=True)
        stack.callback(subprocess.run, ["umount", root / "etc/machine-id"], check=True)
        yield stack.enter_context(container.booted(root, "--private-network"))


def mount(stack, card, partition, place, mode):
    """A partition of the card, until the stack ends."""
    begins, size = card.partition(partition)
    command = ["losetup", "--find", "--show", f"--offset={begins}", f"--sizelimit={size}", card.path]
    device = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    stack.callback(subprocess.run, ["losetup", "--detach", device], check=True)
    subprocess.run(["mount", "-o", mode, device, place], check=True)
    stack.callback(subprocess.run, ["umount", place], check=True)


def test_nobody_has_a_password_and_no_two_cards_have_a_key_in_common(card):
    card.holds_no_secret()


def test_the_gate_runs_on_a_root_that_is_only_read(box):
    until(lambda: active(box, *SERVICES) == ["active"] * 3, 60, "not started")
    assert box.run("touch", "/etc/x", check=False).returncode != 0
    failed = json.loads(box.run("systemctl", "--failed", "--output=json").stdout)
    assert {one["unit"] for one in failed} <= NOT_HERE
    said = box.run("journalctl", "-b", "--no-pager").stdout
    assert [line for line in said.splitlines() if "Read-only file system" in line] == []
    mounts = json.loads(box.run("findmnt", "--json", "--list", "--output=target,options").stdout)["filesystems"]
    options = {one["target"]: one["options"].split(",") for one in mounts}
    assert "ro" in options["/"]
    for place in WRITTEN:
        assert "rw" in options[place], place
    after_s = box.run("systemctl", "show", "facegate-api", "--property=ActiveEnterTimestampMonotonic", "--value").stdout
    began_s = box.run("systemctl", "show", "--property=UserspaceTimestampMonotonic", "--value").stdout
    print(f"\nthe console answers {(int(after_s) - int(began_s)) / 1e6:.1f} s after systemd began")


def test_the_first_page_asks_for_the_code_that_the_screen_shows(box):
    assert 'name="code"' in box.run("python3", "-c", OWNER_PAGE).stdout
    # The machine's screens by name; in a container each is a file.
    (screen, *_) = box.run("cat", "/sys/class/tty/console/active").stdout.split()
    until(lambda: CODE.search(box.run("cat", f"/dev/{screen}", check=False).stdout), 60, "no screen shows it")
    place, code = CODE.search(box.run("cat", f"/dev/{screen}").stdout).groups()
    assert place == "https://facegate.local:8443"
    assert code == box.run("cat", "/run/facegate/api/owner-code").stdout.strip()


def test_the_root_is_writable_for_as_long_as_a_command_takes(box):
    box.run("mount", "-t", "tmpfs", "none", "/boot/firmware")
    box.run("writable", "touch", "/etc/x", "/boot/firmware/x")
    assert box.run("writable", "false", check=False).returncode == 1
    for place in ("/etc", "/boot/firmware"):
        assert "Read-only" in box.run("rm", f"{place}/x", check=False).stderr
    # As an upgrade from the console has it: in a room of its own.
    box.run("systemd-run", "--quiet", "--wait", "--property=PrivateMounts=yes", "writable", "rm", "/etc/x")
    assert "Read-only" in box.run("touch", "/etc/x", check=False).stderr
    box.run("umount", "/boot/firmware")


def test_the_nightly_backup_is_made(box):
    box.run("systemctl", "start", "facegate-backup.service")
    assert box.run("ls", "/var/lib/facegate/backups").stdout.split()


def test_ssh_runs_where_a_key_lies_on_the_card_and_not_else(box):
    assert box.run("systemctl", "is-active", "ssh", check=False).stdout == "inactive\n"
    box.run("mount", "-t", "tmpfs", "none", "/boot/firmware")
    box.run("touch", "/boot/firmware/authorized_keys")
    box.run("systemctl", "start", "ssh")
    assert box.run("systemctl", "is-active", "ssh").stdout == "active\n"
    said = box.run("sshd", "-T").stdout.splitlines()
    assert {"passwordauthentication no", "permitrootlogin without-password"} <= set(said)
    assert "hostkey /state/ssh/ssh_host_ed25519_key" in said
    box.run("systemctl", "stop", "ssh")
    box.run("umount", "/boot/firmware")


def test_it_starts_again(box):
    identity = box.run("cat", "/etc/machine-id").stdout
    box.reboot()
    until(lambda: active(box, *SERVICES) == ["active"] * 3, 60, "not started")
    assert box.run("cat", "/etc/machine-id").stdout == identity
