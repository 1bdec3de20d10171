"""A live stream of FFmpeg's as pictures: fresh ones, whole ones, none too large."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from gate.processes.camera_report import Trouble
from gate.vision.address import Address
from gate.vision.camera_troubles import trouble_at
from gate.vision.pictures import MOST_PIXELS, Shot, check_size, converted
from gate.vision.stream_clock import LATE_FOR_S, LATE_S, WAITED_S, StreamClock

# A stream that is silent for so long is asked for anew; after a stall that ends sooner no keyframe is waited for.
STALL_S = 10.0
# Nothing is probed that the stream's own description says, and the decoder takes no larger picture than we do.
OPTIONS = {"fpsprobesize": "0", "analyzeduration": "1", "max_pixels": str(MOST_PIXELS)}
_SETTLED_AFTER_S = 2.0
# After a damaged picture others build on it until a whole one comes, or, in streams without whole ones, for so long.
_DAMAGED_S = 10.0
_NAMES = {"h264": "H.264", "hevc": "H.265", "mjpeg": "MJPEG", "mpeg4": "MPEG-4"}


def stream_shots(container: Any, address: Address, opening_s: float) -> Iterator[Shot]:
    """The pictures of an open stream until it ends, stamped by the monotonic clock. Raises CameraError."""
    stream = container.streams.best("video")
    if stream is None:
        raise trouble_at(address, Trouble.NO_VIDEO)
    if stream.codec_context is None:
        raise trouble_at(address, Trouble.NO_CODEC)
    stream.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    stream.codec_context.flags |= 0x80000  # AV_CODEC_FLAG_LOW_DELAY: nothing waits to be put in order.
    yield from _Live(container, stream, address, opening_s).shots()


class _Live:
    """One connection's state between packets."""

    def __init__(self, container: Any, stream: Any, address: Address, opening_s: float) -> None:
        self._packets = container.demux(stream)
        self._codec = _NAMES.get(stream.codec_context.name, stream.codec_context.name)
        self._address = address
        self._opening_s = opening_s
        self._clock = StreamClock()
        self._began = self._decoded = time.monotonic()
        self._failed = self._settled = False
        self._damaged_since: float | None = None
        self._late_since: float | None = None

    def shots(self) -> Iterator[Shot]:
        while True:
            asked = time.monotonic()
            packet = next(self._packets, None)
            arrived = time.monotonic()
            if packet is None or packet.size == 0:
                return
            waited = arrived - asked >= WAITED_S
            self._settled = self._settled or waited or arrived - self._began > _SETTLED_AFTER_S
            for frame in self._frames(packet, arrived):
                check_size(frame.width, frame.height)
                taken = self._clock.taken(frame.time, arrived)
                if self._settled and self._is_whole(frame, arrived) and self._is_fresh(taken, arrived, waited):
                    yield Shot(taken, converted(frame), self._codec, frame.key_frame)

    def _frames(self, packet: Any, arrived: float) -> list[Any]:
        import av.error

        try:
            frames: list[Any] = packet.decode()
        except (av.error.InvalidDataError, av.error.ArgumentError, av.error.ExternalError):
            # A packet lost on the way spoils one picture, not the stream.
            frames, self._failed = [], True
        if frames:
            self._decoded, self._failed = arrived, False
        elif arrived - self._decoded > self._opening_s:
            trouble = Trouble.UNDECODABLE if self._failed else Trouble.NO_PICTURE
            raise trouble_at(self._address, trouble, seconds=self._opening_s)
        return frames

    def _is_whole(self, frame: Any, arrived: float) -> bool:
        if frame.is_corrupt:
            self._damaged_since = arrived
        elif frame.key_frame or arrived - (self._damaged_since or arrived) > _DAMAGED_S:
            self._damaged_since = None
        return self._damaged_since is None

    def _is_fresh(self, taken: float, arrived: float, waited: bool) -> bool:
        if arrived - taken <= LATE_S:
            self._late_since = None
            return True
        self._late_since = self._late_since or arrived
        if arrived - self._late_since > LATE_FOR_S:
            if not waited:
                raise trouble_at(self._address, Trouble.LATE)
            # Nothing queues here, so that it is the stamps which are wrong.
            self._clock.anchor()
        return False
