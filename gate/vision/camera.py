"""The camera: one thread reads, the newest frame wins, and a picture that does not live is a fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.pace import forward
from gate.vision.sources import CameraError, Source
from gate.vocabulary import Frame

_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 8.0
_BLACK, _WHITE = 6.0, 249.0
# Of a black or white picture no pixel of the thumbnail stands out by more.
_FLAT = 6.0
_PROBE = (32, 18)


@dataclass(frozen=True, slots=True)
class CameraState:
    """What the camera is like now: `fault` says what is wrong, None when it is well.

    `abandoned` counts readers left stuck in a driver since the last frame; `began_mono` is when a recording's first
    frame was due, None for a camera.
    """

    fault: str | None
    last_frame_mono: float | None
    ended: bool
    abandoned: int
    began_mono: float | None


class PictureWatch:
    """Whether the picture lives: "frozen", "black" or "white" once it has been so for `after_s` seconds."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._last: bytes = b""
        self._since: float | None = None
        self._kind: str | None = None

    def look(self, image: NDArray[np.uint8], now: float) -> str | None:
        """Judge one picture taken at `now` (monotonic seconds)."""
        small = np.asarray(cv2.resize(image, _PROBE, interpolation=cv2.INTER_AREA), np.uint8)
        kind = self._judge(image, small)
        self._last = _fingerprint(image)
        if kind != self._kind:
            self._kind, self._since = kind, now
        if kind is None or self._since is None or now - self._since < self._after_s:
            return None
        return kind

    def _judge(self, image: NDArray[np.uint8], small: NDArray[np.uint8]) -> str | None:
        spread, mean = float(small.max()) - float(small.min()), float(small.mean())
        if spread <= _FLAT and mean <= _BLACK:
            return "black"
        if spread <= _FLAT and mean >= _WHITE:
            return "white"
        return "frozen" if _fingerprint(image) == self._last else None


class Camera:
    """Reads a source in a thread of its own; `frame` hands out the newest, and never the same one twice."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._settings = source.settings
        self._news = threading.Condition()
        self._frame: Frame | None = None
        self._fault: str | None = None
        self._ended = False
        self._last_mono: float | None = None
        self._deadline_from = time.monotonic()
        self._generation = 0
        self._abandoned = 0
        self._began_mono: float | None = None
        self._begin()

    def frame(self, timeout_s: float) -> Frame | None:
        """The newest frame not yet handed out, or None when none came in time."""
        with self._news:
            self._news.wait_for(lambda: self._frame is not None or self._generation < 0, timeout_s)
            frame, self._frame = self._frame, None
        if frame is None:
            self._check_deadline()
        return frame

    def state(self) -> CameraState:
        """How the camera is."""
        with self._news:
            return CameraState(self._fault, self._last_mono, self._ended, self._abandoned, self._began_mono)

    def close(self) -> None:
        """Stop reading; a thread stuck in a driver is left behind."""
        with self._news:
            self._generation = -1
            self._news.notify_all()

    def _begin(self) -> None:
        self._generation += 1
        self._deadline_from = time.monotonic()
        threading.Thread(target=self._own, args=(self._generation,), name="camera", daemon=True).start()

    def _check_deadline(self) -> None:
        with self._news:
            silent_s = time.monotonic() - max(self._deadline_from, self._last_mono or 0.0)
            if self._ended or self._generation < 0 or silent_s < self._settings.deadline_s:
                return
            self._fault = f"no picture for {self._settings.deadline_s:g} s"
            self._abandoned += 1
        self._begin()

    def _own(self, generation: int) -> None:
        retry_s = _FIRST_RETRY_S
        while self._current(generation):
            try:
                for frame, fault in self._paced():
                    if not self._hand_over(generation, frame, fault):
                        return
                    retry_s = _FIRST_RETRY_S
                if not self._settings.loop:
                    self._end(generation)
                    return
            except CameraError as error:
                self._complain(generation, str(error), retry_s)
                self._wait(generation, retry_s)
                retry_s = min(2 * retry_s, _LONGEST_RETRY_S)

    def _paced(self) -> Iterator[tuple[Frame, str | None]]:
        watch = PictureWatch(self._settings.frozen_s)
        began = time.monotonic()
        frames = self._source.frames()
        for seconds, image in forward(frames) if self._source.recorded else frames:
            taken = seconds
            if self._source.recorded:
                taken = began + seconds
                self._began_mono = began
                self._wait_until(taken)
            yield Frame(image, self._source.name, taken), watch.look(image, taken)

    def _hand_over(self, generation: int, frame: Frame, fault: str | None) -> bool:
        with self._news:
            if generation != self._generation:
                return False
            self._last_mono = time.monotonic()
            self._abandoned = 0
            self._fault = f"the picture is {fault}" if fault else None
            # A picture that does not live shows nobody.
            self._frame = None if fault else frame
            self._news.notify_all()
            return True

    def _complain(self, generation: int, why: str, retry_s: float) -> None:
        with self._news:
            if generation == self._generation:
                self._fault = why
                self._deadline_from = time.monotonic() + retry_s
                self._news.notify_all()

    def _end(self, generation: int) -> None:
        with self._news:
            if generation == self._generation:
                self._ended, self._fault = True, "the recording has ended"

    def _current(self, generation: int) -> bool:
        with self._news:
            return generation == self._generation

    def _wait(self, generation: int, seconds: float) -> None:
        with self._news:
            self._news.wait_for(lambda: generation != self._generation, seconds)

    def _wait_until(self, mono: float) -> None:
        with self._news:
            self._news.wait_for(lambda: self._generation < 0, max(0.0, mono - time.monotonic()))


def _fingerprint(image: NDArray[np.uint8]) -> bytes:
    # Every 16th row is enough: no two exposures of a sensor agree on one.
    return image[::16].tobytes()
