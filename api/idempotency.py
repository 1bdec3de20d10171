"""Writes that a client may send twice and that are carried out once, by the key it gives them."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import Header

from api.auth import Actor
from api.context import record_look
from gate.store.site import idempotency_keys

IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=200, description="The same request with the same key is done once.")
]


def once(
    connection: sqlite3.Connection, actor: Actor, key: str | None, asked: Iterable[bytes], act: Callable[[], str]
) -> str:
    """The id of the resident that `act` makes, or that came of the same request before. `asked` is all it holds.

    Whoever asks again is shown the resident as they are by now: that is a look, which goes on record here.
    Raises Refusal where the key was used for something else, or the same is being carried out.
    """
    return _once(connection, actor, key, asked, act, of_resident=True)


def answered_once(
    connection: sqlite3.Connection, actor: Actor, key: str | None, asked: Iterable[bytes], act: Callable[[], str]
) -> str:
    """The answer that `act` gives, or gave to the same request before, where it makes no resident; else as `once`."""
    return _once(connection, actor, key, asked, act, of_resident=False)


def digest_of(asked: Iterable[bytes]) -> str:
    """What stands for all that a request holds, part by part."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in asked)).hexdigest()


def _once(
    connection: sqlite3.Connection, actor: Actor, key: str | None, asked: Iterable[bytes], act: Callable[[], str],
    *, of_resident: bool,
) -> str:  # fmt: skip
    if key is None:
        return act()
    digest = digest_of(asked)
    before = idempotency_keys.begin(connection, actor.label, key, digest, time.time())
    if before is not None:
        if of_resident:
            record_look(connection, actor, "a resident")
        return before
    try:
        result = act()
    except BaseException:
        idempotency_keys.failed(connection, actor.label, key)
        raise
    idempotency_keys.done(connection, actor.label, key, result, result if of_resident else None)
    return result
