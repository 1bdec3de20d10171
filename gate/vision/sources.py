"""Where frames come from: each source yields (seconds, picture), monotonic seconds where it is a camera."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.config import CameraSettings

Image = NDArray[np.uint8]
Stream = Iterator[tuple[float, Image]]

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
_MAX_PIXELS = 4096 * 4096
_NETWORK_TIMEOUT_S = 5
# A file's stated length may exceed its pictures a little, by sound or rounding; by more it was cut.
_MISSING_S, _MISSING_SHARE = 1.0, 0.1


class CameraError(Exception):
    """No frames come from here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source by name; `recorded` ones have a clock of their own and an end."""

    name: str
    recorded: bool
    settings: CameraSettings

    def frames(self) -> Stream:
        """The frames, newly opened: (seconds, (H, W, 3) uint8 BGR). Raises CameraError, now or while iterating."""
        if Path(self.name).is_dir():
            return folder_frames(Path(self.name), self.settings.fps)
        if self.recorded:
            return video_frames(Path(self.name))
        if self.name == "csi":
            return csi_frames(self.settings)
        if self.name.startswith(("rtsp://", "rtsps://")):
            return rtsp_frames(self.name)
        return device_frames(self.name, self.settings)


def source_of(settings: CameraSettings) -> Source:
    """The source the settings name."""
    name = settings.source
    live = name == "csi" or name.isdigit() or name.startswith(("rtsp://", "rtsps://", "/dev/"))
    return Source(name, not live, settings)


def video_frames(path: Path) -> Stream:
    """A video file's frames, with seconds since its first frame by its own time stamps."""
    if not path.exists():
        raise CameraError(f"There is no video {path}.")
    if path.is_dir():
        raise CameraError(f"{path} is a folder, not a video.")
    # Held by those alone who read files or a network: a camera at the machine needs none of it.
    import av
    import av.error

    count, seconds, promised_s = 0, 0.0, 0.0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise CameraError(f"{path} holds no video.")
            promised_s = (container.duration or 0) / av.time_base
            for seconds, image in _decoded(container):
                count += 1
                yield seconds, image
    except (av.error.FFmpegError, OSError) as error:
        if not count:
            raise CameraError(f"{path} is not a video that can be read ({_why(error)}).") from error
        raise CameraError(f"{path} is damaged after {seconds:.1f} seconds ({_why(error)}). Copy it again.") from error
    if not count:
        raise CameraError(f"{path} holds no frames.")
    if promised_s - seconds > max(_MISSING_S, _MISSING_SHARE * promised_s):
        raise CameraError(f"{path} is cut short: {seconds:.1f} of {promised_s:.1f} seconds are there. Copy it again.")


def folder_frames(folder: Path, fps: float) -> Stream:
    """The pictures of a folder by name, as a video of `fps` frames a second."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not paths:
        raise CameraError(f"The folder {folder} holds no pictures.")
    for number, path in enumerate(paths):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise CameraError(f"{path} is not a picture that can be read.")
        yield number / fps, np.asarray(image, np.uint8)


def rtsp_frames(url: str) -> Stream:
    """A network camera's frames, over TCP, stamped when they were received."""
    import av
    import av.error

    options = {"rtsp_transport": "tcp", "fflags": "nobuffer", "flags": "low_delay"}
    try:
        with av.open(url, options=options, timeout=(_NETWORK_TIMEOUT_S, _NETWORK_TIMEOUT_S)) as container:
            for _, image in _decoded(container):
                yield time.monotonic(), image
    except (av.error.FFmpegError, OSError) as error:
        raise CameraError(
            f"The network camera does not answer ({_why(error)}). Check its address and its cable."
        ) from error
    raise CameraError("The network camera ended its stream.")


def device_frames(name: str, settings: CameraSettings) -> Stream:
    """A V4L2 device's frames, by index or path, stamped when they were grabbed."""
    capture = cv2.VideoCapture(int(name) if name.isdigit() else name, cv2.CAP_V4L2)
    try:
        if not capture.isOpened():
            raise CameraError(f"The camera {name} cannot be opened. Check its cable, or camera.source.")
        for key, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
            (cv2.CAP_PROP_FPS, settings.fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        ):
            capture.set(key, value)
        while capture.grab():
            taken = time.monotonic()
            good, image = capture.retrieve()
            if not good:
                break
            yield taken, np.asarray(image, np.uint8)
    finally:
        capture.release()
    raise CameraError(f"The camera {name} stopped giving pictures. Check its cable.")


def csi_frames(settings: CameraSettings) -> Stream:
    """A Raspberry Pi camera's frames through picamera2, where that is installed."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise CameraError("camera.source is csi, but picamera2 is missing. Install python3-picamera2.") from error
    camera: Any = Picamera2()
    # picamera2 names its formats by the order of bytes in a word: RGB888 lies in memory as BGR.
    camera.configure(
        camera.create_video_configuration(
            main={"size": (settings.width, settings.height), "format": "RGB888"},
            controls={"FrameRate": settings.fps},
        )
    )
    camera.start()
    try:
        while True:
            yield time.monotonic(), np.asarray(camera.capture_array("main"), np.uint8)
    finally:
        camera.stop()
        camera.close()


def _decoded(container: Any) -> Stream:
    stream = container.streams.video[0]
    if stream.width * stream.height > _MAX_PIXELS:
        raise CameraError(f"The video is {stream.width}x{stream.height}; {_MAX_PIXELS} pixels is the most.")
    # One thread and a frame's own stamp: the same file gives the same frames every time.
    stream.thread_count = 1
    rate = float(stream.average_rate or 30)
    first: float | None = None
    for number, frame in enumerate(container.decode(stream)):
        stamp = frame.time if frame.time is not None else number / rate
        first = stamp if first is None else first
        yield float(stamp - first), frame.to_ndarray(format="bgr24")


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
