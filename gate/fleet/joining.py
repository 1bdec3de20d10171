"""The gate's side of pairing: from an address and a code to what the gate keeps of its centre."""

from __future__ import annotations

import hmac
import json
import os
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gate.errors import Refusal, Sentence, UsageError
from gate.fleet import keys, pairing
from gate.fleet.joined import Joined
from gate.fleet.nkeys import new_nkey_seed, nkey_public
from gate.fleet.pairing import Challenge, Hello, Proof, Refused, Welcome
from gate.processes.fields import read, written

_WITHIN_S = 15.0
_LONGEST_LINE = 4096
_DOOR_KEY_BYTES = 32
_NOT_THE_CENTRE = Sentence(
    "Whoever answers at {address} does not have the code: it is not the centre, or somebody stands between. Nothing was"
    " joined; look at the address."
)
_NOBODY = Sentence(
    "No centre answers at {address}, port {port} ({why}). Look at the address, and whether its machine lets this one"
    " through."
)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Paired:
    """What comes of a pairing."""

    joined: Joined
    salt: bytes
    """With what this compound hashes PINs."""
    door_key: bytes = field(repr=False)
    """With what the doors of this compound find codes."""
    second: bytes = field(default=b"", repr=False)
    """What a second centre is given beside that; empty: this is a gate."""


def pair(address: str, port: int, code: str, gate: str, name: str, before: bytes | None = None) -> Paired:
    """Pair this gate with the centre at an address, by the code of its invitation (`pairing.code_of`); `before` is the
    seed of what signs its requests since it joined last.

    Raises UsageError where nobody answers there as a centre does, Refusal where it takes no gate now or the code is
    another.
    """
    try:
        with _connected(address, port) as line:
            return _pair(line, address, code, gate, name, before)
    except (UsageError, Refusal):
        raise
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(_NOBODY, address=address, port=port, why=why) from error


def _connected(address: str, port: int) -> ssl.SSLSocket:
    # Whose certificate it is the code proves, over the certificate itself.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection((address, port), timeout=_WITHIN_S)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise


def _pair(line: ssl.SSLSocket, address: str, code: str, gate: str, name: str, before: bytes | None) -> Paired:
    certificate = line.getpeercert(binary_form=True) or b""
    nkey_seed, box_seed, signer_seed = new_nkey_seed(), keys.new_seed(), keys.new_seed()
    nonce = os.urandom(pairing.NONCE_BYTES)
    hello = Hello(
        gate, name, nkey_public(nkey_seed), keys.box_public(box_seed), keys.signer_public(signer_seed), nonce
    )  # fmt: skip
    _say(line, hello)
    challenge = _hear(line, Challenge)
    made = pairing.keys_of(code, challenge.salt)
    proof = pairing.gate_proof(made.prove, certificate, hello, challenge)
    same = b"" if before is None else keys.signer(before).sign(pairing.SAME + proof)
    _say(line, Proof(proof, same))
    welcome = _hear(line, Welcome)
    expected = pairing.centre_proof(made.prove, certificate, hello, challenge, welcome)
    if not hmac.compare_digest(expected, welcome.proof):
        raise UsageError(_NOT_THE_CENTRE, address=address)
    pem = ssl.DER_cert_to_PEM_cert(certificate)
    joined = Joined(address, welcome.port, gate, pem, welcome.signer, welcome.box, nkey_seed, box_seed, signer_seed)
    given = pairing.unwrapped(made.wrap, welcome.wrapped)
    return Paired(joined, welcome.salt, given[:_DOOR_KEY_BYTES], given[_DOOR_KEY_BYTES:])


def _say(line: ssl.SSLSocket, value: Any) -> None:
    line.sendall(json.dumps(written(value)).encode() + b"\n")


def _hear(line: ssl.SSLSocket, kind: type[Value]) -> Value:
    said = b""
    while not said.endswith(b"\n"):
        part = line.recv(_LONGEST_LINE)
        if not part or len(said) > _LONGEST_LINE:
            raise ValueError("it says what makes no sense")
        said += part
    told = json.loads(said)
    if isinstance(told, dict) and "why" in told:
        raise Refusal(read(Refused, told).sentence)
    return read(kind, told)
