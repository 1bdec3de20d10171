"""JPEG pictures out of a stream of bytes, by their own marks: boundaries are written in too many ways. Pure."""

from __future__ import annotations

_START, _END = b"\xff\xd8", b"\xff\xd9"
_MOST_BYTES = 16 * 2**20
_SCAN = 0xDA
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class Jpegs:
    """Cuts whole JPEG pictures out of the bytes that come in; one that breaks off is left out."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def inside(self) -> bool:
        """Whether a picture has begun of which more is to come."""
        return len(self._held) >= len(_START)

    def feed(self, more: bytes) -> list[bytes]:
        """The pictures that `more` completes. Raises ValueError when one grows beyond 16 MB."""
        self._held += more
        found = []
        while (picture := self._cut()) is not None:
            found.append(picture)
        if len(self._held) > _MOST_BYTES:
            raise ValueError("a picture of more than 16 MB")
        return found

    def _cut(self) -> bytes | None:
        start = self._held.find(_START)
        if start < 0:
            # The first half of a mark may wait for its second.
            del self._held[:-1]
            return None
        del self._held[:start]
        end = _end_of(self._held)
        if end is None:
            return None
        picture = bytes(self._held[: abs(end)])
        del self._held[: abs(end)]
        return picture if end > 0 else self._cut()


def size_of(picture: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG picture states, None where it states none."""
    at = 2
    while at + 9 <= len(picture) and picture[at] == 0xFF:
        mark = picture[at + 1]
        if mark in _SIZES:
            return int.from_bytes(picture[at + 7 : at + 9]), int.from_bytes(picture[at + 5 : at + 7])
        at += 2 if mark in _STANDALONE else 2 + int.from_bytes(picture[at + 2 : at + 4])
    return None


def _end_of(held: bytearray) -> int | None:
    """Where the picture at the front ends; None: not yet; negative: it broke off, another follows there."""
    at = 2
    while at + 4 <= len(held):
        if held[at] != 0xFF:
            return -at
        mark = held[at + 1]
        if mark == 0xD9:
            return at + 2
        if mark == 0xFF or mark in _STANDALONE:
            at += 1 if mark == 0xFF else 2
            continue
        at += 2 + max(2, int.from_bytes(held[at + 2 : at + 4]))
        if mark == _SCAN:
            at = _after_scan(held, at)
            if at < 0:
                return None if at == -1 else at
    return at + 2 if held[at : at + 2] == _END else None


def _after_scan(held: bytearray, at: int) -> int:
    """Where the next mark of weight stands after coded data; -1: not yet there; else minus where a new picture is."""
    while True:
        at = held.find(0xFF, at)
        if at < 0 or at + 1 >= len(held):
            return -1
        mark = held[at + 1]
        if mark == 0xD8:
            return -at
        if mark == 0 or mark in _STANDALONE or mark == 0xFF:
            at += 1 if mark == 0xFF else 2
            continue
        return at
