"""The decoder's child process: it gives its rights away, and then opens one photo after another.

Its standard input is a Unix-domain socket to whoever asks; `wire` says what goes over it. Its second argument is the
number of a descriptor of ROOM bytes of memory that both see, where the pixels go.
"""

from __future__ import annotations

import mmap
import os
import socket
import sys

from enroll.decoder.picture import prepare, read_picture
from enroll.decoder.sandbox import allow_seconds, shut_in
from enroll.decoder.wire import PHOTO, ROOM, Header, NoPicture, Word

_SECONDS = 20


def main() -> int:
    """Answer until the asker closes the socket. Returns the exit code: 1 where its rights cannot be given away."""
    asker = socket.socket(fileno=0)
    try:
        prepare()
        descriptor = int(sys.argv[2])
        room = mmap.mmap(descriptor, ROOM)
        os.close(descriptor)
        shut_in()
    # Whatever is missing, nothing is decoded without limits.
    except Exception as error:
        asker.sendall(Header(Word.DIED, f"{type(error).__name__}: {error}").pack())
        return 1
    asker.sendall(Header(Word.READY).pack())
    while True:
        _, descriptors, _, _ = socket.recv_fds(asker, len(PHOTO), 1)
        if not descriptors:
            return 0
        allow_seconds(_SECONDS)
        asker.sendall(_answer(descriptors[0], room).pack())


def _answer(descriptor: int, room: mmap.mmap) -> Header:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        try:
            picture = read_picture(file)
        except NoPicture as none:
            return Header(none.word, none.why)
    pixels = picture.tobytes("raw", "BGR")
    room[: len(pixels)] = pixels
    return Header(Word.PICTURE, "", *picture.size)
