"""Where the gate may send to: no service of its own machine, no address that only neighbours on the wire know.

A name is resolved and judged first, and what was judged is what is spoken to: a name that means another address a
moment later leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from gate.errors import Sentence, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# "This network", of which 0.0.0.0 is this machine.
_NOBODYS = ipaddress.ip_network("0.0.0.0/8")
# UDP's "discard": nothing is sent there to find out.
_ANY_PORT = 9


NOT_ALLOWED = Sentence(
    "Nothing is sent to this address: it is the gate's own, or none that a receiver can have. If you mean it, add it to"
    " the setting webhooks.allow."
)
NOT_FOUND = Sentence("The name in this address is not known on the network; check how it is written.")


class NotFound(UsageError):
    """Nobody knows the name."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be sent to although the rules say no: addresses, networks and names of hosts."""

    networks: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: tuple[str, ...]) -> Allowed:
        """From the settings' list.

        >>> Allowed.of(("127.0.0.1", "hooks.site")).names
        frozenset({'hooks.site'})
        """
        networks = {entry: found for entry in entries if (found := _network(entry)) is not None}
        return cls(tuple(networks.values()), frozenset(_plain(entry) for entry in entries if entry not in networks))


def resolve(host: str, port: int, allowed: Allowed) -> str:
    """The address to speak to for `host`: the first that may be spoken to. Blocks while the name is looked up.

    Raises NotFound, and UsageError where there is no such address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotFound(NOT_FOUND) from error
    for *_, (address, *_) in found:
        if _plain(host) in allowed.names or may_be_sent_to(str(address), allowed):
            return str(address)
    raise UsageError(NOT_ALLOWED)


def may_be_sent_to(address: str, allowed: Allowed) -> bool:
    """Whether a receiver may have this address, as the system gave it.

    >>> [may_be_sent_to(one, Allowed()) for one in ("192.168.1.9", "127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254")]
    [True, False, False, False]
    """
    whole = ipaddress.ip_address(address)
    if any(whole in network or any(one in network for one in _within(whole)) for network in allowed.networks):
        return True
    return not any(_is_no_receivers(one) for one in (whole, *_within(whole)))


def _is_no_receivers(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_unspecified
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or getattr(address, "is_site_local", False)
        or address in _NOBODYS
        or _is_our_own(address)
    )


def _within(address: Address) -> Iterator[Address]:
    """The IPv4 addresses that this one stands for: mapped, 6to4, Teredo's client. Other such forms are reserved."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield address.teredo[1]


def _is_our_own(address: Address) -> bool:
    """Whether it is this machine's: what is sent to oneself goes out from the same address."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
            probe.connect((str(address), _ANY_PORT))
            return ipaddress.ip_address(probe.getsockname()[0]) == address
    except OSError:
        return False


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def _plain(name: str) -> str:
    return name.rstrip(".").casefold()
