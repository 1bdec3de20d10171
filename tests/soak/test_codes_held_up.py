"""Codes of passes that are held up to the camera, on our own footage: how many are read, how long that takes, what is
read where there is none, and what faces wait for it."""

import time
from contextlib import closing
from itertools import cycle
from statistics import median

import cv2
import numpy as np
import pytest
import zxingcpp

from evaluate import bench
from evaluate.demo.walkup import Scene, footage, walker_from
from gate.codes import draw_pass
from gate.config import Settings
from gate.store.database import open_database
from gate.vision.held_up import codes_on
from gate.vision.recordings import video_frames
from tests.enrolling import enrol_photos
from tests.gate.vision.test_held_up import by_segno, shown

pytestmark = pytest.mark.soak

TIMES = 20
WIDTHS = (48, 64, 90, 110, 130, 160)
HOW = {
    "still": {},
    "dark": {"dark": True},
    "in motion": {"moved": 5},
    "dark, in motion": {"dark": True, "moved": 5},
    "turned": {"turned": 30},
    "tilted": {"turned": 12, "leaning": 0.2},
    "blurred": {"blur": 1.6},
    "in the dusk": {"light": 0.35, "noise": 12},
}
# From which width, pixels, so many are read, but in the dusk; the smallest code has 21 modules.
READ_FROM = {"still": 48, "dark": 48, "turned": 48, "tilted": 90, "in motion": 90, "dark, in motion": 90, "blurred": 90}
READ, ROUNDS, MOST = 0.95, 40, 1.05


@pytest.fixture
def walk(photos, models):
    return list(footage([Scene(walker_from(photos / "obama2.jpg", models.detector), 4.0)], 7))


def large(frame):
    """As a usual camera gives it, grey."""
    return cv2.cvtColor(cv2.resize(frame, (1280, 720), interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2GRAY)


def test_how_many_codes_are_read_and_in_what_time(walk):
    read, took = {}, []
    behind = cycle([large(frame).astype(np.float32) for frame in walk[::5]])
    for name, how in HOW.items():
        for wide in WIDTHS:
            right = 0
            for number in range(TIMES):
                code = draw_pass()
                picture = shown(by_segno(code), wide + number / TIMES, behind=next(behind), seed=number, **how)
                began = time.perf_counter()
                found = codes_on(picture)
                took.append((time.perf_counter() - began) * 1000)
                assert found in ([], [code]), "a code is read as another"
                right += found == [code]
            read[name, wide] = right / TIMES
    print(f"\n{'read, of ' + str(TIMES):18}" + "".join(f"{wide:6} px" for wide in WIDTHS))
    for name in HOW:
        print(f"{name:18}" + "".join(f"{100 * read[name, wide]:7.0f} %" for wide in WIDTHS))
    took.sort()
    print(f"1280x720: {median(took):.1f} ms a picture in the middle, {took[int(len(took) * 0.99)]:.1f} ms at the 99th")
    for (name, wide), share in read.items():
        assert share >= READ or wide < READ_FROM.get(name, max(WIDTHS) + 1), (name, wide)


def test_nothing_is_read_where_no_code_is(shared, walk):
    clip = shared / "media" / "short_hamilton_clip.mp4"
    if not clip.exists():
        pytest.skip(f"{clip} is not here")
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    pictures, texts, took = 0, [], []
    for image in (*(image for _, image in video_frames(clip)), *walk):
        began = time.perf_counter()
        found = zxingcpp.read_barcodes(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), formats=formats)
        took.append((time.perf_counter() - began) * 1000)
        pictures, texts = pictures + 1, texts + [one.text for one in found]
    print(f"\n{pictures} pictures without a code: {len(texts)} texts read, {median(took):.2f} ms a picture")
    assert texts == []


def test_faces_wait_for_no_code(models, photos, tmp_path, walk):
    """Worse than it comes: each picture is read before the next, and not every third."""
    near, settings = walk[50:80], Settings(vision={"liveness": "off"})
    with closing(open_database(tmp_path)) as store:
        enrol_photos(store, models, "Wang Fang", [photos / "obama.jpg"])
        without, beside = bench.in_turn(
            ROUNDS,
            lambda: bench.pipeline(models, store, near, settings),
            lambda: bench.pipeline(models, store, near, settings, after=lambda frame: codes_on(frame.image)),
        )
    ratio = median(beside["decisive"]) / median(without["decisive"])
    print(
        f"\nframe to relay {median(without['decisive']):.2f} ms, with codes read {median(beside['decisive']):.2f} ms:"
        f" {ratio:.3f} times ({len(without['decisive'])} of each, in turn)"
    )
    assert len(without["decisive"]) == len(beside["decisive"]) == ROUNDS
    assert ratio <= MOST
