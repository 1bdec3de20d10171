"""Long work that is done one at a time, while a few wait for it and whoever else comes is told so at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import HttpProblem

# As many wait, each in a thread that the door's orders do not have meanwhile.
_MOST_WAITING = 3
_RETRY_S = 5


class Turns:
    """Of one kind of work of one api process."""

    def __init__(self) -> None:
        self._at_work = threading.Lock()
        self._places = threading.BoundedSemaphore(1 + _MOST_WAITING)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One's turn, for as long as this lasts. Raises HttpProblem where others wait for theirs already."""
        if not self._places.acquire(blocking=False):
            raise HttpProblem(
                503, "The gate is busy with others who ask for the same; try again in a few seconds.",
                headers={"Retry-After": str(_RETRY_S)},
            )  # fmt: skip
        try:
            with self._at_work:
                yield
        finally:
            self._places.release()
