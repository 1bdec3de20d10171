"""The signed archive that `make stick` writes, by Debian's own tools."""

import re
import shutil
import subprocess
from hashlib import sha256

import pytest

from tests.conftest import REPOSITORY

CONTROL = "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: nobody <root@localhost>\nDescription: nothing\n"


def deb(folder, name, version, architecture, more=""):
    """A package with nothing in it, and `more` lines in its control."""
    (folder / "made/DEBIAN").mkdir(parents=True)
    (folder / "made/DEBIAN/control").write_text(CONTROL.format(name, version, architecture) + more)
    (folder / "dist").mkdir(exist_ok=True)
    command = ["dpkg-deb", "--root-owner-group", "--build", folder / "made", folder / "dist"]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(folder / "made")


def stick(folder, *options):
    """What `make stick` writes of the packages in `folder`."""
    (folder / "stick").mkdir(exist_ok=True)
    command = [REPOSITORY / "systemd/stick", "--packages", folder / "dist", "--to", folder / "stick"]
    done = subprocess.run(
        [*command, "--keys", folder / "keys", *options], capture_output=True, text=True, timeout=120, check=False
    )
    return done, folder / "stick/facegate"


@pytest.fixture
def packages(tmp_path):
    """Three versions for one distribution, of which the newest is for two kinds of machines, and one for another."""
    if absent := [name for name in ("apt-ftparchive", "gpg", "gpgv", "dpkg-deb") if shutil.which(name) is None]:
        pytest.skip(f"{', '.join(absent)} missing: no archive can be made here")
    for version in ("0.1.0", "0.1.10", "0.1.9"):
        deb(tmp_path, "facegate", f"{version}+deb12", "all")
        for name in (f"facegate-{version}", f"facegate-codecs-{version}"):
            deb(tmp_path, name, f"{version}+deb12", "amd64")
    deb(tmp_path, "facegate-0.1.10", "0.1.10+deb12", "arm64")
    deb(tmp_path, "facegate", "0.1.9+deb13", "all")
    deb(tmp_path, "facegate-0.1.9", "0.1.9+deb13", "arm64")
    return tmp_path


def test_a_stick_holds_the_newest_version_for_every_system_it_was_built_for(packages):
    done, archive = stick(packages)
    assert done.returncode == 0, done.stderr
    assert "0.1.10+deb12 for bookworm on amd64 and arm64" in done.stdout
    assert "0.1.9+deb13 for trixie on arm64" in done.stdout
    index = (archive / "dists/bookworm/main/binary-amd64/Packages").read_text()
    named = re.findall(r"^Package: (.*)$", index, re.MULTILINE)
    assert sorted(named) == ["facegate", "facegate-0.1.10", "facegate-codecs-0.1.10"]
    for path, digest in re.findall(r"^Filename: (.*?)$.*?^SHA256: (.*?)$", index, re.MULTILINE | re.DOTALL):
        assert sha256((archive / path).read_bytes()).hexdigest() == digest


def test_every_stick_is_signed_with_the_one_key_that_it_shows(packages):
    done, archive = stick(packages)
    digits = sha256((archive / "key.gpg").read_bytes()).hexdigest()
    assert digits in re.sub(r"\s", "", done.stdout)
    again, _ = stick(packages)
    assert digits in re.sub(r"\s", "", again.stdout)
    for suite in ("bookworm", "trixie"):
        command = ["gpgv", "--keyring", archive / "key.gpg", archive / f"dists/{suite}/InRelease"]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert (packages / "keys").stat().st_mode & 0o077 == 0


def test_an_archive_for_others_holds_nothing_under_the_gpl(packages):
    done, archive = stick(packages, "--without-codecs")
    assert done.returncode == 0
    assert [path for path in archive.rglob("*") if "codecs" in path.name] == []
    assert "codecs" not in (archive / "dists/bookworm/main/binary-amd64/Packages").read_text()


@pytest.mark.parametrize(("spoilt", "said"), [("stick", "Mount the stick there"), ("dist", "Say: make deb")])
def test_what_is_missing_is_said_in_one_line(packages, spoilt, said):
    shutil.rmtree(packages / spoilt, ignore_errors=True)
    command = [REPOSITORY / "systemd/stick", "--packages", packages / "dist", "--to", packages / "stick"]
    if spoilt != "stick":
        (packages / "stick").mkdir()
    done = subprocess.run([*command, "--keys", packages / "keys"], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert said in done.stderr
