"""The gates that follow this centre: what each said last, and what they are answered."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from centre.secrets import Secrets
from gate.errors import Refusal, Sentence
from gate.fleet import keys, messages
from gate.fleet.centre_status import GateStatus
from gate.fleet.envelopes import NotGenuine
from gate.fleet.names import WHO_LEADS
from gate.fleet.state import SILENT_AFTER_S, GateState
from gate.processes.fields import Malformed
from gate.store.compound import door_orders, gates, outbox, proposed, recovery, succession
from gate.store.compound.gates import Gate
from gate.store.compound.proposals import Answer, Because
from gate.store.compound.revoking import revoke_for_ever

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

_MOST_KEYS = 1000
# What a gate says of itself is kept in memory and shown: it has no more to say, bytes.
_MOST_SAID = 8192
# Of each gate so many starts are remembered.
_MOST_RUNS = 20
# What a gate says is believed where it had heard a head of the last so many seconds.
_FRESH_S = 30.0
_COPY = Sentence(
    "This gate has the id of {name}, which runs and is heard now. Where one was copied from the other, set this one up"
    " anew, without a copy. Where it is {name} itself, and forgot that it joined or has an earlier version, cut it off"
    " for half a minute (sudo systemctl stop facegate-link), and join it with a new invitation."
)
# How long it is shown that more of a gate's record came than it can have written.
_FLOOD_SHOWN_S = 3600.0
_FLOOD = (
    "More of its record came than a gate can write in the time, and what is too much is not taken. Look whether the"
    " machine is where it belongs; where somebody else has it: facegate centre remove GATE --stolen"
)
_TWICE = (
    "Two machines say that they are this gate, as where one was copied from the other. Take it away, and join the"
    " right one again."
)


class Followers:
    """Each of the gates by its id. Its caller's loop owns the connection to the store."""

    def __init__(self, connection: sqlite3.Connection, secrets: Secrets) -> None:
        self._connection = connection
        self._secrets = secrets
        self.gates: Mapping[str, Gate] = {}
        self.changed = asyncio.Event()
        """Set where one said something else of itself than before."""
        self.anew: set[str] = set()
        """Who is to be given the register again from its beginning."""
        self.unanswered: set[str] = set()
        """Whose consumers are at no broker any more."""
        self.unsure = False
        """Whether one lacks what it was given: the broker may have lost it."""
        self.head_asked = False
        """Whether somebody waits for a head."""
        self._reports: dict[str, GateStatus] = {}
        self._states: dict[str, tuple[GateState, str]] = {}
        # The heads that were said lately, by their ticks, each with when (monotonic seconds).
        self._ticks: deque[tuple[int, float]] = deque()
        self._gave_back: dict[str, str | None] = {}
        # Up to where each has the stream, as of which epoch.
        self._through: dict[str, tuple[int, Mapping[str, int]]] = {}
        # When each said last how it is, monotonic seconds.
        self._heard_mono: dict[str, float] = {}
        self._runs: dict[str, list[str]] = {}
        self._twice: set[str] = set()
        # Of whom too much came of the record, and when last (monotonic seconds).
        self._floods: dict[str, float] = {}

    def know(self, now: Mapping[str, Gate]) -> None:
        """From now on there are these."""
        self.gates = now
        self._reports = {gate: one for gate, one in self._reports.items() if gate in now}
        self._states = {gate: one for gate, one in self._states.items() if gate in now}

    def refuse_a_copy(self, gate: str, said: bytes, same: bytes) -> None:
        """Raises Refusal where one wants to join with the id of a gate that is heard just now, and does not show, by
        what it signed, that it is that gate."""
        known = self.gates.get(gate)
        if known is None or time.monotonic() - self._heard_mono.get(gate, float("-inf")) > SILENT_AFTER_S:
            return
        try:
            keys.verifier(known.signer).verify(same, said)
        except InvalidSignature as error:
            _log.error("Somebody with a copy of %s wants to join in its place, and is not let.", known.name)
            raise Refusal(_COPY, name=known.name) from error

    def begin(self, gate: str) -> None:
        """One joined, or joined again: with the keys that it has now it is one alone."""
        self.anew.add(gate)
        self._runs.pop(gate, None)
        self._twice.discard(gate)

    def note_head(self, tick: int) -> None:
        """A head is said now."""
        self.head_asked = False
        self._ticks.append((tick, time.monotonic()))

    def is_fresh(self, tick: int) -> bool:
        """Whether what names this head was said a moment ago, and not held back on the way."""
        oldest = time.monotonic() - _FRESH_S
        while self._ticks and self._ticks[0][1] < oldest:
            self._ticks.popleft()
        return bool(self._ticks) and tick >= self._ticks[0][0]

    def heard(self) -> dict[str, GateStatus]:
        """What each said last of itself, by its id."""
        return {gate: self._with_state(gate, one) for gate, one in self._reports.items()}

    def heard_since(self, gate: str, mono: float) -> bool:
        """Whether one said how it stands since then, monotonic seconds."""
        return self._heard_mono.get(gate, float("-inf")) > mono

    def through(self, gate: str, epoch: int) -> Mapping[str, int]:
        """Up to which message of the stream of this epoch one has all, by what its consumers are for."""
        known, through = self._through.get(gate, (0, {}))
        return through if known == epoch else {}

    def still_to_give_back(self) -> tuple[str, ...]:
        """The names of those that have not given back yet what the centre lacks, where it waits for them."""
        now = recovery.state(self._connection)
        if now is None or not now.waits:
            return ()
        return tuple(one.name for one in self.gates.values() if self._gave_back.get(one.id) != now.id)

    async def listen(self, broker: Client) -> None:
        """Hear them on this line, and answer."""
        await broker.subscribe("keys.*", cb=self._give_keys)
        await broker.subscribe("reports.*", cb=self._hear_report)
        await broker.subscribe("states.*", cb=self._hear_state)
        await broker.subscribe("orders.*", cb=self._give_orders)
        await broker.subscribe("proposals.*", cb=self._hear_proposal)
        await broker.subscribe("second.*", cb=self._list_gates)
        await broker.subscribe(WHO_LEADS, cb=self._hear_who)

    async def _give_keys(self, asked: Msg) -> None:
        """A gate asks for residents' keys: sealed to it, and kept by no stream."""
        gate = self.gates.get(asked.subject.removeprefix("keys."))
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
        if gate not in self.gates or len(said.data) > _MOST_SAID:
            return
        try:
            told = messages.report_of(said.data)
        except Malformed:
            return
        self._heard_mono[gate] = time.monotonic()
        self._gave_back[gate] = told.gave_back
        self._through[gate] = told.epoch, told.through
        self.head_asked = self.head_asked or told.unheard
        (self.unanswered.add if told.unanswered else self.unanswered.discard)(gate)
        problem = self._of_two(gate, told.run) or self._of_flood(gate) or told.problem
        # A second centre without the list of gates has not all, and neither has whoever has a broker.
        lacks = _lists_gates(self.gates[gate]) and told.gates != succession.digest_of_gates(self._connection)
        self._reports[gate] = GateStatus(
            _now(), told.behind or lacks, told.entries, told.waiting, problem, reader=told.reader
        )
        self.changed.set()
        if told.again:
            self.anew.add(gate)
            # The broker may have lost what the gate lacks.
            self.unsure = True

    def _of_two(self, gate: str, run: str) -> str | None:
        """What is wrong where a start of a gate's link is heard again after a later one: two machines have its keys."""
        seen = self._runs.setdefault(gate, [])
        if run not in seen:
            seen.append(run)
            del seen[:-_MOST_RUNS]
        elif run != seen[-1] and gate not in self._twice:
            self._twice.add(gate)
            _log.error("%s: %s", self.gates[gate].name, _TWICE)
        return _TWICE if gate in self._twice else None

    def _of_flood(self, gate: str) -> str | None:
        since = self._floods.get(gate)
        return _FLOOD if since is not None and time.monotonic() - since < _FLOOD_SHOWN_S else None

    def note_flood(self, gate: Gate) -> None:
        """More of its record came than it can have written."""
        if self._of_flood(gate.id) is None:
            _log.error("%s: %s", gate.name, _FLOOD)
        self._floods[gate.id] = time.monotonic()

    async def _hear_state(self, said: Msg) -> None:
        """How a gate is. What was held back on the way names a head of long ago, and is passed over."""
        gate = said.subject.removeprefix("states.")
        sender = self.gates.get(gate)
        if sender is None or len(said.data) > _MOST_SAID:
            return
        try:
            saying = messages.SAYING.of(said.data, keys.verifier(sender.signer))
        except (NotGenuine, Malformed):
            return
        if saying.gate == gate and self.is_fresh(saying.tick):
            self._states[gate] = saying.state, _now()
            self.changed.set()

    async def _give_orders(self, asked: Msg) -> None:
        """A gate asks what is ordered of its door, and says what came of what was: kept before it is answered."""
        sender = self.gates.get(asked.subject.removeprefix("orders."))
        if sender is None:
            return
        try:
            asking = messages.ASKING.of(asked.data, keys.verifier(sender.signer))
            if asking.gate != sender.id:
                return
            if asking.answers:
                door_orders.keep(self._connection, sender.id, asking.answers)
            orders = door_orders.due(self._connection, sender.id)
        except (NotGenuine, Malformed, sqlite3.Error) as error:
            _log.error("Orders to the door of %s could not be given: %s", sender.name, error)
            return
        ordering = messages.Ordering(sender.id, asking.nonce, orders)
        await asked.respond(messages.ORDERING.data(ordering, sender.box, keys.signer(self._secrets.signer_seed)))

    async def _hear_who(self, _: Msg) -> None:
        """Another centre asks who leads."""
        self.head_asked = True

    async def _list_gates(self, asked: Msg) -> None:
        """A second centre asks for the list of gates, by which it takes this one's place, or a gate with a broker, by
        which that lets them in."""
        sender = self.gates.get(asked.subject.removeprefix("second."))
        if sender is None or not _lists_gates(sender):
            return
        try:
            asking = messages.ASKING_GATES.of(asked.data, keys.verifier(sender.signer))
        except (NotGenuine, Malformed):
            return
        if asking.gate == sender.id:
            listed = messages.Listed(sender.id, asking.nonce, succession.list_of_gates(self._connection))
            await asked.respond(messages.LISTED.data(listed, sender.box, keys.signer(self._secrets.signer_seed)))

    async def _hear_proposal(self, said: Msg) -> None:
        """Something was enrolled or changed at a gate: it is answered once it is taken, or refused with the reason."""
        sender = self.gates.get(said.subject.removeprefix("proposals."))
        if sender is None:
            return
        try:
            answer = self._judged(sender, said.data)
        except (keys.NotForUs, NotGenuine, Malformed) as error:
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
            return proposed.judge(self._connection, proposal, sender.id, by=f"gate {sender.name}")
        except sqlite3.IntegrityError as error:
            _log.error("What %s proposes makes no sense here: %s", sender.name, error)
            return proposed.refused(proposal, Because.NONSENSE)

    def do(self, sender: str, data: bytes) -> None:
        """What a gate asks for: what it revoked is revoked. Of a gate that was taken away nothing is done any more."""
        gate = gates.get(self._connection, sender)
        if gate is None:
            return
        try:
            asked = messages.request_of(data, keys.verifier(gate.signer))
        except (NotGenuine, Malformed) as error:
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

    def _with_state(self, gate: str, status: GateStatus) -> GateStatus:
        state, at = self._states.get(gate, (None, None))
        return replace(status, state=state, state_at=at)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _lists_gates(gate: Gate) -> bool:
    return gate.second_at is not None or gate.broker_at is not None
