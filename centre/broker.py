"""The broker's configuration, as it follows from the gates that there are: each has its own key, and least rights."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from centre import cluster
from centre.cluster import BrokerKeys
from centre.secrets import centre_folder, write_private
from gate.fleet.names import HEAD, REGISTER, GateNames
from gate.places import folder
from gate.store.compound.gates import Gate, with_brokers

_MOST_PAYLOAD = 1 << 20
_MOST_PENDING = 8 << 20
_MOST_STORED = 4 << 30
_LEAST_ROOM = 64 << 20
# What a gate is asked it answers once, and within so long: to make templates of photos takes a slow board seconds.
_ANSWERS = {"max": 1, "expires": "40s"}
# Those of the gates, the centre's own, and a few that come back before they are known to be gone.
_CONNECTIONS_BEYOND = 16
# Where the settings are still those of a version that knew of no cluster.
_CLUSTER_PORT = 7424
# What a broker alone keeps; the three of a cluster keep theirs under its name.
_ALONE = "store"


@dataclass(frozen=True, slots=True)
class Where:
    """Where this machine's broker listens."""

    listen: str
    """An address of this machine."""
    port: int
    cluster_port: int
    """Where the other brokers of a cluster reach it, and it them."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Where:
        """As the settings of the section `centre` say it."""
        return cls(said["listen"], said["port"], said.get("cluster_port", _CLUSTER_PORT))

    @property
    def host(self) -> str:
        """The address as it is written before a port."""
        return f"[{self.listen}]" if ":" in self.listen else self.listen


class Change(Enum):
    """What of a broker's configuration is another than before."""

    NOTHING = "nothing"
    GATES = "gates"
    """It can be told while it runs."""
    CLUSTER = "cluster"
    """It has to be started anew."""


def broker_folder(state: Path) -> Path:
    """Where the broker keeps what is its own."""
    return centre_folder(state) / "broker"


def configuration_file(state: Path) -> Path:
    """What the broker is started with."""
    return broker_folder(state) / "nats.conf"


def configuration(
    state: Path, where: Where, keys: BrokerKeys, gates: Sequence[Gate], *, clustered: bool
) -> dict[str, Any]:  # fmt: skip
    """All that the broker is told, in its own words. `gates` are those that may connect; where it is `clustered`, two
    of them have the other brokers."""
    place, brokers = broker_folder(state), with_brokers(gates)
    return {
        "server_name": keys.name,
        "listen": f"{where.host}:{where.port}",
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
            "store_dir": str(place / (f"cluster-{cluster.members(keys, brokers)}" if clustered else _ALONE)),
            "sync_interval": "always",
            "max_file_store": _MOST_STORED,
            # Each gate has four, and the broker's own limit of a thousand would leave the gates beyond without any.
            "limits": {"default_max_consumers": -1},
        },
        "authorization": {
            "timeout": 5,
            "users": [{"nkey": keys.centre}, *(_user(one) for one in gates)],
        },
        **({"cluster": _cluster(place, where, keys, gates)} if clustered else {}),
    }


def _cluster(place: Path, where: Where, keys: BrokerKeys, gates: Sequence[Gate]) -> dict[str, Any]:
    files = {"cert_file": "route.crt", "key_file": "route.key", "ca_file": "broker.crt"}
    there = {name: str(place / file) for name, file in files.items()}
    return cluster.told(keys, with_brokers(gates), where.host, where.cluster_port, there)


def _user(gate: Gate) -> dict[str, Any]:
    """A gate takes from its own consumers, which the centre makes, asks and reports by its own name, answers whoever
    asks of its camera, which the centre alone may, and no more."""
    names = GateNames(gate.id)
    own = [*names.consumers]
    publish = [names.requests, names.keys, names.record, names.proposals, names.report, names.state, names.orders]
    publish += [names.passages]
    publish += [names.second] if gate.second_at is not None or gate.broker_at is not None else []
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


def write_configuration(
    state: Path, where: Where, keys: BrokerKeys, gates: Sequence[Gate], *, clustered: bool
) -> Change:  # fmt: skip
    """Write what the broker is started with, and what of it is another than before. Raises UsageError."""
    place = folder(broker_folder(state), 0o700)
    files = {"broker.crt": keys.certificate, "broker.key": keys.key}
    files |= {"route.crt": keys.route_certificate, "route.key": keys.route_key} if clustered else {}
    for name, text in files.items():
        write_private(place / name, text)
    before, now = _written(state), configuration(state, where, keys, gates, clustered=clustered)
    if before == now:
        return Change.NOTHING
    write_private(configuration_file(state), json.dumps(now, indent=1))
    return Change.GATES if before.get("cluster") == now.get("cluster") else Change.CLUSTER


def keep_up(state: Path, where: Where, keys: BrokerKeys, gates: Sequence[Gate], *, clustered: bool) -> None:
    """Have the broker, where it runs, let in these gates and nobody else. Raises UsageError."""
    match write_configuration(state, where, keys, gates, clustered=clustered):
        case Change.GATES:
            _signal(state, signal.SIGHUP)
        case Change.CLUSTER:
            end_broker(state)


def is_clustered(state: Path) -> bool:
    """Whether the broker is one of a cluster, as it was told last."""
    return "cluster" in _written(state)


def _written(state: Path) -> dict[str, Any]:
    """What the broker was told last; nothing where that cannot be read."""
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads(configuration_file(state).read_text("utf-8"))
        return found
    return {}


def forget_broker(state: Path) -> None:
    """There is no broker on this machine any more: all that it was told and kept goes, its keys with it."""
    shutil.rmtree(broker_folder(state), ignore_errors=True)


def forget_store(state: Path) -> None:
    """Have the broker, which does not run, begin with nothing: what is there is of another time."""
    for one in _stores(state):
        shutil.rmtree(one, ignore_errors=True)


def forget_other_stores(state: Path) -> None:
    """What is there of the time when the broker, which does not run, was one of another cluster, or of none. By what
    was agreed on then it would wait for brokers that are none of the three any more."""
    for one in _stores(state):
        if one != _store(state):
            shutil.rmtree(one, ignore_errors=True)


def _stores(state: Path) -> list[Path]:
    return [one for pattern in (_ALONE, "cluster*") for one in broker_folder(state).glob(pattern)]


def _store(state: Path) -> Path:
    """Where the broker keeps what it is given, as it was told last."""
    return Path(_written(state).get("jetstream", {}).get("store_dir", broker_folder(state)))


def has_room(state: Path) -> bool:
    """Whether there is room on the broker's disk."""
    return shutil.disk_usage(_store(state)).free > _LEAST_ROOM


def end_broker(state: Path) -> None:
    """Have a broker end; whoever started it starts it anew."""
    _signal(state, signal.SIGTERM)


def _signal(state: Path, number: signal.Signals) -> None:
    with suppress(OSError, ValueError):
        pid = int((broker_folder(state) / "nats.pid").read_text("ascii"))
        # The number may be another's by now.
        if Path(f"/proc/{pid}/comm").read_text("ascii").strip() == "nats-server":
            os.kill(pid, number)
