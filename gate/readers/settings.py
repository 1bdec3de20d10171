"""What an installer chooses about keypads and card readers. Standard library only, for their process."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ReadersSettings:
    """The devices that are read. Raises ValueError with one sentence when a path cannot be meant."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}

    keypad: str | None = None
    """The USB keypad at which PINs are typed, by its path in `/dev/input/by-id`; absent: none. See docs/readers.md."""

    card_reader: str | None = None
    """The USB card reader, one that types the card's number and Enter, by its path in `/dev/input/by-id`; absent:
    none."""

    def __post_init__(self) -> None:
        for name, path in (("keypad", self.keypad), ("card_reader", self.card_reader)):
            if path is not None and not (path.startswith("/") and path.isprintable()):
                raise ValueError(f"{name} must be a whole path, such as /dev/input/by-id/usb-..-event-kbd")
        named = [posixpath.normpath(path) for path in (self.keypad, self.card_reader) if path is not None]
        if len(set(named)) < len(named):
            raise ValueError("keypad and card_reader name the same device; give each its own, or remove one")

    @property
    def wanted(self) -> bool:
        """Whether there is anything to read, and so a process that does."""
        return self.keypad is not None or self.card_reader is not None
