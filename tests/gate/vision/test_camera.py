"""The camera over real files and over sources that misbehave as devices do: block, fail, freeze, go black."""

import sys
import threading
import time
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from evaluate.demo.walkup import Scene, footage, write_video
from gate.processes.camera_report import CameraError, Trouble
from gate.vision.camera import Camera, PictureWatch
from gate.vision.pictures import Shot
from gate.vision.recordings import folder_frames, video_frames
from gate.vision.settings import CameraSettings
from gate.vision.sources import Source, source_of
from tests.running import wait_for

RNG = np.random.default_rng(0)


def noise() -> np.ndarray:
    return RNG.integers(0, 255, (90, 160, 3), np.uint8)


@pytest.fixture
def video(tmp_path):
    write_video(tmp_path / "v.mp4", footage([Scene(None, 1.0)], 1))
    return tmp_path / "v.mp4"


@pytest.fixture
def open_camera():
    opened = []

    def make(source) -> Camera:
        opened.append(Camera(source))
        return opened[-1]

    yield make
    for camera in opened:
        camera.close()


@dataclass
class Scripted:
    """A live source whose every opening plays the next script: pictures, an error to raise, or an event to block on."""

    scripts: list
    settings: CameraSettings
    name: str = "scripted"
    recorded: bool = False
    on_network: bool = False
    opened: int = 0

    def shots(self):
        script = self.scripts[min(self.opened, len(self.scripts) - 1)]
        self.opened += 1
        for step in script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, threading.Event):
                step.wait(30)
            else:
                yield Shot(time.monotonic(), step)


def state_once(camera, condition):
    """The state of a camera that somebody looks through, once `condition` holds of it."""

    def reached():
        camera.frame(0.02)
        state = camera.state()
        return state if condition(state) else None

    return wait_for(reached, 10)


def test_a_file_plays_in_its_own_time_and_ends(video, open_camera):
    camera = open_camera(Source(str(video), True, CameraSettings(source=str(video), loop=False)))
    stamps = []
    while not camera.state().ended:
        frame = camera.frame(0.5)
        if frame is not None:
            stamps.append(frame.taken_mono)
    assert 0.9 <= stamps[-1] - stamps[0] <= 1.0
    assert stamps == sorted(set(stamps))
    assert camera.state().fault == "the recording has ended"
    assert camera.state().began_mono == pytest.approx(stamps[0], abs=0.1)


def test_a_file_may_begin_again_at_its_end(video, open_camera):
    camera = open_camera(Source(str(video), True, CameraSettings(source=str(video), loop=True)))
    first = camera.frame(5)
    deadline = time.monotonic() + 10
    while (frame := camera.frame(1)) is None or frame.taken_mono < first.taken_mono + 1.2:
        assert time.monotonic() < deadline
    assert camera.state().fault is None


def test_the_newest_frame_wins_and_none_is_handed_out_twice(open_camera):
    hold = threading.Event()
    pictures = [noise() for _ in range(20)]
    camera = open_camera(Scripted([[*pictures, hold]], CameraSettings(deadline_s=5)))
    deadline = time.monotonic() + 5
    frame = None
    while frame is None or not np.array_equal(frame.image, pictures[-1]):
        assert time.monotonic() < deadline
        frame = camera.frame(0.1) or frame
    assert camera.frame(0.05) is None
    hold.set()


def test_a_driver_that_blocks_for_ever_is_a_fault_and_another_reader_takes_over(open_camera):
    hold, mended = threading.Event(), threading.Event()
    script = [[noise(), hold], [mended, *(noise() for _ in range(9000))]]
    camera = open_camera(Scripted(script, CameraSettings(deadline_s=0.3)))
    assert camera.frame(2) is not None
    assert "no picture for 0.3 s" in state_once(camera, lambda state: state.fault).fault
    mended.set()
    assert state_once(camera, lambda state: state.fault is None).abandoned == 0
    hold.set()


