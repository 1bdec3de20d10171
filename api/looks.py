"""Looks that go on: a page that shows itself anew asks again and again, and the record has one line a look."""

from __future__ import annotations

import threading
from collections.abc import Callable

# Whoever asked for nothing for so long has looked away.
_OVER_S = 30.0


class Looks:
    """Who looked last, and when, of one api process."""

    def __init__(self) -> None:
        self._last_mono: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def note(self, what: str, by: str, now: float, write: Callable[[], None], *, begins: bool = False) -> None:
        """Somebody (as the record calls them) is shown what is called so; `now` is monotonic seconds.

        Where a look begins by that, or they say that it `begins`, `write` puts it on record. It counts from then on
        alone: a look that could not be written has not begun, and whoever asks next begins it.
        """
        look = (what, by)
        if begins or not self._goes_on(look, now):
            write()
        with self._lock:
            self._last_mono = {one: at for one, at in self._last_mono.items() if now - at <= _OVER_S} | {look: now}

    def _goes_on(self, look: tuple[str, str], now: float) -> bool:
        with self._lock:
            return now - self._last_mono.get(look, float("-inf")) <= _OVER_S
