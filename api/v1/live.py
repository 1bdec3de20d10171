"""What changes, as it changes: server-sent events for pages that are open."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import closing
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api.acting import lasts
from api.actors import Watcher
from api.auth import Actor
from api.context import Context
from api.early_refusal import EarlyRefusal
from api.front.slots import Place
from api.problems import RESPONSES, HttpProblem
from gate.care.health import door_status, sees, vision_status
from gate.errors import FacegateError
from gate.processes.status import VisionStatus
from gate.store.database import open_read_only
from gate.store.record.search import last_line
from gate.vocabulary import ENTERED, Kind

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["live"], responses=RESPONSES)

_LOOK_EVERY_S = 0.05
# The screen at the gate answers within a fifth of a second.
_ASK_DOOR_EVERY_S = 0.08
# What is wrong with vision is told to whoever looks at a page within two seconds, and that it is over.
_ASK_VISION_EVERY_S = 0.4
# A page that is to know at once that the gate is silent is told so often that it is not.
_BEAT_S = 0.5
# Proxies and browsers give up on a stream that says nothing.
_KEEP_ALIVE_S = 15.0
# Places for those who follow the gate: in all, for one user or token, and for screens on the gate's own machine beside.
_MOST = 60
_OF_ONE = 6
_SCREENS = 4
# Who follows is looked after whenever the store changes, and so often for what time alone ends.
_LOOK_AFTER_EVERY_S = 5.0
# A page of the console is fetched again at each change: fifty of them must not keep the machine busy.
_PAGES_GAP_S = 0.3
# What was made of the state of things is theirs for so long who fetch without a change.
_MADE_FOR_S = 2.0


# Lines of the record of which pages are told.
_TOLD = (*ENTERED, Kind.DENIED, Kind.DURESS)
# Whether vision answers, and whether faces are looked at.
_Vision = tuple[bool, bool]


@dataclass(slots=True, eq=False)
class _Follower:
    actor: Actor | None
    """None: a screen on the gate's own machine."""
    over: bool = False


