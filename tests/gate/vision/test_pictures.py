"""Pictures as they stand before the gate, however camera and recording hold them, and how large they may be."""

from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from gate.config import load_settings
from gate.errors import UsageError
from gate.processes.camera_report import CameraError, Trouble
from gate.vision.jpegs import Jpegs, size_of
from gate.vision.pictures import Shot, as_mounted
from gate.vision.recording_clock import forward
from gate.vision.recordings import video_frames
from gate.vision.settings import CameraSettings
from gate.vision.sources import source_of

# Red, green / blue, white: each corner its own.
CORNERS = np.zeros((64, 96, 3), np.uint8)
CORNERS[:32, :48], CORNERS[:32, 48:], CORNERS[32:, :48], CORNERS[32:, 48:] = (0, 0, 255), (0, 255, 0), (255, 0, 0), 255
NAMES = {(0, 0, 1): "r", (0, 1, 0): "g", (1, 0, 0): "b", (1, 1, 1): "w"}
# How MP4 says that a picture is turned: the first four numbers of its matrix, in 65536ths.
ONE = 65536
MATRICES = {0: (ONE, 0, 0, ONE), 90: (0, ONE, -ONE, 0), 180: (-ONE, 0, 0, -ONE), 270: (0, -ONE, ONE, 0)}


def corners(image):
    """The colours of its corners, row by row, and its shape."""
    high, wide = image.shape[0] // 8, image.shape[1] // 8
    places = [(high, wide), (high, -wide), (-high, wide), (-high, -wide)]
    return "".join(NAMES[tuple(int(part > 128) for part in image[place])] for place in places), image.shape[:2]


def matrix_of(degrees):
    a, b, c, d = MATRICES[degrees]
    return b"".join(number.to_bytes(4, "big", signed=True) for number in (a, b, 0, c, d, 0, 0, 0, 1 << 30))


def write_video(path, images, stamps=None, codec="mpeg4"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("rotate", "flip", "seen"),
    [
        (0, "none", ("rgbw", (64, 96))),
        (90, "none", ("brwg", (96, 64))),
        (180, "none", ("wbgr", (64, 96))),
        (270, "none", ("gwrb", (96, 64))),
        (0, "horizontal", ("grwb", (64, 96))),
        (0, "vertical", ("bwrg", (64, 96))),
        (90, "horizontal", ("rbgw", (96, 64))),
    ],
)
def test_a_camera_s_picture_is_turned_and_then_mirrored(rotate, flip, seen):
    assert corners(as_mounted(Shot(0, CORNERS), CameraSettings(rotate=rotate, flip=flip)).image) == seen


@pytest.mark.parametrize(("degrees", "seen"), [(0, "rgbw"), (90, "brwg"), (180, "wbgr"), (270, "gwrb")])
def test_a_recording_s_own_rotation_is_followed(tmp_path, degrees, seen):
    path = tmp_path / "v.mp4"
    write_video(path, [CORNERS] * 3)
    content = path.read_bytes()
    at = content.rindex(matrix_of(0))
    path.write_bytes(content[:at] + matrix_of(degrees) + content[at + 36 :])
    assert {corners(image)[0] for _, image in video_frames(path)} == {seen}
    settings = CameraSettings(source=str(path), rotate=180)
    assert corners(next(source_of(settings).shots()).image)[0] == seen[::-1]


def test_time_never_runs_backwards_where_two_recordings_were_joined(tmp_path):
    write_video(tmp_path / "one.ts", [CORNERS] * 10, codec="mpeg2video")
    one = (tmp_path / "one.ts").read_bytes()
    (tmp_path / "two.ts").write_bytes(one + one)
    stamps = [seconds for seconds, _ in forward(video_frames(tmp_path / "two.ts"))]
    assert len(stamps) >= 18
    assert all(0 < later - earlier < 0.5 for earlier, later in pairwise(stamps)), stamps


def test_a_recording_that_grows_beyond_reason_is_refused_before_it_is_decoded(tmp_path):
    large = np.zeros((6000, 8000, 3), np.uint8)
    write_video(tmp_path / "large.mkv", [large])
    with pytest.raises(CameraError) as error:
        list(video_frames(tmp_path / "large.mkv"))
    assert error.value.fault.trouble is Trouble.TOO_LARGE


@pytest.mark.parametrize("scheme", ["ftp", "file", "concat", "hls+http", "udp", "HTTPX"])
def test_an_unknown_scheme_is_refused_with_those_that_are_known(scheme):
    with pytest.raises(UsageError, match="rtsp://, rtsps://, http:// or https://") as error:
        load_settings(camera={"source": f"{scheme}://u:hush@10.0.0.7/x"})
    assert "hush" not in str(error.value)


def test_jpegs_are_cut_out_whatever_stands_between_them():
    noise = np.random.default_rng(1).integers(0, 255, CORNERS.shape, np.uint8)
    jpegs = [bytes(cv2.imencode(".jpg", image)[1]) for image in (CORNERS, noise, CORNERS)]
    assert size_of(jpegs[0]) == (96, 64)
    broken = jpegs[1][: len(jpegs[1]) // 2]
    stream = b"--x\r\nContent-Length: 7\r\n\r\n" + jpegs[0] + b"\r\n--y" + broken + jpegs[1] + jpegs[2] + b"\r\n--x--"
    for step in (1, 7, 10**6):
        cutter = Jpegs()
        found = [one for at in range(0, len(stream), step) for one in cutter.feed(stream[at : at + step])]
        assert found == jpegs, step
    with pytest.raises(ValueError, match="16 MB"):
        Jpegs().feed(b"\xff\xd8\xff\xe0\x00\x02" + b"\xff\xda\x00\x02" + bytes(17 * 2**20))
