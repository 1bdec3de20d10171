"""Photos from outside, opened by a child without rights: a picture, or one sentence that says what would help."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from enroll.application import Photo
from enroll.decoder.parent import Decoder
from enroll.decoder.wire import NoPicture, Word
from gate.errors import Sentence, UsageError

# A photo of 200 megapixels has 30 to 80 MB.
MAX_BYTES = 80 << 20
# What is smaller is handed over in memory: an upload of this size has not come to a disk.
_IN_MEMORY = 1 << 20

_SENTENCES = {
    Word.UNKNOWN: Sentence("{photo} is not a photo that can be read. Give a JPEG, PNG, WebP, HEIC or AVIF file."),
    Word.OTHER: Sentence("{photo} is a {why} file; give the photo itself, as JPEG, PNG, WebP, HEIC or AVIF."),
    Word.VIDEO: Sentence("{photo} is a video; take a photo, or give a single picture out of it."),
    Word.NO_DECODER: Sentence(
        "{photo} is a HEIC photo, which cannot be opened on this gate. Give it as JPEG; on an iPhone: Settings, Camera,"
        " Formats, Most Compatible."
    ),
    Word.DAMAGED: Sentence("{photo} is damaged or cut short ({why}). Copy the photo again."),
    Word.TOO_LARGE: Sentence(
        "{photo} needs more memory than there is for a photo. Save a smaller copy of it as JPEG, 12 megapixels or less."
    ),
    Word.TOO_SLOW: Sentence("{photo} takes too long to open. Save a copy of it as JPEG, or take another photo."),
    Word.ENDED: Sentence("{photo} was not opened: somebody stopped the program that opens photos. Give it again."),
    Word.DIED: Sentence(
        "{photo} could not be opened: something in the file is wrong. Save a copy of it as JPEG, or take another photo."
    ),
}


def photo_in(path: Path, decoder: Decoder, called: str | None = None) -> Photo:
    """The photo in a file, to enrol from; `called` is what sentences call it, where it lies at `path` for us alone."""
    read = partial(decode_photo, path, decoder, called)
    # As people call it: of a file's name each byte may be anything.
    return Photo(called or path.name, read, f"photo {Path(called or path).name}", path)


def photo_sent(file: BinaryIO, name: str, decoder: Decoder) -> Photo:
    """A photo that was sent under a name, to enrol from."""
    return Photo(name, partial(decode, file, name, decoder), f"photo {name}")


def decode_photo(path: Path, decoder: Decoder, called: str | None = None) -> NDArray[np.uint8]:
    """The photo in a file, as `decode` gives it; a sentence names it as it is `called`, else by its path.

    Raises UsageError.
    """
    name = called or str(path)
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise UsageError("{photo} is a directory, not a photo.", photo=name)
        # What is no plain file may never end.
        if not stat.S_ISREG(kind):
            raise UsageError("{photo} is not a photo.", photo=name)
        with path.open("rb") as file:
            return decode(file, name, decoder)
    except OSError as error:
        raise UsageError("The photo {photo} cannot be read: {why}.", photo=name, why=error.strerror) from error


def decode(file: BinaryIO, name: str, decoder: Decoder) -> NDArray[np.uint8]:
    """A photo called `name` as (H, W, 3) uint8 BGR, upright by its EXIF, at most 2048 pixels on its longer side.

    Raises UsageError with one sentence for anything that is not a photo, or needs more than a photo may.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size == 0:
        raise UsageError("{photo} is empty (0 bytes). Take or copy the photo again.", photo=name)
    if size > MAX_BYTES:
        raise UsageError(
            "{photo} has {size} MB; {most} MB is the most. Save a smaller copy of it as JPEG.",
            photo=name,
            size=size >> 20,
            most=MAX_BYTES >> 20,
        )
    with _descriptor(file, size) as descriptor:
        try:
            return decoder.decode(descriptor)
        except NoPicture as none:
            raise UsageError(_SENTENCES[none.word].pattern, photo=name, why=none.why) from none
        except OSError as error:
            raise UsageError(
                "No photo is opened here, since its decoder cannot be shut in ({why}).",
                why=error.strerror or error,
            ) from error


@contextmanager
def _descriptor(file: BinaryIO, size: int) -> Iterator[int]:
    """The same content under a descriptor that begins at its beginning."""
    opened = _reopened(file) if size > _IN_MEMORY else None
    if opened is None:
        opened = os.memfd_create("photo")
        with os.fdopen(opened, "wb", closefd=False) as copy:
            shutil.copyfileobj(file, copy)
    try:
        yield opened
    finally:
        os.close(opened)


def _reopened(file: BinaryIO) -> int | None:
    """A descriptor that reads alone, with a place of its own; None where the file has none."""
    try:
        descriptor = file.fileno()
    except OSError:
        return None
    return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
