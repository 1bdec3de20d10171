"""Gates without a network: installed and upgraded from a stick under a real systemd, by real apt, dpkg and gpg."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.soak import container
from tests.soak.conftest import package
from tests.soak.test_packages_debian import in_use, is_well
from tests.soak.test_systemd import Watch, finding, pid, until
from tests.systemd.test_archive import deb, stick

pytestmark = pytest.mark.soak

FIRST, NEXT, THIRD, BROKEN = "0.1.0", "0.1.1", "0.1.2", "0.1.3"
CURRENT = "/usr/lib/facegate/current"
BLOCK = 4096
# Loopback is there and down, and nothing else: what asks the network fails at once.
CUT_OFF = ("unshare", "--net")


def write_stick(folder, *options):
    done, _ = stick(folder, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sticks(tmp_path_factory, models_dir):
    """A stick with each of three versions, out of the same hands."""
    if why := container.missing():
        pytest.skip(f"{why}: no container with systemd")
    folder = tmp_path_factory.mktemp("sticks")
    (folder / "keys").mkdir(mode=0o700)
    for version in (FIRST, NEXT, THIRD):
        package(REPOSITORY, version, folder / version / "dist", "--models", models_dir)
        (folder / version / "keys").symlink_to(folder / "keys")
        print(write_stick(folder / version))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def box(sticks, tmp_path_factory):
    """A bare system without a network, with the first version installed from its stick as docs/installing.md says."""
    root = tmp_path_factory.mktemp("card") / "root"
    container.bare(root)
    for version in (FIRST, NEXT, THIRD):
        shutil.copytree(sticks / version / "stick", root / "mnt" / version)
    # Without these no list of the distribution is asked, and none is there.
    shutil.rmtree(root / "var/lib/apt/lists")
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    # What boots waits for its disk, which has a gigabyte of this to write.
    os.sync()
    with container.booted(root) as box:
        began = time.monotonic()
        box.run("install", "-D", "-m", "644", f"/mnt/{FIRST}/facegate/key.gpg", "/etc/facegate/stick-key.gpg")
        source = f"deb [signed-by=/etc/facegate/stick-key.gpg] copy:/mnt/{FIRST}/facegate {suite(box)} main\n"
        (root / "etc/apt/sources.list.d/facegate-stick.list").write_text(source)
        by_apt(box, "update")
        by_apt(box, "install", "facegate")
        box.run("rm", "/etc/apt/sources.list.d/facegate-stick.list")
        print(f"\ninstalled without a network in {time.monotonic() - began:.0f} s")
        yield box
    shutil.rmtree(root)


def suite(box):
    return re.search(r"^VERSION_CODENAME=(.*)$", (box.root / "etc/os-release").read_text(), re.MULTILINE)[1]


def machine(box):
    return box.run("dpkg", "--print-architecture").stdout.strip()


def by_apt(box, *arguments):
    return box.run(*CUT_OFF, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", *arguments, timeout=600)


def upgrade(box, *arguments, check=True):
    return box.run(*CUT_OFF, "facegate-upgrade", *arguments, check=check, timeout=600)


def as_it_is(box):
    """What an upgrade would change: the packages, the version in use, and what lies about."""
    packages = box.run("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n", "facegate*").stdout
    left = [name for name in ("var/cache/facegate-upgrade", "run/facegate/upgrade/stick") if any_in(box.root / name)]
    return packages, in_use(box), left, (box.root / "etc/facegate/stick-key.gpg").exists()


def any_in(folder):
    return folder.is_dir() and any(folder.iterdir())


def refused(box, *arguments):
    """What it says in one line, where it says no and changes nothing."""
    before = as_it_is(box)
    done = upgrade(box, *arguments, check=False)
    assert as_it_is(box) == before
    said = done.stderr.splitlines()
    print(said)
    assert (done.returncode, len(said)) == (1, 1), done.stderr
    assert said[0].startswith("Nothing was changed. ")
    return said[0]


def test_a_bare_system_without_a_network_becomes_a_gate(box):
    is_well(box)
    assert in_use(box) == FIRST
    assert finding(box, "models")["grade"] == "ok"
    assert finding(box, "versions")["grade"] == "ok"


def test_a_gate_trusts_a_key_by_its_fingerprint_alone(box, sticks):
    trusted = box.root / "etc/facegate/stick-key.gpg"
    kept = trusted.read_bytes()
    trusted.unlink()
    assert "knows no key" in refused(box, "--from", f"/mnt/{NEXT}")
    assert "another fingerprint" in refused(box, "--from", f"/mnt/{NEXT}", "--trust", "0" * 64)
    told = re.search(r"^  ([0-9a-f ]+)$", write_stick(sticks / NEXT), re.MULTILINE)[1]
    upgrade(box, "--from", f"/mnt/{NEXT}", "--trust", told)
    assert trusted.read_bytes() == kept
    assert trusted.stat().st_mode & 0o777 == 0o644


def in_index(archive, change):
    (index,) = archive.glob("dists/*/main/*/Packages")
    index.write_text(change(index.read_text()))


def a_later_version_in_the_index(archive, box):
    in_index(archive, lambda text: text.replace(f"Version: {NEXT}", "Version: 9.9.9"))


def another_digest_in_the_index(archive, box):
    in_index(archive, lambda text: re.sub(r"^SHA256: .", "SHA256: f", text, flags=re.MULTILINE))


def another_day_in_what_is_signed(archive, box):
    (signed,) = archive.glob("dists/*/InRelease")
    signed.write_text(signed.read_text().replace("Label: Facegate", "Label: Facegatf"))


def no_signature(archive, box):
    (signed,) = archive.glob("dists/*/InRelease")
    signed.write_text(signed.read_text().split("\n\n", 1)[1].split("-----BEGIN")[0])


def more_before_what_is_signed(archive, box):
    (signed,) = archive.glob("dists/*/InRelease")
    signed.write_text("Codename: other\n" + signed.read_text())


def a_large_index(archive, box):
    in_index(archive, lambda text: text + "#" * (1 << 20))


def a_link_for_an_index(archive, box):
    (index,) = archive.glob("dists/*/main/*/Packages")
    index.unlink()
    index.symlink_to("/etc/shadow")


def release_of(archive):
    (found,) = archive.glob(f"pool/*/facegate-{NEXT}_*.deb")
    return found


def one_byte_of_a_package(archive, box):
    with release_of(archive).open("r+b") as file:
        file.seek(1 << 20)
        byte = file.read(1)
        file.seek(1 << 20)
        file.write(bytes((byte[0] ^ 1,)))


def a_package_cut_short(archive, box):
    os.truncate(release_of(archive), 1 << 20)


def a_longer_package(archive, box):
    with release_of(archive).open("ab") as file:
        file.write(b"\0")


def no_package(archive, box):
    release_of(archive).unlink()


def a_link_for_a_package(archive, box):
    release_of(archive).unlink()
    release_of_next = archive / f"pool/{suite(box)}/facegate-{NEXT}_{NEXT}+deb12_{machine(box)}.deb"
    release_of_next.symlink_to("/dev/zero")


def an_index_for_other_machines_under_this_ones_name(archive, box):
    (index,) = archive.glob("dists/*/main/binary-*")
    index.rename(index.with_name("binary-other"))
    (archive / f"dists/{suite(box)}/main/binary-{machine(box)}").mkdir()
    shutil.copy(archive / f"dists/{suite(box)}/main/binary-other/Packages", index)
    (signed,) = archive.glob("dists/*/InRelease")
    signed.write_text(signed.read_text().replace(f"binary-{machine(box)}", "binary-other"))


@pytest.mark.parametrize("alter", [
    a_later_version_in_the_index, another_digest_in_the_index, another_day_in_what_is_signed, no_signature,
    more_before_what_is_signed, a_large_index, a_link_for_an_index, one_byte_of_a_package, a_package_cut_short,
    a_longer_package, no_package, a_link_for_a_package, an_index_for_other_machines_under_this_ones_name,
])  # fmt: skip
def test_an_archive_that_was_altered_is_refused(box, altered, alter):
    alter(altered / "facegate", box)
    assert "not as it was signed" in refused(box, "--from", "/mnt/altered")


@pytest.fixture
def altered(box):
    """A stick like that of the next version."""
    altered = box.root / "mnt/altered"
    shutil.copytree(box.root / "mnt" / NEXT, altered)
    yield altered
    shutil.rmtree(altered)


@pytest.fixture
def made_up(box, sticks, tmp_path):
    """A folder in which archives of empty packages are made, with the key that the gate trusts."""
    (tmp_path / "keys").symlink_to(sticks / "keys")
    yield tmp_path
    shutil.rmtree(box.root / "mnt/made-up", ignore_errors=True)


def put(box, folder):
    write_stick(folder)
    shutil.copytree(folder / "stick", box.root / "mnt/made-up")
    return box.root / "mnt/made-up/facegate"


def of_version(folder, version, architecture, mark="deb12"):
    deb(folder, "facegate", f"{version}+{mark}", "all")
    deb(folder, f"facegate-{version}", f"{version}+{mark}", architecture)


def test_an_archive_of_a_stranger_is_refused(box, made_up):
    (made_up / "keys").unlink()
    of_version(made_up, NEXT, machine(box))
    put(box, made_up)
    assert "signed with another key" in refused(box, "--from", "/mnt/made-up")


def test_an_archive_for_another_machine_is_refused(box, made_up):
    other = "arm64" if machine(box) == "amd64" else "amd64"
    of_version(made_up, NEXT, other)
    archive = put(box, made_up)
    said = refused(box, "--from", "/mnt/made-up")
    assert f"is for {suite(box)} on {other}" in said
    assert f"make stick SUITE={suite(box)} ARCH={machine(box)}" in said
    # Under this machine's name it is an index that nobody signed.
    (archive / f"dists/{suite(box)}/main/binary-{other}").rename(
        archive / f"dists/{suite(box)}/main/binary-{machine(box)}"
    )
    assert "is for another kind of machine" in refused(box, "--from", "/mnt/made-up")


def test_an_archive_for_another_distribution_is_refused(box, made_up):
    of_version(made_up, NEXT, machine(box), "deb13")
    archive = put(box, made_up)
    assert "is for trixie" in refused(box, "--from", "/mnt/made-up")
    (archive / "dists/trixie").rename(archive / f"dists/{suite(box)}")
    assert "is for another distribution" in refused(box, "--from", "/mnt/made-up")


def test_an_archive_without_the_codecs_that_the_gate_has_is_refused(box, made_up):
    of_version(made_up, NEXT, machine(box))
    put(box, made_up)
    assert "has facegate-codecs, and the archive has none" in refused(box, "--from", "/mnt/made-up")


def test_an_archive_that_needs_what_is_not_there_is_refused(box, made_up):
    of_version(made_up, NEXT, machine(box))
    needs = "Depends: what-is-nowhere\n"
    deb(made_up, f"facegate-codecs-{NEXT}", f"{NEXT}+deb12", machine(box), needs)
    put(box, made_up)
    said = refused(box, "--from", "/mnt/made-up")
    assert "apt cannot install it" in said
    assert "what-is-nowhere" in said


@pytest.mark.parametrize("size", ["64m", "4k"])
def test_a_card_without_room_is_said(box, size):
    box.run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", "/var/cache")
    try:
        assert re.search(r"needs \d+ MB, and the card has \d{1,2} MB free", refused(box, "--from", f"/mnt/{NEXT}"))
    finally:
        box.run("umount", "/var/cache")


def test_an_older_archive_is_refused(box, made_up):
    of_version(made_up, "0.0.9", machine(box))
    put(box, made_up)
    said = refused(box, "--from", "/mnt/made-up")
    assert f"has 0.0.9, and {FIRST} is installed here" in said
    assert "facegate-switch" in said


def test_no_stick_and_a_folder_of_anything_are_said(box):
    assert "No stick" in refused(box)
    assert "no archive of Facegate in /etc" in refused(box, "--from", "/etc")
    assert "no archive of Facegate in /nowhere" in refused(box, "--from", "/nowhere")
    (box.root / "mnt/nonsense/facegate/dists").mkdir(parents=True)
    (box.root / f"mnt/nonsense/facegate/dists/{suite(box)}").write_bytes(os.urandom(1000))
    assert "archive" in refused(box, "--from", "/mnt/nonsense")


def test_only_root_upgrades(box):
    said = box.run("runuser", "-u", "facegate-api", "--", "/usr/sbin/facegate-upgrade", check=False)
    assert (said.returncode, said.stderr) == (1, "Only root may upgrade the gate. Say: sudo facegate-upgrade\n")


@pytest.fixture
def device(box, sticks, tmp_path):
    """The next version's stick as a device, and the file behind it, in which the largest package lies last."""
    image, given = tmp_path / "stick.img", tmp_path / "stick"
    shutil.copytree(sticks / NEXT / "stick", given)
    largest = release_of(given / "facegate")
    size = sum(path.stat().st_size for path in given.rglob("*")) + (64 << 20)
    largest.rename(tmp_path / largest.name)
    image.touch()
    os.truncate(image, size)
    subprocess.run(["mkfs.ext4", "-q", "-b", str(BLOCK), "-O", "^has_journal", "-d", given, image], check=True)
    written = f"write {tmp_path / largest.name} {largest.relative_to(given)}"
    subprocess.run(["debugfs", "-w", "-R", written, image], check=True, capture_output=True)
    # Without a cache between: what is not there any more cannot be read.
    attached = ["losetup", "--find", "--show", "--direct-io=on", image]
    found = subprocess.run(attached, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"no loop device: {found.stderr.strip()}")
    loop = Path(found.stdout.strip())
    box.run("mknod", loop, "b", "7", loop.name.removeprefix("loop"))
    yield loop, image, largest.relative_to(given)
    box.run("rm", loop)
    subprocess.run(["losetup", "--detach", loop], check=True)


