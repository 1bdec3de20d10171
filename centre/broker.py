"""The broker's configuration, as it follows from the gates that there are: each has its own key, and least rights."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from centre.secrets import Secrets, centre_folder, write_private
from gate.fleet.names import HEAD, REGISTER, GateNames
from gate.fleet.nkeys import nkey_public
from gate.places import folder
from gate.store.compound.gates import Gate

_MOST_PAYLOAD = 1 << 20
_MOST_PENDING = 8 << 20
_MOST_STORED = 4 << 30
_LEAST_ROOM = 64 << 20
# What a gate is asked it answers once, and within so long: to make templates of photos takes a slow board seconds.
_ANSWERS = {"max": 1, "expires": "40s"}
# Those of the gates, the centre's own, and a few that come back before they are known to be gone.
_CONNECTIONS_BEYOND = 16


def broker_folder(state: Path) -> Path:
    """Where the broker keeps what is its own."""
    return centre_folder(state) / "broker"


def configuration_file(state: Path) -> Path:
    """What the broker is started with."""
    return broker_folder(state) / "nats.conf"


def configuration(state: Path, listen: str, port: int, secrets: Secrets, gates: Sequence[Gate]) -> dict[str, Any]:
    """All that the broker is told, in its own words. `gates` are those that may connect."""
    place = broker_folder(state)
    host = f"[{listen}]" if ":" in listen else listen
    return {
        "server_name": "facegate-centre",
        "listen": f"{host}:{port}",
        "pid_file": str(place / "nats.pid"),
        "max_payload": _MOST_PAYLOAD,
        "max_pending": _MOST_PENDING,
        "max_connections": 2 * len(gates) + _CONNECTIONS_BEYOND,
        "ping_interval": "10s",
        "ping_max": 2,
        "write_deadline": "5s",
        "logtime": False,
        "tls": {
            "cert_file": str(place / "broker.crt"),
            "key_file": str(place / "broker.key"),
            "min_version": "1.3",
            "timeout": 5,
        },
        # What was acknowledged is on the disk: at a power cut nothing else survives.
        "jetstream": {
            "store_dir": str(place / "store"),
            "sync_interval": "always",
            "max_file_store": _MOST_STORED,
            # Each gate has four, and the broker's own limit of a thousand would leave the gates beyond without any.
            "limits": {"default_max_consumers": -1},
        },
        "authorization": {
            "timeout": 5,
            "users": [{"nkey": nkey_public(secrets.nkey_seed)}, *(_user(one) for one in gates)],
        },
    }


def _user(gate: Gate) -> dict[str, Any]:
    """A gate takes from its own consumers, which the centre makes, asks and reports by its own name, answers whoever
    asks of its camera, which the centre alone may, and no more."""
    names = GateNames(gate.id)
    own = [*names.consumers]
    publish = [names.requests, names.keys, names.record, names.proposals, names.report, names.state, names.orders]
    publish += [names.passages]
    publish += [names.second] if gate.second_at is not None else []
    publish += [f"$JS.API.CONSUMER.MSG.NEXT.{REGISTER}.{one}" for one in own]
    publish += [f"$JS.ACK.{REGISTER}.{one}.>" for one in own]
    return {
        "nkey": gate.nkey,
        "permissions": {
            "publish": {"allow": publish},
            "subscribe": {"allow": [HEAD, names.camera, f"{names.inbox}.>"]},
            "allow_responses": _ANSWERS,
        },
    }


def write_configuration(state: Path, listen: str, port: int, secrets: Secrets, gates: Sequence[Gate]) -> bool:
    """Write what the broker is started with, and whether that is another than before. Raises UsageError."""
    place = folder(broker_folder(state), 0o700)
    write_private(place / "broker.crt", secrets.certificate)
    write_private(place / "broker.key", secrets.key)
    text = json.dumps(configuration(state, listen, port, secrets, gates), indent=1)
    path = configuration_file(state)
    if path.exists() and path.read_text("utf-8") == text:
        return False
    write_private(path, text)
    return True


def forget_store(state: Path) -> None:
    """Have the broker, which does not run, begin with nothing: what is there is of another time."""
    shutil.rmtree(broker_folder(state) / "store", ignore_errors=True)


def has_room(state: Path) -> bool:
    """Whether there is room on the broker's disk."""
    return shutil.disk_usage(broker_folder(state) / "store").free > _LEAST_ROOM


def reload_broker(state: Path) -> None:
    """Have a broker that runs read its configuration; one that does not will."""
    _signal(state, signal.SIGHUP)


def end_broker(state: Path) -> None:
    """Have a broker end; whoever started it starts it anew."""
    _signal(state, signal.SIGTERM)


def _signal(state: Path, number: signal.Signals) -> None:
    with suppress(OSError, ValueError):
        pid = int((broker_folder(state) / "nats.pid").read_text("ascii"))
        # The number may be another's by now.
        if Path(f"/proc/{pid}/comm").read_text("ascii").strip() == "nats-server":
            os.kill(pid, number)
