"""The register on its way from the broker into a store, with the keys that it is read with; and all of it at once."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gate.errors import Sentence, UsageError
from gate.fleet import keys
from gate.fleet.connection import Line, fetched
from gate.fleet.joined import Joined, place_of
from gate.fleet.names import HEAD, REGISTER, GateNames
from gate.fleet.register import Fate, Register

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

# So few that a revocation among many who are enrolled waits for no long transaction.
_AT_ONCE = 25
_LATER_S, _HELD_S, _AGAIN_S = 0.3, 60.0, 0.5
_ANSWERED_WITHIN_S = 5.0
_ALL_WITHIN_S = 180.0
# Brokers that begin anew have no consumers for a moment.
_UNANSWERED_S, _IN_A_ROW_S = 3.0, 2.0
_NOT_ALL = Sentence(
    "What the centre knows did not come within three minutes, so nothing was changed here. Look whether the centre"
    " runs: facegate centre gates. Then try again with a new invitation."
)


def line_of(joined: Joined, known: Sequence[str] = ()) -> Line:
    """The gate's line to the broker of its centre: where that is known to be, and at last where the gate joined."""
    places = [*map(place_of, known)]
    places += [joined.place] if joined.place not in places else []
    return Line(places, joined.certificate, joined.nkey_seed, joined.gate, GateNames(joined.gate).inbox)


class Through:
    """Up to which message of the stream all is taken that came by one consumer."""

    def __init__(self) -> None:
        self._newest = 0
        self._open: set[int] = set()
        self._deliveries = 0
        # Up to where all was here when a delivery was lost with the line: it comes again, and nobody knows when.
        self._before_gap: int | None = None

    def came(self, number: int, delivery: int) -> None:
        """This one is here, and not taken yet; it comes again until it is. `delivery` counts what the consumer gave."""
        if delivery <= self._deliveries:
            # The consumer was made anew, behind what was said of this one.
            self._newest, self._before_gap = self.number, None
            self._open.clear()
        elif delivery > self._deliveries + 1 and self._before_gap is None:
            self._before_gap = self._newest
        self._deliveries = delivery
        self._open.add(number)
        self._newest = max(self._newest, number)

    def done(self, number: int) -> None:
        """It does not come again."""
        self._open.discard(number)

    @property
    def number(self) -> int:
        """Up to this one nothing is open, and nothing was lost on the way."""
        here = min(self._open) - 1 if self._open else self._newest
        return here if self._before_gap is None else min(here, self._before_gap)


class Unanswered:
    """Which consumers are at no broker, and for how long. Brokers that begin anew have none for a moment."""

    def __init__(self) -> None:
        # Since when, and when last, one was asked and nobody answered for it, in monotonic seconds.
        self._asked: dict[str, tuple[float, float]] = {}

    def note(self, consumer: str, now: float) -> None:
        """Nobody answers for this one; `now` is in monotonic seconds."""
        since, last = self._asked.get(consumer, (now, now))
        self._asked[consumer] = (since if now - last < _IN_A_ROW_S else now), now

    def holds(self, now: float) -> bool:
        """Whether nobody has answered for one of them for some seconds."""
        return any(now - last < _IN_A_ROW_S and last - since > _UNANSWERED_S for since, last in self._asked.values())


