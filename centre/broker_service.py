"""The process of the broker: it becomes `nats-server`, with the configuration that this centre's gates ask for."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import stat
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

from centre.broker import Where, configuration_file, forget_other_stores, is_clustered, write_configuration
from centre.cluster import BrokerKeys, is_whole
from centre.secrets import KeysLost, broker_keys, broker_keys_given, has_secrets, secrets_for
from gate.errors import FacegateError, UsageError
from gate.processes.starting import settings_from_starter, speak_as, tell_ready
from gate.store.compound import gates, succession
from gate.store.database import open_database

_log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1
_AGAIN_S = 0.5


def program() -> str:
    """Where the broker's program is: beside this Python. Raises UsageError."""
    # An installed gate has its libraries in a folder of their own, and what they bring to be run within that.
    beside = (Path(sys.executable).parent, Path(__file__).resolve().parents[1] / "bin")
    for path in (*map(str, beside), None):
        if found := shutil.which("nats-server", path=path):
            return found
    raise UsageError("There is no nats-server here; a broker needs the group centre: docs/many-gates.md.")


def prepare(state: Path, centre: dict[str, Any]) -> None:
    """Write what the broker is started with. Raises KeysLost, UsageError, StoreError."""
    with closing(open_database(state)) as connection:
        following = gates.every(connection)
        given = broker_keys_given(state)
        # The centre says when the others are there; a gate has a broker for nothing else.
        clustered = is_whole(gates.with_brokers(following)) and (given is not None or is_clustered(state))
        keys: BrokerKeys = given or broker_keys(secrets_for(state, connection))
        write_configuration(state, Where.of(centre), keys, following, clustered=clustered)
        forget_other_stores(state)


def _waits_for_others(state: Path) -> bool:
    """Whether this is the broker of a gate, and no cluster is there yet that it is one of."""
    with closing(open_database(state)) as connection:
        return broker_keys_given(state) is not None and not is_whole(gates.with_brokers(gates.every(connection)))


def _is_superseded(state: Path) -> bool:
    with closing(open_database(state)) as connection:
        return succession.superseded(connection) is not None


def main() -> int:
    """Entry point: one line of JSON, {"state", "centre"}, on standard input."""
    speak_as("broker")
    given = settings_from_starter()
    state = Path(given["state"])
    try:
        if _waits_for_others(state):
            return _wait_for_others(state)
        prepare(state, given["centre"])
        if _is_superseded(state):
            return _stand_by()
        command = [program(), "--config", str(configuration_file(state))]
    except KeysLost as lost:
        _log.error("%s", lost)
        return _wait_for_keys(state)
    except FacegateError as error:
        _log.error("%s", error)
        return 2
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        _end_with_starter()
    tell_ready()
    return _become(command)


def _stand_by() -> int:
    """Of a former centre: gates are not to take it for the one that leads. What makes it that again starts it anew."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        _end_with_starter()
    tell_ready()
    signal.pause()
    return 0


def _wait_for_others(state: Path) -> int:
    """Until the centre names the other brokers; then it is started anew."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        _end_with_starter()
    tell_ready()
    while _waits_for_others(state):
        time.sleep(_AGAIN_S)
    return 0


def _wait_for_keys(state: Path) -> int:
    """Gates would not believe a broker with others; it is started anew with its own."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        _end_with_starter()
    tell_ready()
    while not has_secrets(state):
        time.sleep(_AGAIN_S)
    return 0


def _end_with_starter() -> None:
    """Under `facegate centre run`; systemd ends what it started by itself."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _become(command: list[str]) -> NoReturn:
    os.execv(command[0], command)  # noqa: S606 - it becomes the broker


if __name__ == "__main__":
    sys.exit(main())
