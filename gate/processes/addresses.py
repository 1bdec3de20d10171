"""Where each process of a gate is reached: its socket, its address, its certificate."""

from __future__ import annotations

import os
from pathlib import Path

from gate.errors import UsageError
from gate.places import folder


def runtime_directory(state: Path, process: str) -> Path:
    """The directory of one process's socket and other short-lived files, made private to the gate's users.

    Each process has its own, so that none can stand in another's place. Raises UsageError when the path is too long
    for a socket.
    """
    if len(os.fsencode(socket_of(state, process))) > 107:
        raise UsageError(f"The state directory's path is too long for a socket: {state}. Choose a shorter one.")
    return folder(socket_of(state, process).parent)


def socket_of(state: Path, process: str) -> Path:
    """Where a process of the gate answers."""
    return state / "run" / process / "link.sock"


def api_address_file(state: Path) -> Path:
    """Where the api writes the address it listens on."""
    return state / "run" / "api" / "address"


def generated_certificate_file(state: Path) -> Path:
    """Where the certificate is that the api makes for itself."""
    return state / "tls" / "certificate.pem"
