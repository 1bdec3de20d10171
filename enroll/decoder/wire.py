"""What the decoder's parent and its child say to each other.

For each photo the parent sends PHOTO, and beside it the descriptor of the open file. The child answers with a `Header`
of HEADER_SIZE bytes; where that says PICTURE, the pixels lie in memory that both see: rows from the top, in BGR.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

# Pixels on the longer side of a photo: enough for any face that fills it, and more only costs time.
WORKING_SIDE = 2048
# Bytes of that memory: the largest picture.
ROOM = WORKING_SIDE * WORKING_SIDE * 3
# What is sent with the descriptor of a photo.
PHOTO = b"photo"

_HEADER = struct.Struct("!HH16s200s")
HEADER_SIZE = _HEADER.size


class Word(StrEnum):
    """What the child says: that it is ready, that there is a picture, or why there is none.

    TOO_SLOW and DIED are also said by the parent, of a child that gives no answer, and ENDED by it alone: somebody else
    killed the child.
    """

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
    ENDED = "ended"


class NoPicture(Exception):
    """A file holds no picture that is taken. `word` is the reason; `why` says more, such as the decoder's own words."""

    def __init__(self, word: Word, why: str = "") -> None:
        super().__init__(word)
        self.word = word
        self.why = why


@dataclass(frozen=True, slots=True)
class Header:
    """One answer of the child. `width` and `height` are those of the picture in pixels, 0 where there is none."""

    word: Word
    why: str = ""
    width: int = 0
    height: int = 0

    def pack(self) -> bytes:
        """The answer as HEADER_SIZE bytes: two numbers of 16 bits, the word, and `why` cut off after 200 bytes."""
        return _HEADER.pack(self.width, self.height, self.word.encode(), self.why.encode("utf-8", "replace"))

    @classmethod
    def unpack(cls, sent: bytes) -> Header:
        """The answer in HEADER_SIZE bytes, which may be anybody's: `why` without what cannot be printed.

        Raises ValueError where the word is unknown or the size is none that a picture may have.
        """
        width, height, word, why = _HEADER.unpack(sent)
        said = "".join(filter(str.isprintable, why.rstrip(b"\0").decode("utf-8", "ignore")))
        header = cls(Word(word.rstrip(b"\0").decode("ascii")), said, width, height)
        if header.word is Word.PICTURE and not (0 < width <= WORKING_SIDE and 0 < height <= WORKING_SIDE):
            raise ValueError("a picture of no sane size")
        return header
