"""The Debian packages under a real systemd: installed, upgraded, failing, going back, and purged."""

import json
import shutil
import subprocess
from hashlib import sha256

import pytest

from tests.soak import container
from tests.soak.conftest import BROKEN, FIRST, NEXT
from tests.soak.test_systemd import SERVICES, Watch, active, finding, until

pytestmark = pytest.mark.soak

CURRENT = "/usr/lib/facegate/current"


@pytest.fixture(scope="module")
def box(packages, tmp_path_factory):
    """A bare system, booted, with the first version installed from its packages."""
    root = tmp_path_factory.mktemp("card") / "root"
    container.bare(root)
    shutil.copytree(packages, root / "root/debs")
    with container.booted(root) as box:
        apt(box, "update")
        print(install(box, FIRST, "facegate-models-open").stdout)
        yield box
    shutil.rmtree(root)


def apt(box, *arguments, check=True):
    return box.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", *arguments, check=check, timeout=600)


def debs_of(box, version, *more):
    names = ("facegate", f"facegate-{version}", f"facegate-codecs-{version}", *more)
    return [f"/root/debs/{next((box.root / 'root/debs').glob(f'{name}_{version}+*.deb')).name}" for name in names]


def install(box, version, *more):
    return apt(box, "install", *debs_of(box, version, *more))


def in_use(box):
    return box.run("readlink", CURRENT).stdout.strip()


def is_well(box):
    """All services run, and no package of the machine is half installed or half configured."""
    until(lambda: active(box, *SERVICES) == ["active"] * 3, 60, "not started")
    assert box.run("dpkg", "--audit").stdout == ""


def test_packages_install_and_start_the_gate(box):
    is_well(box)
    assert in_use(box) == FIRST
    assert box.run("systemctl", "is-enabled", "facegate.target").stdout.strip() == "enabled"
    for name in ("units", "versions", "models", "database"):
        assert finding(box, name)["grade"] == "ok", finding(box, name)
    said = box.run("systemd-analyze", "verify", "facegate.target", *(f"facegate-{name}.service" for name in SERVICES))
    assert said.stdout + said.stderr == ""
    assert box.run("dpkg", "--verify", "facegate", f"facegate-{FIRST}").stdout == ""


def test_an_upgrade_closes_the_gate_for_under_two_seconds(box):
    box.run("facegate", "schedules", "put", "day", "mon-sun 06:00-22:00")
    watch = Watch(box, CURRENT)
    watch.start()
    said = install(box, NEXT).stdout
    gap = watch.end()
    print(said, f"the door was away for {gap:.2f} s")
    assert f"{NEXT} is in use." in said
    assert in_use(box) == NEXT
    assert gap < 2.0
    is_well(box)
    assert "version_changed" in box.run("facegate", "audit", "tail").stdout
    assert "day" in box.run("facegate", "schedules", "list").stdout


def test_the_version_before_is_kept_by_apt_and_can_take_over(box):
    assert f"facegate-{FIRST}" not in apt(box, "autoremove", "--simulate").stdout
    assert f"{FIRST} is in use." in box.run("facegate-switch", FIRST).stdout
    assert in_use(box) == FIRST
    is_well(box)
    box.run("facegate-switch", NEXT)
    assert in_use(box) == NEXT


def test_a_failed_upgrade_goes_back_by_itself_and_leaves_dpkg_well(box):
    said = install(box, BROKEN)
    print(said.stdout, said.stderr)
    assert "The upgrade failed" in said.stdout + said.stderr
    assert in_use(box) == NEXT
    is_well(box)
    lines = json.loads(box.run("facegate", "audit", "tail", "--json").stdout)["lines"]
    (line,) = (line for line in lines if line["kind"] == "upgrade_failed")
    assert (line["details"]["from"], line["details"]["to"]) == (NEXT, BROKEN)
    assert "facegate-api" in line["details"]["why"]
    assert "day" in box.run("facegate", "schedules", "list").stdout
    assert finding(box, "database")["grade"] == "ok"
    assert "verif" in box.run("facegate", "audit", "verify").stdout
    assert f"facegate-{NEXT}" not in apt(box, "autoremove", "--simulate").stdout


def test_settings_that_a_version_refuses_leave_the_one_in_use(box):
    config = box.root / "etc/facegate/facegate.toml"
    good = config.read_text()
    config.write_text(good + "\n[vision]\nthreshhold = 0.1\n")
    said = box.run("facegate-switch", FIRST, check=False)
    config.write_text(good)
    assert said.returncode == 1
    assert "no setting vision.threshhold" in said.stderr
    assert in_use(box) == NEXT
    is_well(box)


def test_a_version_that_is_not_there_and_one_in_use_are_said(box):
    said = box.run("facegate-switch", "9.9.9", check=False)
    assert (said.returncode, len(said.stderr.splitlines())) == (1, 1)
    assert f"{FIRST}, {NEXT}" in said.stderr
    said = box.run("dpkg", "--force-depends", "--remove", f"facegate-{NEXT}", check=False)
    assert said.returncode != 0
    assert "is in use" in said.stderr
    box.run("dpkg", "--configure", "-a", check=False)
    is_well(box)


def test_after_a_reboot_the_gate_is_there(box):
    box.reboot()
    is_well(box)
    assert in_use(box) == NEXT


LATER = """Package: python3
Version: 3.99.1-1
Architecture: all
Maintainer: nobody <root@localhost>
Description: the Python of a system that is to come
"""


def test_another_python_is_held_back_and_said_beforehand(box, tmp_path):
    assert finding(box, "python")["grade"] == "ok"
    (tmp_path / "DEBIAN").mkdir()
    (tmp_path / "DEBIAN/control").write_text(LATER)
    archive = box.root / "srv/later"
    archive.mkdir()
    subprocess.run(["dpkg-deb", "--build", tmp_path, archive / "python3.deb"], check=True, capture_output=True)
    content = (archive / "python3.deb").read_bytes()
    sums = f"Filename: ./python3.deb\nSize: {len(content)}\nSHA256: {sha256(content).hexdigest()}\n"
    (archive / "Packages").write_text(LATER + sums)
    listed = box.root / "etc/apt/sources.list.d/later.list"
    listed.write_text("deb [trusted=yes] file:/srv/later ./\n")
    apt(box, "update")
    upgrade, full = (apt(box, kind, "--simulate").stdout for kind in ("upgrade", "full-upgrade"))
    found = finding(box, "python")
    listed.unlink()
    apt(box, "update")
    print(full, found)
    for said in (upgrade, full):
        assert "kept back:\n  python3\n" in said
        assert "Remv" not in said
    assert found["grade"] == "look"
    assert "would bring Python 3.99" in found["seen"]


def test_a_checkout_and_packages_do_not_mix(box):
    container.put_sources(box.root)
    said = box.run("facegate/systemd/install", check=False)
    assert said.returncode == 1
    assert "installed from packages here" in said.stderr


def test_purging_leaves_nothing_but_the_state(box):
    names = box.run("dpkg-query", "-W", "-f", "${Package}\n", "facegate*").stdout.split()
    said = apt(box, "purge", "--allow-remove-essential", *names)
    print(said.stdout, said.stderr)
    folders = ("/etc", "/opt", "/usr", "/run", "/var")
    left = box.run("find", *folders, "-iname", "*facegate*", check=False).stdout.split()
    mine = ("/var/lib/facegate", "/var/lib/dpkg", "/var/log", "/run/udev")
    assert [path for path in left if not path.startswith(mine)] == []
    assert box.run("ls", "/var/lib/facegate/db/facegate.db").returncode == 0
    assert box.run("dpkg", "--audit").stdout == ""
