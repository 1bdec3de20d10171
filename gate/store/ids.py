"""Stable, sortable ids."""

from __future__ import annotations

import secrets
import time
import uuid


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 12 of their fraction, then 62 random bits.

    The fraction (the RFC's method 3) keeps in order what one process makes within a millisecond.
    """
    milliseconds, fraction = divmod(time.time_ns(), 1_000_000)
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (fraction << 12) // 1_000_000 << 64
    return str(uuid.UUID(int=value | 0x2 << 62 | secrets.randbits(62)))
