"""Where a gate is paired: a port that answers while an invitation holds, one gate at a time."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import sqlite3
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from centre.broker import broker_folder
from centre.invitation import Invitation, read_invitation, write_invitation
from centre.secrets import Secrets
from gate.errors import FacegateError, Refusal, Sentence
from gate.fleet import keys, pairing
from gate.fleet.pairing import Challenge, Hello, Proof, Refused, Welcome
from gate.processes.fields import Malformed, read, written
from gate.store.compound.gates import Gate

_log = logging.getLogger(__name__)

_LONGEST_LINE = 4096
_WITHIN_S = 20.0
_NO_INVITATION = Sentence(
    "No gate is invited here now. Draw a code at the centre, under Settings, Gates, or by: sudo facegate centre invite"
)
_WRONG = Sentence("That is not the code of the invitation. Look at it again; after five tries draw a new one.")
Value = TypeVar("Value")


class PairingDesk:
    """Takes gates in. Its `joined` is called with each, before the gate is told."""

    def __init__(
        self,
        state: Path,
        secrets: Secrets,
        port: int,
        salt: Callable[[], bytes],
        joined: Callable[[Gate, bytes, bytes], None],
    ) -> None:
        """`port` is the broker's; `salt` with what PINs are hashed in this compound; `joined` is given what the gate
        signed, and how, by what it had before, and raises Refusal where it is not to be taken in."""
        self._state = state
        self._secrets = secrets
        self._port = port
        self._salt = salt
        self._joined = joined
        self._one_at_a_time = asyncio.Lock()
        found = x509.load_pem_x509_certificate(secrets.certificate.encode("ascii"))
        self._certificate = found.public_bytes(serialization.Encoding.DER)

    async def serve(self, listen: str, port: int) -> None:
        """Until it is cancelled. Raises OSError where the port is taken."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        place = broker_folder(self._state)
        context.load_cert_chain(place / "broker.crt", place / "broker.key")
        server = await asyncio.start_server(self._hear, listen, port, ssl=context, limit=_LONGEST_LINE)
        async with server:
            await server.serve_forever()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S), self._one_at_a_time:
                await self._pair(reader, writer)
        except (OSError, TimeoutError, Malformed, ValueError, asyncio.IncompleteReadError) as error:
            _log.warning("A gate that wanted to join said what makes no sense (%s).", error or type(error).__name__)
        except (sqlite3.Error, FacegateError) as error:
            _log.error("A gate could not be taken in, and needs a new invitation: %s", error)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _pair(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await _hear(reader, Hello)
        invitation = read_invitation(self._state)
        if invitation is None:
            await _say(writer, Refused.of(_NO_INVITATION))
            return
        challenge = Challenge(invitation.salt, os.urandom(pairing.NONCE_BYTES))
        await _say(writer, challenge)
        proof = await _hear(reader, Proof)
        # Counted before it is looked at: a try that is cut short was one.
        write_invitation(self._state, invitation.tried())
        expected = pairing.gate_proof(invitation.prove, self._certificate, hello, challenge)
        if not hmac.compare_digest(proof.proof, expected):
            _log.warning("A gate that calls itself %s gave a wrong code.", hello.name)
            await _say(writer, Refused.of(_WRONG))
            return
        write_invitation(self._state, None)
        gate = replace(
            _gate_of(hello),
            second_at=invitation.second_at, broker_at=invitation.broker_at, broker_pin=invitation.broker_pin,
        )  # fmt: skip
        try:
            self._joined(gate, pairing.SAME + proof.proof, proof.same)
        except Refusal as error:
            await _say(writer, Refused.of(error.sentence))
            return
        _log.info("%s joined.", gate.name)
        await _say(writer, self._welcome(invitation, hello, challenge))

    def _welcome(self, invitation: Invitation, hello: Hello, challenge: Challenge) -> Welcome:
        signer = keys.signer_public(self._secrets.signer_seed)
        box = keys.box_public(self._secrets.box_seed)
        given = Welcome(self._port, signer, box, self._salt(), invitation.wrapped, b"")
        proof = pairing.centre_proof(invitation.prove, self._certificate, hello, challenge, given)
        return replace(given, proof=proof)


def _gate_of(hello: Hello) -> Gate:
    """The gate that says hello. Raises ValueError where its keys are none."""
    keys.verifier(hello.signer)
    keys.seal_to(hello.box, b"")
    if not (hello.nkey.startswith("U") and hello.nkey.isalnum() and hello.nkey.isascii() and len(hello.nkey) == 56):
        raise ValueError("its broker key is none")
    if not (hello.gate.isascii() and hello.gate.replace("-", "").isalnum() and len(hello.gate) <= 64):
        raise ValueError("its id is none")
    name = hello.name.strip()[:64] or "gate"
    return Gate(hello.gate, name, hello.nkey, hello.box, hello.signer, datetime.now(UTC).isoformat())


async def _hear(reader: asyncio.StreamReader, kind: type[Value]) -> Value:
    return read(kind, json.loads(await reader.readuntil(b"\n")))


async def _say(writer: asyncio.StreamWriter, value: Any) -> None:
    writer.write(json.dumps(written(value)).encode() + b"\n")
    await writer.drain()
