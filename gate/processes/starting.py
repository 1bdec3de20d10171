"""What door, vision, readers and api do alike at their start and end. Their starter is `facegate run`, or systemd.

The starter gives the settings as one line of JSON on standard input, and is told by systemd's notification protocol
that the process is ready and that it still works. When `facegate run` ends, what it started ends too.
"""

from __future__ import annotations

import json
import logging
import os
import pwd
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from gate.errors import UsageError
from gate.places import keep_to_oneself
from gate.processes.terminal import in_one_line, spelt

# Whose words a process tells: ours. A process is started as the main module.
_ROOMS = ("__main__", "api", "centre", "commands", "enroll", "gate", "models")


def settings_from_starter() -> dict[str, Any]:
    """The settings, from one line of JSON on standard input.

    To be called before anything else: it also sets the umask, so that what the process makes is closed to others.
    Raises ValueError where the line is no JSON.
    """
    keep_to_oneself()
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    return given


class _InOneLine(logging.Formatter):
    """Writes each message on one line, with control characters spelt out: a name in it may be anybody's text."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return in_one_line(spelt(super().formatMessage(record)))


def speak_as(name: str) -> None:
    """Send what this process logs, from INFO up, to standard error, each line beginning with `name`.

    The journal, and `facegate run`, take each line for one message. Of libraries only warnings are told: an HTTP
    client's INFO is every address that it asks, with the password that a camera's or a webhook's may hold.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_InOneLine(f"{name}: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for room in _ROOMS:
        logging.getLogger(room).setLevel(logging.INFO)


def stop_with_starter() -> None:
    """From now on, send this process SIGTERM when the starter's end of standard input closes, as it does when it dies.

    Does nothing where standard input is no pipe: a systemd unit gives the settings from a file, and ends its processes
    itself.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    threading.Thread(target=_stop_at_end_of_input, name="starter", daemon=True).start()


def credential(name: str) -> str | None:
    """The secret of that name which systemd hands over (LoadCredential=), without white space around it.

    None where there is none, or it is empty. Raises OSError, or UnicodeDecodeError where it is no text.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        return (Path(folder) / name).read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None


def uid_of(user: str | None) -> int:
    """The user id of the system user of that name, of this process where `user` is None.

    Raises UsageError where there is no such user; the sentence names the settings that it can come from.
    """
    if user is None:
        return os.getuid()
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise UsageError(
            f"There is no system user {user!r}, which door.vision_user, door.readers_user or door.api_user names."
        ) from error


def tell_ready() -> None:
    """Tell the starter that this process is ready and does its work (sd_notify(3), READY=1)."""
    _tell("READY=1")


class Watchdog:
    """Tells the starter at regular times that this process still works (sd_watchdog_enabled(3)).

    The starter kills and restarts a process that does not tell it for WATCHDOG_USEC microseconds; it is told four
    times as often. Where that variable is not set, nothing is told.
    """

    def __init__(self) -> None:
        every_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6 / 4
        self._every_s = every_s or float("inf")
        self._fed_mono = float("-inf") if every_s else float("inf")
        self._line = _line() if every_s else None

    def feed(self, fresh: bool) -> None:
        """To be called once a turn of the main loop; `fresh` says that all which should happen has happened lately."""
        now = time.monotonic()
        if fresh and now - self._fed_mono >= self._every_s:
            self._fed_mono = now
            try:
                _tell("WATCHDOG=1")
            except OSError:
                # The way to its socket may be closed to us, as by another owner of a folder, while the starter lives.
                if self._line is None:
                    raise
                self._line.send(_said("WATCHDOG=1"))


def _tell(what: str) -> None:
    """Send `what` to the socket NOTIFY_SOCKET (sd_notify(3)); does nothing where that is not set. Raises OSError."""
    line = _line()
    if line is not None:
        with line:
            line.send(_said(what))


def _line() -> socket.socket | None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return None
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        line.connect(address.replace("@", "\0", 1))
    except OSError:
        line.close()
        raise
    return line


def _said(what: str) -> bytes:
    return f"{what}\nMAINPID={os.getpid()}".encode()


def _stop_at_end_of_input() -> None:
    # The descriptor itself: a buffered reader held here would block the interpreter's exit.
    while os.read(0, 512):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