class Reader:
    """Reads the register's consumers of one gate."""

    def __init__(self, joined: Joined, register: Register) -> None:
        self._joined = joined
        self._names = GateNames(joined.gate)
        self._register = register
        self.moved_mono = float("-inf")
        """When something was taken last, by the monotonic clock."""
        self._through: dict[str, Through] = {}
        self._unanswered = Unanswered()

    @property
    def is_unanswered(self) -> bool:
        """Whether one of the consumers has been at no broker for some seconds."""
        return self._unanswered.holds(time.monotonic())

    def through(self) -> dict[str, int]:
        """Up to which message of the stream all is taken, by what each consumer is for."""
        return {self._names.of(consumer): one.number for consumer, one in self._through.items() if one.number > 0}

    def begin_anew(self) -> None:
        """The stream may be another one, whose numbers say something else."""
        self._through.clear()

    async def take_from(self, broker: Client, consumer: str) -> None:
        """Take what comes by a consumer, for ever. Raises nats.errors.Error, TimeoutError, sqlite3.Error."""
        from nats.js.errors import ServiceUnavailableError

        subscription = await broker.jetstream().pull_subscribe_bind(consumer=consumer, stream=REGISTER)
        try:
            calmly = consumer != self._names.revocations
            async for some in fetched(subscription, _AT_ONCE, calmly=calmly):
                through = self._through.setdefault(consumer, Through())
                for one in some:
                    through.came(one.metadata.sequence.stream, one.metadata.sequence.consumer)
                await self._take(broker, some, through)
        except ServiceUnavailableError:
            self._unanswered.note(consumer, time.monotonic())
            raise
        finally:
            with suppress(Exception):
                await subscription.unsubscribe()

    async def _take(self, broker: Client, some: list[Msg], through: Through) -> None:
        batch = self._register.checked([one.data for one in some])
        unknown: frozenset[str] = frozenset()
        if wanted := self._register.missing_keys(batch):
            given = await self._keys_or_later(broker, wanted, some)
            self._register.keep_keys(given)
            unknown = frozenset(wanted) - given.keys()
        for one, fate in zip(some, self._register.take(batch, unknown), strict=True):
            match fate:
                case Fate.DONE:
                    self.moved_mono = time.monotonic()
                    through.done(one.metadata.sequence.stream)
                    await one.ack()
                case Fate.LATER:
                    await one.nak(delay=_LATER_S)
                case Fate.HELD:
                    await one.nak(delay=_HELD_S)
                case Fate.REFUSED:
                    through.done(one.metadata.sequence.stream)
                    await one.term()

    async def _keys_or_later(self, broker: Client, wanted: list[str], some: list[Msg]) -> dict[str, bytes]:
        """The same keys; where the centre does not answer, the messages come again in a moment, and not when the broker
        believes that whoever has them is gone."""
        from nats.errors import Error

        try:
            return await self._keys(broker, wanted)
        except (Error, TimeoutError):
            for one in some:
                await one.nak(delay=_LATER_S)
            raise

    async def _keys(self, broker: Client, wanted: list[str]) -> dict[str, bytes]:
        """The keys of residents, from the centre itself: no stream ever holds one."""
        answer = await broker.request(self._names.keys, json.dumps(wanted).encode(), timeout=_ANSWERED_WITHIN_S)
        try:
            said = json.loads(keys.open_sealed(self._joined.box_seed, answer.data))
            return {identity: b64decode(key) for identity, key in said.items() if identity in wanted}
        except (keys.NotForUs, ValueError, AttributeError, TypeError) as error:
            _log.error("The centre's answer with keys cannot be read: %s", error)
            raise TimeoutError from error


def read_all(joined: Joined, connection: sqlite3.Connection) -> None:
    """The whole register of a centre, into a store that follows it. Raises UsageError where it does not come."""
    try:
        asyncio.run(asyncio.wait_for(_read_all(joined, connection), _ALL_WITHIN_S))
    except TimeoutError as error:
        raise UsageError(_NOT_ALL) from error


async def _read_all(joined: Joined, connection: sqlite3.Connection) -> None:
    from nats.errors import Error

    register, whole = Register(connection, joined.signer), asyncio.Event()
    reader = Reader(joined, register)

    async def hear(said: Msg) -> None:
        heard = register.hear(said.data)
        if heard is not None and heard.whole:
            whole.set()

    async def take(broker: Client, consumer: str) -> None:
        while not broker.is_closed:
            # The centre makes the consumers of a gate a moment after it joined.
            with suppress(Error, TimeoutError, OSError):
                await reader.take_from(broker, consumer)
            await asyncio.sleep(_AGAIN_S)

    async def carry(broker: Client) -> None:
        await broker.subscribe(HEAD, cb=hear)
        async with asyncio.TaskGroup() as tasks:
            for consumer in GateNames(joined.gate).consumers:
                tasks.create_task(take(broker, consumer))

    reading = asyncio.ensure_future(line_of(joined).for_ever(carry))
    try:
        await whole.wait()
    finally:
        # Once is not enough: while it connects the library may swallow that.
        while not reading.done():
            reading.cancel()
            await asyncio.wait([reading], timeout=_AGAIN_S)
        with suppress(asyncio.CancelledError):
            await reading
