"""The door's own key, with which a code becomes what it is found by: in no database, and read by nobody else.

Six digits can be tried out in hours by whoever has the database and what they were hashed with. Without this key they
find nothing; with it, on the board alone, they would have to break the board.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from gate.places import folder

_log = logging.getLogger(__name__)

_NAME = "code.key"
_BYTES = 32


def key_file(state: Path) -> Path:
    """Where the key lies, in the door's own folder."""
    return state / "door" / _NAME


class CodeKey:
    """The key of this board, drawn when it is asked for first. `fault` says why there is none; None while there is."""

    def __init__(self, state: Path, has_codes: Callable[[], bool | None]) -> None:
        """`has_codes` says whether anybody has a PIN or a card, of which a new key would find none; None: unknown."""
        self._path = key_file(state)
        self._has_codes = has_codes
        self._key: bytes | None = None
        self._why = ""
        self.fault: str | None = None

    def look(self) -> None:
        """Read the key where somebody has a code, so that a loss is told before the first of them stands outside."""
        if self._key is None and self._has_codes():
            self._key = self._read()
            if self._key is None:
                self._fail(self._why)

    def seal(self, digest: bytes) -> bytes | None:
        """What a code of this digest (`gate.codes`) is found by, 32 bytes; None where there is no key to be had."""
        if self._key is None:
            self._key = self._read() or self._draw()
        return None if self._key is None else hmac.digest(self._key, digest, "sha256")

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
        if self._has_codes() is not False:
            self._fail(self._why)
            return None
        key, new = secrets.token_bytes(_BYTES), self._path.with_suffix(".new")
        try:
            folder(self._path.parent)
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            new.rename(self._path)
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
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
