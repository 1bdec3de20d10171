"""How a gate and a centre come to know each other, by a code that somebody carries from one to the other.

The code is stretched by scrypt. From it come a key by which each side proves that it has the code, over the certificate
that the gate sees, both keys and a nonce of each side, and another that wraps the key for PINs and cards: what of the
centre is reached over the network does not have that second one. Whoever stands between can replace nothing, and has
one try for each code that somebody types.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from gate.errors import Sentence, UsageError
from gate.processes.fields import written

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without I and O, which are taken for digits."""
_LENGTH = 12
_PART = 4
# RFC 7914's scrypt: some 0.1 s a try.
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 << 20, "dklen": 32}
NONCE_BYTES = SALT_BYTES = 16
_WRAP_NONCE = bytes(12)
_GAP = re.compile(r"\{([a-z_]+)\}")
SAME = b"facegate same gate\n"
"""What is signed with a gate's proof by what it had before."""
NO_CODE = Sentence("That is no invitation: it has twelve letters, such as ABCD-EFGH-JKLM. Look at it again.")


@dataclass(frozen=True, slots=True)
class Keys:
    """What comes of a code and a salt."""

    prove: bytes = field(repr=False)
    wrap: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hello:
    """The gate's first word: who it is, its public keys, and its nonce."""

    gate: str
    name: str
    nkey: str
    box: bytes
    signer: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Challenge:
    """The centre's answer: with what the code is stretched, and its nonce."""

    salt: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """That the gate has the code; `same` that it has what the gate of its id got when it joined before, which a copy of
    its card from before then lacks. Empty: it joins for the first time, or does not know any more that it did."""

    proof: bytes
    same: bytes = b""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the gate is given: the broker's port, the centre's signer and its box, with what PINs are hashed, the
    wrapped key of the doors; and the proof that the centre has the code too, over all of that."""

    port: int
    signer: bytes
    box: bytes
    salt: bytes
    wrapped: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing came of it: a sentence, and the same with its gaps, so that it can be told in another language."""

    why: str
    pattern: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, sentence: Sentence) -> Self:
        """As it is said to the other side."""
        return cls(sentence, sentence.pattern, {name: str(value) for name, value in sentence.values.items()})

    @property
    def sentence(self) -> Sentence:
        """What was said. Whoever said it may be anybody: gaps are plain ones, each with its value."""
        if self.pattern and set(_GAP.findall(self.pattern)) <= self.values.keys():
            plain = _GAP.sub("", self.pattern)
            if "{" not in plain and "}" not in plain:
                return Sentence(self.pattern, **self.values)
        return Sentence("{why}", why=self.why)


def draw_code() -> str:
    """An invitation, 55 bits of chance in twelve letters."""
    return "".join(secrets.choice(LETTERS) for _ in range(_LENGTH))


def shown(code: str) -> str:
    """A code as it is read out: ABCD-EFGH-JKLM."""
    return "-".join(code[at : at + _PART] for at in range(0, _LENGTH, _PART))


def code_of(typed: str) -> str:
    """A code as somebody types it. Raises UsageError where it can be none."""
    code = "".join(sign for sign in typed.upper() if sign.isalnum())
    if len(code) != _LENGTH or not set(code) <= set(LETTERS):
        raise UsageError(str(NO_CODE))
    return code


def keys_of(code: str, salt: bytes) -> Keys:
    """Stretch a code; takes a tenth of a second, on purpose."""
    stretched = hashlib.scrypt(code.encode("ascii"), salt=salt, **_SCRYPT)
    return Keys(hmac.digest(stretched, b"prove", "sha256"), hmac.digest(stretched, b"wrap", "sha256"))


def gate_proof(prove: bytes, certificate: bytes, hello: Hello, challenge: Challenge) -> bytes:
    """That the gate has the code, and sees this certificate (DER)."""
    return _proof(prove, b"gate", certificate, hello, challenge)


def centre_proof(prove: bytes, certificate: bytes, hello: Hello, challenge: Challenge, welcome: Welcome) -> bytes:
    """That the centre has the code, over what it gives; the proof in `welcome` is not looked at."""
    given = Welcome(welcome.port, welcome.signer, welcome.box, welcome.salt, welcome.wrapped, b"")
    return _proof(prove, b"centre", certificate, hello, challenge, given)


def wrapped(wrap: bytes, door_key: bytes) -> bytes:
    """The key of the doors, for whoever has the code. A code is drawn for one gate: its key is used once."""
    return ChaCha20Poly1305(wrap).encrypt(_WRAP_NONCE, door_key, None)


def unwrapped(wrap: bytes, data: bytes) -> bytes:
    """The key of the doors. Raises UsageError."""
    try:
        return ChaCha20Poly1305(wrap).decrypt(_WRAP_NONCE, data, None)
    except (InvalidTag, ValueError) as error:
        raise UsageError("What the centre sent does not open with this code. Ask for a new invitation.") from error


def _proof(prove: bytes, who: bytes, certificate: bytes, *said: object) -> bytes:
    parts = [who, hashlib.sha256(certificate).digest(), *(_json(one) for one in said)]
    return hmac.digest(prove, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")


def _json(value: object) -> bytes:
    return json.dumps(written(value), sort_keys=True, separators=(",", ":")).encode()
