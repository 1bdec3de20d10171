"""The sockets that the api listens on: where the settings say, and on this machine itself, always."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket

from gate.errors import UsageError

HERE = "127.0.0.1"
# Of Linux (ip(7), ipv6(7)); the socket module does not name them everywhere.
_IP_FREEBIND = 15
_IPV6_FREEBIND = 78
_BACKLOG = 128

_log = logging.getLogger(__name__)


def listeners(host: str, port: int) -> list[socket.socket]:
    """The sockets, the one the settings name first. Port 0 takes a free one. Raises UsageError.

    The gate's own screen asks on loopback, whatever the managers' address is, and whether or not the network is there.
    """
    first = _listener(host, port)
    if first.getsockname()[0] in (HERE, "0.0.0.0"):  # noqa: S104 - a comparison
        return [first]
    try:
        return [first, _listener(HERE, first.getsockname()[1])]
    except UsageError:
        first.close()
        raise


def address_of(listener: socket.socket, *, secure: bool) -> str:
    """What a browser is told to open."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' if secure else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
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
        made.listen(_BACKLOG)
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
