"""Network cameras from another program's server, default settings: the first picture, connections, grants, breaks, and
half an hour of a still scene. Prints its tables."""

from __future__ import annotations

import os
import signal
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import pytest

from evaluate.demo.walkup import Scene, footage, walker_from
from gate.config import Settings
from gate.processes.camera_report import CameraError
from gate.store.database import open_read_only
from gate.store.ids import new_id
from gate.store.people.consents import NO_PERSON
from gate.vision.camera import Camera
from gate.vision.gallery import judging
from gate.vision.recogniser import Recogniser
from gate.vision.settings import CameraSettings
from gate.vision.sources import source_of
from models.pack import open_models
from tests.cameras import Film, RtspCamera, Shifter, needs_gstreamer, rtsp_camera, write_film
from tests.enrolling import enrol_photos
from tests.running import wait_for

pytestmark = pytest.mark.soak

KEYFRAMES_S, RATES, CODECS = (1, 2, 4, 10), (5, 15, 25), ("h264", "h265", "mjpeg")
OPENINGS = 5
# The film shows two walk-ups in so many seconds; every keyframe interval fits into it.
FILM_S, WALKS = 20.0, 2
STILL_MINUTES = float(os.environ.get("STILL_MINUTES", "30"))


@dataclass(frozen=True)
class Cell:
    """One kind of stream and what was seen: seconds from start to picture beyond what the stream made wait."""

    codec: str
    keyframe_s: int
    fps: int
    first_s: list[float]
    beyond_s: list[float]
    connections: list[int]
    grants: int


@pytest.fixture(scope="module")
def images(photos, models):
    walker = walker_from(photos / "obama2.jpg", models.detector)
    return list(footage([Scene(None, 3.0), Scene(walker, 4.0), Scene(None, 3.0)] * WALKS, 7))


@pytest.fixture
def enrolled(store, models, photos):
    enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON)


def test_every_kind_of_stream_shows_its_first_picture_at_once_and_lets_its_resident_in(
    images, tmp_path, models_dir, state, enrolled
):
    for codec in CODECS:
        needs_gstreamer(codec)
    kinds = [(codec, key, fps) for codec, fps, key in product(CODECS, RATES, KEYFRAMES_S)
             if codec != "mjpeg" or key == KEYFRAMES_S[0]]  # fmt: skip
    films = [write_film(tmp_path / "-".join(map(str, one)), images, one[0], one[2], one[1]) for one in kinds]
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        cells = list(pool.map(measured, kinds, films, *([one] * len(kinds) for one in (models_dir, state))))
    columns = f"{'first, s':>22}{'beyond its wait':>17}{'connections':>13}{'grants':>8}"
    print(f"\n{'codec':6}{'keyframe':>9}{'fps':>5}{columns}")
    for cell in cells:
        first = f"{min(cell.first_s):.2f}/{statistics.median(cell.first_s):.2f}/{max(cell.first_s):.2f}"
        print(f"{cell.codec:6}{cell.keyframe_s:>7} s{cell.fps:>5}{first:>22}{statistics.median(cell.beyond_s):>15.2f} s"
              f"{max(cell.connections):>13}{f'{cell.grants}/{WALKS}':>8}")  # fmt: skip
    beyond = [one for cell in cells for one in cell.beyond_s]
    print(f"median {statistics.median(beyond):.2f} s beyond what the stream makes one wait, {max(beyond):.2f} at most")
    assert statistics.median(beyond) <= 1.5
    assert {one for cell in cells for one in cell.connections} == {1}
    assert all(cell.grants >= WALKS for cell in cells)


class Observer:
    """Another viewer, who was there before: when whole pictures came, and how many pictures in all."""

    def __init__(self, address: str) -> None:
        self.whole: list[float] = []
        self.pictures = 0
        self._shots = source_of(CameraSettings(source=address)).shots()
        Thread(target=self._watch, daemon=True).start()
        wait_for(lambda: self.pictures, 30, "the observer sees nothing")

    def _watch(self) -> None:
        with suppress(CameraError):
            for shot in self._shots:
                self.pictures += 1
                if shot.key:
                    self.whole.append(shot.seconds)

    def next_whole(self, after: float) -> float:
        """When the first whole picture came after that moment."""
        return wait_for(lambda: next((one for one in self.whole if one >= after), None), 30, "no keyframe")


def measured(kind: tuple[str, int, int], film: Film, models_dir: Path, state: Path) -> Cell:
    """One cell of the table, measured in a process of its own."""
    codec, keyframe_s, fps = kind
    first, beyond, connections = [], [], []
    with rtsp_camera(film) as there:
        observer = Observer(there.address())
        for number in range(OPENINGS):
            time.sleep(0.37 * number % keyframe_s)
            before, began = there.came, time.monotonic()
            with closing(Camera(source_of(CameraSettings(source=there.address())))) as camera:
                wait_for(lambda camera=camera: camera.frame(0.02), 30, "no picture")
                first.append(time.monotonic() - began)
                beyond.append(began + first[-1] - observer.next_whole(began))
                connections.append(there.came - before)
            wait_for(lambda: there.open == 1, 5, "its socket stays open")
        return Cell(codec, keyframe_s, fps, first, beyond, connections, grants(there, observer, fps, models_dir, state))


