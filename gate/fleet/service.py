"""The process that carries between this gate and its centre: the register down, what was revoked here up.

It decides nothing about the door, which does not know of it: it writes the register's tables, and the door reads them
as ever. While the centre cannot be reached, nothing here changes and the gate goes on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.errors import FacegateError, UsageError
from gate.fleet import cameras, keys, messages
from gate.fleet.connection import until_told
from gate.fleet.envelopes import NotGenuine
from gate.fleet.joined import RESTORED_BEFORE, Joined, place_of, read_joined
from gate.fleet.messages import (
    SHARING_WAITS_S,
    Asking,
    AskingGates,
    Held,
    Looked,
    Looking,
    Report,
    Request,
    Saying,
    Shared,
    Sharing,
    Told,
)
from gate.fleet.names import HEAD, GateNames
from gate.fleet.reading import Reader, line_of
from gate.fleet.register import Heard, Register
from gate.fleet.state import SAID_EVERY_S, GateState, Trouble, read_state
from gate.fleet.status import LinkStatus, write_status
from gate.processes.addresses import socket_of
from gate.processes.client import Client as Socket
from gate.processes.client import LinkDown
from gate.processes.fields import Malformed, read, written
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter
from gate.state_folder import broker_file
from gate.store.compound import carried, centre_orders, forgotten, items, proposals, requests, succession, taken
from gate.store.compound.role import Part, part
from gate.store.database import open_database, transaction
from gate.store.ids import new_id
from gate.store.people import elsewhere
from gate.store.people.elsewhere import Seen
from gate.store.record import audit
from gate.store.record.audit import Anchor
from gate.vocabulary import AuditEvent, Kind

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

_AGAIN_S = 0.5
_LATER_S, _HELD_S = 0.3, 60.0
_ASK_AGAIN_S = 20.0
_ANSWERED_WITHIN_S = 5.0
# The centre says its head every ten seconds.
CUT_OFF_S = 25.0
# Where nobody who leads was heard for so long, and another place is known, that is tried.
_ELSEWHERE_S = 15.0
# Who is behind, and to whom nothing has come for so long, asks for all of it; each time more patiently, since to ask
# makes a machine that is slow slower.
_BEHIND_S, _BEHIND_LONGEST_S = 15.0, 600.0
_REPORT_S, _REPORTS_APART_S = 5.0, 0.3
_TURN_S = 0.05
_LINES_AT_ONCE = 100
_TELL_S = 0.25
_LOOK_S = 0.1
# An order that waits for the door is asked for anew: the door takes none that was asked for longer ago.
_ORDERS_AGAIN_S = 2.0
_SHARE_S = 0.1
_NONCE_BYTES = 16
# More questions to the camera are let fall: whoever asked is gone before their turn.
_MOST_LOOKS = 4
# Where the api says nothing, the link knows nothing of the door.
_UNKNOWN = GateState(version="", troubles=(Trouble.API,))
_OTHER_RECORD = (
    "The record of this gate is not the one that the centre has the beginning of, as where an old copy of the disk was"
    " put back; nothing more of it is told there until the gate joins again."
)
_TOO_MUCH = (
    "The record of this gate grows faster than a gate can write it; what is too much its centre takes later. Look what"
    " it is full of: facegate audit"
)
_REFUSED = "The centre does not let this gate in any more. Join it again with a new invitation, or leave it."


class Link:
    """One gate's link to its centre. Its loop owns the connection to the store."""

    def __init__(self, state: Path, connection: sqlite3.Connection, joined: Joined, *, passages: bool = False) -> None:
        """`passages`: who passed here is told, and who passed at the others heard."""
        self._state = state
        self._shares_passages = passages
        # What is here of a time when they were shared goes.
        self._forgets = not passages
        self._centre_shares, self._epoch = False, 0
        self._connection = connection
        self._joined = joined
        self._names = GateNames(joined.gate)
        self._register = Register(connection, joined.signer)
        self._signer = keys.signer(joined.signer_seed)
        self._reader = Reader(joined, self._register)
        self._line = line_of(joined, succession.places_known(connection))
        # Whether a centre that leads was heard on this line.
        self._led = asyncio.Event()
        self._line_mono = time.monotonic()
        # By it a second centre leads, and a broker lets in.
        self._lists_gates = succession.is_second(connection) or broker_file(state).exists()
        self._gates: str | None = None
        self._began_mono = time.monotonic()
        self._run = new_id()
        self._heard_mono: float | None = None
        self._heard_at: str | None = None
        self._tick: int | None = None
        self._orders = 0
        # Whether a report is wanted before its time.
        self._to_report = asyncio.Event()
        self._asked_of_camera = cameras.Asked()
        self._api_silent = False
        self._looks: set[asyncio.Task[None]] = set()
        self._cut_off = False
        self._behind_since: float | None = None
        self._patience_s = _BEHIND_S
        self._asked_mono = float("-inf")
        self._told_mono: dict[int, float] = {}
        self._problem: str | None = None
        self._record_problem: str | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            await self._line.for_ever(self._carry)

    async def _carry(self, broker: Client) -> None:
        self._led, self._line_mono = asyncio.Event(), time.monotonic()
        # Who is at the other end may be another centre, which was told nothing.
        self._told_mono.clear()
        if len(self._line.places) == 1:
            self._led.set()
        await broker.subscribe(HEAD, cb=self._hear)
        await broker.subscribe(self._names.camera, cb=self._look)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._while_open(self._report, broker))
            # What is asked or told waits for who leads: a former centre that does not know it would answer.
            await self._led.wait()
            if self._lists_gates:
                tasks.create_task(self._while_open(self._list_gates, broker))
            for consumer in self._names.consumers:
                tasks.create_task(self._while_open(self._read, broker, consumer))
            tasks.create_task(self._while_open(self._ask, broker))
            tasks.create_task(self._while_open(self._propose, broker))
            tasks.create_task(self._while_open(self._tell, broker))
            tasks.create_task(self._while_open(self._say_state, broker))
            tasks.create_task(self._while_open(self._take_orders, broker))
            if self._shares_passages:
                tasks.create_task(self._while_open(self._tell_passages, broker))
                tasks.create_task(self._while_open(self._hear_passages, broker))

    async def _while_open(self, what: Callable[..., Awaitable[None]], broker: Client, *given: Any) -> None:
        """The line may be cut at any moment, in many words: it is tried again until it was closed for good."""
        from nats.errors import Error

        while not broker.is_closed:
            try:
                await what(broker, *given)
            except (Error, TimeoutError, OSError) as error:
                _log.debug("%s: %s", what.__name__, error)
                await asyncio.sleep(_AGAIN_S)
            except sqlite3.Error as error:
                _log.error("The register could not be written here: %s", error)
                await asyncio.sleep(_AGAIN_S)

    async def _hear(self, said: Msg) -> None:
        try:
            heard = self._register.hear(said.data)
        except sqlite3.Error as error:
            _log.error("The register cannot be read here: %s", error)
            return
        if heard is None:
            return
        if not heard.leads and len(self._line.places) > 1:
            self._line.leave()
            return
        self._follow_places(heard)
        self._led.set()
        now = time.monotonic()
        self._heard_mono, self._heard_at = now, _now()
        self._problem, self._tick, self._orders = heard.problem, heard.tick, heard.orders
        if self._epoch not in (0, heard.epoch):
            self._reader.begin_anew()
        self._gates, self._epoch, self._centre_shares = heard.gates, heard.epoch, heard.passages
        if self._cut_off:
            self._cut_off = False
            audit.append(self._connection, AuditEvent(Kind.CENTRE_BACK))
        if heard.whole is not False:
            self._behind_since, self._patience_s = None, _BEHIND_S
        elif self._behind_since is None:
            self._behind_since = now

    def _follow_places(self, heard: Heard) -> None:
        """Where a centre is to be looked for from now on, by the word of who leads; not at this machine itself."""
        if not heard.leads or self._line.at is None:
            return
        own, here = succession.own_place(self._connection), str(self._line.at)
        known = (here, *(one for one in heard.places if one not in (own, here)))
        if known == (succession.places_known(self._connection) or (str(self._joined.place),)):
            return
        succession.know_places(self._connection, known)
        others = [self._joined.place] if str(self._joined.place) not in known else []
        self._line.know([*map(place_of, known), *others])

    async def _list_gates(self, broker: Client) -> None:
        """Ask for the list of gates where it is another than here."""
        while True:
            if self._gates is not None and self._gates != succession.digest_of_gates(self._connection):
                asking = AskingGates(self._joined.gate, secrets.token_bytes(_NONCE_BYTES))
                data = messages.ASKING_GATES.data(asking, self._signer)
                answer = await broker.request(self._names.second, data, timeout=_ANSWERED_WITHIN_S)
                try:
                    listed = messages.LISTED.of(
                        answer.data, self._joined.box_seed, keys.verifier(self._joined.signer)
                    )  # fmt: skip
                except (keys.NotForUs, NotGenuine, Malformed) as error:
                    raise TimeoutError from error
                if (listed.gate, listed.nonce) != (asking.gate, asking.nonce):
                    raise TimeoutError
                succession.take_gates(self._connection, listed.gates)
            await asyncio.sleep(_AGAIN_S)

    async def _read(self, broker: Client, consumer: str) -> None:
        from nats.errors import Error

        try:
            await self._reader.take_from(broker, consumer)
        except Error:
            # The broker may have begun anew, and the centre waits to hear from where this gate is to have it.
            self._to_report.set()
            raise

    async def _ask(self, broker: Client) -> None:
        """Tell the centre what was revoked here, and again until its own word of that is here: the broker may lose what
        it kept."""
        stream, told_mono = broker.jetstream(), self._told_mono
        while True:
            for number, identity in requests.waiting(self._connection):
                if time.monotonic() - told_mono.get(number, float("-inf")) < _ASK_AGAIN_S:
                    continue
                asked = Request(self._joined.gate, number, identity)
                mark = {"Nats-Msg-Id": f"{self._joined.gate} {number} {identity}"}
                await stream.publish(self._names.requests, messages.REQUEST.data(asked, self._signer), headers=mark)
                told_mono[number] = time.monotonic()
            await asyncio.sleep(_TURN_S)

    async def _propose(self, broker: Client) -> None:
        """Ask the centre about what was enrolled or changed here, one after the other, each until it is answered."""
        while True:
            proposal = proposals.following(self._connection)
            # What was taken from somebody is told before what was given.
            untold = any(number not in self._told_mono for number, _ in requests.waiting(self._connection))
            if proposal is None or untold:
                await asyncio.sleep(_TURN_S)
                continue
            said = messages.proposal_data(self._joined.gate, proposal, self._joined.box, self._signer)
            answer = await broker.request(self._names.proposals, said, timeout=_ANSWERED_WITHIN_S)
            try:
                told = messages.answer_of(
                    answer.data, self._joined.gate, self._joined.box_seed, keys.verifier(self._joined.signer)
                )
            except (keys.NotForUs, NotGenuine, Malformed) as error:
                _log.error("The centre's answer to what was changed here cannot be read: %s", error)
                raise TimeoutError from error
            if not taken.take_answer(self._connection, told, proposal):
                await asyncio.sleep(_LATER_S)

    async def _tell(self, broker: Client) -> None:
        """Tell the centre the lines of the record, from the last on that it has: it alone knows which that is."""
        held, refused = await self._told(broker, Told()), None
        while True:
            if held.flaw is not None or self._is_anothers(held):
                anew = carried.begins_anew(self._connection)
                if self._is_anothers(held) and anew != refused:
                    lines = carried.after(self._connection, anew, _LINES_AT_ONCE)
                    held = await self._told(broker, Told(tuple(lines), begins=True))
                    refused = anew if self._is_anothers(held) else None
                    continue
                self._record_problem = _TOO_MUCH if held.flaw == carried.TOO_MUCH else _OTHER_RECORD
                _log.error("%s (%s)", self._record_problem, held.flaw or f"line {held.sequence}")
                await asyncio.sleep(_HELD_S)
                held = await self._told(broker, Told())
                continue
            self._record_problem = None
            lines = carried.after(self._connection, held.sequence or carried.began(self._connection), _LINES_AT_ONCE)
            gone = forgotten.waiting(self._connection)
            if lines or gone:
                held = await self._told(broker, Told(tuple(lines), tuple(one for _, one in gone)))
                if gone:
                    forgotten.known(self._connection, gone[-1][0])
            else:
                await asyncio.sleep(_TELL_S)

    def _is_anothers(self, held: Held) -> bool:
        """Whether the centre has another record of this gate than this one, as after a backup was put back."""
        return bool(held.sequence) and not carried.is_ours(self._connection, Anchor(held.sequence, held.hash))

    async def _told(self, broker: Client, told: Told) -> Held:
        data = messages.TOLD.data(told, self._joined.box, self._signer)
        answer = await broker.request(self._names.record, data, timeout=_ANSWERED_WITHIN_S)
        try:
            held = messages.HELD.of(answer.data, keys.verifier(self._joined.signer))
        except (NotGenuine, Malformed) as error:
            raise TimeoutError from error
        if held.gate != self._joined.gate:
            raise TimeoutError
        return held

    async def _report(self, broker: Client) -> None:
        while True:
            now = time.monotonic()
            since = self._behind_since
            again = since is not None and now - max(since, self._asked_mono, self._reader.moved_mono) > self._patience_s
            if again:
                self._asked_mono, self._patience_s = now, min(2 * self._patience_s, _BEHIND_LONGEST_S)
                _log.warning("The register here is not the centre's; all of it is asked for again.")
                # What was counted of it may be wrong.
                items.sum_anew(self._connection)
            status = self._status()
            gave_back = proposals.gave_back(self._connection)
            listed = succession.digest_of_gates(self._connection) if self._lists_gates else None
            unheard = self._heard_mono is None or self._heard_mono < self._line_mono
            said = Report(
                status.behind, status.entries, status.waiting, again, status.problem, gave_back, self._run,
                unheard=unheard, gates=listed, reader=messages.READER, epoch=self._epoch,
                through=self._reader.through(), unanswered=self._reader.is_unanswered,
            )  # fmt: skip
            self._to_report.clear()
            await broker.publish(self._names.report, messages.report_data(said))
            with suppress(TimeoutError):
                # Whether all is given back is told as soon as that was asked for.
                led = self._led.is_set()
                await asyncio.wait_for(self._to_report.wait() if led else self._led.wait(), _REPORT_S)
            # Each of four consumers wants one where its broker is lost, and so do those of all gates.
            await asyncio.sleep(_REPORTS_APART_S)

    async def _say_state(self, broker: Client) -> None:
        """Say how the gate is, as the api found it: when that changes, and every few seconds."""
        said, said_mono = None, float("-inf")
        while True:
            now = time.monotonic()
            kept = read_state(self._state)
            state = kept.state if kept is not None and kept.holds(now) else _UNKNOWN
            if self._tick is not None and (state != said or now - said_mono > SAID_EVERY_S):
                saying = Saying(self._joined.gate, self._tick, state)
                await broker.publish(self._names.state, messages.SAYING.data(saying, self._signer))
                said, said_mono = state, now
            await asyncio.sleep(_LOOK_S)

    async def _take_orders(self, broker: Client) -> None:
        """Ask what is ordered of the door, where there is something new, and answer what came of it."""
        asked_for, asked_mono = 0, float("-inf")
        while True:
            answers, now = centre_orders.untold(self._connection), time.monotonic()
            again = now - asked_mono > _ORDERS_AGAIN_S and centre_orders.wait(self._connection)
            if answers or again or self._orders != asked_for:
                newest, asked_mono = self._orders, now
                asking = Asking(self._joined.gate, secrets.token_bytes(_NONCE_BYTES), answers)
                data = messages.ASKING.data(asking, self._signer)
                answer = await broker.request(self._names.orders, data, timeout=_ANSWERED_WITHIN_S)
                self._keep_orders(answer.data, asking, now)
                asked_for = newest
            await asyncio.sleep(_TURN_S)

    def _keep_orders(self, data: bytes, asking: Asking, asked_mono: float) -> None:
        try:
            told = messages.ORDERING.of(data, self._joined.box_seed, keys.verifier(self._joined.signer))
        except (keys.NotForUs, NotGenuine, Malformed) as error:
            raise TimeoutError from error
        # What answers another question is as old as that was.
        if (told.gate, told.nonce) != (asking.gate, asking.nonce):
            raise TimeoutError
        centre_orders.told(self._connection, asking.answers)
        centre_orders.take(self._connection, told.orders, asked_mono)

    async def _tell_passages(self, broker: Client) -> None:
        """Tell who passed here, whenever somebody did."""
        while True:
            seen = elsewhere.untold(self._connection, self._epoch) if self._centre_shares else ()
            if seen:
                await self._share(broker, seen=seen)
                elsewhere.told(self._connection, self._epoch, seen[-1].number)
            else:
                await asyncio.sleep(_SHARE_S)

    async def _hear_passages(self, broker: Client) -> None:
        """Ask who passed at the others, and again once there is an answer."""
        while True:
            if not self._centre_shares:
                await asyncio.sleep(_AGAIN_S)
                continue
            epoch = self._epoch
            shared = await self._share(broker, waits=True)
            elsewhere.take(self._connection, shared.seen, epoch, shared.through)

    async def _share(self, broker: Client, *, seen: tuple[Seen, ...] = (), waits: bool = False) -> Shared:
        heard = elsewhere.heard(self._connection, self._epoch)
        said = Sharing(self._joined.gate, self._tick or 0, secrets.token_bytes(_NONCE_BYTES), heard, seen, waits)
        data = messages.SHARING.data(said, self._joined.box, self._signer)
        within_s = _ANSWERED_WITHIN_S + (SHARING_WAITS_S if waits else 0.0)
        answer = await broker.request(self._names.passages, data, timeout=within_s)
        try:
            told = messages.SHARED.of(answer.data, self._joined.box_seed, keys.verifier(self._joined.signer))
        except (keys.NotForUs, NotGenuine, Malformed) as error:
            raise TimeoutError from error
        if (told.gate, told.nonce) != (said.gate, said.nonce):
            raise TimeoutError
        return told

    async def _look(self, said: Msg) -> None:
        """The centre asks something of the camera here: the api alone may, and is asked in its place."""
        if len(said.data) > cameras.MOST_ASKED or len(self._looks) >= _MOST_LOOKS:
            return
        try:
            asked = messages.LOOKING.of(said.data, self._joined.box_seed, keys.verifier(self._joined.signer))
        except (keys.NotForUs, NotGenuine, Malformed) as error:
            _log.error("What is asked of the camera here in the centre's name is not its own (%s).", error)
            return
        if asked.gate != self._joined.gate:
            return
        if not self._asked_of_camera.is_new(asked.nonce, asked.tick, self._tick):
            _log.warning("What the centre asked of the camera here came too late or twice; it is not answered.")
            return
        # The next may be asked before this is answered: its asker may have given up.
        look = asyncio.create_task(self._answer(said, asked))
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def _answer(self, said: Msg, asked: Looking) -> None:
        from nats.errors import Error

        answer = await asyncio.to_thread(self._answer_of_api, asked.question)
        looked = Looked(asked.gate, asked.nonce, answer)
        with suppress(Error, OSError):
            await said.respond(messages.LOOKED.data(looked, self._joined.box, self._signer))

    def _answer_of_api(self, question: cameras.Question) -> cameras.Answer:
        with closing(Socket(socket_of(self._state, "api"), timeout_s=question.within_s)) as client:
            try:
                answer = read(cameras.Answer, client.ask(written(question)))
            except (LinkDown, Malformed) as error:
                if not self._api_silent:
                    _log.warning("The gate's own console does not say what its camera sees: %s", error)
                self._api_silent = True
                return cameras.SILENT
        self._api_silent = False
        return answer

    async def _watch(self) -> None:
        """Say how it stands, on this machine and to the record, whether or not there is a line."""
        watchdog, written_mono = Watchdog(), float("-inf")
        while True:
            now = time.monotonic()
            watchdog.feed(True)
            silent = now - max(self._line_mono, self._heard_mono or self._began_mono) > _ELSEWHERE_S
            if silent and len(self._line.places) > 1:
                self._line_mono = now
                self._line.leave()
            if not self._cut_off and now - (self._heard_mono or self._began_mono) > CUT_OFF_S:
                self._cut_off = True
                _log.error("The centre was not heard for %d s. The gate goes on by itself.", CUT_OFF_S)
                with suppress(sqlite3.Error):
                    audit.append(self._connection, AuditEvent(Kind.CENTRE_LOST))
            if now - written_mono > _REPORT_S:
                written_mono = now
                with suppress(OSError, sqlite3.Error, FacegateError):
                    write_status(self._state, self._status())
                    if self._forgets:
                        with transaction(self._connection):
                            elsewhere.forget(self._connection)
                        self._forgets = False
                    elsewhere.prune(self._connection, datetime.now(UTC))
            await asyncio.sleep(_AGAIN_S)

    def _status(self) -> LinkStatus:
        entries = items.count(self._connection)
        waiting = len(requests.waiting(self._connection)) + proposals.count(self._connection)
        behind = self._behind_since is not None
        problem = _REFUSED if self._line.refused else self._problem or self._record_problem
        centre = (self._line.at or self._joined.place).address
        return LinkStatus(_now(), centre, self._heard_at, self._cut_off, behind, entries, waiting, problem)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def main() -> int:
    """Entry point: one line of JSON, {"state", "passages"}, on standard input."""
    speak_as("link")
    given = settings_from_starter()
    state = Path(given["state"])
    try:
        joined = read_joined(state)
        if joined is None:
            raise UsageError("This gate follows no centre. Join one: sudo facegate join ADDRESS CODE")
        with closing(open_database(state)) as connection:
            if part(connection) is not Part.GATE:
                raise UsageError(RESTORED_BEFORE)
            stop_with_starter()
            passages = bool(given.get("passages"))
            link = Link(state, connection, joined, passages=passages)
            asyncio.run(until_told(link.run()))
    except FacegateError as error:
        _log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
