"""Who is at the other end of a Unix-domain socket, by the kernel's word, and how many connections each user may hold.

The server asks `peer_of` and `has_place` of whoever connects. The client asks `peer_of` and `keeper_of` whether who
answers is the process that should.
"""

from __future__ import annotations

import os
import selectors
import socket
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Connections that one user may hold, and that all users together may hold who are not sure of a place.
EACH = 24
# A connection on which nothing is said for so long, in seconds, is closed, so that another gets its place.
IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Peer:
    """The process and the user at the other end of a socket, when it connected or began to listen (SO_PEERCRED)."""

    pid: int
    uid: int


def peer_of(end: socket.socket) -> Peer:
    """Who is at the other end: on a server's side who connected, on a client's side who listens. Raises OSError."""
    pid, uid, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return Peer(pid, uid)


def connect_within(end: socket.socket, path: Path, timeout_s: float) -> None:
    """Connect a socket that blocks to the one at `path`.

    Connecting, and each later send or receive on it, may take `timeout_s` seconds. Raises OSError, which is
    TimeoutError where that was not enough.
    """
    # A socket that does not block would give up at once where others wait too.
    seconds = int(timeout_s)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", seconds, int((timeout_s - seconds) * 1e6)))
    end.connect(str(path))
    end.settimeout(timeout_s)


def spoke_unasked(end: socket.socket) -> bool:
    """Whether there is something to read, or the other end closed, though nothing was asked.

    An answer read after a question would then not be the answer to it, so that the connection is of no more use.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(end, selectors.EVENT_READ)
        return bool(selector.select(0))


def has_place(uid: int, held: Sequence[int], sure: frozenset[int]) -> bool:
    """Whether the user `uid` may open one more connection.

    `held` has the user of each open connection. `sure` are the users for whom a place is kept whatever others hold.
    Nobody may hold more than `EACH`, and all who are not in `sure` together no more than that.

    >>> has_place(1000, [1000] * 24, frozenset()), has_place(0, [1000] * 24, frozenset({0}))
    (False, True)
    """
    if held.count(uid) >= EACH:
        return False
    return uid in sure or sum(one not in sure for one in held) < EACH


def keeper_of(path: Path) -> int | None:
    """The user id whose process may answer on the socket `path`: the owner of the folder in which it lies.

    None where nobody is to be believed, since somebody else could have put that folder there: where the folder above
    it is another user's than root's or this process's, or others may write in it (a sticky folder like /tmp is well).
    Raises OSError.
    """
    above = path.parent.parent.stat()
    others_write = above.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not above.st_mode & stat.S_ISVTX
    if others_write or above.st_uid not in (0, os.geteuid()):
        return None
    return path.parent.stat().st_uid
