"""Who is at the ends of a socket: whom it answers, how many each may be, and who may answer there."""

from __future__ import annotations

import os
import selectors
import socket
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Connections that one user may hold, and all those together who are not sure of a place.
EACH = 24
# Silent for so long, a connection is hung up on, seconds: its place is for somebody who has something to say.
IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, by the kernel's word (SO_PEERCRED)."""

    pid: int
    uid: int


def peer_of(end: socket.socket) -> Peer:
    """Who connected to us, or who listens where we connected."""
    pid, uid, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return Peer(pid, uid)


def connect_within(end: socket.socket, path: Path, timeout_s: float) -> None:
    """Connect, and wait so long for each step, now and later. Raises OSError."""
    # A socket that does not block would give up at once where others wait too.
    seconds = int(timeout_s)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", seconds, int((timeout_s - seconds) * 1e6)))
    end.connect(str(path))
    end.settimeout(timeout_s)


def spoke_unasked(end: socket.socket) -> bool:
    """Whether the other end let go, or speaks unasked: then no question goes that way."""
    with selectors.DefaultSelector() as selector:
        selector.register(end, selectors.EVENT_READ)
        return bool(selector.select(0))


def has_place(uid: int, held: Sequence[int], sure: frozenset[int]) -> bool:
    """Whether one more of this user may connect while these hold connections; `sure` are users whom no other's
    connections shut out.

    >>> has_place(1000, [1000] * 24, frozenset()), has_place(0, [1000] * 24, frozenset({0}))
    (False, True)
    """
    if held.count(uid) >= EACH:
        return False
    return uid in sure or sum(one not in sure for one in held) < EACH


def keeper_of(path: Path) -> int | None:
    """The user whose process may answer on the socket `path`: the one whose folder it lies in.

    None where others could have put that folder there, so that nobody is to be believed. Raises OSError.
    """
    above = path.parent.parent.stat()
    others_write = above.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not above.st_mode & stat.S_ISVTX
    if others_write or above.st_uid not in (0, os.geteuid()):
        return None
    return path.parent.stat().st_uid
