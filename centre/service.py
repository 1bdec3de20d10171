"""The process that publishes the register, hands out its keys, takes gates in and does what they ask."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
import sys
import time
from base64 import b64encode
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from centre.broker import end_broker, has_room, reload_broker, write_configuration
from centre.other import Other
from centre.pairing import PairingDesk
from centre.secrets import Secrets, secrets_of
from gate.errors import FacegateError, UsageError
from gate.fleet import cameras, keys, messages
from gate.fleet.centre_status import CentreStatus, GateStatus, write_status
from gate.fleet.connection import Line, fetched, until_told
from gate.fleet.joined import Place
from gate.fleet.names import HEAD, REQUESTS, WHO_LEADS, GateNames
from gate.fleet.state import GateState
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.answering import answer_for_ever
from gate.processes.fields import Malformed, read, written
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter
from gate.processes.wire import Message
from gate.store.compound import carried, door_orders, forgotten, gates, items, outbox, proposed, recovery, succession
from gate.store.compound.entries import RegisterKind
from gate.store.compound.gates import Gate
from gate.store.compound.outbox import Due
from gate.store.compound.proposals import Answer, Because
from gate.store.compound.revoking import revoke_for_ever
from gate.store.compound.role import become_centre
from gate.store.database import open_database
from gate.store.people import credentials
from gate.store.record.audit import Anchor

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from centre.stream import RegisterStream

_log = logging.getLogger(__name__)

_AT_ONCE = 50
_TURN_S = 0.03
# Two hundred a second while many are imported: a revocation among them is quick at every gate.
_BREATH_S = 0.25
_HEAD_EVERY_S = 10.0
_AGAIN_S = 0.5
_STATUS_EVERY_S = 2.0
# A tick is never said twice, whatever the clock does: the start it belongs to stands before it.
_TICKS_A_START = 1 << 32
_MOST_KEYS = 1000
# What a gate says is believed where it had heard a head of the last so many seconds.
_FRESH_S = 30.0
_RECOVERS = (
    "The centre came back from a backup, or was promoted, and asks its gates for what it lacks; until they gave it"
    " back nobody new is published. Still to come: %s. To go on without: facegate centre go-on"
)
_TWICE = (
    "Two machines say that they are this gate, as where one was copied from the other. Take it away, and join the"
    " right one again."
)
_SUPERSEDED = (
    "Another centre leads in the place of this one, which publishes nothing any more. Have this machine follow it: sudo"
    " facegate join ADDRESS CODE; what it took and never passed on is proposed there then."
)
_GATES_AT_ONCE = 10
_NONCE_BYTES = 16
_REFUSES_S = 30.0


class Centre:
    """The register's publisher. Its loop owns the connection to the store."""

    def __init__(self, state: Path, connection: sqlite3.Connection, listen: str, port: int, pairing_port: int) -> None:
        self._state = state
        self._connection = connection
        self._listen, self._port, self._pairing_port = listen, port, pairing_port
        self._secrets: Secrets = secrets_of(state)
        self._tick = outbox.count_start(connection) * _TICKS_A_START
        self._gates: dict[str, Gate] = {}
        self._heard: dict[str, GateStatus] = {}
        self._states: dict[str, tuple[GateState, str]] = {}
        # The heads that were said lately, by their ticks, each with when (monotonic seconds).
        self._ticks: deque[tuple[int, float]] = deque()
        self._changed = asyncio.Event()
        # The newest order of which the gates were told.
        self._orders = 0
        self._anew: set[str] = set()
        self._gave_back: dict[str, str | None] = {}
        self._missing: tuple[str, ...] = ()
        self._runs: dict[str, list[str]] = {}
        self._twice: set[str] = set()
        self._broker: Client | None = None
        # Whether the stream is known to be as this centre left it.
        self._in_step = False
        # Whether somebody waits for a head.
        self._head_asked = False
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
            tasks.create_task(self._answer_console())
            self._follow_gates()
            desk = PairingDesk(
                self._state, self._secrets, self._port, lambda: credentials.salt(self._connection), self._take_in
            )
            tasks.create_task(self._serve_desk(desk))
            address = "127.0.0.1" if self._listen in ("0.0.0.0", "::") else self._listen  # noqa: S104 - it is asked for
            said = self._secrets
            line = Line([Place(address, self._port)], said.certificate, said.nkey_seed, "centre", "_INBOX_centre")
            await line.for_ever(self._carry)

    async def _carry(self, broker: Client) -> None:
        from centre.stream import RegisterStream

        self._broker, self._in_step = broker, False
        stream = RegisterStream(broker, self._secrets.signer_seed)
        await broker.subscribe("keys.*", cb=self._give_keys)
        await broker.subscribe("reports.*", cb=self._hear_report)
        await broker.subscribe("record.*", cb=self._hear_lines)
        await broker.subscribe("states.*", cb=self._hear_state)
        await broker.subscribe("orders.*", cb=self._give_orders)
        await broker.subscribe("proposals.*", cb=self._hear_proposal)
        await broker.subscribe("second.*", cb=self._list_gates)
        await broker.subscribe(WHO_LEADS, cb=self._hear_who)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._while_open(self._publish, broker, stream))
            tasks.create_task(self._while_open(self._say_heads, broker, stream))
            tasks.create_task(self._while_open(self._take_requests, broker))

    async def _serve_desk(self, desk: PairingDesk) -> None:
        while True:
            try:
                await desk.serve(self._listen, self._pairing_port)
            except OSError as error:
                _log.error("Gates cannot be paired: %s", error)
                await asyncio.sleep(_HEAD_EVERY_S)

    async def _answer_console(self) -> None:
        """What the console here asks of gates' cameras goes on to them."""
        runtime_directory(self._state, "centre")
        path, api = socket_of(self._state, "centre"), socket_of(self._state, "api")
        while True:
            try:
                await answer_for_ever(path, api, self._look_at_gate)
            except OSError as error:
                _log.error("The console here cannot ask for gates' cameras: %s", error)
                await asyncio.sleep(_HEAD_EVERY_S)

    async def _look_at_gate(self, message: Message) -> Message:
        try:
            asked = read(cameras.AtGate, message)
        except Malformed as error:
            raise ValueError(str(error)) from error
        return written(await self._seen_at(asked.gate, asked.question))

    async def _seen_at(self, gate: str, question: cameras.Question) -> cameras.Answer:
        """What a gate answers: by core messages, which no stream keeps."""
        from nats.errors import Error

        whom, broker = self._gates.get(gate), self._broker
        if whom is None or broker is None or not broker.is_connected:
            return cameras.SILENT
        looking = messages.Looking(gate, self._tick, secrets.token_bytes(_NONCE_BYTES), question)
        data = messages.looking_data(looking, whom.box, keys.signer(self._secrets.signer_seed))
        try:
            said = await broker.request(GateNames(gate).camera, data, timeout=question.over_the_line_s)
            return self._answer_to(looking, whom, said.data)
        except (Error, TimeoutError, OSError):
            return cameras.SILENT
        except (keys.NotForUs, messages.NotGenuine, Malformed) as error:
            _log.error("What is answered in the name of %s of its camera is not its own: %s", whom.name, error)
            return cameras.SILENT

    def _answer_to(self, looking: messages.Looking, whom: Gate, data: bytes) -> cameras.Answer:
        if len(data) > cameras.MOST_ANSWERED:
            raise Malformed("it is too long")
        looked = messages.looked_of(data, self._secrets.box_seed, keys.verifier(whom.signer))
        if (looked.gate, looked.nonce) != (looking.gate, looking.nonce):
            raise messages.NotGenuine("it answers something else")
        return looked.answer

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

    async def _publish(self, stream: RegisterStream) -> None:
        known: set[str] = set()
        breath_mono = float("-inf")
        while True:
            if not self._in_step:
                await self._fall_in(stream)
                known = await stream.served()
            known = await self._serve_gates(stream, known)
            if door_orders.newest(self._connection) != self._orders or self._head_asked:
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
            if now - self._refused_mono > _REFUSES_S and connected and has_room(self._state):
                self._refused_mono = None
                _log.error("The broker has taken nothing for %d s. It is started anew.", _REFUSES_S)
                end_broker(self._state)
            raise
        self._refused_mono = None
        return done

    async def _fall_in(self, stream: RegisterStream) -> None:
        """Look whether the broker has what this centre put there; where not, all is published anew."""
        other = await stream.look(outbox.broker(self._connection), outbox.count_published(self._connection))
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
        new = [*(self._gates.keys() - known)][:_GATES_AT_ONCE]
        await asyncio.gather(*(stream.begin_consumers(gate) for gate in new))
        for gate in known - self._gates.keys():
            await stream.end_consumers(gate)
        again = [self._anew.pop() for _ in range(min(len(self._anew), _GATES_AT_ONCE))]
        for gate in again:
            if gate in self._gates:
                _log.warning("%s is given the register again from its beginning.", self._gates[gate].name)
        await asyncio.gather(*(stream.begin_consumers(gate, anew=True) for gate in again if gate in self._gates))
        return (known & self._gates.keys()).union(new)

    def _follow_gates(self) -> None:
        """The broker lets in the gates that there are, and nobody else."""
        now = {one.id: one for one in gates.every(self._connection)}
        if now != self._gates or not self._gates:
            if write_configuration(self._state, self._listen, self._port, self._secrets, [*now.values()]):
                reload_broker(self._state)
            self._gates = now
            self._heard = {gate: one for gate, one in self._heard.items() if gate in now}
            self._states = {gate: one for gate, one in self._states.items() if gate in now}

    def _take_in(self, gate: Gate) -> None:
        gates.add(self._connection, gate)
        self._anew.add(gate.id)
        # With the keys that it has now it is one alone.
        self._runs.pop(gate.id, None)
        self._twice.discard(gate.id)
        self._follow_gates()

    async def _say_heads(self, stream: RegisterStream) -> None:
        while True:
            if self._in_step:
                await self._say_head(stream)
            await asyncio.sleep(_HEAD_EVERY_S)

    async def _say_head(self, stream: RegisterStream) -> None:
        self._tick += 1
        self._head_asked = False
        self._ticks.append((self._tick, time.monotonic()))
        epoch, self._orders = items.epoch(self._connection), door_orders.newest(self._connection)
        recovers = recovery.state(self._connection)
        # Nobody is gone from the register while it may come back yet.
        end = None if recovers is not None and recovers.waits else outbox.state(self._connection)
        back = None if recovers is None else recovers.id
        head = messages.Head(
            epoch, self._tick, end, recovery=back, had=succession.had(self._connection), orders=self._orders,
            places=succession.places(self._connection), gates=succession.digest_of_gates(self._connection),
        )  # fmt: skip
        await stream.say(HEAD, head)

    def _go_on_when_given_back(self) -> None:
        missing = self._still_to_give_back()
        if not missing:
            recovery.end(self._connection)
            self._in_step = False
            _log.warning("The gates gave back what the centre lacked; all is published again.")
        elif missing != self._missing:
            _log.error(_RECOVERS, ", ".join(missing))
        self._missing = missing

    def _still_to_give_back(self) -> tuple[str, ...]:
        now = recovery.state(self._connection)
        if now is None or not now.waits:
            return ()
        return tuple(one.name for one in self._gates.values() if self._gave_back.get(one.id) != now.id)

    async def _give_keys(self, asked: Msg) -> None:
        """A gate asks for residents' keys: sealed to it, and kept by no stream."""
        gate = self._gates.get(asked.subject.removeprefix("keys."))
        try:
            ids = json.loads(asked.data)
        except ValueError:
            return
        # One that was taken away since the backup is not known yet.
        if gate is None or not isinstance(ids, list) or recovery.waits(self._connection):
            return
        wanted = [one for one in ids[:_MOST_KEYS] if isinstance(one, str)]
        found = outbox.keys(self._connection, wanted)
        said = json.dumps({identity: b64encode(key).decode("ascii") for identity, key in found.items()})
        await asked.respond(keys.seal_to(gate.box, said.encode()))

    async def _hear_report(self, said: Msg) -> None:
        gate = said.subject.removeprefix("reports.")
        if gate not in self._gates:
            return
        try:
            told = messages.report_of(said.data)
        except Malformed:
            return
        self._gave_back[gate] = told.gave_back
        self._head_asked = self._head_asked or told.unheard
        problem = self._of_two(gate, told.run) or told.problem
        # A second centre without the list of gates has not all.
        lacks = self._gates[gate].second_at is not None and told.gates != succession.digest_of_gates(self._connection)
        self._heard[gate] = GateStatus(_now(), told.behind or lacks, told.entries, told.waiting, problem)
        self._changed.set()
        if told.again:
            self._anew.add(gate)
            # The broker may have lost what the gate lacks.
            self._in_step = False

    def _of_two(self, gate: str, run: str) -> str | None:
        """What is wrong where a start of a gate's link is heard again after a later one: two machines have its keys."""
        seen = self._runs.setdefault(gate, [])
        if run not in seen:
            seen.append(run)
        elif run != seen[-1] and gate not in self._twice:
            self._twice.add(gate)
            _log.error("%s: %s", self._gates[gate].name, _TWICE)
        return _TWICE if gate in self._twice else None

    async def _hear_state(self, said: Msg) -> None:
        """How a gate is. What was held back on the way names a head of long ago, and is passed over."""
        gate = said.subject.removeprefix("states.")
        sender = self._gates.get(gate)
        if sender is None:
            return
        try:
            saying = messages.saying_of(said.data, keys.verifier(sender.signer))
        except (messages.NotGenuine, Malformed):
            return
        oldest = time.monotonic() - _FRESH_S
        while self._ticks and self._ticks[0][1] < oldest:
            self._ticks.popleft()
        if saying.gate == gate and self._ticks and saying.tick >= self._ticks[0][0]:
            self._states[gate] = saying.state, _now()
            self._changed.set()

    async def _give_orders(self, asked: Msg) -> None:
        """A gate asks what is ordered of its door, and says what came of what was: kept before it is answered."""
        sender = self._gates.get(asked.subject.removeprefix("orders."))
        if sender is None:
            return
        try:
            asking = messages.asking_of(asked.data, keys.verifier(sender.signer))
            if asking.gate != sender.id:
                return
            if asking.answers:
                door_orders.keep(self._connection, sender.id, asking.answers)
            orders = door_orders.due(self._connection, sender.id)
        except (messages.NotGenuine, Malformed, sqlite3.Error) as error:
            _log.error("Orders to the door of %s could not be given: %s", sender.name, error)
            return
        ordering = messages.Ordering(sender.id, asking.nonce, orders)
        await asked.respond(messages.ordering_data(ordering, sender.box, keys.signer(self._secrets.signer_seed)))

    async def _hear_who(self, _: Msg) -> None:
        """Another centre asks who leads."""
        self._head_asked = True

    async def _list_gates(self, asked: Msg) -> None:
        """A second centre asks for the list of gates, by which it takes this one's place."""
        sender = self._gates.get(asked.subject.removeprefix("second."))
        if sender is None or sender.second_at is None:
            return
        try:
            asking = messages.asking_gates_of(asked.data, keys.verifier(sender.signer))
        except (messages.NotGenuine, Malformed):
            return
        if asking.gate == sender.id:
            listed = messages.Listed(sender.id, asking.nonce, succession.list_of_gates(self._connection))
            await asked.respond(messages.listed_data(listed, sender.box, keys.signer(self._secrets.signer_seed)))

    async def _hear_lines(self, said: Msg) -> None:
        """Lines of a gate's record: they are answered once they are kept, with the last that is here."""
        gate = said.subject.removeprefix("record.")
        sender = self._gates.get(gate)
        if sender is None:
            return
        try:
            told = messages.told_of(said.data, self._secrets.box_seed, keys.verifier(sender.signer))
            flaw = carried.keep(self._connection, gate, told.lines)
            forgotten.keep(self._connection, gate, told.forgotten)
        except (keys.NotForUs, messages.NotGenuine, Malformed, sqlite3.Error) as error:
            _log.error("Lines of the record of %s could not be kept: %s", sender.name, error)
            return
        if flaw is not None:
            _log.error("The record of %s, line %d: %s.", sender.name, flaw.sequence, flaw.problem)
        last = carried.held(self._connection, gate) or Anchor(0, "")
        held = messages.Held(gate, last.sequence, last.hash, None if flaw is None else flaw.problem)
        await said.respond(messages.held_data(held, keys.signer(self._secrets.signer_seed)))

    async def _hear_proposal(self, said: Msg) -> None:
        """Something was enrolled or changed at a gate: it is answered once it is taken, or refused with the reason."""
        sender = self._gates.get(said.subject.removeprefix("proposals."))
        if sender is None:
            return
        try:
            answer = self._judged(sender, said.data)
        except (keys.NotForUs, messages.NotGenuine, Malformed) as error:
            _log.error("What %s proposes makes no sense: %s", sender.name, error)
            return
        except sqlite3.Error as error:
            # A disk that is full, or a lock: it asks again.
            _log.error("What %s proposes could not be taken: %s", sender.name, error)
            return
        signed = messages.answer_data(sender.id, answer, sender.box, keys.signer(self._secrets.signer_seed))
        await said.respond(signed)

    def _judged(self, sender: Gate, data: bytes) -> Answer:
        try:
            proposal = messages.proposal_of(data, sender.id, self._secrets.box_seed, keys.verifier(sender.signer))
        except messages.NotUnderstood as error:
            return error.answer
        try:
            return proposed.judge(self._connection, proposal, by=f"gate {sender.name}")
        except sqlite3.IntegrityError as error:
            _log.error("What %s proposes makes no sense here: %s", sender.name, error)
            return proposed.refused(proposal, Because.NONSENSE)

    async def _take_requests(self, broker: Client) -> None:
        from centre.stream import TAKER

        subscription = await broker.jetstream().pull_subscribe_bind(consumer=TAKER, stream=REQUESTS)
        try:
            async for some in fetched(subscription, _AT_ONCE):
                for one in some:
                    self._do(one.subject.removeprefix("requests."), one.data)
                    await one.ack()
        finally:
            with suppress(Exception):
                await subscription.unsubscribe()

    def _do(self, sender: str, data: bytes) -> None:
        """What a gate revoked is revoked. Of a gate that was taken away nothing is done any more."""
        gate = gates.get(self._connection, sender)
        if gate is None:
            return
        try:
            asked = messages.request_of(data, keys.verifier(gate.signer))
        except (messages.NotGenuine, Malformed) as error:
            _log.error("A request in the name of %s is not its own (%s); it is passed over.", gate.name, error)
            return
        if asked.gate == gate.id:
            taken_away = gates.of_key(self._connection, asked.id)
            if taken_away is not None and taken_away.id != gate.id and recovery.state(self._connection) is None:
                _log.error("%s asks to take %s away, which no gate may; nothing is done.", gate.name, taken_away.name)
                return
            if taken_away is not None:
                gates.remove(self._connection, taken_away, by=f"gate {gate.name}")
            else:
                revoke_for_ever(self._connection, asked.id, by=f"gate {gate.name}")
            outbox.say_revoked(self._connection, asked.id)

    async def _watch(self) -> None:
        watchdog, written_mono = Watchdog(), float("-inf")
        while True:
            watchdog.feed(True)
            if self._changed.is_set() or time.monotonic() - written_mono > _STATUS_EVERY_S:
                written_mono = time.monotonic()
                self._changed.clear()
                with suppress(OSError, sqlite3.Error, FacegateError):
                    write_status(self._state, self._status())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _AGAIN_S)

    def _status(self) -> CentreStatus:
        entries, due = self._connection.execute("SELECT count(*), count(due) FROM register").fetchone()
        connected = self._broker is not None and self._broker.is_connected
        heard = {gate: self._with_state(gate, one) for gate, one in self._heard.items()}
        missing = self._still_to_give_back()
        superseded = succession.superseded(self._connection) is not None
        return CentreStatus(_now(), items.epoch(self._connection), entries, connected, due, heard, superseded, missing)

    def _with_state(self, gate: str, status: GateStatus) -> GateStatus:
        state, at = self._states.get(gate, (None, None))
        return replace(status, state=state, state_at=at)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def main() -> int:
    """Entry point: one line of JSON, {"state", "centre"}, on standard input."""
    speak_as("centre")
    given = settings_from_starter()
    state, said = Path(given["state"]), given["centre"]
    try:
        with closing(open_database(state)) as connection:
            become_centre(connection)
            stop_with_starter()
            centre = Centre(state, connection, said["listen"], said["port"], said["pairing_port"])
            asyncio.run(until_told(centre.run()))
    except UsageError as error:
        _log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
