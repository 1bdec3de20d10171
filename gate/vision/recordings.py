"""Recordings: a video file or a folder of pictures, with seconds of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gate.processes.camera_report import CameraError, Trouble
from gate.vision.pictures import MOST_PIXELS, Shot, check_size, converted
from models.images import Image

Stream = Iterator[tuple[float, Image]]

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
# A file's stated length may exceed its pictures a little, by sound or rounding; by more it was cut.
_MISSING_S, _MISSING_SHARE = 1.0, 0.1
_USUAL_RATE = 30.0


def recorded_frames(path: Path, fps: float) -> Stream:
    """The pictures of a video file, or of a folder as a video of `fps` frames a second. Raises CameraError."""
    return folder_frames(path, fps) if path.is_dir() else video_frames(path)


def video_frames(path: Path) -> Stream:
    """A video file's pictures, (H, W, 3) uint8 BGR and upright, with seconds since its first by its own time stamps."""
    for shot in video_shots(path):
        yield shot.seconds, shot.image


def video_shots(path: Path) -> Iterator[Shot]:
    """As `video_frames`, and of each picture how it was coded. Raises CameraError, now or while iterating."""
    if not path.exists():
        raise _error(f"There is no video {path}.")
    if path.is_dir():
        raise _error(f"{path} is a folder, not a video.")
    # Held by those alone who read files or a network: a camera at the machine needs none of it.
    try:
        import av
        import av.error
    except ImportError as error:
        raise CameraError(Trouble.NO_CODECS) from error

    count, seconds, promised_s = 0, 0.0, 0.0
    try:
        # Whatever the file says, it names no other and no network.
        with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
            if not container.streams.video:
                raise _error(f"{path} holds no video.")
            promised_s = (container.duration or 0) / av.time_base
            for shot in _shots(container):
                count, seconds = count + 1, shot.seconds
                yield shot
    except (av.error.FFmpegError, OSError) as error:
        if not count:
            raise _error(f"{path} is not a video that can be read ({_why(error)}).") from error
        raise _error(f"{path} is damaged after {seconds:.1f} seconds ({_why(error)}). Copy it again.") from error
    if not count:
        raise _error(f"{path} holds no frames.")
    if promised_s - seconds > max(_MISSING_S, _MISSING_SHARE * promised_s):
        raise _error(f"{path} is cut short: {seconds:.1f} of {promised_s:.1f} seconds are there. Copy it again.")


def folder_frames(folder: Path, fps: float) -> Stream:
    """The pictures of a folder by name, as a video of `fps` frames a second."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not paths:
        raise _error(f"The folder {folder} holds no pictures.")
    for number, path in enumerate(paths):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise _error(f"{path} is not a picture that can be read.")
        yield number / fps, np.asarray(image, np.uint8)


def _shots(container: Any) -> Iterator[Shot]:
    stream = container.streams.video[0]
    check_size(stream.width, stream.height)
    # One thread and a frame's own stamp: the same file gives the same frames every time.
    stream.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    rate = float(stream.average_rate or _USUAL_RATE)
    first: float | None = None
    for number, frame in enumerate(container.decode(stream)):
        stamp = float(frame.time) if frame.time is not None else number / rate
        first = stamp if first is None else first
        yield Shot(stamp - first, converted(frame), stream.codec_context.name, frame.key_frame)


def _error(why: str) -> CameraError:
    return CameraError(Trouble.RECORDING, why=why)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
