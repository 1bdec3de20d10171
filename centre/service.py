"""The process that publishes the register, and takes gates in; what they say and ask is heard by `centre.followers`."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from centre.broker import Where, end_broker, has_room, is_clustered, keep_up
from centre.cluster import MOST, BrokerKeys, is_whole, name_of, routes
from centre.far_cameras import FarCameras
from centre.followers import Followers
from centre.gathering import OWN, Gathering, Next
from centre.invitation import last_invitation
from centre.other import Other
from centre.pairing import PairingDesk
from centre.passages import Passages
from centre.records import Records
from centre.secrets import KeysLost, Secrets, broker_keys, broker_keys_given, has_secrets, secrets_for
from gate.errors import FacegateError, UsageError
from gate.fleet import messages
from gate.fleet.centre_status import CentreStatus, Invited, write_status
from gate.fleet.connection import Line, fetched, until_told
from gate.fleet.joined import RESTORED_BEFORE, Place, place_of
from gate.fleet.names import HEAD, REQUESTS
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter
from gate.store.compound import door_orders, gates, items, outbox, recovery, succession
from gate.store.compound.entries import RegisterKind
from gate.store.compound.gates import Gate
from gate.store.compound.outbox import Due
from gate.store.compound.role import Part, become_centre, part
from gate.store.database import open_database
from gate.store.people import credentials, elsewhere

if TYPE_CHECKING:
    from nats.aio.client import Client

    from centre.stream import RegisterStream

_log = logging.getLogger(__name__)

_AT_ONCE = 50
_TURN_S = 0.03
# Two hundred a second while many are imported: a revocation among them is quick at every gate.
_BREATH_S = 0.25
_HEAD_EVERY_S = 10.0
_AGAIN_S = 0.5
# At most so often, however many gates say something: each time it is said of all of them.
_STATUS_EVERY_S, _STATUS_BREATH_S = 2.0, 0.2
# A tick is never said twice, whatever the clock does: the start it belongs to stands before it.
_TICKS_A_START = 1 << 32
_RECOVERS = (
    "The centre came back from a backup, or was promoted, and asks its gates for what it lacks; until they gave it"
    " back nobody new is published. Still to come: %s. To go on without: facegate centre go-on"
)
_SUPERSEDED = (
    "Another centre leads in the place of this one, which publishes nothing any more. Have this machine follow it: sudo"
    " facegate join ADDRESS CODE; what it took and never passed on is proposed there then."
)
_GATES_AT_ONCE, _UNSERVED_S = 10, 30.0
# Until a gate can have heard of consumers that it was given.
_BEGUN_S = 5.0
# To drop what was at a dead broker is to wait for nobody, for two seconds, however many there are.
_LOST_AT_ONCE = 50
_LOOK_FOR_BROKERS_S, _THERE_WITHIN_S = 5.0, 3.0
_REFUSES_S = 30.0


class Centre:
    """The register's publisher. Its loop owns the connection to the store."""

    def __init__(
        self, state: Path, connection: sqlite3.Connection, secrets: Secrets, where: Where, pairing_port: int
    ) -> None:  # fmt: skip
        self._state = state
        self._connection = connection
        self._where, self._pairing_port = where, pairing_port
        self._secrets = secrets
        self._keys = broker_keys(secrets)
        address = "127.0.0.1" if where.listen in ("0.0.0.0", "::") else where.listen  # noqa: S104 - it is asked for
        self._own = Place(address, where.port)
        self._line = Line([self._own], secrets.certificate, secrets.nkey_seed, "centre", "_INBOX_centre")
        self._gathering = Gathering(clustered=is_clustered(state))
        self._stream: RegisterStream | None = None
        # Since when there is this line, monotonic seconds.
        self._line_mono = time.monotonic()
        self._tick = outbox.count_start(connection) * _TICKS_A_START
        self._followers = Followers(connection, self._secrets)
        self._passages = Passages(connection, self._secrets, self._followers)
        self._records = Records(connection, self._secrets, self._followers)
        # Until when a gate for which the broker has no room is not tried again (monotonic seconds).
        self._unserved: dict[str, float] = {}
        # When each was given its consumers last (monotonic seconds).
        self._begun_mono: dict[str, float] = {}
        # As the store was when the gates were looked at.
        self._gates_as_of: tuple[int, int] | None = None
        # The newest order of which the gates were told.
        self._orders = 0
        self._missing: tuple[str, ...] = ()
        self._broker: Client | None = None
        # Whether the stream is known to be as this centre left it.
        self._in_step = False
        # Since when the broker takes nothing.
        self._refused_mono: float | None = None

    async def run(self) -> None:
        """Until it is cancelled, or another centre leads: then it is started anew, and leads no more."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            other = Other(self._connection, self._secrets)
            tasks.create_task(other.watch())
            if succession.superseded(self._connection) is not None:
                _log.error(_SUPERSEDED)
                end_broker(self._state)
                return
            # Before anything is published.
            await other.asked()
            far = FarCameras(self._state, self._secrets, self._followers, lambda: self._tick, lambda: self._broker)
            tasks.create_task(far.answer())
            self._follow_gates()
            tasks.create_task(self._gather_brokers())
            desk = PairingDesk(
                self._state, self._secrets, self._where.port, lambda: credentials.salt(self._connection), self._take_in
            )
            tasks.create_task(self._serve_desk(desk))
            await self._line.for_ever(self._carry)

    async def _carry(self, broker: Client) -> None:
        from centre.stream import RegisterStream

        self._broker, self._in_step, self._line_mono = broker, False, time.monotonic()
        self._stream = stream = RegisterStream(broker, self._secrets.signer_seed)
        await self._followers.listen(broker)
        await self._passages.listen(broker)
        await self._records.listen(broker)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._while_open(self._publish, broker, broker, stream))
            tasks.create_task(self._while_open(self._say_heads, broker, stream))
            tasks.create_task(self._while_open(self._take_requests, broker))
            tasks.create_task(self._records.keep())

    async def _serve_desk(self, desk: PairingDesk) -> None:
        while True:
            try:
                await desk.serve(self._where.listen, self._pairing_port)
            except OSError as error:
                _log.error("Gates cannot be paired: %s", error)
                await asyncio.sleep(_HEAD_EVERY_S)

    async def _while_open(self, what: Callable[..., Awaitable[None]], broker: Client, *given: Any) -> None:
        """The broker may be away at any moment: it is tried again, and looked at anew, until the line was closed."""
        from nats.errors import Error

        said = ""
        while not broker.is_closed:
            try:
                await what(*(given or (broker,)))
            except (Error, TimeoutError, OSError, sqlite3.Error) as error:
                self._in_step = False
                words = str(error) or type(error).__name__
                if words != said:
                    _log.warning("%s; tried again.", words)
                said = words
                await asyncio.sleep(_AGAIN_S)

    async def _publish(self, broker: Client, stream: RegisterStream) -> None:
        known: set[str] = set()
        cuts = broker.stats["reconnects"]
        breath_mono = float("-inf")
        while True:
            # Whoever answers on a line that was cut may have begun anew.
            if broker.stats["reconnects"] != cuts:
                cuts, self._in_step, self._line_mono = broker.stats["reconnects"], False, time.monotonic()
            if self._followers.unsure or not self._in_step:
                self._followers.unsure = self._in_step = False
                await self._fall_in(stream)
                known = await stream.served(clustered=self._gathering.clustered)
                # Whoever heard none for long looks for another broker.
                await self._say_head(stream)
            known = await self._serve_gates(stream, known)
            if door_orders.newest(self._connection) != self._orders or self._followers.head_asked:
                await self._say_head(stream)
            batch = outbox.due(self._connection, _AT_ONCE)
            if recovery.waits(self._connection):
                self._go_on_when_given_back()
            if batch and batch[0].kind is not RegisterKind.REVOCATION and time.monotonic() < breath_mono:
                batch = []
            if batch:
                # A revocation does not wait for what stands behind it.
                first = [one for one in batch if one.kind is RegisterKind.REVOCATION] or batch
                outbox.published(self._connection, await self._put(stream, first))
                breath_mono = time.monotonic() + (_BREATH_S if len(first) == _AT_ONCE else 0.0)
                if not outbox.are_due(self._connection):
                    await self._say_head(stream)
                continue
            for sequence in outbox.erasures(self._connection):
                await stream.erase(sequence)
                outbox.erased(self._connection, sequence)
            await asyncio.sleep(_TURN_S)

    async def _put(self, stream: RegisterStream, batch: list[Due]) -> list[tuple[Due, int]]:
        """Those of a batch that the broker has then. Once its disk was full it takes nothing more until it is started
        anew."""
        try:
            done = await stream.publish(batch, outbox.broker(self._connection).last_sequence)
        except Exception:
            now = time.monotonic()
            self._refused_mono = self._refused_mono or now
            connected = self._broker is not None and self._broker.is_connected
            alone = not self._gathering.clustered
            if now - self._refused_mono > _REFUSES_S and alone and connected and has_room(self._state):
                self._refused_mono = None
                _log.error("The broker has taken nothing for %d s. It is started anew.", _REFUSES_S)
                end_broker(self._state)
            raise
        self._refused_mono = None
        return done

    async def _fall_in(self, stream: RegisterStream) -> None:
        """Look whether the broker has what this centre put there; where not, all is published anew."""
        copies = MOST if self._gathering.clustered else 1
        other = await stream.look(
            outbox.broker(self._connection),
            outbox.count_published(self._connection),
            outbox.first_published(self._connection),
            copies,
        )
        items.sum_anew(self._connection)
        if other is not None:
            least, now = other
            unheard = await stream.unheard(outbox.broker(self._connection), now)
            if unheard is not None and outbox.overtake(self._connection, unheard, now.last_sequence):
                self._in_step = True
                return
            epoch = outbox.begin_epoch(self._connection, least, str(now.stream), now.last_sequence)
            _log.warning("The broker's store is another than before: epoch %d begins, and all is published.", epoch)
        self._in_step = True

    async def _serve_gates(self, stream: RegisterStream, known: set[str]) -> set[str]:
        """Consumers for the gates that there are now, and none for those that are not. Some gates at a time: what was
        revoked does not wait until hundreds have theirs."""
        self._follow_gates()
        now, anew = self._followers.gates, self._followers.anew
        mono = time.monotonic()
        tried = [gate for gate in now if self._unserved.get(gate, mono) <= mono]
        # From where one is to have it it says itself; one that is away is not there to have any.
        new = [
            gate for gate in tried
            if gate not in known and (gate in anew or self._followers.heard_since(gate, self._line_mono))
        ]  # fmt: skip
        lost = [
            gate for gate in tried
            if gate in known & self._followers.unanswered and mono - self._begun_mono.get(gate, 0.0) > _BEGUN_S
        ]  # fmt: skip
        new = new[:_GATES_AT_ONCE] + lost[:_LOST_AT_ONCE]
        new = await self._begin(stream, [now[gate] for gate in new])
        for gate in known - now.keys():
            await stream.end_consumers(gate)
        again = [anew.pop() for _ in range(min(len(anew), _GATES_AT_ONCE))]
        for gate in again:
            if gate in now:
                _log.warning("%s is given the register again from its beginning.", now[gate].name)
        again = [gate for gate in again if gate in now]
        served = await self._begin(stream, [now[gate] for gate in again], anew=True)
        return (known & now.keys()).union(new).difference(again).union(served)

    async def _begin(self, stream: RegisterStream, new: list[Gate], *, anew: bool = False) -> list[str]:
        """Consumers for these gates; the ids of those that have them then. One that the broker gives none, and says
        why, is tried again later and keeps no other waiting. Raises nats.errors.Error."""
        from nats.js.errors import BadRequestError, ServerError

        epoch = items.epoch(self._connection)
        came = await asyncio.gather(
            *(
                stream.begin_consumers(gate.id, {} if anew else self._followers.through(gate.id, epoch))
                for gate in new
            ),
            return_exceptions=True,
        )  # fmt: skip
        done = []
        for gate, error in zip(new, came, strict=True):
            if isinstance(error, BadRequestError | ServerError):
                if gate.id not in self._unserved:
                    _log.error("The broker gives %s no place in the register: %s", gate.name, error)
                self._unserved[gate.id] = time.monotonic() + _UNSERVED_S
            elif error is not None:
                raise error
            else:
                self._unserved.pop(gate.id, None)
                self._begun_mono[gate.id] = time.monotonic()
                done.append(gate.id)
        return done

    def _follow_gates(self) -> None:
        """The broker lets in the gates that there are, and nobody else."""
        (others,) = self._connection.execute("PRAGMA data_version").fetchone()
        as_of = int(others), self._connection.total_changes
        if as_of == self._gates_as_of:
            return
        now = {one.id: one for one in gates.every(self._connection)}
        if now != self._followers.gates or not now:
            self._gathering.know(gates.with_brokers([*now.values()]))
            self._keep_up(now)
            self._followers.know(now)
            # Other brokers let in, and cut off, by the list that it names.
            self._followers.head_asked = True
        self._gates_as_of = as_of

    def _keep_up(self, now: Mapping[str, Gate]) -> None:
        """The broker lets in these gates, and is one of a cluster or alone."""
        keep_up(self._state, self._where, self._keys, [*now.values()], clustered=self._gathering.clustered)
        self._line.know([self._own, *map(place_of, self._broker_places())])

    def _broker_places(self) -> tuple[str, ...]:
        """Where the brokers of a cluster are beside this machine's own."""
        brokers = gates.with_brokers(gates.every(self._connection)) if self._gathering.clustered else ()
        return tuple(str(one.broker_at) for one in brokers)

    async def _gather_brokers(self) -> None:
        """Once the brokers of two gates can be reached they are one cluster with that of this machine; whose cannot is
        told."""
        gathering = self._gathering
        while True:
            brokers = gates.with_brokers([*self._followers.gates.values()])
            before, missing = gathering.away, await self._not_there(brokers) if is_whole(brokers) else set()
            match gathering.look(brokers, missing, time.monotonic(), works=self._in_step):
                case Next.ANEW:
                    self._keep_up(self._followers.gates)
                    said = "is one of a cluster" if gathering.clustered else "is alone, since no cluster came together"
                    _log.warning("This centre's broker %s from now on.", said)
                case Next.ELSEWHERE:
                    self._line.leave()
            if set(gathering.away) - set(before):
                _log.error("The broker there is not reached: %s", ", ".join(gathering.away))
            await asyncio.sleep(_LOOK_FOR_BROKERS_S)

    async def _not_there(self, brokers: Sequence[Gate]) -> set[str]:
        """The ids of those gates whose brokers do not answer, by the word of the cluster where there is one."""
        from nats.errors import Error

        if self._gathering.clustered and self._stream is not None and self._in_step:
            with suppress(Error, TimeoutError, OSError):
                gone = await self._stream.away()
                named = {name_of(None): OWN} | {name_of(one.id): one.id for one in brokers}
                return {named[name] for name in gone & named.keys()}
        ports = routes(self._keys, brokers, self._where.cluster_port), [place_of(str(one.broker_at)) for one in brokers]
        there = await asyncio.gather(*(asyncio.gather(*map(_answers, some)) for some in ports))
        return {one.id for one, *answers in zip(brokers, *there, strict=True) if not all(answers)}

    def _take_in(self, gate: Gate, said: bytes, same: bytes) -> None:
        self._followers.refuse_a_copy(gate.id, said, same)
        gates.add(self._connection, gate)
        self._followers.begin(gate.id)
        self._follow_gates()

    async def _say_heads(self, stream: RegisterStream) -> None:
        while True:
            if self._in_step:
                await self._say_head(stream)
            await asyncio.sleep(_HEAD_EVERY_S)

    async def _say_head(self, stream: RegisterStream) -> None:
        self._tick += 1
        self._followers.note_head(self._tick)
        items.sum_up(self._connection)
        epoch, self._orders = items.epoch(self._connection), door_orders.newest(self._connection)
        recovers = recovery.state(self._connection)
        # Nobody is gone from the register while it may come back yet.
        end = None if recovers is not None and recovers.waits else outbox.state(self._connection)
        back = None if recovers is None else recovers.id
        head = messages.Head(
            epoch, self._tick, end, recovery=back, had=succession.had(self._connection), orders=self._orders,
            places=(*succession.places(self._connection), *self._broker_places()),
            gates=succession.digest_of_gates(self._connection),
            passes=None if end is None else outbox.open_passes(self._connection), passages=True,
        )  # fmt: skip
        await stream.say(HEAD, head)

    def _go_on_when_given_back(self) -> None:
        missing = self._followers.still_to_give_back()
        if not missing:
            recovery.end(self._connection)
            self._in_step = False
            _log.warning("The gates gave back what the centre lacked; all is published again.")
        elif missing != self._missing:
            _log.error(_RECOVERS, ", ".join(missing))
        self._missing = missing

    async def _take_requests(self, broker: Client) -> None:
        from centre.stream import TAKER

        subscription = await broker.jetstream().pull_subscribe_bind(consumer=TAKER, stream=REQUESTS)
        try:
            async for some in fetched(subscription, _AT_ONCE):
                for one in some:
                    self._followers.do(one.subject.removeprefix("requests."), one.data)
                    await one.ack()
        finally:
            with suppress(Exception):
                await subscription.unsubscribe()

    async def _watch(self) -> None:
        watchdog, written_mono = Watchdog(), float("-inf")
        while True:
            watchdog.feed(True)
            if self._followers.changed.is_set() or time.monotonic() - written_mono > _STATUS_EVERY_S:
                written_mono = time.monotonic()
                self._followers.changed.clear()
                with suppress(OSError, sqlite3.Error, FacegateError):
                    write_status(self._state, self._status())
                    elsewhere.prune(self._connection, datetime.now(UTC))
            await asyncio.sleep(_STATUS_BREATH_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._followers.changed.wait(), _AGAIN_S)

    def _status(self) -> CentreStatus:
        entries, due = items.count(self._connection), outbox.count_due(self._connection)
        connected = self._broker is not None and self._broker.is_connected
        missing = self._followers.still_to_give_back()
        superseded = succession.superseded(self._connection) is not None
        epoch, heard = items.epoch(self._connection), self._followers.heard()
        return CentreStatus(
            _now(), epoch, entries, connected, due, heard, superseded, missing, self._invited(),
            clustered=self._gathering.clustered, brokers_away=self._gathering.away,
            cluster_failed=self._gathering.failed, own_broker_away=self._gathering.own_away,
        )  # fmt: skip

    def _invited(self) -> Invited | None:
        found = last_invitation(self._state)
        if found is None:
            return None
        return Invited(datetime.fromtimestamp(found.ends_at, UTC).isoformat(), found.tries_left)


