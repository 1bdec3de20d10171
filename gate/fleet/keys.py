"""The keys of a gate, and what is sealed to one: X25519, HKDF and ChaCha20-Poly1305.

Whoever has a gate's public key can seal to it, and the gate alone opens. A new pair is drawn for each sealing, so that
what was sealed once is of no use for anything else.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PUBLIC_BYTES = 32
_INFO = b"facegate sealed to a gate"
# A key is used once: its nonce need not differ.
_NONCE = bytes(12)


class NotForUs(ValueError):
    """What was sealed does not open here."""


def new_seed() -> bytes:
    """The secret half of a pair, either kind."""
    return secrets.token_bytes(32)


def signer(seed: bytes) -> Ed25519PrivateKey:
    """What signs with this seed."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def signer_public(seed: bytes) -> bytes:
    """By which what this seed signs is known."""
    return signer(seed).public_key().public_bytes_raw()


def verifier(public: bytes) -> Ed25519PublicKey:
    """What knows the signatures of a pair by its public half. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(public)


def box_public(seed: bytes) -> bytes:
    """To which is sealed what this seed opens."""
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def seal_to(box: bytes, plain: bytes) -> bytes:
    """Seal so that the owner of `box` alone opens it. Raises ValueError where that is no key."""
    once = X25519PrivateKey.generate()
    public = once.public_key().public_bytes_raw()
    key = _derived(once.exchange(X25519PublicKey.from_public_bytes(box)), public, box)
    return public + ChaCha20Poly1305(key).encrypt(_NONCE, plain, None)


def open_sealed(seed: bytes, data: bytes) -> bytes:
    """What was sealed to this seed's box. Raises NotForUs."""
    try:
        once, ours = X25519PublicKey.from_public_bytes(data[:_PUBLIC_BYTES]), X25519PrivateKey.from_private_bytes(seed)
        key = _derived(ours.exchange(once), data[:_PUBLIC_BYTES], box_public(seed))
        return ChaCha20Poly1305(key).decrypt(_NONCE, data[_PUBLIC_BYTES:], None)
    except (ValueError, InvalidTag) as error:
        raise NotForUs("what was sealed does not open with this gate's key") from error


def _derived(shared: bytes, public: bytes, box: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=public + box, info=_INFO).derive(shared)
