"""When light hit a stream's pictures, from the time stamps they carry and when they came. Pure.

A picture cannot come before it was taken, so the least that ever lay between a stamp and an arrival is taken for
the way's length; whatever comes with more between them waited somewhere, and is as old as that.
"""

from __future__ import annotations

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
