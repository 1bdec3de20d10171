"""A line to a broker of a compound: TLS 1.3 to one certificate alone, and tried again for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from gate.fleet.joined import Place
from gate.processes.starting import tell_ready

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

_log = logging.getLogger(__name__)

_AGAIN_S = 0.5
# Whoever is not let in asks less often.
_REFUSED_S = 5.0
_WITHIN_S = 3
_PING_EVERY_S = 5
_STOP_WITHIN_S = 2.0
# X509_V_FLAG_NO_CHECK_TIME, which the library of this Python has no name for.
_NO_CHECK_TIME = 0x200000
_STUCK_S = 20.0
_FETCH_S, _REST_S = 5.0, 0.02
# So many are read as they come, and one more each second.
_TURNS_AT_ONCE, _CALM_S = 100.0, 1.0


class Ended(Exception):
    """A line that does not come back by itself: the broker closed it for a reason."""


def trusting(certificate: str) -> ssl.SSLContext:
    """TLS to whoever has the key of this certificate (PEM), whatever they are called."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    # It is this one certificate whatever the time: a gate whose clock is wrong is not cut off by that.
    context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(cadata=certificate)
    return context


class Line:
    """Where brokers are, and as whom one speaks to them: one at a time, and to another where that is away."""

    def __init__(
        self, places: Sequence[Place], certificate: str, nkey_seed: str, name: str, inbox: str,
        again_s: float = _AGAIN_S,
    ) -> None:  # fmt: skip
        """`places` in the order in which they are tried; `certificate` is the brokers' own, PEM; `inbox` begins the
        subjects under which one is answered; `again_s` is waited between two tries."""
        self._places = list(places)
        self._trust = trusting(certificate)
        self._nkey_seed, self._name, self._inbox, self._again_s = nkey_seed, name, inbox, again_s
        self._said: set[str] = set()
        self._broker: Client | None = None
        self._closed = asyncio.Event()
        self._elsewhere = False
        self.at: Place | None = None
        """Where it is, or was last."""
        self.refused = False
        """Whether the broker does not let this key in."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it looks for a broker."""
        return tuple(self._places)

    def know(self, places: Sequence[Place]) -> None:
        """From now on look for a broker there, in this order, once this line is cut: at once where this one is at none
        of them."""
        if list(places) == self._places or not places:
            return
        self._places = list(places)
        if self._broker is not None and not self._broker.is_closed:
            self._broker.set_server_pool([_url(one) for one in places])
        if self.at not in self._places:
            self.leave()

    def leave(self) -> None:
        """Look at once for another broker than this one, which is tried last."""
        if self._broker is None or not self._broker.is_connected:
            return
        if self.at in self._places:
            self._places.remove(self.at)
            self._places.append(self.at)
        self._elsewhere = True
        self._closed.set()

    async def for_ever(self, work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        """Have a line and do the work on it, anew whenever it was closed for good, and at another broker. A line that
        is cut and comes back by itself to the same one goes on, and the work with it."""
        # Of each line that is cut it says in its own words what is told here.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        while True:
            async with self._connected() as broker:
                try:
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(_end_when(self._closed, broker))
                        tasks.create_task(work(broker))
                except* Ended:
                    if not self._elsewhere:
                        _log.warning("The broker at %s closed the line.", self._there())
            await asyncio.sleep(_AGAIN_S if self._elsewhere else _REFUSED_S)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        from nats.aio.client import Client

        self._elsewhere = False
        # Where a broker dies in the middle of a first handshake the library waits for ever (seen of nats-py 2.16, whose
        # `_close` waits for the transport).
        while True:
            closed, broker = asyncio.Event(), Client()
            try:
                async with asyncio.timeout(_STUCK_S):
                    await self._connect(broker, closed)
                break
            except TimeoutError:
                await _close(broker)
        self._broker, self._closed = broker, closed
        self.refused = False
        self.at = self._reached()
        try:
            yield broker
        finally:
            await _close(broker)

    async def _connect(self, broker: Client, closed: asyncio.Event) -> None:
        async def ended() -> None:
            closed.set()

        await broker.connect(
            [_url(one) for one in self._places],
            dont_randomize=True,
            tls=self._trust,
            nkeys_seed_str=self._nkey_seed,
            name=self._name,
            inbox_prefix=self._inbox,
            error_cb=self._failed,
            disconnected_cb=self._lost,
            reconnected_cb=self._back,
            closed_cb=ended,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=self._again_s,  # type: ignore[arg-type] # half a second is waited as well
            connect_timeout=_WITHIN_S,
            ping_interval=_PING_EVERY_S,
            max_outstanding_pings=2,
        )

    def _reached(self) -> Place | None:
        """At which of the places the broker is that answers now."""
        url = None if self._broker is None else self._broker.connected_url
        return None if url is None else next((one for one in self._places if _url(one) == url.geturl()), None)

    def _there(self) -> str:
        return str(self.at or self._places[0])

    async def _failed(self, error: Exception) -> None:
        words = str(error) or type(error).__name__
        self.refused = "authorization" in words.lower()
        if words not in self._said:
            self._said.add(words)
            _log.warning("The broker at %s: %s", ", ".join(map(str, self._places)), words)

    async def _lost(self) -> None:
        # The end that this one makes is told too.
        if self._broker is None or not self._broker.is_closed:
            _log.warning("The line to the broker at %s is cut.", self._there())

    async def _back(self) -> None:
        self.refused = False
        self._said.clear()
        now = self._reached()
        if now != self.at:
            # Whoever asked the one before asks this one anew.
            self._elsewhere = True
            if now in self._places:
                self._places.remove(now)
                self._places.insert(0, now)
            self._closed.set()
            return
        _log.info("The line to the broker at %s is back.", self._there())


def _url(place: Place) -> str:
    return f"tls://{place}"


async def _end_when(closed: asyncio.Event, broker: Client) -> None:
    try:
        await closed.wait()
    finally:
        # Whoever is told to end while they ask may not hear of it, and sees that the line is closed: here too, where
        # all is given up, since a group says it to its tasks once.
        await _close(broker)
    raise Ended


async def _close(broker: Client) -> None:
    with suppress(Exception):
        async with asyncio.timeout(_AGAIN_S):
            await broker.close()


async def fetched(
    subscription: JetStreamContext.PullSubscription, most: int, *, calmly: bool = False
) -> AsyncIterator[list[Msg]]:  # fmt: skip
    """What comes by a consumer, for ever: the first message at once and alone, then those that wait behind it.
    `calmly`: where they come one by one for long, as in an import, those of a second together.

    Whoever asks the library for several waits until so many have come, or for as long as they would wait for one.
    """
    turns, as_of = _TURNS_AT_ONCE, time.monotonic()
    while True:
        try:
            yield await subscription.fetch(1, timeout=_FETCH_S)
        except TimeoutError:
            continue
        behind = 0
        with suppress(TimeoutError):
            some = await subscription.fetch(most, timeout=_REST_S)
            behind = len(some)
            yield some
        now = time.monotonic()
        turns, as_of = min(_TURNS_AT_ONCE, turns + (now - as_of) / _CALM_S) - 1, now
        # Of each message that is read alone the broker writes to its disk which one it was, for every gate.
        if calmly and turns < 1 and behind < most:
            await asyncio.sleep(_CALM_S)


async def until_told(work: Awaitable[None]) -> None:
    """Do the work until a signal asks to stop; it is given no longer than two seconds for that, since whoever waits
    for a line that is cut may not hear of it."""
    running, loop = asyncio.current_task(), asyncio.get_running_loop()

    def stop() -> None:
        loop.call_later(_STOP_WITHIN_S, os._exit, 0)
        if running is not None:
            running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    tell_ready()
    with suppress(asyncio.CancelledError):
        await work
