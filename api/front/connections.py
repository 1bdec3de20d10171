"""Connections that say nothing, say it too slowly, or do not stop: they are hung up on."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.front.listening import Doors
from api.front.slots import Place, Whose

# Hung up on at once: a client that says nothing does not answer a farewell either.
# A request's first line and headers arrive within this, seconds.
HEADERS_WITHIN_S = 10.0
# So long may a connection last of which nobody knows whose it is, whatever it does, seconds.
ANYBODYS_WITHIN_S = 60.0
# Who sends on although the answer is there has so long to read it, and so much of it is thrown away.
_LINGER_S = 2.0
_LINGER_BYTES = 1 << 20


class Connection(H11Protocol):
    """One connection, with a place of its own and deadlines; uvicorn has neither."""

    _deadline: asyncio.TimerHandle | None = None
    _place: Place | None = None
    _thrown_away = 0

    def __init__(self, *given: Any, doors: Doors, **named: Any) -> None:
        super().__init__(*given, **named)
        self._doors = doors
        self._heard = self.app
        self.app = self._with_place

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """A client has come, and its TLS stands."""
        super().connection_made(transport)
        self._place = self._doors.place_of(transport.get_extra_info("socket"), transport.abort)
        if self._place is None:
            transport.abort()
            return
        self._life = self.loop.call_later(ANYBODYS_WITHIN_S, self._end_of_anybodys)
        self._wait(HEADERS_WITHIN_S)

    def data_received(self, data: bytes) -> None:
        """Something came; a request has begun, or its headers are there."""
        if self._is_answered_early():
            self._thrown_away += len(data)
            if self._thrown_away > _LINGER_BYTES:
                self.transport.pause_reading()
                return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait(HEADERS_WITHIN_S)
        elif not self._is_answered_early():
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """The answer is there. What is still sent of the question is not read to its end."""
        super().on_response_complete()
        if self._is_answered_early():
            self._thrown_away = 0
            self._wait(_LINGER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        if self._place is not None:
            self._life.cancel()
        super().connection_lost(exc)

    async def _with_place(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["place"] = self._place
        await self._heard(scope, receive, send)

    def _end_of_anybodys(self) -> None:
        if self._place is not None and self._place.whose is Whose.ANYBODYS:
            self.transport.abort()

    def _is_answered_early(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _wait(self, within_s: float) -> None:
        # Counted from the first byte: one byte now and then does not put it off.
        if self._deadline is None:
            self._deadline = self.loop.call_later(within_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