def test_readers_left_stuck_are_counted(open_camera):
    hold = threading.Event()
    camera = open_camera(Scripted([[hold]], CameraSettings(opening_s=0.2)))
    assert state_once(camera, lambda state: state.abandoned >= 3).fault
    hold.set()


def test_a_camera_unplugged_half_way_is_lost_and_found_again(open_camera):
    unplugged = CameraError(Trouble.UNPLUGGED, name="0")
    missing = CameraError(Trouble.NO_DEVICE, name="0")
    script = [[noise(), unplugged], [missing], [noise() for _ in range(9000)]]
    camera = open_camera(Scripted(script, CameraSettings(deadline_s=2)))
    assert "stopped giving" in state_once(camera, lambda state: state.fault).fault
    state_once(camera, lambda state: state.fault is None)


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (np.zeros((90, 160, 3), np.uint8), "black"),
        (np.full((90, 160, 3), 255, np.uint8), "white"),
        (noise(), "frozen"),
    ],
)
def test_a_picture_that_does_not_live_is_a_fault_and_shows_nobody(picture, kind):
    watch = PictureWatch(2.0, 2.0)
    verdicts = [watch.look(picture, float(second)) for second in range(5)]
    assert verdicts[0] is None
    assert verdicts[-1] == kind
    assert watch.look(noise(), 5.0) is None


def test_a_noisy_dark_picture_is_no_fault():
    watch = PictureWatch(1.0, 1.0)
    for second in range(10):
        assert watch.look(np.clip(RNG.normal(14, 6, (90, 160, 3)), 0, 255).astype(np.uint8), float(second)) is None


def test_a_frozen_camera_hands_out_nothing(open_camera):
    class Frozen(Scripted):
        def shots(self):
            picture = noise()
            while True:
                time.sleep(0.01)
                yield Shot(time.monotonic(), picture)

    camera = open_camera(Frozen([], CameraSettings(frozen_s=1)))
    state_once(camera, lambda state: state.fault == "the picture is frozen")
    camera.frame(0)
    assert camera.frame(0.1) is None


def test_the_settings_name_the_source():
    for name in ("0", "/dev/v4l/by-id/usb-cam", "rtsp://10.0.0.1/s", "csi"):
        assert not source_of(CameraSettings(source=name)).recorded
    assert source_of(CameraSettings(source="clip.mp4")).recorded


@pytest.mark.parametrize("name", ["97", "/dev/v4l/by-id/none", "rtsp://127.0.0.1:9/none", "csi"])
def test_a_camera_that_is_missing_is_one_sentence(name):
    with pytest.raises(CameraError) as error:
        next(source_of(CameraSettings(source=name)).shots())
    assert str(error.value).endswith(".")


def test_a_folder_of_pictures_is_a_video(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 30, 3), number * 40, np.uint8))
    frames = list(folder_frames(tmp_path, fps=10))
    assert [t for t, _ in frames] == [0, 0.1, 0.2]
    assert [image[0, 0, 0] for _, image in frames] == [0, 40, 80]
    (tmp_path / "9.png").write_bytes(b"")
    with pytest.raises(CameraError, match=r"9\.png"):
        list(folder_frames(tmp_path, fps=10))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CameraError, match="holds no pictures"):
        list(Source(str(tmp_path / "empty"), True, CameraSettings()).shots())


def test_a_video_keeps_its_own_time(video):
    stamps = [t for t, _ in video_frames(video)]
    assert len(stamps) == 25
    assert stamps[0] == 0
    assert stamps[-1] == pytest.approx(0.96)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_video_cut_in_the_middle_says_so(tmp_path, suffix):
    import av

    path = tmp_path / f"v.{suffix}"
    # An MP4 with its index in front, as cameras and phones send it.
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuvj420p"
        for image in footage([Scene(None, 4.0)], 1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CameraError, match=r"(cut short|damaged).*Copy it again"):
        list(video_frames(path))


