"""The Unix-domain sockets between the processes: one JSON object a line, length-limited, peers known to the kernel."""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gate.errors import FacegateError, UsageError
from gate.places import folder
from gate.processes.ends import IDLE_S, Peer, connect_within, has_place, keeper_of, peer_of, spoke_unasked

MAX_MESSAGE = 4096
# An answer may hold a picture in base64, which leaves room for little else.
MAX_PICTURE = 150_000
_MAX_ANSWER = MAX_PICTURE + MAX_MESSAGE
_BACKLOG = 32
_ACCEPTED_A_TURN = 2 * _BACKLOG
_MESSAGES_A_TURN = 16
_LEAST_WAIT_S = 0.001

Message = dict[str, Any]


class LinkDown(FacegateError):
    """Nobody answers on the socket."""


class Impostor(LinkDown):
    """Whoever answers on the socket is not who should; it was told nothing."""


def runtime_directory(state: Path, process: str) -> Path:
    """The directory of one process's socket and other short-lived files, made private to the gate's users.

    Each process has its own, so that none can stand in another's place. Raises UsageError when the path is too long
    for a socket.
    """
    if len(os.fsencode(socket_of(state, process))) > 107:
        raise UsageError(f"The state directory's path is too long for a socket: {state}. Choose a shorter one.")
    return folder(socket_of(state, process).parent)


def socket_of(state: Path, process: str) -> Path:
    """Where a process of the gate answers."""
    return state / "run" / process / "link.sock"


def api_address_file(state: Path) -> Path:
    """Where the api writes the address it listens on."""
    return state / "run" / "api" / "address"


def generated_certificate_file(state: Path) -> Path:
    """Where the certificate is that the api makes for itself."""
    return state / "tls" / "certificate.pem"


class Client:
    """One end of a conversation: ask, and wait for the answer. Used from one thread."""

    def __init__(self, path: Path, *, timeout_s: float = 2.0) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def ask(self, message: Message) -> Message:
        """Send `message`, return the answer. Raises LinkDown, Impostor; the next call connects anew."""
        self.connect()
        try:
            return self._exchange(message)
        except (OSError, ValueError) as error:
            raise self._down(error) from error

    def connect(self) -> None:
        """Be connected, to whom it should be: for the kernel this process is from now on who it is now.

        Raises LinkDown, Impostor.
        """
        if self._socket is not None and spoke_unasked(self._socket):
            self.close()
        if self._socket is not None:
            return
        try:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connect_within(self._socket, self._path, self._timeout_s)
            who, keeper = peer_of(self._socket), keeper_of(self._path)
        except OSError as error:
            raise self._down(error) from error
        if who.uid != keeper:
            self.close()
            raise Impostor(
                "Whoever answers on {socket} is not who should (process {pid}, uid {uid}); it was told nothing."
                " Find out who put it there, then: sudo systemctl restart facegate.target",
                socket=self._path,
                pid=who.pid,
                uid=who.uid,
            )

    def _down(self, why: Exception) -> LinkDown:
        self.close()
        return LinkDown(
            "Nobody answers on {socket} ({why}). Is the gate running? Start it: facegate run, or where it is"
            " installed as a service, sudo systemctl start facegate.target",
            socket=self._path,
            why=why,
        )

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, message: Message) -> Message:
        if self._socket is None:
            raise ConnectionError("hung up")
        deadline, answer = time.monotonic() + self._timeout_s, b""
        self._socket.settimeout(self._timeout_s)
        self._socket.sendall(encode(message))
        while not answer.endswith(b"\n"):
            # For all of it: a byte now and then is no answer.
            self._socket.settimeout(max(_LEAST_WAIT_S, deadline - time.monotonic()))
            part = self._socket.recv(_MAX_ANSWER)
            if not part or len(answer) + len(part) > _MAX_ANSWER:
                raise ValueError("the answer was cut short" if not part else "the answer is too long")
            answer += part
        return decode(answer)


def encode(message: Message) -> bytes:
    """A message as a line."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Message:
    """A line as a message. Raises ValueError unless it is one JSON object of plain numbers and writable text."""
    try:
        message = json.loads(line, parse_constant=_refuse_constant)
        # Half a surrogate pair is valid JSON that no database and no file takes.
        json.dumps(message, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(message, dict):
        raise ValueError("a message is one JSON object")
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


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
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MAX_ANSWER)
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
