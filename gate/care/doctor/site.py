"""What the doctor's checks look at: a gate's settings and folders, what its processes say, what its machine shows."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

from gate.api_settings import ApiSettings
from gate.care.health import Health, ask_api, gather
from gate.config import Settings
from gate.processes.addresses import generated_certificate_file
from gate.state_folder import SERVICE_STATE

if TYPE_CHECKING:
    from models.pack import Models

UNITS = ("settings", "door", "vision", "readers", "link", "broker", "centre", "api")
_ANSWERS_WITHIN_S = 3.0
# Of a package, as dpkg calls it.
_STOPPED_IN = ("half-installed", "unpacked", "half-configured")


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemd says of one unit: its ActiveState, and how often it was started again."""

    active: str
    restarts: int


class Listens(StrEnum):
    """Who holds the console's port."""

    OURS = "ours"
    ANOTHER = "another"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Site:
    """One gate at one moment."""

    state: Path
    settings: Settings
    models_dir: Path
    """The folder of the installed packs."""
    opened: Callable[[], AbstractContextManager[Models]]
    """Lends the models of the settings' pack, open, their hashes checked and their canary heard. Raises PackError."""
    health: Health
    listens: Listens = Listens.OURS
    units: Mapping[str, UnitState] | None = None
    """The services of an installed gate by name; None where it is run by hand."""
    python_to_come: str = ""
    """The version of python3 that the system's next upgrade would install; empty where nothing tells."""
    half_installed: tuple[str, ...] = ()
    """Our packages of which dpkg has a part alone."""
    system_python: Path = Path("/usr/bin/python3")
    boot: Path = Path("/boot/firmware")
    device_tree: Path = Path("/proc/device-tree/model")
    mounts: Path = Path("/proc/self/mountinfo")
    sys: Path = Path("/sys")

    @property
    def board(self) -> str:
        """The board's name, or "" where it has none."""
        try:
            return self.device_tree.read_text("utf-8").strip("\0\n ")
        except OSError:
            return ""

    def advice(self, unit: str, by_hand: str) -> str:
        """What helps where a process does not answer: its journal, or for a gate that is run by hand `by_hand`."""
        return by_hand if self.units is None else journal_of(unit)


def site_of(
    state: Path, settings: Settings, models_dir: Path, opened: Callable[[], AbstractContextManager[Models]]
) -> Site:
    """The gate on this machine, as it is now."""
    units = units_shown() if state == SERVICE_STATE else None
    coming = python_to_come() if units is not None else ""
    halves = half_installed() if units is not None else ()
    health, listens = gather(state, by_face=settings.camera.wanted), who_listens(state, settings.api)
    return Site(state, settings, models_dir, opened, health, listens, units, coming, halves)


def python_to_come() -> str:
    """The candidate that apt has of python3; empty where there is no apt, or it knows none."""
    try:
        # In the words of no language but its own.
        said = subprocess.run(
            ["apt-cache", "policy", "python3"],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            capture_output=True, text=True, check=False, timeout=_ANSWERS_WITHIN_S,
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((line.split(":", 1)[1].strip() for line in said.splitlines() if "Candidate:" in line), "")


def half_installed() -> tuple[str, ...]:
    """The packages of Facegate in which dpkg was stopped in its middle; none where there is no dpkg."""
    shown = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n", "facegate*"]
    try:
        said = subprocess.run(shown, capture_output=True, text=True, check=False, timeout=_ANSWERS_WITHIN_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    lines = [line.split() for line in said.splitlines()]
    return tuple(name for status, name in lines if status in _STOPPED_IN)


def journal_of(unit: str) -> str:
    """Where to read what a unit says."""
    return f"Look into: sudo journalctl -u facegate-{unit}"


def units_shown() -> dict[str, UnitState] | None:
    """The units of the installed gate, by `systemctl show`; None where systemd does not run."""
    if not Path("/run/systemd/system").is_dir():
        return None
    command = ["systemctl", "show", "--property=Id,ActiveState,NRestarts", *(f"facegate-{name}" for name in UNITS)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    units = {}
    for block in shown.strip().split("\n\n"):
        words = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        name = words.get("Id", "").removeprefix("facegate-").partition(".")[0]
        units[name] = UnitState(words.get("ActiveState", ""), int(words.get("NRestarts") or 0))
    return units


def who_listens(state: Path, settings: ApiSettings) -> Listens:
    """Ours is known by its certificate, or where it has none by what it answers."""
    ours = settings.certificate if settings.tls == "own" else generated_certificate_file(state)
    # Whoever listens everywhere is asked here: a comparison, and no place to listen.
    address = ("127.0.0.1" if settings.host in ("0.0.0.0", "localhost") else settings.host, settings.port)  # noqa: S104
    try:
        if settings.port == 0 or settings.tls == "off":
            ask_api(state, "/api/health")
            return Listens.OURS
        shown = ssl.get_server_certificate(address, timeout=_ANSWERS_WITHIN_S)
        return (
            Listens.OURS if ours is not None and _first(ours.read_text("ascii")) == _first(shown) else Listens.ANOTHER
        )
    except HTTPError:
        return Listens.OURS
    except (OSError, ValueError):
        return Listens.ANOTHER if _answers(address) else Listens.NOBODY


def _first(certificates: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificates.partition("-----END")[0] + "-----END CERTIFICATE-----")


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=_ANSWERS_WITHIN_S).close()
    except OSError:
        return False
    return True
