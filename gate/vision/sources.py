"""Where pictures come from: each source yields them with their seconds, monotonic ones where it is a camera."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gate.processes.camera_report import CameraError, Trouble
from gate.vision.address import on_network
from gate.vision.pictures import Shot, as_mounted
from gate.vision.recordings import folder_frames, video_shots
from gate.vision.settings import CameraSettings


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from, by its name in the settings; `recorded` ones have a clock of their own and an end."""

    name: str
    recorded: bool
    settings: CameraSettings

    @property
    def on_network(self) -> bool:
        """Whether it is asked over a network: it has deadlines of its own, and hangs up by itself."""
        return on_network(self.name)

    def shots(self) -> Generator[Shot, None, None]:
        """The pictures, newly opened and as they stand before the gate. Raises CameraError, now or while iterating."""
        for shot in self._raw():
            yield as_mounted(shot, self.settings)

    def _raw(self) -> Iterator[Shot]:
        if self.on_network:
            # A camera at the machine needs none of what speaks with others.
            from gate.vision.network import network_shots

            return network_shots(self.settings)
        if Path(self.name).is_dir():
            return (Shot(seconds, image) for seconds, image in folder_frames(Path(self.name), self.settings.fps))
        if self.recorded:
            return video_shots(Path(self.name))
        return csi_shots(self.settings) if self.name == "csi" else device_shots(self.name, self.settings)


def source_of(settings: CameraSettings) -> Source:
    """The source the settings name, not yet opened."""
    name = settings.source
    live = name == "csi" or name.isdigit() or name.startswith("/dev/") or on_network(name)
    return Source(name, not live, settings)


def device_shots(name: str, settings: CameraSettings) -> Iterator[Shot]:
    """A V4L2 device's pictures, by index or path, stamped when they were grabbed."""
    capture = cv2.VideoCapture(int(name) if name.isdigit() else name, cv2.CAP_V4L2)
    try:
        if not capture.isOpened():
            raise CameraError(Trouble.NO_DEVICE, name=name)
        for key, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
            (cv2.CAP_PROP_FPS, settings.fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        ):
            capture.set(key, value)
        codec = _fourcc(capture.get(cv2.CAP_PROP_FOURCC))
        while capture.grab():
            taken = time.monotonic()
            good, image = capture.retrieve()
            if not good:
                break
            yield Shot(taken, np.asarray(image, np.uint8), codec)
    finally:
        capture.release()
    raise CameraError(Trouble.UNPLUGGED, name=name)


def csi_shots(settings: CameraSettings) -> Iterator[Shot]:
    """A Raspberry Pi camera's pictures through picamera2, where that is installed."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise CameraError(Trouble.NO_PICAMERA) from error
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
            yield Shot(time.monotonic(), np.asarray(camera.capture_array("main"), np.uint8), "RGB")
    finally:
        camera.stop()
        camera.close()


def _fourcc(number: float) -> str:
    letters = int(number).to_bytes(4, "little", signed=True).decode("ascii", "replace").strip("\0 ")
    return letters if letters.isalnum() else ""
