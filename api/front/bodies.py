"""What a request's body may be: how large, how slow, and how many large ones at once. Decided from who asks."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from api.problems import HttpProblem
from gate.care.health import LOW_DISK
from gate.errors import Sentence
from gate.store.troubles import NO_ROOM

_TOO_LARGE = Sentence("This is too large to be sent at once.")
_TOO_SLOW = Sentence("The upload took too long; try again.")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most bytes, the most seconds until all have come, and what is said where they are more.

    After its first `free_s` seconds a body must have come at `least_speed` bytes a second.
    """

    room: int
    within_s: float
    free_s: float = 30.0
    # A phone at the end of a bad network.
    least_speed: int = 16 << 10
    too_large: Sentence = _TOO_LARGE
    too_slow: Sentence = _TOO_SLOW


# A name and a password, at most.
ANYBODYS = Bounds(64 << 10, 30.0)
_FORM = Bounds(1 << 20, 30.0)
# Eight photos of the largest size would be more than a browser sends in one go.
_PHOTOS = Bounds(100 << 20, 300.0)
# Three photos each of two thousand people.
_IMPORT = Bounds(2 << 30, 3600.0)
# Whoever holds a link and agreed sends three of a phone's at most. Others wait for their turn meanwhile: what is slower
# than a poor mobile line is let go of.
_MOST_BY_LINK_MB = 48
OWN_PHOTOS = Bounds(
    _MOST_BY_LINK_MB << 20, 300.0, 10.0, 30_000,
    Sentence(
        "This is too large: {most} MB is the most. Send one photo, or take it here with the phone's camera.",
        most=_MOST_BY_LINK_MB,
    ),
    Sentence(
        "The photo took too long to arrive. Try again where the network is better, or take it here with the phone's"
        " camera."
    ),
)  # fmt: skip
_LARGER = (
    (("/enrol", "/photos", "/api/v1/enrolments", "/api/v1/photos"), _PHOTOS),
    (("/import", "/api/v1/imports"), _IMPORT),
)
# Of a form. Files wait on the disk, the first megabyte of each in memory.
MOST_FILES = 16
MOST_FIELDS = 100
MOST_OF_A_FIELD = 64 << 10

# A body beyond this takes a turn, of which there are so many.
_SMALL = 64 << 10
_AT_ONCE = 6
_AT_ONCE_OF_ONE = 3
# Those by links have turns of their own, each link one: however many they are, the staff's are free. Photos are opened
# one at a time, so that a turn costs room on the disk alone.
_AT_ONCE_BY_LINKS = 8
_WAIT_S = 30.0
_ASK_EVERY_S = 0.1
# The disk is looked at whenever so much has come.
_LOOK_EVERY = 16 << 20


class Cut(Exception):
    """The body is refused; the application must not go on with a part of it."""


def bounds_at(path: str) -> Bounds:
    """What is taken at a path from whoever may send something there."""
    return next((bounds for paths, bounds in _LARGER if path.startswith(paths)), _FORM)


class Uploads:
    """The large bodies that are under way. Whoever comes too early waits, with the body still on their side."""

    def __init__(self, at_once: int = _AT_ONCE, of_one: int = _AT_ONCE_OF_ONE) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._now: Counter[str] = Counter()

    @classmethod
    def by_links(cls) -> Uploads:
        """Those of residents, by their links."""
        return cls(_AT_ONCE_BY_LINKS, 1)

    async def begin(self, holder: str) -> None:
        """Wait for a turn. Raises HttpProblem after a while without one."""
        deadline = asyncio.get_running_loop().time() + _WAIT_S
        while self._now.total() >= self._at_once or self._now[holder] >= self._of_one:
            if asyncio.get_running_loop().time() >= deadline:
                raise HttpProblem(
                    429, "Too many uploads are under way; try again in a minute.", headers={"Retry-After": "60"}
                )
            await asyncio.sleep(_ASK_EVERY_S)
        self._now[holder] += 1

    def end(self, holder: str) -> None:
        """An upload of `holder`'s is over: its turn is free."""
        self._now[holder] -= 1
        if not self._now[holder]:
            del self._now[holder]


class Body:
    """A request's body, under the bounds of somebody unknown until `open` is told whose it is."""

    def __init__(self, receive: Receive, headers: Headers, uploads: Uploads, by_links: Uploads) -> None:
        self._receive = receive
        self._uploads = uploads
        self._by_links = by_links
        length = headers.get("content-length", "")
        self._announced = int(length) if length.isdecimal() else None
        self.comes = "transfer-encoding" in headers or bool(self._announced)
        self._turn: tuple[Uploads, str] | None = None
        self._whole = False
        self._bound(ANYBODYS)
        self.refusal: HttpProblem | None = None

    @property
    def is_small(self) -> bool:
        """Whether it says that it is no larger than what anybody may send."""
        return self._announced is not None and self._announced <= ANYBODYS.room

    async def open(self, bounds: Bounds, holder: str, *, by_link: bool = False) -> None:
        """Take it under these bounds, from staff or `by_link`. Raises HttpProblem where it is too large, or too many
        come at once."""
        if self._announced is not None and self._announced > bounds.room:
            raise HttpProblem(413, bounds.too_large)
        # What pictures cost is not in their bytes: however small, they take turns.
        if bounds.room > _FORM.room or self._announced is None or self._announced > _SMALL:
            turns = self._by_links if by_link else self._uploads
            await turns.begin(holder)
            self._turn = turns, holder
        self._bound(bounds)

    def close(self) -> None:
        """The request is over."""
        if self._turn is not None:
            turns, holder = self._turn
            turns.end(holder)
            self._turn = None

    async def receive(self) -> Message:
        """The next part. Raises Cut, once `refusal` says why."""
        # After its body a request waits here for its end, however long that takes.
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until()):
                message = await self._receive()
        except TimeoutError as error:
            self.refusal = HttpProblem(408, self._bounds.too_slow)
            raise Cut from error
        self._count(len(message.get("body", b"")))
        self._whole = not message.get("more_body", False)
        return message

    def take_refusal(self) -> HttpProblem | None:
        """Why it was cut, for whoever says so themselves; None: it was not."""
        refusal, self.refusal = self.refusal, None
        return refusal

    def _bound(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._began, self._came = asyncio.get_running_loop().time(), 0

    def _until(self) -> float:
        """When the next part must have come, by the loop's clock."""
        bounds = self._bounds
        return self._began + min(bounds.within_s, bounds.free_s + self._came / bounds.least_speed)

    def _count(self, more: int) -> None:
        looked_at = self._came // _LOOK_EVERY
        self._came += more
        if self._came > self._bounds.room:
            self.refusal = HttpProblem(413, self._bounds.too_large)
            raise Cut
        if self._came // _LOOK_EVERY > looked_at and shutil.disk_usage(tempfile.gettempdir()).free < LOW_DISK:
            self.refusal = HttpProblem(507, NO_ROOM)
            raise Cut
