"""What the gates tell of their records: kept for many gates in one write to the disk, and answered when it is there.

Two hundred gates that take the same change tell of it in the same moment. Whoever asks for keys meanwhile, and what was
revoked, does not wait for them.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from centre.followers import Followers
from centre.secrets import Secrets
from gate.fleet import keys, messages
from gate.fleet.envelopes import NotGenuine
from gate.processes.fields import Malformed
from gate.store.compound import carried, forgotten
from gate.store.compound.gates import Gate
from gate.store.database import transaction
from gate.store.record.audit import Anchor

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

# So long one write takes lines, and so long everything else has its turn then.
_TAKES_S, _BREATH_S = 0.01, 0.005


class Records:
    """The lines that wait to be kept. Its caller's loop owns the connection to the store."""

    def __init__(self, connection: sqlite3.Connection, secrets: Secrets, followers: Followers) -> None:
        self._connection = connection
        self._secrets = secrets
        self._signer = keys.signer(secrets.signer_seed)
        self._followers = followers
        # Of each gate what it told last: what is not answered it tells again.
        self._waiting: dict[str, Msg] = {}
        self._came = asyncio.Event()

    async def listen(self, broker: Client) -> None:
        """Hear the gates on this line."""
        self._waiting.clear()
        await broker.subscribe("record.*", cb=self._hear)

    async def _hear(self, said: Msg) -> None:
        gate = said.subject.removeprefix("record.")
        if gate in self._followers.gates:
            self._waiting[gate] = said
            self._came.set()

    async def keep(self) -> None:
        """Keep what comes, and answer with the last line that is here, for ever."""
        from nats.errors import Error

        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting:
                for said, answer in self._kept():
                    with suppress(Error, OSError):
                        await said.respond(answer)
                await asyncio.sleep(_BREATH_S)

    def _kept(self) -> list[tuple[Msg, bytes]]:
        """Some of what waits, each with its answer, once the disk has all of them."""
        done, until = [], time.monotonic() + _TAKES_S
        try:
            with transaction(self._connection):
                while self._waiting and time.monotonic() < until:
                    gate, said = next(iter(self._waiting.items()))
                    del self._waiting[gate]
                    sender = self._followers.gates.get(gate)
                    answer = None if sender is None else self._keep_of(sender, said.data)
                    if answer is not None:
                        done.append((said, answer))
        except sqlite3.Error as error:
            _log.error("Lines of the gates' records could not be kept: %s", error)
            return []
        return done

    def _keep_of(self, sender: Gate, data: bytes) -> bytes | None:
        """Keep what one told; None where that is not its own. Part of a transaction."""
        try:
            told = messages.TOLD.of(data, self._secrets.box_seed, keys.verifier(sender.signer))
            with transaction(self._connection):
                flaw = carried.keep(self._connection, sender.id, told.lines, begins=told.begins)
                forgotten.keep(self._connection, sender.id, told.forgotten)
        except (keys.NotForUs, NotGenuine, Malformed, sqlite3.IntegrityError) as error:
            _log.error("Lines of the record of %s could not be kept: %s", sender.name, error)
            return None
        if flaw is not None and flaw.problem == carried.TOO_MUCH:
            self._followers.note_flood(sender)
        elif flaw is not None:
            _log.error("The record of %s, line %d: %s.", sender.name, flaw.sequence, flaw.problem)
        elif told.begins:
            _log.warning("The record of %s was put back, and begins anew; what came before stays here.", sender.name)
        last = carried.held(self._connection, sender.id) or Anchor(0, "")
        held = messages.Held(sender.id, last.sequence, last.hash, None if flaw is None else flaw.problem)
        return messages.HELD.data(held, self._signer)