def last_block_of(image, path):
    """Of a file on the device."""
    said = subprocess.run(["debugfs", "-R", f"blocks {path}", image], capture_output=True, text=True, check=True)
    return max(map(int, said.stdout.split()))


def test_a_stick_that_is_pulled_out_while_it_is_read_changes_nothing(box, device):
    loop, image, largest = device
    # The end of the largest package is read from nowhere.
    os.truncate(image, (last_block_of(image, largest) - 256) * BLOCK)
    assert f"From {FIRST} to {NEXT}:" in upgrade(box, "--from", loop, "--look").stdout
    assert "cannot be read to its end (Input/output error)" in refused(box, "--from", loop)


def test_looking_shows_what_would_change_and_changes_nothing(box):
    before = as_it_is(box)
    said = upgrade(box, "--from", f"/mnt/{NEXT}", "--look").stdout
    print(said[:600])
    assert as_it_is(box) == before
    assert said.startswith(f"From {FIRST} to {NEXT}:\n  facegate ")
    for name in (f"facegate-{NEXT}", f"facegate-codecs-{NEXT}", "facegate-models-open"):
        assert f"  {name} (" in said
    assert "## Unreleased" in said


def test_a_gate_is_upgraded_from_a_stick_without_a_network(box, device):
    loop, _, _ = device
    watch = Watch(box, CURRENT)
    watch.start()
    began = time.monotonic()
    said = upgrade(box, "--from", loop).stdout
    took, gap = time.monotonic() - began, watch.end()
    print(said, f"upgraded in {took:.0f} s; the door was away for {gap:.2f} s")
    assert "The stick can be pulled out." in said
    assert in_use(box) == NEXT
    # Two seconds are proved of the same switch in test_packages_debian; here, that apt shuts nobody out.
    assert gap < 5.0
    assert took < 600
    is_well(box)
    assert not any_in(box.root / "run/facegate/upgrade/stick")
    assert not (box.root / "var/cache/facegate-upgrade").exists()
    lines = json.loads(box.run("facegate", "audit", "tail", "--json").stdout)["lines"]
    (line,) = (line for line in lines if line["kind"] == "version_changed")
    assert (line["details"]["from"], line["details"]["to"]) == (FIRST, NEXT)


