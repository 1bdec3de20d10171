"""The names and addresses by which the gate is asked for, and which its certificate holds."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Addresses that nobody has (RFC 5737, RFC 3849): nothing is sent there to find out by which of ours it would go.
_OUTWARD = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


@dataclass(frozen=True, slots=True)
class Hosts:
    """What a request may call the gate.

    By any other name a page from elsewhere asks, whose own name was made to mean this machine (DNS rebinding), and
    whose browser would show it all that the gate answers.
    """

    names: frozenset[str] = frozenset(LOOPBACK)

    @classmethod
    def of(cls, names: Iterable[str]) -> Hosts:
        """From names and addresses as people write them."""
        return cls(frozenset(_plain(name) for name in names))

    def answers_to(self, host: str | None, reached_at: str | None) -> bool:
        """Whether a Host header names the gate; `reached_at` is the address that the connection came to.

        >>> Hosts().answers_to("localhost:8443", None), Hosts().answers_to("evil.example", "10.0.0.5")
        (True, False)
        """
        try:
            asked = urlsplit(f"//{host}")
            name = _plain(asked.hostname or "")
        except ValueError:
            return False
        if "@" in asked.netloc or asked.netloc != host:
            return False
        one_up = f"*.{name.partition('.')[2]}"
        return name in self.names or one_up in self.names or (_is_address(name) and name == _plain(reached_at or ""))


def names_of(host: str, more: Iterable[str], listening: Iterable[str]) -> tuple[str, ...]:
    """By what the gate is known: its machine's names, loopback, the settings' `host` and `hosts`, where it listens."""
    machine = socket.gethostname()
    addresses = [one for address in listening for one in ([address] if _is_one(address) else outward_addresses())]
    return tuple(
        dict.fromkeys(
            _plain(one) for one in (machine, f"{machine}.local", *LOOPBACK, host, *addresses, *more) if _is_one(one)
        )
    )


def outward_addresses() -> list[str]:
    """This machine's addresses on the networks it would use to reach others."""
    found = []
    for family, far in _OUTWARD:
        with suppress(OSError), closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
            probe.connect((far, 9))
            found.append(str(probe.getsockname()[0]))
    return found


def _is_one(name: str) -> bool:
    """Whether it names one place: `0.0.0.0` and `::` do not."""
    return name not in ("", "0.0.0.0", "::")  # noqa: S104 - that is what is left out


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    name = name.strip().rstrip(".").casefold()
    with suppress(ValueError):
        return str(ipaddress.ip_address(name.strip("[]")))
    return name
