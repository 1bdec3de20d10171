"""How much a peer may cause to be written."""

from __future__ import annotations


class Allowance:
    """So many at once, and then so many a second. Not thread-safe.

    >>> allowance = Allowance(now=0.0)
    >>> sum(allowance.take(0.0) for _ in range(1000)), allowance.take(0.2)
    (50, True)
    """

    AT_ONCE = 50
    EACH_S = 10.0

    def __init__(self, now: float) -> None:
        self._room = float(self.AT_ONCE)
        self._looked_mono = now

    def take(self, now: float) -> bool:
        """Whether there is room for one more, which is then gone."""
        self._room = min(float(self.AT_ONCE), self._room + (now - self._looked_mono) * self.EACH_S)
        self._looked_mono = now
        if self._room < 1:
            return False
        self._room -= 1
        return True
