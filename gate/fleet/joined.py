"""What a gate keeps of the centre that it follows, and its own secrets towards it: one file, the link's alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gate.errors import UsageError
from gate.places import folder, read_plain, write_whole
from gate.processes.fields import Malformed, read, written
from gate.state_folder import broker_file, centre_file

RESTORED_BEFORE = (
    "This gate was restored from a time before it joined. Join the centre again, or say that it is to follow none: sudo"
    " facegate leave"
)
"""What is told where the store of a gate that joined knows of no centre."""
_PLACE = re.compile(r"[0-9A-Za-z.:_-]+|\[[0-9A-Fa-f:.]+(%[0-9A-Za-z_.-]+)?\](:[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a broker is: a host or an address, and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def place_of(said: str, usual: int | None = None) -> Place:
    """A place as it is written: 10.0.0.3:7422, [fd00::3]:7422; `usual` is the port where none is. Raises ValueError."""
    found = urlsplit(f"//{said}")
    port = found.port or usual
    if not found.hostname or port is None or not _PLACE.fullmatch(said):
        raise ValueError(f"{said!r} is no place such as 10.0.0.3 or 10.0.0.3:7422")
    return Place(found.hostname, port)


def address_of(said: str) -> str:
    """The address alone of a centre, as somebody types it: 10.0.0.3, fd00::3, centre.local. Raises ValueError for what
    could not be read back as a place."""
    address = said.strip().removeprefix("[").removesuffix("]")
    place_of(str(Place(address, 1)))
    return address


def place_typed(said: str, usual: int) -> Place:
    """Where a centre is, as somebody types it: an address, or one with a port. Raises ValueError."""
    said = said.strip()
    # An address of IPv6 by itself has several colons, and with a port it stands in brackets.
    if said.startswith("[") or said.count(":") == 1:
        return place_of(said, usual)
    return Place(address_of(said), usual)


@dataclass(frozen=True, slots=True)
class Joined:
    """A centre, as this gate knows it since they were paired."""

    address: str
    """Host or address of the broker."""
    port: int
    gate: str
    """This gate's id."""
    certificate: str
    """The broker's, PEM: no other is believed."""
    signer: bytes
    """By which the centre's messages are known."""
    box: bytes
    """To which is sealed what the centre alone may read."""
    nkey_seed: str = field(repr=False)
    """With which this gate shows the broker who it is."""
    box_seed: bytes = field(repr=False)
    """What opens what is sealed to this gate."""
    signer_seed: bytes = field(repr=False)
    """What signs this gate's requests."""

    @property
    def place(self) -> Place:
        """Where the broker is."""
        return Place(self.address, self.port)


def read_joined(state: Path) -> Joined | None:
    """The centre that this gate follows; None: none. Raises UsageError where the file cannot be used."""
    path = centre_file(state)
    try:
        return read(Joined, json.loads(read_plain(path)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Say it with sudo.") from error
    except (ValueError, Malformed) as error:
        raise UsageError(f"{path} is damaged. Join the centre again: sudo facegate join ADDRESS CODE") from error


def write_joined(state: Path, joined: Joined, broker: str | None = None) -> None:
    """Keep it, whole or not at all, for the owner of the link's folder alone, and where a broker on this gate's machine
    is reached, if there is to be one. Raises UsageError."""
    path = centre_file(state)
    try:
        folder(path.parent, 0o711)
        if broker is None:
            broker_file(state).unlink(missing_ok=True)
        else:
            write_whole(broker_file(state), broker.encode())
        write_whole(path, json.dumps(written(joined)).encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Say it with sudo.") from error


def forget_joined(state: Path) -> None:
    """This gate follows no centre any more."""
    centre_file(state).unlink(missing_ok=True)
    broker_file(state).unlink(missing_ok=True)
