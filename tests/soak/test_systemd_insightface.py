"""A gate that judges by a pack of the insightface library, installed under a real systemd as the documents say."""

import json
import shutil
from hashlib import sha256

import pytest

from models.installed import CALIBRATION
from models.manifest import shipped_calibration
from tests.soak import container
from tests.soak.test_systemd import INSTALL, SERVICES, active, until

pytestmark = pytest.mark.soak

DETECTOR, EMBEDDER = "scrfd_2.5g_bnkps.onnx", "mobilefacenet_128.onnx"
PACK = "insightface:local"
# What a container lacks: pins, a camera, and a clock that somebody vouches for.
ABSENT = {"pins", "camera", "clock"}


@pytest.fixture(scope="module")
def box(tmp_path_factory, models_dir, shared):
    """A bare system with the gate and the library, and the pack's files as somebody would bring them."""
    if why := container.missing():
        pytest.skip(f"{why}: no container with systemd")
    root = tmp_path_factory.mktemp("card") / "root"
    container.bare(root)
    container.put_sources(root)
    (root / "var/lib/facegate/models").mkdir(parents=True)
    shutil.copytree(models_dir / "open", root / "var/lib/facegate/models/open")
    (root / "root/local").mkdir()
    for name in (DETECTOR, EMBEDDER):
        shutil.copy(shared / "models" / name, root / "root/local")
    with container.booted(root) as box:
        assert "Installed. Now set the pins" in box.run(*INSTALL, "--with", "insightface", timeout=600).stdout
        yield box
    shutil.rmtree(root)


def calibrated(box):
    """The pack, with what `facegate calibrate` would write after hours of walking up: here another pack's numbers."""
    sha = sha256((box.root / "root/local" / EMBEDDER).read_bytes()).hexdigest()
    found = shipped_calibration("open").model_copy(update={"embedder": sha})
    (box.root / "var/lib/facegate/models/insightface-local" / CALIBRATION).write_text(found.model_dump_json())


def findings(box):
    """What the doctor sees by the name of each finding, and the names of those that are not well."""
    answer = json.loads(box.run("facegate", "doctor", "--json", check=False).stdout.splitlines()[-1])
    found = answer["findings"]
    return {one["name"]: one["seen"] for one in found}, {one["name"] for one in found if one["grade"] != "ok"}


def test_a_pack_of_the_library_is_installed_run_and_found_well_by_the_doctor(box):
    box.run("facegate", "models", "install", PACK, "--accept-terms", "--from", "/root/local")
    calibrated(box)
    settings = box.root / "etc/facegate/facegate.toml"
    settings.write_text(settings.read_text() + f'\n[models]\npack = "{PACK}"\n')
    box.run("systemctl", "restart", "facegate.target")
    until(lambda: active(box, *SERVICES) == ["active"] * 3, 120, "the gate is down")
    until(lambda: "It answers" in findings(box)[0]["vision"], 120, "vision does not answer")
    seen, unwell = findings(box)
    assert seen["models"] == f"The pack {PACK} is whole."
    assert seen["units"] == "All services run."
    assert unwell <= ABSENT, {name: seen[name] for name in unwell}


def test_a_later_install_keeps_the_library_unasked(box):
    assert "nothing to do" in box.run(*INSTALL).stdout
