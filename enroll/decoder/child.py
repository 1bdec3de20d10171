"""The decoder's child: shuts itself in, then answers one photo after another on standard input, a socket."""

from __future__ import annotations

import os
import socket

from enroll.decoder.picture import prepare, read_picture
from enroll.decoder.shut_in import allow_seconds, shut_in
from enroll.decoder.wire import PHOTO, Header, NoPicture, Word

_SECONDS = 20


def main() -> int:
    """Answer until the asker hangs up."""
    asker = socket.socket(fileno=0)
    try:
        prepare()
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
        _answer(asker, descriptors[0])


def _answer(asker: socket.socket, descriptor: int) -> None:
    with os.fdopen(descriptor, "rb") as file:
        try:
            picture = read_picture(file)
        except NoPicture as none:
            asker.sendall(Header(none.word, none.why).pack())
            return
    asker.sendall(Header(Word.PICTURE, "", *picture.size).pack())
    asker.sendall(picture.tobytes("raw", "BGR"))
