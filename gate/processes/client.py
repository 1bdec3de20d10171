"""The end of a Unix-domain socket that asks."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from gate.errors import FacegateError, Sentence
from gate.processes.peers import connect_within, keeper_of, peer_of, spoke_unasked
from gate.processes.wire import MAX_ANSWER, Message, decode, encode

_LEAST_WAIT_S = 0.001
# The same for whoever has no hand on the machine.
DOOR_SILENT = Sentence("The door does not answer.")
VISION_SILENT = Sentence("Face recognition does not answer: nobody can come in by face.")


class LinkDown(FacegateError):
    """Nobody answers on the socket."""

    @property
    def plain(self) -> Sentence:
        """Which part of the gate is silent, and what still works."""
        socket = Path(str(self.sentence.values.get("socket", "")))
        return VISION_SILENT if socket.parent.name == "vision" else DOOR_SILENT


class Impostor(LinkDown):
    """Whoever answers on the socket is not who should; it was told nothing."""


class Client:
    """Asks whoever listens on the socket `path`, and waits for the answer, at most `timeout_s` for all of it. Used from
    one thread."""

    def __init__(self, path: Path, *, timeout_s: float = 2.0) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def ask(self, message: Message) -> Message:
        """Send `message`, return the answer. Raises LinkDown, Impostor; the next call connects anew."""
        deadline = time.monotonic() + self._timeout_s
        self.connect()
        try:
            return self._exchange(message, deadline)
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
            connect_within(self._socket, self.path, self._timeout_s)
            who, keeper = peer_of(self._socket), keeper_of(self.path)
        except OSError as error:
            raise self._down(error) from error
        if who.uid != keeper:
            self.close()
            raise Impostor(
                "Whoever answers on {socket} is not who should (process {pid}, uid {uid}); it was told nothing."
                " Find out who put it there, then: sudo systemctl restart facegate.target",
                socket=self.path,
                pid=who.pid,
                uid=who.uid,
            )

    def _down(self, why: Exception) -> LinkDown:
        self.close()
        return LinkDown(
            "Nobody answers on {socket} ({why}). Is the gate running? Start it: facegate run, or where it is"
            " installed as a service, sudo systemctl start facegate.target",
            socket=self.path,
            why=why,
        )

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, message: Message, deadline: float) -> Message:
        if self._socket is None:
            raise ConnectionError("hung up")
        answer = b""
        self._socket.settimeout(max(_LEAST_WAIT_S, deadline - time.monotonic()))
        self._socket.sendall(encode(message))
        while not answer.endswith(b"\n"):
            # For all of it: a byte now and then is no answer.
            self._socket.settimeout(max(_LEAST_WAIT_S, deadline - time.monotonic()))
            part = self._socket.recv(MAX_ANSWER)
            if not part or len(answer) + len(part) > MAX_ANSWER:
                raise ValueError("the answer was cut short" if not part else "the answer is too long")
            answer += part
        return decode(answer)
