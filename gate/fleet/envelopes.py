"""Values on their way between a gate and its centre, as JSON that its sender signed: pure, values in and bytes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate.fleet import keys
from gate.processes.fields import Malformed, read, written

SIGNATURE_BYTES = 64
Value = TypeVar("Value")


class NotGenuine(ValueError):
    """It is not from whom it should be, or was altered on the way."""


@dataclass(frozen=True, slots=True)
class Signed(Generic[Value]):
    """How values of one kind travel in clear. `purpose` is signed with them and never sent, so that what was signed for
    one purpose is good for no other."""

    purpose: bytes
    kind: type[Value]

    def data(self, value: Value, signer: Ed25519PrivateKey) -> bytes:
        """A value, signed: the signature, and the value as JSON."""
        return signed(self.purpose, json_of(value), signer)

    def of(self, data: bytes, signer: Ed25519PublicKey) -> Value:
        """The value, where this signer signed it. Raises NotGenuine, Malformed."""
        return value_of(self.kind, genuine(self.purpose, data, signer))


@dataclass(frozen=True, slots=True)
class Sealed(Generic[Value]):
    """How values of one kind travel that are nobody's but the receiver's: signed, and sealed to the receiver's key."""

    purpose: bytes
    kind: type[Value]

    def data(self, value: Value, box: bytes, signer: Ed25519PrivateKey) -> bytes:
        """A value, signed, and sealed to whom the public key `box` is."""
        return keys.seal_to(box, signed(self.purpose, json_of(value), signer))

    def of(self, data: bytes, box_seed: bytes, signer: Ed25519PublicKey) -> Value:
        """The value, where this signer signed it. Raises keys.NotForUs, NotGenuine, Malformed."""
        return value_of(self.kind, genuine(self.purpose, keys.open_sealed(box_seed, data), signer))


def signed(purpose: bytes, said: bytes, signer: Ed25519PrivateKey) -> bytes:
    """What is said for this purpose, behind its signature."""
    return signer.sign(purpose + said) + said


def genuine(purpose: bytes, data: bytes, signer: Ed25519PublicKey) -> bytes:
    """What this signer said for this purpose. Raises NotGenuine."""
    signature, said = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
    try:
        signer.verify(signature, purpose + said)
    except InvalidSignature as error:
        raise NotGenuine("the signature is another's") from error
    return said


def json_of(value: object) -> bytes:
    """A value as JSON."""
    return json.dumps(written(value), separators=(",", ":"), ensure_ascii=False).encode()


def value_of(kind: type[Value], said: bytes) -> Value:
    """The value of this kind that the JSON says. Raises Malformed."""
    try:
        return read(kind, json.loads(said))
    except (ValueError, RecursionError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"{kind.__name__} is no JSON") from error
