"""What changes, as it changes: server-sent events for pages that are open."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import closing

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api.asked_first import AskedFirst
from api.context import Context, Watcher, door_status
from api.problems import RESPONSES, HttpProblem
from gate.errors import FacegateError
from gate.store.database import open_read_only
from gate.store.search import last_line
from gate.vocabulary import ENTERED, Kind

router = APIRouter(route_class=AskedFirst, prefix="/api/v1", tags=["live"], responses=RESPONSES)

_LOOK_EVERY_S = 0.05
# The screen at the gate answers within a fifth of a second.
_ASK_DOOR_EVERY_S = 0.08
# Proxies and browsers give up on a stream that says nothing.
_KEEP_ALIVE_S = 15.0
_MOST = 200
# A page of the console is fetched again at each change: fifty of them must not keep the machine busy.
_PAGES_GAP_S = 0.3


class Changes:
    """Watches record and door for all open pages at once, and only while there are any."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._waiting = 0
        self._number = 0
        self._made: dict[tuple[int, Hashable], bytes] = {}
        self._making = threading.Lock()

    async def stream(self, gap_s: float = 0.0) -> AsyncIterator[str]:
        """Server-sent events: one `change` at the start and after each change, `gap_s` apart at least."""
        self._waiting += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            while True:
                told = self._changed
                yield "event: change\ndata: {}\n\n"
                await asyncio.sleep(gap_s)
                while not told.is_set():
                    try:
                        await asyncio.wait_for(told.wait(), _KEEP_ALIVE_S)
                    except TimeoutError:
                        yield ": still here\n\n"
        finally:
            self._waiting -= 1
            if self._waiting == 0 and self._watching is not None:
                self._watching.cancel()

    def made_once(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """What `make` makes of the state of things: for all who ask for the same between two changes once.

        Fifty pages fetch themselves again at each change, and only the first of them costs more than a look.
        """
        if self._waiting == 0:
            # Nobody is watching, so nobody would tell that something changed.
            return make()
        with self._making:
            whole = (self._number, key)
            if whole not in self._made:
                made = make()
                self._made = {old: page for old, page in self._made.items() if old[0] == self._number} | {whole: made}
            return self._made[whole]

    @property
    def full(self) -> bool:
        """Whether more pages would be too many."""
        return self._waiting >= _MOST

    async def _watch(self) -> None:
        asked_mono, seen, door = float("-inf"), None, None
        clock = asyncio.get_running_loop().time
        while True:
            try:
                with closing(open_read_only(self._context.state)) as connection:
                    while True:
                        if clock() - asked_mono >= _ASK_DOOR_EVERY_S:
                            asked_mono = clock()
                            door = await asyncio.to_thread(_door_now, self._context)
                        now = (*(last_line(connection, kind) for kind in (*ENTERED, Kind.DENIED)), door)
                        if seen is not None and now != seen:
                            self._tell()
                        seen = now
                        await asyncio.sleep(_LOOK_EVERY_S)
            except (sqlite3.Error, FacegateError):
                await asyncio.sleep(1)

    def _tell(self) -> None:
        self._number += 1
        self._changed.set()
        self._changed = asyncio.Event()


def _door_now(context: Context) -> tuple[object, ...]:
    status = door_status(context) or {}
    return tuple(
        str(status.get(name)) for name in ("mode", "leaf", "standing", "faults", "signal", "reason", "residents")
    )


@router.get("/live", response_class=StreamingResponse)
async def follow(request: Request, _actor: Watcher) -> StreamingResponse:
    """Server-sent events named `change`, whenever somebody is let in or refused, or the door does something."""
    changes: Changes = request.app.state.changes
    if changes.full:
        raise HttpProblem(503, "Too many pages follow the gate already.")
    return StreamingResponse(
        changes.stream(_PAGES_GAP_S), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
