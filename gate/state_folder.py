"""Where a gate of this machine keeps its state and its models, and which configuration counts."""

from __future__ import annotations

import os
from pathlib import Path

from gate.errors import UsageError

SERVICE_STATE = Path("/var/lib/facegate")
SERVICE_CONFIG = Path("/etc/facegate/facegate.toml")
SERVICE_CREDENTIALS = Path("/etc/facegate/credentials")
CONFIG_NAME = "facegate.toml"


def state_directory(given: Path | None) -> Path:
    """Where this gate keeps its state: what was given, else the service's directory, else the user's.

    Raises UsageError where a service is installed that this user may not administer.
    """
    if given is not None:
        return given
    if not SERVICE_STATE.is_dir():
        return user_folder("XDG_DATA_HOME", ".local/share")
    if not os.access(SERVICE_STATE, os.R_OK | os.X_OK):
        raise UsageError(
            f"The gate of this machine keeps its state in {SERVICE_STATE}, which is closed to you."
            " Put sudo before the command, or choose another with --state."
        )
    return SERVICE_STATE


def is_service(state: Path) -> bool:
    """Whether this is the state of the gate that is installed on this machine."""
    return state == SERVICE_STATE or (state.exists() and SERVICE_STATE.exists() and state.samefile(SERVICE_STATE))


def configuration_file(state: Path) -> Path | None:
    """The file that is read where none is named: the state's own, for an installed gate the one in /etc and no other.

    Whoever writes in a service's state does not decide what the services are told.
    """
    path = SERVICE_CONFIG if is_service(state) else state / CONFIG_NAME
    # Whatever lies there is meant as one; what cannot be read says so when it is.
    return path if os.path.lexists(path) else None


def reader_keys(state: Path) -> Path:
    """Where the keys of OSDP readers lie: beside the camera's password on a gate, else in the state."""
    return (SERVICE_CREDENTIALS if is_service(state) else state) / "osdp-keys"


def broker_password(state: Path) -> Path:
    """Where the password to Home Assistant's broker lies: beside the camera's on a gate, else in the state."""
    return (SERVICE_CREDENTIALS if is_service(state) else state) / "mqtt-password"


def centre_file(state: Path) -> Path:
    """What a gate keeps of its centre, in the link's own folder; where it is not, there is no centre."""
    return state / "link" / "centre.json"


def broker_file(state: Path) -> Path:
    """Where it is, this gate's machine has a broker of the compound too; in the link's own folder."""
    return state / "link" / "broker"


def models_directory(state: Path) -> Path:
    """Where model packs are kept by default: one place for all states of a user."""
    return (SERVICE_STATE if state == SERVICE_STATE else user_folder("XDG_DATA_HOME", ".local/share")) / "models"


def user_folder(variable: str, usual: str) -> Path:
    """Where a user's own files of a kind are, by the XDG base directory specification; a relative path is none."""
    named = Path(os.environ.get(variable, ""))
    return (named if named.is_absolute() else Path.home() / usual) / "facegate"
