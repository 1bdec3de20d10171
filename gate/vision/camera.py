"""The camera: one thread reads, the newest frame wins, and a picture that does not live is a fault."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.processes.camera_report import LASTING, CameraError, CameraFault, CameraReport, Gives, Trouble
from gate.vision.address import redacted
from gate.vision.pictures import Shot
from gate.vision.recording_clock import forward
from gate.vision.sources import Source
from gate.vocabulary import Frame

_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 4.0
# Many cameras lock out an address that gives wrong passwords often.
_LASTING_RETRY_S = 60.0
# A reader of the network ends by itself; one that does not for so much longer is stuck, as any other.
_GRACE_S = 15.0
_CLOSES_WITHIN_S = 0.5
_BLACK, _WHITE = 6.0, 249.0
# Of a black or white picture no pixel of the thumbnail stands out by more.
_FLAT = 6.0
_PROBE = (32, 18)
# The rate is that of the last pictures over so long.
_RATE_OVER_S = 5.0


@dataclass(frozen=True, slots=True)
class CameraState:
    """What the camera is like now: `report` says what it gives and what is wrong with it.

    `abandoned` counts readers left stuck in a driver since the last frame; `began_mono` is when a recording's first
    frame was due, None for a camera.
    """

    report: CameraReport
    last_frame_mono: float | None
    ended: bool
    abandoned: int
    began_mono: float | None

    @property
    def fault(self) -> str | None:
        """What is wrong, in words; None when the camera is well."""
        return self.report.fault.sentence if self.report.fault else None


class PictureWatch:
    """Whether the picture lives: black or white once it has been so for `flat_s` seconds, frozen after `still_s`."""

    def __init__(self, flat_s: float, still_s: float) -> None:
        self._after_s = {Trouble.BLACK: flat_s, Trouble.WHITE: flat_s, Trouble.FROZEN: still_s}
        self._last: bytes = b""
        self._since: float | None = None
        self._kind: Trouble | None = None
        self.repeats = False
        """Whether the last picture was the one before it once more: it adds nothing."""

    def look(self, image: NDArray[np.uint8], now: float) -> Trouble | None:
        """Judge one picture taken at `now` (monotonic seconds)."""
        fingerprint = _fingerprint(image)
        self.repeats = fingerprint == self._last
        self._last = fingerprint
        kind = self._judge(image)
        if kind != self._kind:
            self._kind, self._since = kind, now
        if kind is None or self._since is None or now - self._since < self._after_s[kind]:
            return None
        return kind

    def _judge(self, image: NDArray[np.uint8]) -> Trouble | None:
        small = np.asarray(cv2.resize(image, _PROBE, interpolation=cv2.INTER_AREA), np.uint8)
        spread, mean = float(small.max()) - float(small.min()), float(small.mean())
        if spread <= _FLAT and mean <= _BLACK:
            return Trouble.BLACK
        if spread <= _FLAT and mean >= _WHITE:
            return Trouble.WHITE
        return Trouble.FROZEN if self.repeats else None


class Meter:
    """What a source gives (size, pictures a second, codec), measured from its last pictures."""

    def __init__(self) -> None:
        self._came: deque[float] = deque()
        self._key_at: float | None = None
        self._keyframe_s: float | None = None

    def measure(self, shot: Shot, now: float) -> Gives:
        """What the source gives by now, with one more picture that came at `now` (monotonic seconds)."""
        self._came.append(now)
        while now - self._came[0] > _RATE_OVER_S:
            self._came.popleft()
        if shot.key:
            if self._key_at is not None:
                self._keyframe_s = now - self._key_at
            self._key_at = now
        over_s = now - self._came[0]
        rate = (len(self._came) - 1) / over_s if over_s > 0 else 0.0
        height, width = shot.image.shape[:2]
        # Where every picture is whole there is nothing to wait for.
        between_s = self._keyframe_s if self._keyframe_s and self._keyframe_s * rate > 1.5 else None
        return Gives(width, height, round(rate, 2), shot.codec, between_s and round(between_s, 2))


class Camera:
    """Reads a source in a thread of its own; `frame` hands out the newest, and never the same one twice."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._settings = source.settings
        self._news = threading.Condition()
        self._frame: Frame | None = None
        self._fault: CameraFault | None = None
        self._gives: Gives | None = None
        self._ended = False
        self._last_mono: float | None = None
        self._deadline_from = time.monotonic()
        self._generation = 0
        self._abandoned = 0
        self._began_mono: float | None = None
        self._begin()

    def frame(self, timeout_s: float) -> Frame | None:
        """The newest frame not yet handed out, or None when none came within `timeout_s`."""
        with self._news:
            self._news.wait_for(lambda: self._frame is not None or self._generation < 0, timeout_s)
            frame, self._frame = self._frame, None
        if frame is None:
            self._check_deadline()
        return frame

    def state(self) -> CameraState:
        """How the camera is: what it gives, what is wrong with it, and when its last frame came."""
        with self._news:
            report = CameraReport(self._gives, self._fault)
            return CameraState(report, self._last_mono, self._ended, self._abandoned, self._began_mono)

    def close(self) -> None:
        """Stop reading; a thread stuck in a driver, or waiting for a silent line, is left behind."""
        with self._news:
            self._generation = -1
            self._news.notify_all()
        # A process that ends next must not take Python away from beneath a library that still reads.
        self._reader.join(_CLOSES_WITHIN_S)

    def _begin(self) -> None:
        self._generation += 1
        self._deadline_from = time.monotonic()
        self._reader = threading.Thread(target=self._own, args=(self._generation,), name="camera", daemon=True)
        self._reader.start()

    def _check_deadline(self) -> None:
        with self._news:
            opening = self._deadline_from > (self._last_mono or 0.0)
            silent_s = time.monotonic() - max(self._deadline_from, self._last_mono or 0.0)
            patience_s = self._settings.opening_s if opening else self._settings.deadline_s
            if self._ended or self._generation < 0 or silent_s < patience_s:
                return
            if self._fault is None or not opening:
                self._fault = CameraFault(Trouble.SILENT, {"seconds": f"{patience_s:g}"})
            if self._source.on_network and silent_s < patience_s + _GRACE_S:
                return
            self._abandoned += 1
        self._begin()

    def _own(self, generation: int) -> None:
        retry_s = _FIRST_RETRY_S
        while self._current(generation):
            try:
                # Whoever stops reading hangs up at once: many cameras serve but one or two.
                with closing(self._paced()) as paced:
                    for frame, gives, trouble in paced:
                        if not self._hand_over(generation, frame, gives, trouble):
                            return
                        retry_s = _FIRST_RETRY_S
                if not self._settings.loop:
                    self._end(generation)
                    return
            except CameraError as error:
                wait_s = _LASTING_RETRY_S if error.fault.trouble in LASTING else retry_s
                self._complain(generation, error.fault, wait_s)
                self._wait(generation, wait_s)
                retry_s = min(2 * retry_s, _LONGEST_RETRY_S)

    def _paced(self) -> Generator[tuple[Frame, Gives, Trouble | None], None, None]:
        settings = self._settings
        # An encoder gives a still scene as the same picture again and again, a sensor never does.
        watch = PictureWatch(settings.frozen_s, settings.still_s if self._source.on_network else settings.frozen_s)
        meter, began = Meter(), time.monotonic()
        with closing(self._source.shots()) as shots:
            timed = ((shot.seconds, shot) for shot in shots)
            for taken, shot in forward(timed) if self._source.recorded else timed:
                if self._source.recorded:
                    taken += began  # noqa: PLW2901 - the same moment on this machine's clock
                    self._began_mono = began
                    self._wait_until(taken)
                trouble = watch.look(shot.image, taken)
                repeated = watch.repeats and self._source.on_network
                frame = Frame(shot.image, self._source.name, taken, repeated)
                yield frame, meter.measure(shot, time.monotonic()), trouble

    def _hand_over(self, generation: int, frame: Frame, gives: Gives, trouble: Trouble | None) -> bool:
        with self._news:
            if generation != self._generation:
                return False
            self._last_mono = time.monotonic()
            self._abandoned = 0
            self._gives = gives
            self._fault = CameraFault(trouble) if trouble else None
            # A picture that does not live shows nobody.
            if trouble or self._frame is None or not frame.repeated:
                self._frame = None if trouble else frame
            self._news.notify_all()
            return True

    def _complain(self, generation: int, fault: CameraFault, retry_s: float) -> None:
        said = {name: redacted(str(value), self._settings.source) for name, value in fault.values.items()}
        with self._news:
            if generation == self._generation:
                self._fault = CameraFault(fault.trouble, said)
                self._deadline_from = time.monotonic() + retry_s
                self._news.notify_all()

    def _end(self, generation: int) -> None:
        with self._news:
            if generation == self._generation:
                self._ended, self._fault = True, CameraFault(Trouble.RECORDING_ENDED)

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
