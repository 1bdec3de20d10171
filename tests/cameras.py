"""Network cameras for the tests: programs from elsewhere that send what a test shows them."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from pathlib import Path
from threading import Event, Thread

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.running import wait_for

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parent / "rtsp_server.py"
# GStreamer 1.22 at one start in 60 says that it plays, and never takes a picture out of its own queue.
_SENDS_WITHIN_S, _STARTS = 8, 4
_FILM_FPS = 25
_PARTS = {"h264": "rtph264pay", "h265": "rtph265pay", "mjpeg": "rtpjpegpay"}


@dataclass(frozen=True)
class Film:
    """Coded pictures, a file each."""

    folder: Path
    codec: str
    fps: int
    width: int
    height: int


@dataclass
class RtspCamera:
    """A running server; `came` counts the connections of its own viewer too, which is the first."""

    process: subprocess.Popen[str]
    scheme: str
    host: str
    said: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        return next(int(line.split()[1]) for line in self.said if line.startswith("port"))

    def address(self, login: str = "") -> str:
        """Its stream's address."""
        return f"{self.scheme}://{login}{'@' if login else ''}{self.host}:{self.port}/live"

    @property
    def came(self) -> int:
        """How many connections there were but its own."""
        return self.said.count("came") - 1

    @property
    def open(self) -> int:
        """How many of them are open."""
        return self.came - self.said.count("went")


class Shifter:
    """Between a camera and its viewers: moves the time stamps of what comes by TCP by `seconds`."""

    def __init__(self, there: RtspCamera) -> None:
        self.seconds = 0.0
        # Set once a picture has gone on with another time than its own.
        self.shifted = Event()
        # Where the viewer looks.
        self.address = between(there, self._moved)

    def _moved(self, message: bytes, _connection: int) -> bytes:
        if message[:2] != b"$\0":
            return message
        if self.seconds:
            self.shifted.set()
        stamp = (int.from_bytes(message[8:12]) + int(self.seconds * 90_000)) % 2**32
        return message[:8] + stamp.to_bytes(4) + message[12:]


def between(there: RtspCamera, passed: Callable[[bytes, int], bytes]) -> str:
    """An address from which the camera's stream comes by TCP, each message of it as `passed` makes it.

    It is given the message, an RTSP answer or an interleaved packet, and the connection's number, from 0 on.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for number in count():
            viewer, _ = listener.accept()
            camera = socket.create_connection(("127.0.0.1", there.port))
            Thread(target=_pass_on, args=(viewer, camera), daemon=True).start()
            Thread(target=_pass_back, args=(viewer, camera, number, passed), daemon=True).start()

    Thread(target=serve, daemon=True).start()
    return f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live"


def _pass_on(viewer: socket.socket, camera: socket.socket) -> None:
    with suppress(OSError), camera:
        while more := viewer.recv(65536):
            camera.sendall(more)


def _pass_back(
    viewer: socket.socket, camera: socket.socket, number: int, passed: Callable[[bytes, int], bytes]
) -> None:
    held = b""
    with suppress(OSError), viewer:
        while more := camera.recv(65536):
            held += more
            while (end := _message_ends(held)) is not None:
                viewer.sendall(passed(held[:end], number))
                held = held[end:]


def _message_ends(held: bytes) -> int | None:
    """Where an interleaved packet or an RTSP answer at the front ends; None: not here yet."""
    if held[:1] == b"$":
        end = 4 + int.from_bytes(held[2:4])
        return end if 4 <= len(held) >= end else None
    head, found, _ = held.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.I)
    end = len(head) + 4 + (int(length[1]) if length else 0)
    return end if found and len(held) >= end else None


def needs_gstreamer(codec: str = "h264") -> None:
    """Skip where the server or an encoder is not installed."""
    script = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('Gst', '1.0');"
        f"from gi.repository import Gst; Gst.init(None); assert Gst.ElementFactory.find('{_PARTS[codec]}')"
    )
    try:
        missing = subprocess.run([SYSTEM_PYTHON, "-c", script], capture_output=True, check=False).returncode
    except FileNotFoundError:
        missing = 1
    if missing:
        pytest.skip(
            "GStreamer's RTSP server is not here (gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0-plugins-good)"
        )


@contextmanager
def rtsp_camera(film: Film, address: str = "127.0.0.1", **given: object) -> Iterator[RtspCamera]:
    """A camera that sends a film for ever; `given` as the server's options, `port=8554`."""
    needs_gstreamer(film.codec)
    options = [f"--{name.replace('_', '-')}" if value is True else f"--{name.replace('_', '-')}={value}"
               for name, value in given.items()]  # fmt: skip
    shown = [f"--codec={film.codec}", f"--fps={film.fps}", f"--width={film.width}", f"--height={film.height}"]
    command = [SYSTEM_PYTHON, str(SERVER), str(film.folder), *shown, "--address", address, *options]
    host = f"[{address}]" if ":" in address else address
    camera = _sending(command, "rtsps" if "certificate" in given else "rtsp", host)
    try:
        yield camera
    finally:
        _end(camera.process)


def _sending(command: list[str], scheme: str, host: str) -> RtspCamera:
    """A server that sends, which is started anew where it does not."""
    for _ in range(_STARTS):
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        camera = RtspCamera(process, scheme, host)
        Thread(target=_hear, args=(camera,), daemon=True).start()
        with suppress(AssertionError):
            wait_for(lambda said=camera.said: any(line.startswith("port") for line in said), _SENDS_WITHIN_S)
            return camera
        _end(process)
    raise AssertionError("the camera sends nothing")


def _hear(camera: RtspCamera) -> None:
    camera.said.extend(line.strip() for line in camera.process.stdout or ())


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def write_film(folder: Path, images: Iterable[NDArray[np.uint8]], codec: str = "h264", fps: int = 15,
               keyframe_s: float = 1) -> Film:  # fmt: skip
    """A film of 25 pictures a second, coded as a camera would at `fps`; its length is to be a multiple of both."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = list(images)
    taken = [shown[int(number * _FILM_FPS / fps)] for number in range(len(shown) * fps // _FILM_FPS)]
    coded = map(_jpeg, taken) if codec == "mjpeg" else _coded(taken, codec, fps, max(1, round(keyframe_s * fps)))
    for number, one in enumerate(coded):
        (folder / f"{number:05d}").write_bytes(one)
    height, width = shown[0].shape[:2]
    return Film(folder, codec, fps, width, height)


def _coded(images: list[NDArray[np.uint8]], codec: str, fps: int, every: int) -> Iterator[bytes]:
    parameters = f"keyint={every}:min-keyint={every}:scenecut=0:bframes=0:open-gop=0:repeat-headers=1:log-level=0"
    encoder = av.CodecContext.create({"h264": "libx264", "h265": "libx265"}[codec], "w")
    encoder.height, encoder.width = images[0].shape[:2]
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, fps), Fraction(fps)
    name = "x264-params" if codec == "h264" else "x265-params"
    parameters = parameters.replace("repeat-headers=1:log-level=0", "") if codec == "h264" else parameters
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", name: parameters.strip(":")}
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        yield from (bytes(packet) for packet in encoder.encode(frame))
    yield from (bytes(packet) for packet in encoder.encode(None))


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def write_coded(path: Path, images: list[NDArray[np.uint8]], fps: int) -> bytes:
    """A file of H.264 and what is in it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "tune": "zerolatency"})
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path.read_bytes()
