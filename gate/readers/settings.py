"""What an installer chooses about keypads and card readers. Standard library only, for their process."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class ReadersSettings:
    """The devices that are read. Raises ValueError with one sentence when a path cannot be meant."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}

    keypad: str | None = None
    """The USB keypad at which PINs are typed, by its path in `/dev/input/by-id`; absent: none. See docs/readers.md."""

    card_reader: str | None = None
    """The USB card reader, one that types the card's number and Enter, by its path in `/dev/input/by-id`; absent:
    none."""

    osdp_port: str | None = None
    """The serial port of a line of OSDP readers, by its path in `/dev/serial/by-id`; absent: none. Each reader on it is
    paired first: `facegate readers pair ADDRESS`."""

    osdp_baud: Literal[9600, 19200, 38400, 57600, 115200] = 9600
    """The speed of that line, bits a second, as its readers are set."""

    def __post_init__(self) -> None:
        paths = {"keypad": self.keypad, "card_reader": self.card_reader, "osdp_port": self.osdp_port}
        for name, path in paths.items():
            if path is not None and not (path.startswith("/") and path.isprintable()):
                raise ValueError(f"{name} must be a whole path, such as /dev/input/by-id/usb-..-event-kbd")
        named = {name: posixpath.normpath(path) for name, path in paths.items() if path is not None}
        for name, path in named.items():
            twin = next(other for other in named if named[other] == path)
            if twin != name:
                raise ValueError(f"{twin} and {name} name the same device; give each its own, or remove one")

    @property
    def wanted(self) -> bool:
        """Whether there is anything to read, and so a process that does."""
        return any((self.keypad, self.card_reader, self.osdp_port))
