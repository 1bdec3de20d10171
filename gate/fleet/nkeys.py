"""The broker's kind of key: Ed25519, written as nkeys are (a seed that begins with SU, a public half with U)."""

from __future__ import annotations

import secrets


def new_nkey_seed() -> str:
    """A new key with which somebody shows the broker who they are."""
    import nkeys

    return bytes(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)).decode("ascii")


def nkey_public(seed: str) -> str:
    """By which the broker knows whoever has this seed."""
    import nkeys

    return bytes(nkeys.from_seed(bytearray(seed.encode("ascii"))).public_key).decode("ascii")
