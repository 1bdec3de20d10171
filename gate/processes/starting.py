"""What the three processes have in common: settings from their starter, readiness told back, an end with it."""

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


def settings_from_starter() -> dict[str, Any]:
    """One line of JSON from standard input, read first of all: whatever the process makes from then is its own."""
    keep_to_oneself()
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    return given


class _InOneLine(logging.Formatter):
    """Each message is one line of plain words, whatever others wrote of what it repeats."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return in_one_line(spelt(super().formatMessage(record)))


def speak_as(name: str) -> None:
    """What this process logs goes to standard error under its name; who keeps it takes a line for a message."""
    handler = logging.StreamHandler()
    handler.setFormatter(_InOneLine(f"{name}: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def stop_with_starter() -> None:
    """When the starter's end of standard input closes, this process asks itself to stop (SIGTERM).

    Settings that came from a file, as a systemd unit gives them, say nothing of their starter.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    threading.Thread(target=_stop_at_end_of_input, name="starter", daemon=True).start()


def credential(name: str) -> str | None:
    """A secret handed over by the starter (systemd's LoadCredential=), None where there is none or it is empty."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        return (Path(folder) / name).read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None


def uid_of(user: str | None) -> int:
    """The uid of a system user; None: this process's own. Raises UsageError where there is no such user."""
    if user is None:
        return os.getuid()
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise UsageError(f"There is no system user {user!r}, which door.vision_user or door.api_user names.") from error


def tell_ready() -> None:
    """Tell the starter that this process does its work."""
    _tell("READY=1")


class Watchdog:
    """Feeds the starter's watchdog (sd_watchdog_enabled(3)) while its owner says that all is fresh."""

    def __init__(self) -> None:
        every_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6 / 4
        self._every_s = every_s or float("inf")
        self._fed_mono = float("-inf") if every_s else float("inf")

    def feed(self, fresh: bool) -> None:
        """Once a turn of the owner's loop."""
        now = time.monotonic()
        if fresh and now - self._fed_mono >= self._every_s:
            self._fed_mono = now
            _tell("WATCHDOG=1")


def _tell(what: str) -> None:
    """By systemd's notification protocol (sd_notify(3)); nothing where nobody asked."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
            notifier.sendto(f"{what}\nMAINPID={os.getpid()}".encode(), address.replace("@", "\0", 1))


def _stop_at_end_of_input() -> None:
    # The descriptor itself: a buffered reader held here would block the interpreter's exit.
    while os.read(0, 512):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
