"""Hostile pictures through the real decoder, and through the door of an api under the ceiling of its own unit."""

import io
import os
import re
import resource
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from PIL import Image

from enroll.decoder.picture import prepare, read_picture
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.api_process import api_process, trusting
from tests.conftest import REPOSITORY
from tests.console import CHEAP, PASSWORD
from tests.enroll.heic import grid
from tests.enroll.test_decoder import children
from tests.enrolling import picture_in
from tests.faults.pictures import honest, hostile, said_of
from tests.soak import cgroup

pytestmark = pytest.mark.soak

UNIT = REPOSITORY / "systemd" / "units" / "facegate-api.service"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, photos):
    """The honest ones and the hostile ones, by name."""
    with Image.open(photos / "obama2.jpg") as opened:
        portrait = opened.convert("RGB").resize((313, 600))
    whole = honest(tmp_path_factory.mktemp("honest"), portrait)
    return whole, hostile(whole)


def memory_mb(pid):
    """The most memory that a process ever held, or None where it is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    except OSError:
        return None
    return int(found[1]) // 1024 if found else None


def kind_of(said):
    return "a picture" if said.startswith("(") else said.split("(")[0][:60]


def test_each_gets_a_picture_or_one_sentence_in_bounded_memory(pictures):
    whole, broken = pictures
    kinds, most, ended = Counter(), 0, 0
    began_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    for name, content in {**whole, **broken}.items():
        began, before = time.perf_counter(), children()
        said = said_of(content)
        took_s = time.perf_counter() - began
        assert "\n" not in said
        assert name not in whole or said.startswith("("), (name, said)
        (pid,) = children() or before
        peak = memory_mb(pid) or 0
        most, ended = max(most, peak), ended + (children() != before)
        kinds[kind_of(said)] += 1
        if not name.startswith(("cut", "flipped")) or took_s > 1:
            print(f"{name[:42]:42} {len(content):9} {1e3 * took_s:7.0f} ms {peak:4} MB  {said[:100]}")
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10) - began_mb
    print(f"\n{len(whole)} honest, {len(broken)} hostile: {dict(kinds)}")
    print(f"the child at most {most} MB, replaced {ended} times; the asker grew by {grown_mb} MB")
    assert len(broken) > 50
    assert most <= 200
    assert grown_mb <= 60


@pytest.fixture
def manager(state):
    """A state with a manager."""
    with closing(open_database(state)) as store:
        accounts.add_owner(store, "owner", CHEAP.hash(PASSWORD))
        accounts.add_user(store, "manager", CHEAP.hash(PASSWORD), Role.MANAGER, "test")
    return state


def ceiling_mb():
    return int(re.search(r"^MemoryMax=(\d+)M$", UNIT.read_text("utf-8"), re.MULTILINE)[1])


def test_the_api_lives_under_its_own_ceiling(pictures, manager, models_dir, photos):
    if why := cgroup.missing():
        pytest.skip(why)
    _, broken = pictures
    portrait = (photos / "obama2.jpg").read_bytes()
    # What is only cut or flipped is one kind; the rest are all sent.
    chosen = [name for name in broken if not name.startswith(("cut", "flipped"))] + [
        name for number, name in enumerate(broken) if name.startswith(("cut", "flipped")) and number % 9 == 0
    ]
    said, log = Counter(), []
    with cgroup.group(ceiling_mb()) as group, api_process(manager, models_dir, by=group.starter, log=log) as address:

        def browser():
            return httpx.Client(
                base_url=address, verify=trusting(), timeout=120, headers={"sec-fetch-site": "same-origin"}
            )

        def check(one, content):
            return one.post("/api/v1/photos/checks", files={"photo": ("it.jpg", content)})

        with browser() as nobody, browser() as one:
            for name in chosen:
                refused = check(nobody, broken[name])
                assert refused.status_code in (401, 408, 413), (name, refused.status_code)
            print(f"anonymous, {len(chosen)} pictures: at most {group.peak_mb()} MB")
            signed_in = one.post("/sign-in", data={"name": "manager", "password": PASSWORD})
            assert signed_in.status_code == 303
            # The models are opened, and stay.
            assert check(one, portrait).json()["fit"]
            for name in chosen:
                answer = check(one, broken[name])
                assert answer.status_code in (200, 422), (name, answer.status_code, answer.text)
                words = answer.json().get("detail") or answer.json().get("advice") or "fit"
                assert "\n" not in words
                said[kind_of(words.replace("it.jpg", "It"))] += 1
            print(f"signed in, one after another: {dict(said)}; at most {group.peak_mb()} MB")
            worst = [name for name in chosen if "says" in name or " x " in name or "MB" in name]
            with ThreadPoolExecutor(4) as four:
                answers = list(four.map(lambda name: check(one, broken[name]).status_code, worst))
            print(f"four at once, {len(answers)}: {Counter(answers)}; at most {group.peak_mb()} MB")
            assert set(answers) <= {200, 422}
            assert check(one, portrait).json()["fit"]
            print(f"ceiling {ceiling_mb()} MB, at most {group.peak_mb()} MB, ended by the kernel: {group.killed()}")
            assert group.killed() == 0
    assert not any("Traceback" in line for line in log)


def test_the_rest_of_an_import_is_done(pictures, facegate, photos, tmp_path, store):
    _, broken = pictures
    chosen = [name for name in broken if not name.startswith(("cut", "flipped", "jpg of 5,000"))][:60]
    rows = ["name,unit,photos,consent"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("good.jpg", (photos / "biden.jpg").read_bytes())
        for number, name in enumerate(chosen):
            out.writestr(f"{number}.jpg", broken[name])
            rows.append(f"Somebody {number},{number},{number}.jpg,told")
        rows.append("Joe Biden,100,good.jpg,told")
        out.writestr("people.csv", "\n".join(rows))
    (tmp_path / "all.zip").write_bytes(archive.getvalue())
    done = facegate("import", tmp_path / "all.zip", "--yes", "--json", timeout_s=300)
    print(f"\n{len(rows) - 1} rows: {done.answer['enrolled']} enrolled, {done.answer['refused']} refused")
    # Some only lie about what does not matter, and are a good photo of one man, who has one name.
    assert done.answer["refused"] > len(chosen) / 2
    assert done.answer["enrolled"] + done.answer["refused"] == len(chosen) + 1
    assert "Joe Biden" in [one.name for one in residents.every(store) if one.templates]


LARGE = {
    "jpg 108 MP": (12_000, 9000), "jpg 200 MP": (16_320, 12_240), "heic 48 MP": (8064, 6048),
    "heic 24 MP": (5712, 4284), "avif 12 MP": (4032, 3024), "webp 12 MP": (4032, 3024), "png 24 MP": (6000, 4000),
    "mpo 12 MP": (4032, 3024), "tif 12 MP": (4032, 3024), "progressive jpg 24 MP": (6000, 4000),
}  # fmt: skip


@pytest.mark.parametrize("kind", LARGE)
def test_large_photos_are_taken(kind, photos, tmp_path):
    size = LARGE[kind]
    with Image.open(photos / "obama2.jpg") as opened:
        picture = opened.convert("RGB").resize(size)
    path = tmp_path / f"photo.{kind.split()[-3]}"
    how = {"progressive": True} if kind.startswith("progressive") else {}
    if path.suffix == ".heic":
        grid(picture, path)
    else:
        picture.save(path, {".jpg": "JPEG", ".tif": "TIFF"}.get(path.suffix, path.suffix[1:].upper()), **how)
    began = time.perf_counter()
    decoded = picture_in(path)
    took_s = time.perf_counter() - began
    (pid,) = children()
    print(
        f"\n{kind}: {path.stat().st_size >> 20} MB, {took_s:.2f} s, {decoded.shape}; the child had {memory_mb(pid)} MB"
    )
    assert max(decoded.shape) >= 1920


def cpu_s(pid):
    """What a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_child_costs_little(photos, shared):
    """Decoding in a child and in this process, in turns: what the machine does beside hits both alike."""
    prepare()
    small = sorted((shared / "faces" / "lfw").glob("*/*.jpg"))[:1000]
    for name, paths in (("LFW, 250 x 250", small), ("a portrait, 1500 x 2000", [photos / "obama2.jpg"] * 150)):
        wall, cpu = Counter(), Counter()
        picture_in(paths[0])
        (pid,) = children()
        before = cpu_s(pid)
        for path in paths:
            for where, decoded in (("here", opened_here), ("child", picture_in)):
                began, used = time.perf_counter(), time.process_time()
                decoded(path)
                wall[where] += time.perf_counter() - began
                cpu[where] += time.process_time() - used
        assert children() == [pid]
        cpu["child"] += cpu_s(pid) - before
        for what, spent in (("wall", wall), ("processor", cpu)):
            here, child = (len(paths) / spent[one] for one in ("here", "child"))
            print(f"\n{name}, by the {what}: {child:.0f} a second in the child, {here:.0f} here: {child / here:.2f}")


def opened_here(path):
    with path.open("rb") as file:
        return read_picture(file).tobytes("raw", "BGR")
