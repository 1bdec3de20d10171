"""Connections that say nothing, or say it too slowly, or are too many from one address: they are hung up on."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Hung up on at once: a client that says nothing does not answer a farewell either.
# A request's first line and headers arrive within this, seconds.
HEADERS_WITHIN_S = 10.0
# Of the connections there may be at all no one address holds more than half.
MOST_FROM_ONE_ADDRESS = 200


class Connection(H11Protocol):
    """One connection, with a deadline for each request's headers; uvicorn has none."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """A client has come."""
        super().connection_made(transport)
        if sum(1 for one in self.connections if _address(one) == _address(self)) > MOST_FROM_ONE_ADDRESS:
            transport.abort()
            return
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Something came; a request has begun, or its headers are there."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait_for_headers()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        # Counted from the first byte: one byte now and then does not put it off.
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_WITHIN_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _address(connection: object) -> str | None:
    client = getattr(connection, "client", None)
    return client[0] if client else None
