"""The installer on an image's root; what needs a running systemd is proved by tests/soak/test_systemd.py."""

import json
import os
import re
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import pytest

from models.installed import read_installed
from tests.conftest import REPOSITORY
from tests.test_packages import ABSENT

pytestmark = pytest.mark.whole

UNITS = REPOSITORY / "systemd" / "units"
STRICT = "dtparam=strict_gpiod"


def cannot_install():
    """Why nothing can be installed from this machine, or None."""
    python = Path("/usr/bin/python3")
    if re.fullmatch(r"python3\.1[123]", python.resolve().name) is None:
        return f"{python} is not Python 3.11 to 3.13"
    found = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return f"{python} has no pip" if found.returncode else None


def install(root, *options):
    return subprocess.run(
        [REPOSITORY / "systemd" / "install", "--root", root, *options],
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip


def tree(root):
    """Every path with its kind, mode and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        what = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(root))] = (stat.filemode(path.lstat().st_mode), what)
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory, models_dir):
    """An image of a Raspberry Pi with the gate installed in it."""
    if why := cannot_install():
        pytest.skip(why)
    root = tmp_path_factory.mktemp("image")
    (root / "boot/firmware").mkdir(parents=True)
    (root / "boot/firmware/config.txt").write_text("dtparam=audio=on\n")
    (root / "var/lib/facegate/models").mkdir(parents=True)
    shutil.copytree(models_dir / "open", root / "var/lib/facegate/models/open")
    done = install(root)
    assert done.returncode == 0, done.stderr
    yield root
    shutil.rmtree(root)


def test_installing_twice_gives_the_same_tree(image):
    before = tree(image)
    done = install(image)
    assert "nothing to do" in done.stdout
    assert tree(image) == before


def test_a_file_that_went_missing_is_put_back(image):
    before = tree(image)
    (image / "etc/systemd/system/facegate-door.service").unlink()
    (image / "usr/local/bin/facegate").unlink()
    assert install(image).returncode == 0
    assert tree(image) == before


def test_settings_that_were_changed_stay(image):
    config = image / "etc/facegate/facegate.toml"
    given = config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    config.write_text(given.replace('gate = "gate"', 'gate = "North gate"'))
    (image / "usr/local/bin/facegate").unlink()
    assert install(image).returncode == 0
    assert "North gate" in config.read_text()
    config.write_text(given + "[door]\n")
    (image / "usr/local/bin/facegate").unlink()
    refused = install(image)
    assert refused.returncode == 1
    assert "not valid TOML" in refused.stderr
    assert "Nothing was changed" in refused.stderr
    config.write_text(given)
    assert install(image).returncode == 0


def test_what_is_installed_runs_and_names_no_path_of_the_builder(image):
    for path in (image / "opt/facegate").rglob("*"):
        if path.suffix in (".pyc", ".cfg", ".json", ".service") or path.name == "facegate":
            assert path.is_dir() or str(image).encode() not in path.read_bytes(), path
    program = image / "opt/facegate/current/bin/python"
    said = subprocess.run(
        [program, "-I", "-c", "import commands.cli, sys; print(commands.cli.__file__, sys.prefix)"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert str(image) in said.split()[0]


def test_what_a_gate_does_not_import_is_not_installed(image):
    (packages,) = (image / "opt/facegate/current/lib").glob("python*/site-packages")
    installed = {found.name.partition("-")[0].lower().replace("_", "-") for found in packages.glob("*.dist-info")}
    assert {"onnxruntime", "opencv-python-headless", "facegate"} <= installed
    assert installed & {*ABSENT, "opencv-python", "setuptools"} == set()
    assert len(installed - {"facegate"}) <= 55
    used = sum(path.lstat().st_blocks * 512 for path in packages.rglob("*"))
    print(f"{len(installed) - 1} packages, {used / 2**20:.0f} MB")
    assert used <= 640 * 2**20


def in_image(image, state, *arguments):
    """A command of the installed gate, which stays as it is, on a state of its own, without this machine's packages."""
    return subprocess.run(
        [image / "opt/facegate/current/bin/python", "-I", "-B", "-m", "commands.cli", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "FACEGATE_STATE": str(state), "FACEGATE_MODELS__DIR": str(state / "models")}
        | pip_settings(),
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def pip_settings():
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME"))}


def test_a_gate_makes_its_models_itself(image, tmp_path, models_dir):
    done = in_image(image, tmp_path, "models", "install", "open", "--json")
    assert done.returncode == 0, done.stderr
    made, ours = (read_installed(folder, "open") for folder in (tmp_path / "models", models_dir))
    assert made.model_id == ours.model_id
    assert in_image(image, tmp_path, "models", "verify").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "group"),
    [
        (("bench", "--peers", "--chart", "x.svg"), "measure"),
        (("eval", ".", "--report", "x"), "measure"),
        (("models", "install", "insightface:buffalo_s", "--accept-terms", "--from", "."), "insightface"),
    ],
)
def test_what_asks_for_more_than_a_gate_has_says_how_to_get_it(image, tmp_path, arguments, group):
    done = in_image(image, tmp_path, *arguments)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert "which a gate does without" in said
    assert f"sudo systemd/install --with {group}" in said