class Changes:
    """Watches record and door for all open pages at once, and only while there are any."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        # The oldest first.
        self._followers: list[_Follower] = []
        self._number = 0
        self._version: Hashable = None
        self._made: dict[tuple[Hashable, Hashable], bytes] = {}
        self._making = threading.Lock()
        # What pages showed of vision since it was last looked at.
        self._shown: set[_Vision] = set()
        self._showing = threading.Lock()

    def follow(
        self, actor: Actor | None, place: Place | None, gap_s: float = 0.0, *, beats: bool = False
    ) -> AsyncIterator[str]:
        """Server-sent events for `actor` (None: the screen), until their login is over.

        One `change` at the start and after each change, `gap_s` apart at least; between them a `beat` twice a second
        where `beats` are wanted. Raises HttpProblem where there is no room.
        """
        refusal = self._refusal(actor)
        if refusal is not None:
            raise refusal
        return self._stream(_Follower(actor), place, gap_s, beats=beats)

    def _refusal(self, actor: Actor | None) -> HttpProblem | None:
        holders = [one.actor.label for one in self._followers if one.actor is not None]
        if actor is None:
            return None
        if holders.count(actor.label) >= _OF_ONE:
            return HttpProblem(429, "You have the gate open on too many pages; close one.")
        return (
            HttpProblem(503, "Too many people are watching the gate now; try again later.")
            if len(holders) >= _MOST
            else None
        )

    def _make_room_for_screen(self) -> None:
        """Any program of this machine may follow; whichever came last is shown to whoever stands at the gate."""
        screens = [one for one in self._followers if one.actor is None]
        for one in screens[: max(0, len(screens) - _SCREENS + 1)]:
            one.over = True
            self._tell()

    async def _stream(
        self, follower: _Follower, place: Place | None, gap_s: float, *, beats: bool
    ) -> AsyncIterator[str]:
        if self._refusal(follower.actor) is not None:
            # Of many who came at once others were quicker.
            return
        if follower.actor is None:
            self._make_room_for_screen()
        self._followers.append(follower)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            if place is not None:
                place.kept = True
            while not follower.over:
                told = self._changed
                yield _event("change")
                await asyncio.sleep(gap_s)
                while not told.is_set():
                    try:
                        await asyncio.wait_for(told.wait(), _BEAT_S if beats else _KEEP_ALIVE_S)
                    except TimeoutError:
                        yield _event("beat") if beats else ": still here\n\n"
        finally:
            if place is not None:
                place.kept = False
            self._followers.remove(follower)
            if not self._followers and self._watching is not None:
                self._watching.cancel()

    def made_once(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """What `make` makes of the state of things: for all who ask for the same between two changes once.

        Fifty pages fetch themselves again at each change, and only the first of them costs more than a look.
        """
        if not self._followers:
            # Nobody is watching, so nobody would tell that something changed.
            return make()
        # Not all that is shown tells of its change: who is erased, what vision says of itself, and time that passes.
        now = (self._number, self._version, int(time.monotonic() // _MADE_FOR_S))
        with self._making:
            whole = (now, key)
            if whole not in self._made:
                made = make()
                self._made = {old: page for old, page in self._made.items() if old[0] == now} | {whole: made}
            return self._made[whole]

    def shows(self, vision: VisionStatus | None) -> None:
        """A page shows vision so. Where that is not so at the next look, however shortly it was, pages are told."""
        with self._showing:
            self._shown.add(_vision_of(vision))

    async def _watch(self) -> None:
        # Each by itself: while one hangs, the other is followed all the same.
        vision = (self._watch_vision(),) if self._context.by_face else ()
        await asyncio.gather(self._watch_door_and_record(), *vision)

    async def _watch_vision(self) -> None:
        while True:
            now = _vision_of(await asyncio.to_thread(vision_status, self._context.state))
            with self._showing:
                # What was shown before is shown still by whoever was told of no change.
                old, self._shown = self._shown - {now}, {now}
            if old:
                self._tell()
            await asyncio.sleep(_ASK_VISION_EVERY_S)

    async def _watch_door_and_record(self) -> None:
        asked_mono, seen, door = float("-inf"), None, None
        looked_after_mono, version = float("-inf"), None
        clock = asyncio.get_running_loop().time
        while True:
            try:
                with closing(open_read_only(self._context.state)) as connection:
                    while True:
                        if clock() - asked_mono >= _ASK_DOOR_EVERY_S:
                            asked_mono = clock()
                            door = await asyncio.to_thread(_door_now, self._context)
                        now = (*(last_line(connection, kind) for kind in _TOLD), door)
                        if seen is not None and now != seen:
                            self._tell()
                        seen = now
                        found = self._version = connection.execute("PRAGMA data_version").fetchone()
                        if found != version or clock() - looked_after_mono >= _LOOK_AFTER_EVERY_S:
                            looked_after_mono, version = clock(), found
                            self._end_what_is_over(connection)
                        await asyncio.sleep(_LOOK_EVERY_S)
            except (sqlite3.Error, FacegateError):
                await asyncio.sleep(1)

    def _end_what_is_over(self, connection: sqlite3.Connection) -> None:
        over = [
            one
            for one in self._followers
            if one.actor is not None and not one.over and not lasts(connection, one.actor, time.time())
        ]
        for one in over:
            one.over = True
        if over:
            self._tell()

    def _tell(self) -> None:
        self._number += 1
        self._changed.set()
        self._changed = asyncio.Event()


def _door_now(context: Context) -> tuple[object, ...]:
    status = door_status(context.state)
    if status is None:
        return ()
    shown = status.signal, status.reason, status.typed, status.residents, status.bell
    return status.mode, status.leaf, status.standing, status.faults, *shown


def _vision_of(status: VisionStatus | None) -> _Vision:
    return status is not None, sees(status, time.monotonic())


@router.get("/live", response_class=StreamingResponse)
async def follow(request: Request, actor: Watcher, beats: bool = False) -> StreamingResponse:
    """Server-sent events named `change`, whenever somebody is let in or refused, or door or vision does something.

    Each says {"now": seconds of the gate's own clock}: an order to the door can say by it when it was given.

    With `beats`, events named `beat` too, twice a second: whoever hears none for longer knows that the gate is silent.
    """
    return streamed(request, actor, _PAGES_GAP_S, beats=beats)


def _event(name: str) -> str:
    return f'event: {name}\ndata: {{"now": {time.monotonic():.3f}}}\n\n'


def streamed(request: Request, actor: Actor | None, gap_s: float = 0.0, *, beats: bool = False) -> StreamingResponse:
    """The answer that tells of each change. Raises HttpProblem where too many are told already."""
    changes: Changes = request.app.state.changes
    events = changes.follow(actor, getattr(request.state, "place", None), gap_s, beats=beats)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
