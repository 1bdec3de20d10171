"""When a look begins: a page that shows itself anew asks again and again, and the record has one line a look."""

from __future__ import annotations

import threading

# Whoever asked for nothing for so long has looked away.
_OVER_S = 30.0


class Looks:
    """Who looked last, and when, of one api process."""

    def __init__(self) -> None:
        self._last_mono: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def begins(self, what: str, by: str, now: float) -> bool:
        """Whether showing somebody (as the record calls them) what is called so begins a look; `now` is monotonic
        seconds."""
        look = (what, by)
        with self._lock:
            goes_on = now - self._last_mono.get(look, float("-inf")) <= _OVER_S
            self._last_mono = {one: at for one, at in self._last_mono.items() if now - at <= _OVER_S} | {look: now}
        return not goes_on
