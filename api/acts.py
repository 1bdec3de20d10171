"""How often something was done by whoever nobody has signed in, within an hour. Time is an argument."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

from api.problems import HttpProblem


class Acts:
    """How often something was done on each page, in memory: whoever found a phone does not fill the record."""

    MOST = 30
    WITHIN_S = 3600.0
    _MOST_PAGES = 4096

    def __init__(self) -> None:
        self._done: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, page: str, now: float) -> None:
        """Count one more, at `now` monotonic seconds. Raises HttpProblem where there were too many."""
        with self._lock:
            done = self._done.setdefault(page, deque(maxlen=self.MOST))
            self._done.move_to_end(page)
            while len(self._done) > self._MOST_PAGES:
                self._done.popitem(last=False)
            wait_s = done[0] + self.WITHIN_S - now if len(done) == self.MOST else 0.0
            if wait_s > 0:
                raise HttpProblem(
                    429, "Very much was done here in the last hour. Try again later.",
                    headers={"Retry-After": str(int(wait_s) + 1)},
                )  # fmt: skip
            done.append(now)
