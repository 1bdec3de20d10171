"""The door's own key, with which a code becomes what it is found by: in no database, and read by nobody else.

Six digits can be tried out in hours by whoever has the database and what they were hashed with. Without this key they
find nothing; with it, on the board alone, they would have to break the board.
"""

from __future__ import annotations

import errno
import hmac
import logging
import secrets
from pathlib import Path
from typing import Protocol

from gate.places import folder, read_plain, write_first, write_whole

_log = logging.getLogger(__name__)

_NAME = "code.key"
_BYTES = 32
_FINDER, _MARK = 32, 4


def _mark_of(key: bytes) -> bytes:
    return hmac.digest(key, b"which key", "sha256")[:_MARK]


def key_file(state: Path) -> Path:
    """Where the key lies, in the door's own folder."""
    return state / "door" / _NAME


def shared_key(state: Path) -> bytes:
    """The key of this board's door, for other doors that are to know the same codes; drawn where there is none yet.
    Raises OSError, also where what lies there is none."""
    path = key_file(state)
    try:
        key = read_plain(path, _BYTES)
    except FileNotFoundError:
        key = _draw(path)
    if len(key) != _BYTES:
        raise OSError(errno.EINVAL, "no key of a door", str(path))
    return key


def take_key(state: Path, key: bytes) -> None:
    """Have this board's door know the codes of other doors, and no more those that it knew. Raises OSError."""
    path = key_file(state)
    folder(path.parent)
    write_whole(path, key)


def _draw(path: Path) -> bytes:
    folder(path.parent)
    return write_first(path, secrets.token_bytes(_BYTES))


class Codes(Protocol):
    """What the key asks of the store; None each where nobody can tell now."""

    def has_codes(self) -> bool | None:
        """Whether anybody has a PIN or a card."""

    def not_sealed_by(self, mark: bytes) -> int | None:
        """How many PINs and cards are found by what does not begin so."""


class CodeKey:
    """The key of this board, drawn when it is asked for first. `fault` says why codes are refused; None while none is.

    What a code is found by begins with a mark of the key, so that those of another board are told from wrong ones.
    """

    def __init__(self, state: Path, codes: Codes) -> None:
        self._path = key_file(state)
        self._codes = codes
        self._key: bytes | None = None
        self._why = ""
        self.fault: str | None = None

    def look(self) -> None:
        """Read the key where somebody has a code, so that a loss is told before the first of them stands outside, and
        that a code was made with another."""
        if self._key is None and self._codes.has_codes():
            self._key = self._read()
            if self._key is None:
                self._fail(self._why)
        if self._key is None:
            return
        strange = self._codes.not_sealed_by(_mark_of(self._key))
        if strange:
            self._fail(f"is another than {strange} of them were made with")
        elif strange == 0:
            self.fault = None

    def seal(self, digest: bytes) -> bytes | None:
        """What a code of this digest (`gate.codes`) is found by, 32 bytes; None where there is no key to be had."""
        if self._key is None:
            self._key = self._read() or self._draw()
        if self._key is None:
            return None
        return (_mark_of(self._key) + hmac.digest(self._key, digest, "sha256"))[:_FINDER]

    def marked(self, tail: bytes) -> bytes | None:
        """What a code is found by that this key made, and that ends so; None where there is no key to be had."""
        sealed = self.seal(b"")
        return None if sealed is None else sealed[:_MARK] + tail

    def _read(self) -> bytes | None:
        try:
            key = self._path.read_bytes()
        except OSError as error:
            self._why = "is missing" if isinstance(error, FileNotFoundError) else error.strerror or "cannot be read"
            return None
        if len(key) != _BYTES:
            self._why = "is damaged"
            return None
        self.fault = None
        return key

    def _draw(self) -> bytes | None:
        """A new key, where nobody's code hangs on the one that is not there."""
        if self._codes.has_codes() is not False:
            self._fail(self._why)
            return None
        try:
            key = _draw(self._path)
        except OSError as error:
            self._fail(error.strerror or "cannot be written")
            return None
        self.fault = None
        return key

    def _fail(self, why: str) -> None:
        if self.fault != why:
            _log.error(
                "The key for PINs and cards, %s, %s; they are refused. Bring it back from where this gate ran before,"
                " or begin anew: sudo facegate readers new-key",
                self._path,
                why,
            )
        self.fault = why