def test_doctor_asks_for_no_library_that_a_gate_does_without(image, tmp_path):
    found = json.loads(in_image(image, tmp_path, "doctor", "--json").stdout.splitlines()[-1])
    (versions,) = (one for one in found["findings"] if one["name"] == "versions")
    assert versions["grade"] == "ok", versions
    assert "opencv-python-headless" in versions["seen"]


def test_a_group_that_is_asked_for_once_is_kept_by_what_follows(tmp_path):
    if why := cannot_install():
        pytest.skip(why)
    asked, again = (install(tmp_path, "--dry-run", *options).stdout for options in (("--with", "measure"), ()))
    assert asked.splitlines()[0] != again.splitlines()[0]
    (tmp_path / "opt/facegate").mkdir(parents=True)
    (tmp_path / "opt/facegate/installed.json").write_text('{"files": [], "directories": [], "groups": ["measure"]}')
    assert install(tmp_path, "--dry-run").stdout == asked


@pytest.mark.parametrize(
    ("folder", "settings"),
    [
        ("var/lib/facegate/models/insightface-buffalo_s", ""),
        ("srv/packs/insightface-buffalo_s", '[models]\ndir = "/srv/packs"\n'),
        ("srv", '[models]\npack = "insightface:buffalo_s"\n'),
    ],
)
def test_a_gate_with_a_pack_of_insightface_keeps_its_library(tmp_path, folder, settings):
    if why := cannot_install():
        pytest.skip(why)
    asked = install(tmp_path, "--dry-run", "--with", "insightface").stdout
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/facegate").mkdir(parents=True)
    (tmp_path / "etc/facegate/facegate.toml").write_text(settings)
    assert install(tmp_path, "--dry-run").stdout.splitlines()[0] == asked.splitlines()[0]


@pytest.mark.parametrize(("source", "fetches"), [("0", True), ("", False)])
def test_models_are_fetched_where_there_is_a_camera(tmp_path, source, fetches):
    if why := cannot_install():
        pytest.skip(why)
    (tmp_path / "etc/facegate").mkdir(parents=True)
    (tmp_path / "etc/facegate/facegate.toml").write_text(f'[camera]\nsource = "{source}"\n')
    done = install(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert ("fetch the model pack open" in done.stdout) is fetches


def test_the_kernel_is_told_to_let_a_dead_process_output_go(image):
    lines = (image / "boot/firmware/config.txt").read_text().splitlines()
    assert lines[0] == "dtparam=audio=on"
    assert lines.count(STRICT) == 1


def test_a_dry_run_writes_nothing(tmp_path):
    if why := cannot_install():
        pytest.skip(why)
    done = install(tmp_path, "--dry-run")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if not line.startswith("would ")] == []
    assert tree(tmp_path) == {}


@pytest.fixture
def image_of_its_own(image, tmp_path):
    """The same image once more; the gigabyte of its releases is linked, not copied."""

    def copied(source, target):
        return os.link(source, target) if "/opt/facegate/" in source else shutil.copy2(source, target)

    return shutil.copytree(image, tmp_path / "image", symlinks=True, copy_function=copied)


def test_uninstalling_leaves_nothing_but_the_state(image_of_its_own):
    image = image_of_its_own
    said = install(image, "--uninstall", "--dry-run").stdout
    assert said.startswith("would remove")
    assert (image / "opt/facegate/current").exists()
    done = install(image, "--uninstall")
    assert "Left: /var/lib/facegate" in done.stdout
    left = {path for path in tree(image) if not path.startswith(("var", "boot"))}
    assert left == set()
    assert (image / "boot/firmware/config.txt").read_text() == "dtparam=audio=on\n"
    assert (image / "var/lib/facegate/models/open").is_dir()
    assert "not installed here" in install(image, "--uninstall").stdout


def test_a_root_that_is_not_there_is_said(tmp_path):
    done = install(tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no directory" in done.stderr


def image_python(root, name, machine):
    """An image whose interpreter is `name`, built for the ELF machine of that number."""
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin" / name).write_bytes(b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", machine) + bytes(32))
    (root / "usr/bin/python3").symlink_to(name)


def test_an_image_with_an_old_python_is_refused(tmp_path):
    image_python(tmp_path, "python3.10", 0x3E)
    assert "Python 3.10; Facegate needs 3.11, 3.12 or 3.13" in install(tmp_path).stderr


def test_an_image_for_another_machine_is_refused(tmp_path):
    image_python(tmp_path, "python3.11", 0x16)
    done = install(tmp_path)
    assert done.returncode == 1
    assert "Run systemd/install inside the image" in done.stderr
    assert not (tmp_path / "opt").exists()


@pytest.fixture
def systemd_analyze():
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return program


def test_the_units_verify(systemd_analyze):
    done = subprocess.run([systemd_analyze, "verify", *UNITS.iterdir()], capture_output=True, text=True, check=False)
    # What is about other units of this machine is not about ours.
    assert [line for line in (done.stdout + done.stderr).splitlines() if "facegate" in line] == []


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.stem)
def test_every_service_is_shut_in(systemd_analyze, unit):
    command = [systemd_analyze, "security", "--offline=yes", "--no-pager", unit]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    most = 2.0 if unit.stem in ("facegate-vision", "facegate-errand") else 1.5
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1]) <= most