def grants(there: RtspCamera, observer: Observer, fps: int, models_dir: Path, state: Path) -> int:
    """How often the resident is known in `WALKS` rounds of the film."""
    models = open_models(models_dir, "open")
    recogniser, known = Recogniser(models, Settings().vision, new_id), 0
    with (
        closing(open_read_only(state)) as store,
        closing(Camera(source_of(CameraSettings(source=there.address())))) as camera,
    ):
        gallery = judging(store, models).gallery
        wait_for(lambda: camera.frame(0.05), 30, "no picture")
        until = observer.pictures + fps * FILM_S
        while observer.pictures < until:
            frame = camera.frame(0.1)
            if frame is not None and not frame.repeated:
                known += sum(claim.resident is not None for claim in recogniser.see(frame, gallery))
    return known


def test_after_a_break_a_face_counts_again_within_seconds(images, tmp_path):
    needs_gstreamer()
    film = write_film(tmp_path, images[:300], keyframe_s=2)
    told, shifts = {}, (3600, -7200)
    with rtsp_camera(film) as there:
        shifter = Shifter(there)
        with closing(Camera(source_of(CameraSettings(source=shifter.address)))) as camera:
            wait_for(lambda: camera.frame(0.05), 30, "no picture")
            for shifter.seconds in shifts:
                told[f"time stamps jump to {shifter.seconds} s"] = again(camera)
    with rtsp_camera(film) as there, closing(Camera(source_of(CameraSettings(source=there.address())))) as camera:
        wait_for(lambda: camera.frame(0.05), 30, "no picture")
        for stalled_s in (5, 20):
            there.process.send_signal(signal.SIGSTOP)
            time.sleep(stalled_s)
            camera.frame(0)
            assert camera.frame(0.1) is None
            assert camera.state().fault
            there.process.send_signal(signal.SIGCONT)
            told[f"stalled for {stalled_s} s"] = again(camera)
        there.process.kill()
        there.process.wait()
        time.sleep(10)
        with rtsp_camera(film, port=there.port):
            told["killed, back after 10 s"] = again(camera)
    print()
    for what, seconds in told.items():
        print(f"{what:32}{seconds:6.1f} s until a face counts again")
    assert max(told.values()) <= 8


def again(camera: Camera) -> float:
    """Seconds until a picture counts that was taken from now on; none that is older counts meanwhile."""
    began = time.monotonic()
    while True:
        frame = camera.frame(0.05)
        now = time.monotonic()
        assert now - began < 60, camera.state()
        if frame is not None and now - began > 0.2:
            assert 0 <= now - frame.taken_mono < 1.5, "an old picture counts as fresh, or one that is yet to come"
            if frame.taken_mono > began + 0.2:
                return now - began


def test_half_an_hour_of_a_still_scene_is_no_fault(tmp_path):
    street = list(footage([Scene(None, 0.2)], 3))[:1] * 250
    cameras, servers = {}, []
    try:
        for codec in CODECS:
            needs_gstreamer(codec)
            servers.append(rtsp_camera(write_film(tmp_path / codec, street, codec, 5, 10)))
            cameras[codec] = Camera(source_of(CameraSettings(source=servers[-1].__enter__().address())))
            wait_for(lambda codec=codec: cameras[codec].frame(0.1), 30, "no picture")
        seen = still(cameras)
    finally:
        for camera in cameras.values():
            camera.close()
        for server in servers:
            server.__exit__(None, None, None)
    for codec, (faults, pictures, repeated) in seen.items():
        print(f"{codec:6}{STILL_MINUTES:g} minutes, {pictures} pictures, {repeated} of them repeated, faults: {faults}")
    assert not any(faults for faults, _, _ in seen.values())


def still(cameras: dict[str, Camera]) -> dict[str, tuple[set[str], int, int]]:
    """Per camera the faults, pictures and repeated pictures of half an hour."""
    faults = {codec: set() for codec in cameras}
    pictures, repeated = dict.fromkeys(cameras, 0), dict.fromkeys(cameras, 0)
    until = time.monotonic() + 60 * STILL_MINUTES
    while time.monotonic() < until:
        for codec, camera in cameras.items():
            frame = camera.frame(0.05)
            pictures[codec] += frame is not None
            repeated[codec] += frame is not None and frame.repeated
            if fault := camera.state().fault:
                faults[codec].add(fault)
    return {codec: (faults[codec], pictures[codec], repeated[codec]) for codec in cameras}