def test_what_is_installed_already_or_older_is_said(box):
    done = upgrade(box, "--from", f"/mnt/{NEXT}")
    assert (done.returncode, done.stderr) == (0, f"{NEXT} is installed here already.\n")
    assert f"has {FIRST}, and {NEXT} is installed here" in refused(box, "--from", f"/mnt/{FIRST}")
    box.run("facegate-switch", FIRST)
    assert f"sudo facegate-switch {NEXT}" in refused(box, "--from", f"/mnt/{NEXT}")
    box.run("facegate-switch", NEXT)
    is_well(box)


def test_two_upgrades_at_once_are_one(box):
    held = box.run("flock", "/run/facegate/upgrade/lock", *CUT_OFF, "facegate-upgrade", check=False)
    assert (held.returncode, held.stderr) == (
        1, "Nothing was changed. Another upgrade is running. Wait until it is over.\n",
    )  # fmt: skip


def as_api(box, *command, check=True):
    """As the console does it, with what it sees of the machine."""
    whose = ("nsenter", "-t", str(pid(box, "api")), "-m", "runuser", "-u", "facegate-api", "-g", "facegate", "--")
    return box.run(*whose, *command, check=check)


ASK = "from pathlib import Path; from api import stick; stick.ask(Path('/var/lib/facegate'), '{}')"


