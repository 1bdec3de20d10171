"""How many lines of the record a peer may cause to be written: a token bucket. Pure."""

from __future__ import annotations


class Allowance:
    """`AT_ONCE` at once, and then `EACH_S` a second. Its times are monotonic seconds. Not thread-safe.

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
        """Whether there is room for one more at `now`; if so it is used up."""
        self._room = min(float(self.AT_ONCE), self._room + (now - self._looked_mono) * self.EACH_S)
        self._looked_mono = now
        if self._room < 1:
            return False
        self._room -= 1
        return True
