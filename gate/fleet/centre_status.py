"""How the gates of a centre stand, for whoever asks on its machine: a small file that is written every few seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gate.errors import Sentence
from gate.fleet.state import GateState
from gate.places import read_plain
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.fields import Malformed, read, written


@dataclass(frozen=True, slots=True)
class GateStatus:
    """What a gate said of itself last. Times are ISO 8601, UTC."""

    heard_at: str
    behind: bool
    entries: int
    waiting: int
    problem: str | None = None
    state: GateState | None = None
    """How the gate is; None: it has not said it, since its link is older than this."""
    state_at: str | None = None
    reader: int = 1
    """The newest form of the register's messages that it understands (`gate.fleet.messages`)."""


@dataclass(frozen=True, slots=True)
class Invited:
    """The invitation that was drawn last, and used by no gate yet; `ends_at` is when it is over, ISO 8601, UTC."""

    ends_at: str
    tries_left: int


@dataclass(frozen=True, slots=True)
class CentreStatus:
    """`at` is when it was written, ISO 8601, UTC; `gates` by their ids, those that were heard since the start."""

    at: str
    epoch: int
    entries: int
    connected: bool
    """Whether the centre has a line to the broker."""
    due: int
    """How many entries are still to be published."""
    gates: Mapping[str, GateStatus] = field(default_factory=dict)
    superseded: bool = False
    """Whether another centre leads in the place of this one, which publishes nothing any more."""
    missing: tuple[str, ...] = ()
    """The names of the gates that are still to give back what the centre lost when it came back from a backup."""
    invited: Invited | None = None
    """None: no gate is invited."""
    clustered: bool = False
    """Whether its broker is one of three."""
    brokers_away: tuple[str, ...] = ()
    """The gates whose brokers should be two of them, and are not reached."""
    cluster_failed: bool = False
    """Whether the three did not work for long, so that its own is alone for now."""
    own_broker_away: bool = False
    """Whether the other two go on without that of the centre's machine."""
    keys_lost: bool = False
    """Whether what its gates know it by is gone, so that it leads nobody."""


def write_status(state: Path, status: CentreStatus) -> None:
    """Replace the file. Raises OSError."""
    path = runtime_directory(state, "centre") / "status.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(written(status)), "utf-8")
    new.chmod(0o640)
    new.rename(path)


def read_status(state: Path) -> CentreStatus | None:
    """What the centre wrote last; None where there is nothing to be read."""
    try:
        return read(CentreStatus, json.loads(read_plain(socket_of(state, "centre").with_name("status.json"))))
    except (OSError, ValueError, Malformed):
        return None


_ALONE = Sentence(
    "{name} is to have a broker, and with the centre's own that is two, of which both would be needed: the centre's"
    " alone is used. Invite one more gate with one: facegate centre invite --broker ADDRESS"
)
_NOT_YET = Sentence(
    "The broker at {names} is not reached: until it is, the centre's own alone is used. Look whether that machine runs"
    " and lets this one through to its ports (centre.port, centre.cluster_port)."
)
_ONE_AWAY = Sentence(
    "Of the three brokers that at {names} is not reached, and the other two go on. Look whether its machine runs, and"
    " reaches the other two at the port centre.cluster_port."
)
_OWN_AWAY = Sentence(
    "Of the three brokers the centre's own is not reached by the other two, which go on. Look whether it runs, and"
    " whether the centre's machine reaches the other two at the port centre.cluster_port."
)
_FAILED = Sentence(
    "The three brokers did not work together, and the centre's own alone is used; once all are reached it is tried"
    " again, every five minutes. Look whether each of the three machines runs, and reaches the other two at the port"
    " centre.cluster_port."
)
_TWO_AWAY = Sentence(
    "Of the three brokers those at {names} are not reached: nothing is passed on until one of them is back, or for a"
    " minute, after which the centre's own goes on alone. The gates go on by themselves."
)


def trouble_of_brokers(names: Sequence[str], status: CentreStatus | None) -> Sentence | None:
    """What is wrong with the brokers beside the centre's own, at the gates of these `names`; None: nothing."""
    if len(names) == 1:
        return Sentence(_ALONE, name=names[0])
    if status is None or not names:
        return None
    if status.cluster_failed:
        return _FAILED
    if status.own_broker_away:
        return _OWN_AWAY
    if not status.brokers_away:
        return None
    away = ", ".join(status.brokers_away)
    if not status.clustered:
        return Sentence(_NOT_YET, names=away)
    return Sentence(_ONE_AWAY if len(status.brokers_away) == 1 else _TWO_AWAY, names=away)
