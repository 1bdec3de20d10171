"""The end of a Unix-domain socket that answers."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gate.processes.peers import IDLE_S, Peer, has_place, peer_of
from gate.processes.wire import MAX_ANSWER, MAX_MESSAGE, Message, decode, encode

_BACKLOG = 32
_ACCEPTED_A_TURN = 2 * _BACKLOG
_MESSAGES_A_TURN = 16


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    peer: Peer
    heard_mono: float
    received: bytearray = field(default_factory=bytearray)


class Server:
    """Answers messages on a socket from whichever loop calls `turn`; owns no thread."""

    def __init__(
        self,
        path: Path,
        answer: Callable[[Message, Peer], Message],
        malformed: Callable[[Peer, str], None],
        sure: frozenset[int] = frozenset({0}),
    ) -> None:
        """`sure` are users whom no other's connections shut out."""
        self._sure = sure
        self._answer = answer
        self._malformed = malformed
        self._connections: dict[int, _Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        path.chmod(0o660)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def turn(self, timeout_s: float | None) -> None:
        """Wait at most `timeout_s` for something to do, do a bounded share of it, and return."""
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj == self._wake_reader:
                os.read(self._wake_reader, 512)
            else:
                self._receive(self._connections[key.fd])
        now = time.monotonic()
        for connection in list(self._connections.values()):
            self._serve(connection, now)

    def wake(self) -> None:
        """Make a waiting `turn` return; callable from any thread or signal handler."""
        try:
            os.write(self._wake_writer, b".")
        except BlockingIOError:
            return  # The pipe is full of wake-ups already.

    def close(self) -> None:
        """Hang up on everyone."""
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._selector.close()
        self._listener.close()
        os.close(self._spare)
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _accept(self) -> None:
        # All who wait, so that a crowd at the door does not keep the others out of hearing.
        for _ in range(_ACCEPTED_A_TURN):
            try:
                accepted, _ = self._listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._turn_away()
                return  # Else nobody waits, or the peer gave up.
            self._take_in(accepted)

    def _take_in(self, accepted: socket.socket) -> None:
        peer = peer_of(accepted)
        if not has_place(peer.uid, [one.peer.uid for one in self._connections.values()], self._sure):
            accepted.close()
            return
        accepted.setblocking(False)
        # An answer goes out at once or not at all.
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_ANSWER)
        self._connections[accepted.fileno()] = _Connection(accepted, peer, time.monotonic())
        self._selector.register(accepted, selectors.EVENT_READ)

    def _turn_away(self) -> None:
        """No descriptor is free. A peer left waiting would wake every turn, so the spare one hangs up on it."""
        os.close(self._spare)
        try:
            self._listener.accept()[0].close()
        except OSError:
            pass  # The peer gave up first.
        finally:
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _receive(self, connection: _Connection) -> None:
        try:
            part = connection.socket.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        connection.received += part
        if not part:
            self._drop(connection)

    def _serve(self, connection: _Connection, now: float) -> None:
        for _ in range(_MESSAGES_A_TURN):
            line, newline, rest = connection.received.partition(b"\n")
            if not newline:
                break
            connection.received, connection.heard_mono = rest, now
            try:
                message = decode(bytes(line))
            except ValueError as error:
                self._refuse(connection, str(error))
                return
            if not self._send(connection, self._answer(message, connection.peer)):
                return
        if len(connection.received) > MAX_MESSAGE:
            self._refuse(connection, f"longer than {MAX_MESSAGE} bytes")
        elif b"\n" in connection.received:
            self.wake()
        elif now - connection.heard_mono > IDLE_S:
            self._drop(connection)

    def _send(self, connection: _Connection, message: Message) -> bool:
        try:
            connection.socket.sendall(encode(message))
        except OSError:
            # A peer that does not read its answers is no peer to wait for.
            self._drop(connection)
            return False
        return True

    def _refuse(self, connection: _Connection, why: str) -> None:
        self._malformed(connection.peer, why)
        self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        del self._connections[connection.socket.fileno()]
        self._selector.unregister(connection.socket)
        connection.socket.close()
