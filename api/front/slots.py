"""The places for connections: whose each is, and who gives one up where there are no more."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from starlette.datastructures import Headers


class Whose(StrEnum):
    """For whom places are kept."""

    HERE = "here"
    """Programs on this machine: the screen at the gate first of all."""
    KNOWN = "known"
    """Whoever is signed in, or has a token."""
    ANYBODYS = "anybodys"
    """Everybody else, before they have said who they are."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many places there are, and how many of them one address or user may have."""

    all: int
    of_one: int


# ::1, as the network it would be in.
HERE_6 = "::/64"
# A browser opens six at once. Together they must stay well below what a process may have open (1024).
ROOM = {Whose.HERE: Room(80, 80), Whose.KNOWN: Room(200, 60), Whose.ANYBODYS: Room(120, 24)}


@dataclass(slots=True, eq=False)
class Place:
    """One connection's. `kept` while it follows the gate live: those places are counted apart."""

    of: Places
    whose: Whose
    holder: str
    hang_up: Callable[[], None]
    kept: bool = False

    def known_as(self, holder: str) -> None:
        """Who has it has shown who they are."""
        if self.whose is not Whose.KNOWN or self.holder != holder:
            self.of.move(self, Whose.KNOWN, holder)

    def passed_on(self) -> None:
        """A program on this machine asks for somebody elsewhere, as a proxy does."""
        if self.whose is Whose.HERE:
            self.of.move(self, Whose.ANYBODYS, self.holder)


class Places:
    """Whoever comes gets a place, and where there is none it is the oldest of whoever holds most that is hung up on.

    So one address cannot keep others out, nor can many addresses keep out those who are known: whoever comes newly is
    heard in any case, and has the place of the known as soon as they have shown who they are.
    """

    def __init__(self) -> None:
        # The oldest first.
        self._taken: dict[Whose, dict[Place, None]] = {whose: {} for whose in Whose}

    def take(self, address: str, hang_up: Callable[[], None]) -> Place:
        """A place for a connection from `address`; `hang_up` is called if it is lost to others."""
        network = network_of(address)
        place = Place(self, Whose.HERE if _is_here(network) else Whose.ANYBODYS, network, hang_up)
        self._add(place)
        return place

    def move(self, place: Place, whose: Whose, holder: str) -> None:
        """Count it as another's, unless it was lost meanwhile."""
        if place in self._taken[place.whose]:
            self.leave(place)
            place.whose, place.holder = whose, holder
            self._add(place)

    def leave(self, place: Place) -> None:
        """The connection is over."""
        self._taken[place.whose].pop(place, None)

    def _add(self, place: Place) -> None:
        taken, room = self._taken[place.whose], ROOM[place.whose]
        held = Counter(one.holder for one in taken)
        if held[place.holder] >= room.of_one:
            self._turn_out(place.whose, place.holder)
        elif len(taken) >= room.all:
            self._turn_out(place.whose, max(held, key=lambda holder: held[holder]))
        taken[place] = None

    def _turn_out(self, whose: Whose, holder: str) -> None:
        oldest = next((one for one in self._taken[whose] if one.holder == holder and not one.kept), None)
        if oldest is not None:
            self.leave(oldest)
            oldest.hang_up()


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 in which an IPv6 host may call itself anything.

    >>> network_of("2001:db8::7:1"), network_of("::ffff:10.0.0.5")
    ('2001:db8::/64', '10.0.0.5')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def is_passed_on(headers: Headers) -> bool:
    """Whether a proxy asks for somebody else."""
    return any(name in headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))


def _is_here(network: str) -> bool:
    return ipaddress.ip_network(network).is_loopback or network == HERE_6
