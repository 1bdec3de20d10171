"""Where the api listens: on the address of the settings, and on this machine itself always. Who comes gets a place."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from api.front.slots import Place, Places
from gate.errors import UsageError

HERE = "127.0.0.1"
# Of Linux (ip(7), ipv6(7)); the socket module does not name them everywhere.
_IP_FREEBIND = 15
_IPV6_FREEBIND = 78
BACKLOG = 64
# TLS stands within this, seconds; what was sent is taken within that, or the kernel hangs up, milliseconds.
_HANDSHAKE_WITHIN_S = 10.0
_TAKEN_WITHIN_MS = 30_000

_log = logging.getLogger(__name__)


class Doors:
    """Gives whoever connects a place, before TLS costs anything; knows it again when TLS stands."""

    def __init__(self) -> None:
        self._places = Places()
        self._inside: dict[int, _Inside] = {}

    def listeners(self, host: str, port: int) -> list[socket.socket]:
        """The sockets, the one the settings name first. Port 0 takes a free one. Raises UsageError.

        The gate's own screen asks on loopback, whatever the managers' address is, and whether or not the network is
        there.
        """
        first = _listener(host, port)
        if first.getsockname()[0] in (HERE, "0.0.0.0"):  # noqa: S104 - a comparison
            return [_Door(first, self)]
        try:
            second = _listener(HERE, first.getsockname()[1])
        except UsageError:
            first.close()
            raise
        return [_Door(first, self), _Door(second, self)]

    def let_in(self, accepted: socket.socket, address: str) -> socket.socket:
        """The connection in its place, which it leaves when it is closed."""
        inside = _Inside(accepted, self)
        with suppress(OSError):
            inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TAKEN_WITHIN_MS)
        inside.place = self._places.take(address, inside.hang_up)
        inside.deadline = asyncio.get_running_loop().call_later(_HANDSHAKE_WITHIN_S, inside.hang_up)
        self._inside[inside.fileno()] = inside
        return inside

    def place_of(self, connection: Any, hang_up: Callable[[], None]) -> Place | None:
        """The place of a connection whose TLS stands, by its socket as asyncio shows it; None: it is gone."""
        inside = self._inside.get(connection.fileno())
        if inside is None or inside.place is None:
            return None
        inside.stop_waiting()
        inside.place.hang_up = hang_up
        return inside.place

    def leave(self, number: int) -> None:
        """The connection with this descriptor is over."""
        gone = self._inside.pop(number, None)
        if gone is not None and gone.place is not None:
            gone.stop_waiting()
            gone.place.of.leave(gone.place)


class _Door(socket.socket):
    """Listens. asyncio accepts from it as from any socket."""

    def __init__(self, listening: socket.socket, doors: Doors) -> None:
        super().__init__(listening.family, listening.type, listening.proto, fileno=listening.detach())
        self._doors = doors

    def accept(self) -> tuple[socket.socket, Any]:
        """The next who came, in a place."""
        accepted, address = super().accept()
        return self._doors.let_in(accepted, str(address[0])), address


class _Inside(socket.socket):
    """A connection that gives its place back when it is closed, however that comes about."""

    place: Place | None = None
    deadline: asyncio.TimerHandle | None = None

    def __init__(self, accepted: socket.socket, doors: Doors) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._doors = doors

    def close(self) -> None:
        """It is over."""
        self._doors.leave(self.fileno())
        super().close()

    def hang_up(self) -> None:
        """Whoever reads from it finds that the other end is gone."""
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)

    def stop_waiting(self) -> None:
        """Nothing is due any more."""
        if self.deadline is not None:
            self.deadline.cancel()


def address_of(listener: socket.socket, *, secure: bool) -> str:
    """What a browser is told to open."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' if secure else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL or not _is_address(host):
            raise UsageError(
                f"{host}:{port} cannot be listened on ({error.strerror}). Change api.host or api.port."
            ) from error
    _log.warning(
        "This machine does not have the address %s now. Until it does, the console is at %s alone.", host, HERE
    )
    return _listener_in_advance(family, host, port)


def _listener_in_advance(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """On an address that is not there yet: a lease that comes late, a cable that is out."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        else:
            made.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise UsageError(
            f"{host}:{port} cannot be listened on ({error.strerror}). Change api.host or api.port."
        ) from error
    return made


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