def asked(box, what):
    """What root told in the end, where the console asked for it."""
    as_api(box, f"{CURRENT}/bin/python", "-c", ASK.format(what))
    ends = {"look": ("shown", "refused"), "install": ("installed", "refused", "failed")}[what]
    before = told(box)["at"]
    until(lambda: told(box)["at"] != before and told(box)["phase"] in ends, 300, "nothing is told")
    until(lambda: state_of(box, f"facegate-upgrade@{what}.service") == "inactive", 300, "it does not end")
    return told(box)


def told(box):
    file = box.root / "run/facegate/upgrade/told.json"
    text = box.run("cat", f"/{file.relative_to(box.root)}", check=False).stdout
    return json.loads(text) if text else {"phase": "", "at": 0.0}


def state_of(box, unit):
    return box.run("systemctl", "show", "--property=ActiveState", "--value", unit).stdout.strip()


@pytest.fixture
def plugged_in(box):
    """What is plugged in of the sticks in /mnt: this container has no USB."""
    dropped = box.root / "etc/systemd/system/facegate-upgrade@.service.d/stick.conf"
    dropped.parent.mkdir(exist_ok=True)

    def plug(name):
        command = f"/usr/sbin/facegate-upgrade --console %i --from /mnt/{name}"
        dropped.write_text(f"[Service]\nExecStart=\nExecStart={command}\n")
        box.run("systemctl", "daemon-reload")

    yield plug
    shutil.rmtree(dropped.parent)
    box.run("systemctl", "daemon-reload")


