"""The other centre of a compound, as this one looks at it: whether it leads, and what was revoked there since."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from centre.secrets import Secrets
from gate.fleet import keys, messages
from gate.fleet.connection import Line, fetched
from gate.fleet.envelopes import NotGenuine
from gate.fleet.joined import Place, place_of
from gate.fleet.names import HEAD, REGISTER, WHO_LEADS
from gate.processes.fields import Malformed
from gate.store.compound import succession
from gate.store.compound.entries import SUSPENDED, RevocationEntry
from gate.store.compound.revoked import is_gone
from gate.store.compound.revoking import revoke_for_ever

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

_LOOK_S, _AGAIN_S = 1.0, 5.0
# At the start: whether anybody is there, and what they say.
_THERE_WITHIN_S, _SAYS_WITHIN_S = 3.0, 5.0
_AT_ONCE = 50
_BY = "the other centre"


class Other:
    """Watches the second centre that follows this one, or followed it. Its caller's loop owns the connection."""

    def __init__(self, connection: sqlite3.Connection, secrets: Secrets) -> None:
        self._connection = connection
        self._secrets = secrets
        self._signer = keys.signer(secrets.signer_seed).public_key()
        self._heard = asyncio.Event()

    async def asked(self) -> None:
        """Wait until it said whether it leads; not for long where nobody answers there."""
        place = self._place()
        if place is None:
            return
        with suppress(OSError, TimeoutError):
            _, writer = await asyncio.wait_for(asyncio.open_connection(place.address, place.port), _THERE_WITHIN_S)
            writer.close()
            await asyncio.wait_for(self._heard.wait(), _SAYS_WITHIN_S)

    async def watch(self) -> None:
        """For ever, wherever it is said to be."""
        while True:
            place = self._place()
            if place is None:
                await asyncio.sleep(_LOOK_S)
                continue
            said = self._secrets
            line = Line([place], said.certificate, said.nkey_seed, "other centre", "_INBOX_other", _AGAIN_S)
            watching = asyncio.ensure_future(line.for_ever(self._listen))
            try:
                while self._place() == place:
                    await asyncio.sleep(_LOOK_S)
            finally:
                watching.cancel()

    def _place(self) -> Place | None:
        other = succession.second(self._connection)
        return None if other is None or other.second_at is None else place_of(other.second_at)

    async def _listen(self, broker: Client) -> None:
        await broker.subscribe(HEAD, cb=self._hear)
        await broker.publish(WHO_LEADS, b"")
        if succession.superseded(self._connection) is not None:
            await self._take_revocations(broker)
        await asyncio.Event().wait()

    async def _hear(self, said: Msg) -> None:
        try:
            head = messages.HEAD.of(said.data, self._signer)
        except (NotGenuine, Malformed):
            return
        if succession.stand_down(self._connection, head.epoch):
            _log.error("Another centre leads since this one was away: this one publishes nothing any more.")
            # Nothing that is under way here goes on.
            os.kill(os.getpid(), signal.SIGTERM)
        self._heard.set()

    async def _take_revocations(self, broker: Client) -> None:
        """Whoever was revoked there opens nothing at this machine's own door either."""
        subscription = await broker.jetstream().pull_subscribe("register.revocation.>", stream=REGISTER)
        async for some in fetched(subscription, _AT_ONCE):
            for one in some:
                self._revoke(one.data)
                await one.ack()

    def _revoke(self, data: bytes) -> None:
        try:
            entry = messages.opened(messages.checked(data, self._signer), None)
        except (NotGenuine, messages.WrongKey, Malformed):
            return
        if not isinstance(entry, RevocationEntry) or is_gone(self._connection, entry.id):
            return
        if not (entry.over and entry.id.endswith(SUSPENDED)):
            revoke_for_ever(self._connection, entry.id, by=_BY)