@pytest.mark.parametrize("content", [b"", b"no video at all" * 100])
def test_what_is_no_video_is_one_sentence(tmp_path, content):
    (tmp_path / "v.mp4").write_bytes(content)
    with pytest.raises(CameraError, match="not a video|no frames|no video"):
        list(video_frames(tmp_path / "v.mp4"))


@pytest.mark.parametrize("source", ["rtsp://127.0.0.1:1/stream", "film.mp4"])
def test_where_its_library_is_missing_a_source_names_the_package(tmp_path, monkeypatch, source):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "film.mp4").write_bytes(b"any")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CameraError, match="facegate-codecs"):
        next(source_of(CameraSettings(source=source)).shots())


def test_an_mp4_without_its_index_is_one_sentence(video):
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    with pytest.raises(CameraError, match="not a video that can be read"):
        list(video_frames(video))


def test_sound_alone_is_no_video(tmp_path):
    import av

    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(CameraError, match="holds no video"):
        list(video_frames(tmp_path / "a.wav"))
    with pytest.raises(CameraError, match="no video"):
        list(video_frames(tmp_path / "absent.mp4"))
    with pytest.raises(CameraError, match="a folder"):
        list(video_frames(tmp_path))


class Device:
    """A V4L2 device that is not here: it gives what it was loaded with, then fails as an unplugged one does."""

    def __init__(self, grabs, broken_at=None):
        self.grabs, self.broken_at, self.set_to, self.released = grabs, broken_at, {}, False

    def isOpened(self):
        return True

    def set(self, key, value):
        self.set_to[key] = value

    def get(self, key):
        return float(int.from_bytes(b"MJPG", "little"))

    def grab(self):
        self.grabs -= 1
        return self.grabs >= 0

    def retrieve(self):
        return (self.grabs != self.broken_at, noise())

    def release(self):
        self.released = True


@pytest.mark.parametrize(("broken_at", "frames"), [(None, 3), (1, 1)])
def test_a_device_is_asked_for_its_size_and_let_go_when_it_is_unplugged(monkeypatch, broken_at, frames):
    device = Device(3, broken_at)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    seen = []
    with pytest.raises(CameraError, match="stopped giving pictures"):
        for shot in source_of(CameraSettings(source="0", width=800, height=600)).shots():
            seen.append(shot.seconds)
    assert len(seen) == frames
    assert seen == sorted(seen)
    assert device.set_to[cv2.CAP_PROP_FRAME_WIDTH] == 800
    assert device.released


def test_half_an_hour_of_a_still_scene_is_no_fault_of_a_network_camera_but_an_hour_is():
    settings = CameraSettings()
    watch, picture = PictureWatch(settings.frozen_s, settings.still_s), noise()
    verdicts = {second: watch.look(picture, float(second)) for second in range(0, 4000, 5)}
    assert {verdict for second, verdict in verdicts.items() if second <= 30 * 60} == {None}
    assert verdicts[3995] == "frozen"
    assert watch.repeats
    watch.look(noise(), 4001.0)
    assert not watch.repeats


def test_what_an_encoder_repeats_is_told_as_such_and_a_new_picture_is_not_covered_by_it(open_camera):
    hold, given, seen = threading.Event(), threading.Event(), threading.Event()
    new = noise()

    class Repeats(Scripted):
        def shots(self):
            yield from (Shot(time.monotonic(), new) for _ in range(3))
            given.set()
            hold.wait(10)
            yield Shot(time.monotonic(), new)
            # Begun anew, its first picture would be a new one.
            seen.wait(10)

    camera = open_camera(Repeats([], CameraSettings(), on_network=True))
    assert given.wait(5)
    assert not camera.frame(1).repeated
    hold.set()
    assert camera.frame(1).repeated
    assert camera.state().fault is None
    seen.set()
