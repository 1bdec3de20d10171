"""Keeps a line to the broker: tells Home Assistant how the gate is, and does what its buttons ask where they may.

A task of the api, as the webhooks are. The door is asked what the console asks it, and knows of no broker; it goes on
whether or not there is one. Nothing waits for a broker that is away: once it is back it is told how things are then.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.auth import Actor
from api.context import Context, store_of
from api.home_assistant import messages
from api.home_assistant.messages import OFFLINE, ONLINE, ORDERS, TOLD, Told
from gate.care.home_assistant import write_status
from gate.errors import FacegateError, UsageError
from gate.processes.client import LinkDown
from gate.processes.requests import Do
from gate.processes.starting import credential
from gate.processes.status import DoorStatus
from gate.state_folder import broker_password
from gate.store.record.audit import Line
from gate.store.record.search import lines_at

if TYPE_CHECKING:
    from aiomqtt import Client, Message

_log = logging.getLogger(__name__)

CREDENTIAL = "mqtt-password"
# Who the record says that gave an order.
ACTOR = Actor("home assistant", frozenset())
_LOOK_EVERY_S = 0.5
_STATUS_EVERY_S = 5.0
# How the door is is told so often at least, so that it holds (`messages.EXPIRES_S`).
TOLD_AGAIN_S = 40.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
_ANSWERED_WITHIN_S = 10.0
_KEPT_ALIVE_S = 15
_LEAVES_WITHIN_S = 3.0
_AT_ONCE = 50
# What may wait to be read of what the broker sends: presses of two buttons.
_MOST_WAITING = 20
_ORDERS = {"open": Do.OPEN, "lock": Do.LOCKDOWN}
_QOS = 1
# Of MQTT 3.1.1 and 5: a wrong name or password, or nothing that it may do.
_REFUSED = (4, 5, 134, 135)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The gate at one moment: its door (None: it does not answer), and the lines of the record since the last look."""

    door: DoorStatus | None
    lines: list[Line]


