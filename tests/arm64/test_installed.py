"""The gate as its installer puts it on a system for aarch64: its libraries, its models, and its drill."""

import re

import cv2
import numpy as np
import pytest

from enroll.checks import PhotoRefused, examine
from models.images import shrunk
from tests.arm64.build import MODELS, PACKS
from tests.arm64.guest.templates import templates
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.arm64

RELEASE = "/opt/facegate/current"
GUEST = REPOSITORY / "tests/arm64/guest"
COUNT, LEAST_COSINE = 20, 0.99999
# As e_machine in the header of a file in the format ELF (elf(5)) has it.
AARCH64 = 0xB7
LISTED = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()), sep='\\n')"
# Longer sides are shrunk to this, pixels: an emulated processor takes a minute for a large photo.
SIDE = 640
# One photo in so many ways, where there are no others.
FORMS = {
    "as it is": lambda image: image,
    "mirrored": lambda image: image[:, ::-1],
    "smaller": lambda image: cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA),
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.2),
    "paler": lambda image: cv2.convertScaleAbs(image, alpha=0.8, beta=30),
    "warmer": lambda image: cv2.convertScaleAbs(image * np.float32([0.9, 1, 1.1])),
    "darker": lambda image: cv2.convertScaleAbs(image, alpha=0.7),
    "grey": lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
}


def step(name, within_s):
    return pytest.mark.step(name, within_s)


def plain(names):
    """Of libraries, `name==version` each, the versions by name."""
    versions = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", names, re.MULTILINE):
        versions.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return versions


@step("the installer puts in what requirements/gate.txt pins, built for aarch64", 300)
def test_what_is_pinned_is_installed_for_aarch64(installed, seen):
    said = installed.system.run(f"{RELEASE}/bin/python", "-I", "-c", LISTED).out
    wanted, found = plain((REPOSITORY / "requirements/gate.txt").read_text()), plain(said)
    # A library of which there are two is pinned once for each Python.
    absent = [name for name, versions in wanted.items() if not found.get(name, set()) & versions]
    assert not absent, absent
    release = next((installed.system.root / "opt/facegate/releases").iterdir())
    libraries = [path for path in release.rglob("*.so*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
    others = [path.name for path in libraries if int.from_bytes(path.read_bytes()[18:20], "little") != AARCH64]
    assert libraries
    assert not others, others
    seen(f"{len(wanted)} packages, {len(libraries)} shared libraries; the installer took {installed.seconds:.0f} s")


@step("packs open: sha256, and the canary's embedding", 300)
def test_packs_open_with_their_canaries(installed, seen):
    for pack in PACKS:
        said = installed.system.run("facegate", "models", "verify", pack, "--json", FACEGATE_MODELS__DIR=MODELS).answer
        assert (said["pack"], said["sound"]) == (pack, True)
        seen(pack)


def first_good(pictures, models, folder):
    """A folder of the first of some pictures, by name, from which somebody can be enrolled."""
    folder.mkdir()
    for name, picture in pictures:
        try:
            examine(np.ascontiguousarray(picture), name, models)
        except PhotoRefused:
            continue
        cv2.imwrite(str(folder / f"{name}.png"), picture)
        if len(list(folder.iterdir())) == COUNT:
            break
    return folder


def assert_same(installed, models_dir, folder, seen):
    """The photos of a folder make the same templates here and there."""
    assert len(list(folder.iterdir())) == COUNT
    here = templates(models_dir, folder)
    said = installed.system.run(
        f"{RELEASE}/bin/python", "-I", GUEST / "templates.py", MODELS, folder, show=[folder, GUEST], timeout=1200
    )
    there = said.answer
    assert there["templates"].keys() == here["templates"].keys()
    assert len(here["templates"]) == len(PACKS)
    for model, ours in here["templates"].items():
        theirs = there["templates"][model]
        assert theirs.keys() == ours.keys()
        cosines = [float(np.dot(*(np.float64(one[name]) for one in (ours, theirs)))) for name in ours]
        seen(f"{model}: {len(cosines)} photos, least cosine {min(cosines):.9f}")
        assert min(cosines) >= LEAST_COSINE
    seen(f"{there['seconds']:.1f} s a photo, {here['seconds']:.2f} here")


@step("templates are those of x86-64: the demo's photos", 1200)
def test_the_demos_photos_make_the_same_templates(installed, models, models_dir, photos, tmp_path, seen):
    pictures = [
        (f"{path.stem} {name}", form(shrunk(cv2.imread(str(path)), SIDE)[0]))
        for path in sorted(photos.glob("*.jpg"))
        for name, form in FORMS.items()
    ]
    assert_same(installed, models_dir, first_good(pictures, models, tmp_path / "photos"), seen)


@step("templates are those of x86-64: people of ../shared/faces", 1200)
def test_twenty_people_make_the_same_templates(installed, models, models_dir, shared, tmp_path, seen):
    people = sorted((shared / "faces/lfw").iterdir())
    pictures = ((person.name, cv2.imread(str(min(person.glob("*.jpg"))))) for person in people)
    assert_same(installed, models_dir, first_good(pictures, models, tmp_path / "photos"), seen)
