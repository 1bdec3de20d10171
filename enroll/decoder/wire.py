"""What the decoder's two ends say: a descriptor goes in, a header comes out, and pixels lie in memory both see."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

# Enough for any face that fills a photo; more only costs time.
WORKING_SIDE = 2048
# BGR, as large as a picture may be.
ROOM = WORKING_SIDE * WORKING_SIDE * 3
# Goes beside the descriptor of a photo.
PHOTO = b"photo"

_HEADER = struct.Struct("!HH16s200s")
HEADER_SIZE = _HEADER.size


class Word(StrEnum):
    """What the child says: that it is ready, that there is a picture, or why there are none."""

    READY = "ready"
    PICTURE = "picture"
    UNKNOWN = "unknown"
    OTHER = "other"
    VIDEO = "video"
    NO_DECODER = "no decoder"
    DAMAGED = "damaged"
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    DIED = "died"


class NoPicture(Exception):
    """There is none, for this reason; `why` is a word or two more."""

    def __init__(self, word: Word, why: str = "") -> None:
        super().__init__(word)
        self.word = word
        self.why = why


@dataclass(frozen=True, slots=True)
class Header:
    """What is said; with PICTURE the width and height of the BGR pixels in the room."""

    word: Word
    why: str = ""
    width: int = 0
    height: int = 0

    def pack(self) -> bytes:
        """As HEADER_SIZE bytes."""
        return _HEADER.pack(self.width, self.height, self.word.encode(), self.why.encode("utf-8", "replace"))

    @classmethod
    def unpack(cls, sent: bytes) -> Header:
        """What was sent. Raises ValueError for what no decoder says."""
        width, height, word, why = _HEADER.unpack(sent)
        said = "".join(filter(str.isprintable, why.rstrip(b"\0").decode("utf-8", "ignore")))
        header = cls(Word(word.rstrip(b"\0").decode("ascii")), said, width, height)
        if header.word is Word.PICTURE and not (0 < width <= WORKING_SIDE and 0 < height <= WORKING_SIDE):
            raise ValueError("a picture of no sane size")
        return header