class HomeAssistant:
    """One gate's line to the broker of the settings."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.settings.home_assistant
        self._connected = False
        self._problem: str | None = None
        # The number of the last line that was told; None: not since the line to the broker is there.
        self._cursor: int | None = None
        self._published: dict[str, str] = {}
        self._door_told_mono = float("-inf")
        self._rings: str | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._say_how_it_stands())
            await self._connect_for_ever()

    async def _connect_for_ever(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            began = time.monotonic()
            # A task of its own: what a broken line cancels in it is not this one.
            attempt = asyncio.create_task(self._while_connected())
            try:
                await asyncio.wait([attempt])
            finally:
                attempt.cancel()
                await asyncio.wait([attempt], timeout=_LEAVES_WITHIN_S)
            # Whatever a broker brings about, the api goes on.
            if not attempt.cancelled() and (error := attempt.exception()) is not None:
                self._note(self._sentence(error), error)
            self._connected = False
            lasted = time.monotonic() - began
            wait_s = _FIRST_WAIT_S if lasted > _LONGEST_WAIT_S else min(2 * wait_s, _LONGEST_WAIT_S)
            await asyncio.sleep(wait_s)

    async def _while_connected(self) -> None:
        """Sign in, tell all there is, and go on with what changes, until the line breaks. Raises MqttError."""
        from aiomqtt import Client, MqttError, ProtocolVersion, Will

        told = await asyncio.to_thread(self._told)
        client = Client(
            self._settings.broker,
            self._settings.port,
            username=self._settings.user or None,
            password=self._password(),
            identifier=f"facegate-{told.topics.gate}",
            protocol=ProtocolVersion.V311,
            # What was pressed while the gate was away opens nothing when it is back.
            clean_session=True,
            will=Will(told.topics.availability, OFFLINE, _QOS, retain=True),
            tls_context=await asyncio.to_thread(self._trusting) if self._settings.tls else None,
            timeout=_ANSWERED_WITHIN_S,
            keepalive=_KEPT_ALIVE_S,
            max_queued_incoming_messages=_MOST_WAITING,
            logger=_quiet(),
        )
        async with client:
            self._published, self._cursor = {}, None
            for order in self._settings.commands:
                await client.subscribe(told.topics.press(order), qos=0)
            for topic, config in messages.discovery(told).items():
                await client.publish(topic, config, _QOS, retain=True)
            await client.publish(told.topics.availability, ONLINE, _QOS, retain=True)
            _end_where_told()
            self._connected, self._problem = True, None
            _log.info("Home Assistant's broker %s is told of this gate.", self._settings.broker)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._hear(client, told))
                    tasks.create_task(self._tell(client, told))
            finally:
                # A will is for whoever vanishes; who leaves says so.
                with suppress(MqttError):
                    await client.publish(told.topics.availability, OFFLINE, _QOS, retain=True, timeout=1)

    async def _tell(self, client: Client, told: Told) -> None:
        while True:
            seen = await asyncio.to_thread(self._look)
            await self._tell_door(client, told, seen.door)
            for line in seen.lines:
                self._cursor = line.sequence
                await self._put(client, told.topics.event, messages.event_state(line, told.language))
            _end_where_told()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _tell_door(self, client: Client, told: Told, door: DoorStatus | None) -> None:
        await self._put(client, told.topics.door_availability, OFFLINE if door is None else ONLINE)
        if door is None:
            return
        if time.monotonic() - self._door_told_mono >= TOLD_AGAIN_S:
            self._published.pop(told.topics.door, None)
            self._door_told_mono = time.monotonic()
        await self._put(client, told.topics.door, messages.door_state(door, told.language))
        rings = door.bell.id if door.bell is not None and door.bell.rings else None
        if rings is not None and rings != self._rings and told.has_bell:
            # An event that is kept would ring once more at each restart of Home Assistant.
            await client.publish(told.topics.bell, messages.bell_event(), _QOS, retain=False)
        self._rings = rings

    async def _put(self, client: Client, topic: str, said: str) -> None:
        """Tell what has changed, so that the broker keeps it."""
        if self._published.get(topic) != said:
            await client.publish(topic, said, _QOS, retain=True)
            self._published[topic] = said

    async def _hear(self, client: Client, told: Told) -> None:
        orders = {told.topics.press(order): order for order in ORDERS}
        async for message in client.messages:
            order = orders.get(str(message.topic))
            if order in self._settings.commands:
                await self._press(order, message)

    async def _press(self, order: str, message: Message) -> None:
        """Do what a button asks, where it was pressed just now; what is kept or held back opens nothing."""
        at = messages.pressed_at(message.payload)
        if message.retain or at is None:
            _log.warning("A press of %s was passed over: it is kept by the broker, or does not say when it was.", order)
            return
        given_mono = time.monotonic() - (time.time() - at)
        try:
            reply = await asyncio.to_thread(self._context.order_door, _ORDERS[order], ACTOR, given_mono)
        except LinkDown as error:
            _log.warning("The door could not be told what Home Assistant asks: %s", error)
            return
        if not reply.granted:
            _log.warning("The door refused %s to Home Assistant: %s.", order, reply.reason)

    def _look(self) -> _Seen:
        try:
            door = self._context.door_status()
        except LinkDown:
            door = None
        try:
            return _Seen(door, self._new_lines())
        except (FacegateError, sqlite3.Error) as error:
            # The door goes on without a record, and so do its alarms.
            _log.debug("The record could not be read for Home Assistant: %s", error)
            return _Seen(door, [])

    def _new_lines(self) -> list[Line]:
        """Those of the record that were not told yet. Raises StoreError and UsageError."""
        marks = ", ".join("?" for _ in TOLD)
        with store_of(self._context) as connection:
            asked = f"SELECT sequence FROM audit WHERE kind IN ({marks}) AND sequence > ?"  # noqa: S608 - marks
            if self._cursor is None:
                rows = connection.execute(f"{asked} ORDER BY sequence DESC LIMIT 1", (*TOLD, 0)).fetchall()
            else:
                rows = connection.execute(
                    f"{asked} ORDER BY sequence LIMIT {_AT_ONCE}", (*TOLD, self._cursor)
                ).fetchall()
            lines = lines_at(connection, [row[0] for row in rows])[::-1]
        # From a record without a line on all are told.
        self._cursor = self._cursor or 0
        return lines

    def _told(self) -> Told:
        with store_of(self._context) as connection:
            (gate_id,) = connection.execute("SELECT id FROM gate").fetchone()
        language = next(one for one in self._context.languages.all if one.tag == self._settings.language)
        door = self._context.settings.door
        return Told.of(
            gate_id, self._context.gate, self._settings, language, contact=door.contact_pin is not None, bell=door.bell
        )

    def _password(self) -> str | None:
        if not self._settings.user:
            return None
        given = credential(CREDENTIAL)
        if given is None:
            with suppress(FileNotFoundError):
                given = broker_password(self._context.state).read_text("utf-8").strip() or None
        return given

    def _trusting(self) -> ssl.SSLContext:
        """Raises UsageError where the authority of the settings cannot be read."""
        authority = self._settings.authority
        try:
            return ssl.create_default_context(cafile=None if authority is None else str(authority))
        except OSError as error:
            raise UsageError(
                f"home_assistant.authority, {authority}, is no certificate that can be read"
                f" ({error.strerror or error}). Name the PEM file of whoever signed the broker's."
            ) from error

    def _note(self, problem: str, error: BaseException) -> None:
        """Once, however often it is tried."""
        if problem != self._problem:
            _log.error("%s", problem)
            _log.debug("", exc_info=error)
        self._problem = problem

    def _sentence(self, error: BaseException) -> str:
        """What is wrong with the broker, and what somebody can do."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, FacegateError):
            return str(error)
        at, user = f"{self._settings.broker}:{self._settings.port}", self._settings.user
        code = getattr(getattr(error, "rc", None), "value", getattr(error, "rc", None))
        if code in _REFUSED:
            who = f"the user {user}" if user else "whoever has no name"
            return (
                f"The broker {at} does not let {who} in. Look at home_assistant.user, and at the password in"
                f" {broker_password(self._context.state)}."
            )
        cause = error.__context__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"The certificate of the broker {at} is not believed ({cause.verify_message}). Name who signed it in"
                " home_assistant.authority, and the broker as its certificate does."
            )
        if isinstance(cause, ssl.SSLError):
            return f"The broker {at} does not speak TLS there. Look at home_assistant.port."
        return f"The broker {at} cannot be reached ({str(error) or type(error).__name__}); it is tried again."

    async def _say_how_it_stands(self) -> None:
        while True:
            with suppress(OSError, FacegateError):
                write_status(self._context.state, connected=self._connected, problem=self._problem)
            await asyncio.sleep(_STATUS_EVERY_S)


def _end_where_told() -> None:
    """Raises CancelledError where this task is to end: asyncio.wait_for of Python 3.11 passes that over at times."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _quiet() -> logging.Logger:
    """It would log each attempt of a day without a broker, and what it says is said above in words."""
    logger = logging.getLogger(f"{__name__}.mqtt")
    logger.setLevel(logging.CRITICAL)
    return logger


async def tell_home_assistant(context: Context) -> None:
    """Tell the broker of the settings of this gate, as long as the api runs; at once over where they name none."""
    from models.extras import lacks

    if not context.settings.home_assistant.broker:
        return
    if why := lacks("aiomqtt"):
        _log.error("%s", why)
        with suppress(OSError, FacegateError):
            write_status(context.state, connected=False, problem=why)
        return
    await HomeAssistant(context).run()