def test_the_console_reaches_nothing_but_two_requests(box):
    for what in ("look", "install"):
        assert state_of(box, f"facegate-upgrade@{what}.path") == "active"
    for command in (
        ("touch", "/run/facegate/upgrade/told.json"), ("ln", "-s", "/etc", "/run/facegate/upgrade/stick"),
        ("systemctl", "start", "facegate-upgrade@install.service"), ("/usr/sbin/facegate-upgrade",),
    ):  # fmt: skip
        assert as_api(box, *command, check=False).returncode != 0
    # Nor does another service reach even these.
    for user in ("facegate-vision", "facegate-door"):
        said = box.run("runuser", "-u", user, "--", "touch", "/run/facegate/api/upgrade-look", check=False)
        assert "denied" in said.stderr
    assert told(box)["phase"] == ""


def test_without_a_stick_the_console_is_told_so(box):
    assert asked(box, "look")["why"] == "NO_STICK"


def test_while_somebody_upgrades_at_the_gate_the_console_is_told_so(box):
    held = ("flock", "/run/facegate/upgrade/lock", "systemctl", "start", "facegate-upgrade@look.service")
    assert box.run(*held).returncode == 0
    assert told(box)["why"] == "BUSY"


def test_the_console_upgrades_to_what_it_was_shown(box, plugged_in):
    plugged_in(NEXT)
    assert asked(box, "look")["why"] == "NOTHING_NEW"
    plugged_in(THIRD)
    shown = asked(box, "look")
    assert (shown["phase"], shown["installed"], shown["version"]) == ("shown", NEXT, THIRD)
    assert "## Unreleased" in shown["changes"]
    began = time.monotonic()
    done = asked(box, "install")
    print(f"upgraded from the console in {time.monotonic() - began:.0f} s")
    assert (done["phase"], done["version"]) == ("installed", THIRD), done
    assert in_use(box) == THIRD
    is_well(box)
    # What is before the two last is gone.
    assert f"facegate-{FIRST}" not in as_it_is(box)[0]
    assert f"facegate-{NEXT}" in as_it_is(box)[0]


def test_another_stick_than_the_one_shown_is_not_installed(box, plugged_in, made_up):
    of_version(made_up, BROKEN, machine(box))
    deb(made_up, f"facegate-codecs-{BROKEN}", f"{BROKEN}+deb12", machine(box))
    put(box, made_up)
    plugged_in("made-up")
    assert asked(box, "look")["phase"] == "shown"
    write_stick(made_up)
    shutil.rmtree(box.root / "mnt/made-up")
    shutil.copytree(made_up / "stick", box.root / "mnt/made-up")
    assert asked(box, "install")["why"] == "NOT_SHOWN"
    assert in_use(box) == THIRD


def test_a_version_that_does_not_come_up_is_told_and_the_gate_goes_on(box, plugged_in, made_up):
    of_version(made_up, BROKEN, machine(box))
    deb(made_up, f"facegate-codecs-{BROKEN}", f"{BROKEN}+deb12", machine(box))
    put(box, made_up)
    plugged_in("made-up")
    asked(box, "look")
    failed = asked(box, "install")
    assert failed["phase"] == "failed"
    assert f"{THIRD} runs as before" in failed["said"]
    assert in_use(box) == THIRD
    is_well(box)
