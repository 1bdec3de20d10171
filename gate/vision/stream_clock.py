"""When light hit a stream's pictures, from the time stamps they carry and when they came. Pure.

A picture cannot come before it was taken, so the least that ever lay between a stamp and an arrival is taken for
the way's length; whatever comes with more between them waited somewhere, and is as old as that. Of pictures without a
stamp nobody knows how old those are that come after a stall: they count once the stream has been waited for again.
"""

from __future__ import annotations

from collections import deque
from statistics import median

# An older picture is of no use to a gate; nothing but such for so long means that they queue.
LATE_S, LATE_FOR_S = 1.0, 3.0
# Who had to wait so long for what comes next holds the newest there is.
WAITED_S = 0.008
# A single pause may be the line's own.
_IDLE_BEFORE = 3
# A camera's clock and this machine's drift apart; by this much a second the way may seem to grow.
_DRIFT = 0.02
# A stream whose stamps were wrong so often is judged by arrival alone.
_MOST_ANCHORS = 3


class StreamClock:
    """The clock of one connection to a camera, for as long as it lasts."""

    def __init__(self) -> None:
        self._offset = float("inf")
        self._stamp = self._arrived = float("-inf")
        self._anchors = 0

    def taken(self, stamp: float | None, arrived: float) -> float:
        """When the picture stamped `stamp` (seconds of the camera's) that came at `arrived` (monotonic) was taken.

        A stamp that jumps, ahead or back, counts from its arrival.
        """
        if stamp is None or self._anchors >= _MOST_ANCHORS:
            return arrived
        if stamp < self._stamp:
            self._offset = float("inf")
        self._offset = min(arrived - stamp, self._offset + _DRIFT * (arrived - self._arrived))
        self._stamp, self._arrived = stamp, arrived
        return stamp + self._offset

    def anchor(self) -> None:
        """Take the next picture for fresh, whatever its stamp says; after three times stamps count no more."""
        self._offset = float("inf")
        self._anchors += 1


class ArrivalClock:
    """Of a connection whose pictures carry no stamps: whether what comes now may have been queued somewhere.

    A line that stalls, or a reader that was held up, is followed by the pictures that waited meanwhile, each as old as
    the stall was long. They come faster than a camera makes them, so that the first one before which the line lies
    idle again, as often as makes sure, is the first that is new.
    """

    def __init__(self) -> None:
        self._arrived = self._began = self._resumed = float("-inf")
        self._waited_s = 0.0
        self._idle = 0
        self._spacings: deque[float] = deque(maxlen=9)
        self.queued = False
        """Whether what comes now may be old, since nothing had come for a while before it."""

    def came(self, asked: float, arrived: float, *, inside: bool) -> None:
        """Bytes that were asked for at `asked` came at `arrived` (monotonic seconds); `inside`: they go on with a
        picture that has begun."""
        # How fast a camera is, is not known before its second picture.
        if self._spacings and arrived - self._arrived > max(LATE_S, 3 * median(self._spacings)):
            self.queued, self._resumed, self._idle = True, arrived, 0
        if not inside:
            self._waited_s = max(self._waited_s, arrived - asked)
        self._arrived = arrived

    def complete(self, began: float) -> None:
        """A picture whose first bytes came at `began` is whole."""
        if self.queued:
            usual = median(self._spacings)
            idle = self._waited_s >= max(WAITED_S, usual / 4) and began - max(self._resumed, self._began) >= 0.8 * usual
            self._idle = self._idle + 1 if idle else 0
            self.queued = self._idle < _IDLE_BEFORE
        elif self._began > float("-inf"):
            self._spacings.append(began - self._began)
        self._began, self._waited_s = began, 0.0