async def _answers(place: Place) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(place.address, place.port), _THERE_WITHIN_S)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _have_broker_follow(state: Path, connection: sqlite3.Connection, keys: BrokerKeys, where: Where) -> None:
    """At a gate whose machine has a broker: that lets in the gates which the centre names, and nobody else."""
    watchdog, as_of, known = Watchdog(), None, None
    while True:
        watchdog.feed(True)
        (now,) = connection.execute("PRAGMA data_version").fetchone()
        if now != as_of:
            as_of, following = now, gates.every(connection)
            if following != known:
                known = following
                if is_whole(gates.with_brokers(following)):
                    keep_up(state, where, keys, following, clustered=True)
                else:
                    end_broker(state)
        await asyncio.sleep(_AGAIN_S)


async def _without_keys(state: Path, connection: sqlite3.Connection) -> None:
    """Say so until the centre's keys are back: then it is started anew, and leads."""
    watchdog, written_mono = Watchdog(), float("-inf")
    while not has_secrets(state):
        watchdog.feed(True)
        if time.monotonic() - written_mono > _STATUS_EVERY_S:
            written_mono = time.monotonic()
            with suppress(OSError, sqlite3.Error, FacegateError):
                write_status(state, CentreStatus(_now(), items.epoch(connection), 0, False, 0, keys_lost=True))
        await asyncio.sleep(_AGAIN_S)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def main() -> int:
    """Entry point: one line of JSON, {"state", "centre"}, on standard input."""
    speak_as("centre")
    given = settings_from_starter()
    state, said = Path(given["state"]), given["centre"]
    where = Where.of(said)
    try:
        with closing(open_database(state)) as connection:
            keys = broker_keys_given(state)
            here = part(connection)
            if keys is not None and here is Part.ALONE:
                # A machine that was given a broker leads nobody.
                raise UsageError(RESTORED_BEFORE)
            if keys is not None and here is Part.GATE:
                stop_with_starter()
                asyncio.run(until_told(_have_broker_follow(state, connection, keys, where)))
                return 0
            become_centre(connection)
            stop_with_starter()
            try:
                secrets = secrets_for(state, connection)
            except KeysLost as lost:
                _log.error("%s", lost)
                asyncio.run(until_told(_without_keys(state, connection)))
                return 0
            centre = Centre(state, connection, secrets, where, said["pairing_port"])
            asyncio.run(until_told(centre.run()))
    except UsageError as error:
        _log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
