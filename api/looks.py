"""When a look through the camera begins: pages ask for picture after picture, and the record has one line a look."""

from __future__ import annotations

import threading

# Without a picture for so long it was over.
_OVER_S = 30.0


class Looks:
    """Who looked last, and when, of one api process."""

    def __init__(self) -> None:
        self._last_mono: dict[str, float] = {}
        self._lock = threading.Lock()

    def begins(self, by: str, now: float) -> bool:
        """Whether a picture for somebody (as the record calls them) begins a look; `now` is monotonic seconds."""
        with self._lock:
            goes_on = now - self._last_mono.get(by, float("-inf")) <= _OVER_S
            self._last_mono = {who: at for who, at in self._last_mono.items() if now - at <= _OVER_S} | {by: now}
        return not goes_on
