"""Who passed at which gate, for the gates that share it: each tells what it saw, and asks what the others did.

A question waits until there is something to answer, so that a passage is known at the others at once, and a quiet
compound asks seldom. No stream keeps any of it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from centre.followers import Followers
from centre.secrets import Secrets
from gate.fleet import keys, messages
from gate.fleet.envelopes import NotGenuine
from gate.fleet.messages import SHARING_WAITS_S, Shared, Sharing
from gate.processes.fields import Malformed
from gate.store.compound.gates import Gate
from gate.store.people import elsewhere

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

_LOOK_S = 0.25


class Passages:
    """What the gates tell of passages, and what they are answered. Its caller's loop owns the connection."""

    def __init__(self, connection: sqlite3.Connection, secrets: Secrets, followers: Followers) -> None:
        self._connection = connection
        self._secrets = secrets
        self._followers = followers
        # Of each gate the one question that waits.
        self._waiting: dict[str, asyncio.Task[None]] = {}

    async def listen(self, broker: Client) -> None:
        """Hear the gates on this line, and answer."""
        await broker.subscribe("passages.*", cb=self._hear)

    async def _hear(self, asked: Msg) -> None:
        sender = self._followers.gates.get(asked.subject.removeprefix("passages."))
        if sender is None:
            return
        try:
            sharing = messages.SHARING.of(asked.data, self._secrets.box_seed, keys.verifier(sender.signer))
            # What was held back on the way, or is said again, says where people were once.
            if sharing.gate != sender.id or not self._followers.is_fresh(sharing.tick):
                return
            elsewhere.keep_of(self._connection, sender.id, sender.name, sharing.seen)
        except (keys.NotForUs, NotGenuine, Malformed, sqlite3.Error) as error:
            _log.error("Who passed at %s could not be kept: %s", sender.name, error)
            return
        if not sharing.waits:
            await self._answer(asked, sender, sharing)
            return
        before = self._waiting.pop(sender.id, None)
        if before is not None:
            before.cancel()
        self._waiting[sender.id] = asyncio.create_task(self._answer_later(asked, sender, sharing))

    async def _answer_later(self, asked: Msg, sender: Gate, sharing: Sharing) -> None:
        until = time.monotonic() + SHARING_WAITS_S
        while time.monotonic() < until:
            try:
                if elsewhere.for_gate(self._connection, sender.id, sharing.heard)[0]:
                    break
            except sqlite3.Error:
                # It is asked again.
                return
            await asyncio.sleep(_LOOK_S)
        await self._answer(asked, sender, sharing)

    async def _answer(self, asked: Msg, sender: Gate, sharing: Sharing) -> None:
        from nats.errors import Error

        try:
            seen, through = elsewhere.for_gate(self._connection, sender.id, sharing.heard)
            told = Shared(sender.id, sharing.nonce, through, seen)
            await asked.respond(messages.SHARED.data(told, sender.box, keys.signer(self._secrets.signer_seed)))
        except (Error, OSError, sqlite3.Error) as error:
            _log.debug("Passages could not be told: %s", error)
