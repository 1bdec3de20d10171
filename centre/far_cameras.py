"""What the console here asks of gates' cameras, and what they answer: passed on, and kept nowhere on the way."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from centre.followers import Followers
from centre.secrets import Secrets
from gate.fleet import cameras, keys, messages
from gate.fleet.envelopes import NotGenuine
from gate.fleet.names import GateNames
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.answering import answer_for_ever
from gate.processes.fields import Malformed, read, written
from gate.processes.wire import Message
from gate.store.compound.gates import Gate

if TYPE_CHECKING:
    from nats.aio.client import Client

_log = logging.getLogger(__name__)

_NONCE_BYTES = 16
_AGAIN_S = 10.0


class FarCameras:
    """Answers the console on a socket of the centre's own."""

    def __init__(
        self, state: Path, secrets: Secrets, followers: Followers, tick: Callable[[], int],
        broker: Callable[[], Client | None],
    ) -> None:  # fmt: skip
        """`tick` is that of the head that was said last, `broker` the line to the gates; None: there is none."""
        self._state = state
        self._secrets = secrets
        self._followers = followers
        self._tick, self._broker = tick, broker

    async def answer(self) -> None:
        """For ever."""
        runtime_directory(self._state, "centre")
        path, api = socket_of(self._state, "centre"), socket_of(self._state, "api")
        while True:
            try:
                await answer_for_ever(path, api, self._look_at_gate)
            except OSError as error:
                _log.error("The console here cannot ask for gates' cameras: %s", error)
                await asyncio.sleep(_AGAIN_S)

    async def _look_at_gate(self, message: Message) -> Message:
        try:
            asked = read(cameras.AtGate, message)
        except Malformed as error:
            raise ValueError(str(error)) from error
        return written(await self._seen_at(asked.gate, asked.question))

    async def _seen_at(self, gate: str, question: cameras.Question) -> cameras.Answer:
        """What a gate answers: by core messages, which no stream keeps."""
        from nats.errors import Error

        whom, broker = self._followers.gates.get(gate), self._broker()
        if whom is None or broker is None or not broker.is_connected:
            return cameras.SILENT
        looking = messages.Looking(gate, self._tick(), secrets.token_bytes(_NONCE_BYTES), question)
        data = messages.LOOKING.data(looking, whom.box, keys.signer(self._secrets.signer_seed))
        try:
            said = await broker.request(GateNames(gate).camera, data, timeout=question.over_the_line_s)
            return self._answer_to(looking, whom, said.data)
        except (Error, TimeoutError, OSError):
            return cameras.SILENT
        except (keys.NotForUs, NotGenuine, Malformed) as error:
            _log.error("What is answered in the name of %s of its camera is not its own: %s", whom.name, error)
            return cameras.SILENT

    def _answer_to(self, looking: messages.Looking, whom: Gate, data: bytes) -> cameras.Answer:
        if len(data) > cameras.MOST_ANSWERED:
            raise Malformed("it is too long")
        looked = messages.LOOKED.of(data, self._secrets.box_seed, keys.verifier(whom.signer))
        if (looked.gate, looked.nonce) != (looking.gate, looking.nonce):
            raise NotGenuine("it answers something else")
        return looked.answer
