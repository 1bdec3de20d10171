"""The broker's side of the register: its streams and consumers, and what is put into them.

The broker is not where truth lives: when its store is another than the one the centre left, all is published anew, as
a new epoch.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import APIError, NotFoundError

from gate.fleet import messages
from gate.fleet.keys import signer
from gate.fleet.names import REGISTER, REQUESTS, GateNames
from gate.store.compound.entries import RegisterKind
from gate.store.compound.outbox import Broker, Due, Unheard

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

_log = logging.getLogger(__name__)

TAKER = "centre"
"""The consumer by which the centre takes what gates ask."""
# After a link that died in the middle: to come twice does no harm.
_ACK_WAIT_S = 5.0
_MOST_UNREAD = 1000
_MOST_UNHEARD = 100
# Each is some writes, and whoever was revoked meanwhile waits; the rest goes the next time.
_MOST_OTHERS = 200
_ASKED_WITHIN_S = 5.0
# How a stream is, a broker knows at once, or, while a cluster has nobody who leads, says nothing at all.
_KNOWN_WITHIN_S = 2.0
_EXPECTED = "Nats-Expected-Last-Sequence"
_CONSUMER_NAMES = f"$JS.API.CONSUMER.NAMES.{REGISTER}"


class RegisterStream:
    """The streams at the broker, over one connection. The centre's loop owns it."""

    def __init__(self, broker: Client, signer_seed: bytes) -> None:
        self._broker = broker
        self._stream: JetStreamContext = broker.jetstream(timeout=_ASKED_WITHIN_S)
        self._looks: JetStreamContext = broker.jetstream(timeout=_KNOWN_WITHIN_S)
        self._signer = signer(signer_seed)

    async def look(
        self, known: Broker, published: int, first: int | None, copies: int
    ) -> tuple[int, Broker] | None:  # fmt: skip
        """None where the register's stream is as this centre left it, with all the entries that it `published`, the
        `first` of them where that is known; else with which epoch to begin at least, and how the stream is now. Makes
        the streams where there are none, each at so many brokers. Raises nats.errors.Error."""
        found = await self._made(_REGISTER.evolve(num_replicas=copies))
        await self._made(_REQUESTS.evolve(num_replicas=copies))
        await self._stream.add_consumer(
            REQUESTS,
            ConsumerConfig(durable_name=TAKER, ack_policy=AckPolicy.EXPLICIT, ack_wait=_ACK_WAIT_S, max_deliver=-1),
        )
        now = Broker(found.created.isoformat() if found.created else None, found.state.last_seq)
        if now == known:
            if first is not None and found.state.first_seq < first:
                found = await self._without_others(first)
            # The newest of each subject alone is there: as many as there are entries, or some were lost.
            if found.state.messages >= published:
                return None
        return await self._epoch(found) + 1, now

    async def _without_others(self, first: int) -> StreamInfo:
        """The stream without what lies before the first of this centre's messages, as what somebody else put there:
        it would stand for as many that were lost."""
        found = await self._looks.stream_info(REGISTER)
        for _ in range(_MOST_OTHERS):
            if not found.state.messages or found.state.first_seq >= first:
                break
            await self.erase(found.state.first_seq)
            found = await self._looks.stream_info(REGISTER)
        return found

    async def unheard(self, known: Broker, now: Broker) -> list[Unheard] | None:
        """What this centre put there and heard no answer to; None where the stream is another than it knew, or more
        came to it than that. Raises nats.errors.Error."""
        if now.stream != known.stream or not 0 < now.last_sequence - known.last_sequence <= _MOST_UNHEARD:
            return None
        found = []
        for sequence in range(known.last_sequence + 1, now.last_sequence + 1):
            try:
                kept = await self._stream.get_msg(REGISTER, seq=sequence)
                header = messages.checked(kept.data or b"", self._signer.public_key()).header
                found.append(Unheard(sequence, RegisterKind(header.kind), header.id, header.of))
            except NotFoundError:
                continue
            except ValueError:
                return None
        return found

    async def _made(self, wanted: StreamConfig) -> StreamInfo:
        name = str(wanted.name)
        try:
            return await self._looks.stream_info(name)
        except NotFoundError:
            return await self._stream.add_stream(wanted)

    async def _epoch(self, found: StreamInfo) -> int:
        """The epoch of the newest message there, so that a new one is later; 0 where there is none."""
        if not found.state.messages:
            return 0
        try:
            last = await self._stream.get_msg(REGISTER, seq=found.state.last_seq)
            return messages.checked(last.data or b"", self._signer.public_key()).header.epoch
        except (NotFoundError, ValueError):
            return 0

    async def publish(self, batch: Sequence[Due], last_sequence: int) -> list[tuple[Due, int]]:
        """Put entries into the register, in their order; those that are there then, each with its number.

        Raises nats.errors.Error where none is: another wrote in between, or there is no line.
        """
        asked = [
            self._stream.publish(
                messages.subject(one.kind, one.entry.id),
                messages.sealed(
                    one.kind,
                    one.version,
                    one.entry,
                    one.key,
                    secrets.token_bytes(messages.NONCE_BYTES),
                    self._signer,
                    limited=one.limited,
                ),
                headers={_EXPECTED: str(last_sequence + place)},
            )
            for place, one in enumerate(batch)
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        done = [
            (one, told.seq) for one, told in zip(batch, answers, strict=True) if not isinstance(told, BaseException)
        ]
        wrong = next((told for told in answers if isinstance(told, BaseException)), None)
        if wrong is not None:
            _log.warning("%d of %d entries could not be published: %s", len(batch) - len(done), len(batch), wrong)
        if not done and wrong is not None:
            raise wrong
        return done

    async def erase(self, sequence: int) -> None:
        """Overwrite a message in the broker's files. Raises nats.errors.Error; one that is gone is erased."""
        try:
            await self._stream.delete_msg(REGISTER, sequence)
        except NotFoundError:
            return
        except APIError as error:
            # No message found: another of the same subject took its place.
            if error.err_code not in (10037, 10043):
                raise

    async def say(self, subject: str, head: messages.Head) -> None:
        """Say where the register ends, to all who listen now."""
        await self._broker.publish(subject, messages.HEAD.data(head, self._signer))

    async def away(self) -> set[str]:
        """The brokers of the cluster that have not all, or were not heard lately, as the one says that leads them.
        Raises nats.errors.Error."""
        found = (await self._looks.stream_info(REGISTER)).cluster
        replicas = [] if found is None else found.replicas or []
        return {one.name for one in replicas if one.name and (one.offline or not one.current)}

    async def served(self, *, clustered: bool) -> set[str]:
        """The gates that have their consumers, by their ids. Raises nats.errors.Error."""
        found = await self._consumers_of_cluster() if clustered else await self._consumers_in_memory()
        gates = {name.rpartition("_")[0] for name in found}
        return {gate for gate in gates if GateNames(gate).consumers.keys() <= found}

    async def _consumers_in_memory(self) -> set[str]:
        """Those of a version before are on the disk."""
        found: set[str] = set()
        listed = 0
        while some := await self._stream.consumers_info(REGISTER, offset=listed):
            found |= {one.name for one in some if one.config.mem_storage}
            listed += len(some)
        return found

    async def _consumers_of_cluster(self) -> set[str]:
        """Their names alone: how each is, one broker of a cluster asks the others, and waits seconds for each that
        leads nobody yet."""
        found: set[str] = set()
        while True:
            asked = json.dumps({"offset": len(found)}).encode()
            answer = await self._broker.request(_CONSUMER_NAMES, asked, timeout=_KNOWN_WITHIN_S)
            told = json.loads(answer.data)
            if "error" in told:
                raise APIError.from_error(told["error"])
            some = told.get("consumers") or []
            found.update(some)
            if not some or len(found) >= told["total"]:
                return found

    async def begin_consumers(self, gate: str, through: Mapping[str, int]) -> None:
        """Have a gate's consumers, each behind what the gate has already (`Report.through`). Raises nats.errors.Error.

        They are in the broker's memory: on its disk each message that each gate has taken is a write, and so is what is
        on the way to it; thousands a second at two hundred gates, before which a revocation waits. Of a cluster each is
        at one broker: where that dies the gate says so, and is given another (`Report.unanswered`).
        """
        names = GateNames(gate)
        await asyncio.gather(
            *(
                self._begin_consumer(name, subjects, through.get(names.of(name), 0))
                for name, subjects in names.consumers.items()
            )
        )

    async def _begin_consumer(self, name: str, subjects: Sequence[str], has: int) -> None:
        await self._drop(name)
        await self._stream.add_consumer(
            REGISTER,
            ConsumerConfig(
                durable_name=name,
                filter_subjects=list(subjects),
                mem_storage=True,
                num_replicas=1,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE if has > 0 else DeliverPolicy.ALL,
                opt_start_seq=has + 1 if has > 0 else None,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=_ACK_WAIT_S,
                max_ack_pending=_MOST_UNREAD,
                max_deliver=-1,
            ),
        )

    async def end_consumers(self, gate: str) -> None:
        """A gate follows no more. Raises nats.errors.Error."""
        for name in GateNames(gate).consumers:
            await self._drop(name)

    async def _drop(self, consumer: str) -> None:
        # A cluster drops it where the broker that had it is dead, too, and nobody is left who would say so.
        with suppress(NotFoundError, TimeoutError):
            await self._looks.delete_consumer(REGISTER, consumer)


_REGISTER = StreamConfig(
    name=REGISTER, subjects=["register.>"], max_msgs_per_subject=1, storage=StorageType.FILE,
    deny_purge=True, allow_direct=False,
)  # fmt: skip
_REQUESTS = StreamConfig(
    name=REQUESTS, subjects=["requests.*"], retention=RetentionPolicy.WORK_QUEUE, storage=StorageType.FILE,
    max_msgs_per_subject=10_000,
)  # fmt: skip
