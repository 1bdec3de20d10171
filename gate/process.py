"""What the three processes have in common: settings from their starter, readiness told back, an end with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from typing import Any


def settings_from_starter() -> dict[str, Any]:
    """One line of JSON from standard input."""
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    return given


def stop_with_starter() -> None:
    """When the starter's end of standard input closes, this process asks itself to stop (SIGTERM)."""
    threading.Thread(target=_stop_at_end_of_input, name="starter", daemon=True).start()


def tell_ready() -> None:
    """Tell the starter, by systemd's notification protocol (sd_notify(3)); nothing where nobody asked."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
            notifier.sendto(f"READY=1\nMAINPID={os.getpid()}".encode(), address.replace("@", "\0", 1))


def _stop_at_end_of_input() -> None:
    # The descriptor itself: a buffered reader held here would block the interpreter's exit.
    while os.read(0, 512):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
