"""The one enrolment at the gate's own camera: who leads it, and how far it is.

It goes on only while whoever began it looks after it: each look is asked for by their page. Nothing of it outlives its
end.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.errors import Refusal

if TYPE_CHECKING:
    from enroll.sitting import Prompt, Seen, Sitting

# Without a look for so long its page is gone. A look may wait for somebody else's photos.
_LEFT_ALONE_S = 10.0
# For so long the screen tells how it ended.
_TOLD_S = 3.0


@dataclass(frozen=True, slots=True)
class Led:
    """One that is under way, or just over: whose it is, and where it stands."""

    key: str
    by: str
    """What the record calls whoever began it."""
    name: str
    """And what people call them."""
    sitting: Sitting
    looked_mono: float


class Over(Refusal):
    """It was cancelled, or its page was gone for too long."""


class AtGate:
    """At most one at a time."""

    def __init__(self) -> None:
        self._led: Led | None = None
        self._ended: tuple[Sitting, float] | None = None
        """One that was ended before its end, without its photos, and when."""
        self._lock = threading.Lock()

    def begin(self, by: str, name: str) -> Led:
        """Begin one. Raises Refusal while somebody leads one."""
        from enroll.sitting import begin

        now = time.monotonic()
        with self._lock:
            self._forget_old(now)
            if self._led is not None and not self._led.sitting.over:
                raise Refusal("{who} is enrolling somebody at the gate; wait until they are done.", who=self._led.name)
            self._led, self._ended = Led(secrets.token_urlsafe(16), by, name, begin(now), now), None
            return self._led

    def look(self, key: str, by: str, seen: Seen | None) -> Led:
        """One more look of theirs; None: the camera gave no picture. Raises Over."""
        from enroll.sitting import look

        return self._changed(key, by, lambda sitting, now: look(sitting, seen, now))

    def remove(self, key: str, by: str, number: int) -> Led:
        """Without one of its photos. Raises Over."""
        from enroll.sitting import remove

        return self._changed(key, by, lambda sitting, now: remove(sitting, number, now))

    def of(self, key: str, by: str) -> Led:
        """Theirs, as it stands. Raises Over."""
        return self._changed(key, by, lambda sitting, _: sitting)

    def cancel(self, key: str, by: str, *, sent: bool = False) -> None:
        """End it, and keep nothing; `sent`: whoever leads it enrols from the photos there are."""
        from enroll.sitting import Prompt

        with self._lock:
            if self._led is not None and (self._led.key, self._led.by) == (key, by):
                self._end(self._led, Prompt.ENOUGH if sent else Prompt.CANCELLED, time.monotonic())

    def now(self) -> Sitting | None:
        """What the screen at the gate tells whoever stands there; None: nobody is being enrolled."""
        now = time.monotonic()
        with self._lock:
            self._forget_old(now)
            led, ended = self._led, self._ended
        if led is not None and not led.sitting.over:
            return led.sitting
        told, since = (led.sitting, led.looked_mono) if led is not None else ended or (None, now)
        return told if now - since <= _TOLD_S else None

    def forget_old(self) -> None:
        """Keep nothing of one that nobody looks after any more."""
        with self._lock:
            self._forget_old(time.monotonic())

    def _forget_old(self, now: float) -> None:
        from enroll.sitting import Prompt

        if self._ended is not None and now - self._ended[1] > _TOLD_S:
            self._ended = None
        if self._led is not None and now - self._led.looked_mono > _LEFT_ALONE_S:
            self._end(self._led, Prompt.CANCELLED, now)

    def _end(self, led: Led, prompt: Prompt, now: float) -> None:
        """Whoever stands there is told so, unless it was over before."""
        from enroll.sitting import end

        self._led = None
        self._ended = None if led.sitting.over else (end(led.sitting, prompt), now)

    def _changed(self, key: str, by: str, change: Callable[[Sitting, float], Sitting]) -> Led:
        now = time.monotonic()
        with self._lock:
            self._forget_old(now)
            led = self._led
            if led is None or (led.key, led.by) != (key, by):
                raise Over("This is over: begin again.")
            self._led = Led(key, by, led.name, change(led.sitting, now), now)
            return self._led
