"""`facegate run` with its three real processes on mock pins, and what its relay did."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

from gate.door.pins import JOURNAL_NAME, read_journal
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.store.record import audit
from tests.conftest import command_environment

MAX_PULSE_S = 1.2


@contextmanager
def gate_running(models_dir, state, source, before=(), **environment):
    fast = {"FACEGATE_API__PORT": "0", "FACEGATE_DOOR__PULSE_S": "0.4", "FACEGATE_DOOR__MAX_PULSE_S": str(MAX_PULSE_S),
            "FACEGATE_DOOR__MIN_INTERVAL_S": "0"}  # fmt: skip
    process = subprocess.Popen(
        [*before, sys.executable, "-m", "commands.cli", "run", "--source", str(source)],
        env=command_environment(models_dir, state) | fast | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        process.stdout.close()


def until(process, line):
    """Read what it prints until `line`."""
    for printed in process.stdout:
        if printed.strip() == line:
            return
    raise AssertionError(f"it ended without saying {line!r}")


def wait_for(condition, within_s=5.0, what="it did not come about"):
    """What `condition` gives once that counts as true; `what` is said where it never does."""
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        assert waited < within_s, what
        # What takes long is asked after less often: to ask takes from it.
        time.sleep(min(0.05, max(0.005, waited / 20)))
    return value


def stays(condition, for_s, what="it did not stay so"):
    """Nothing tells that something goes on not to happen, so `condition` must hold at every look for so long."""
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        assert condition(), what
        time.sleep(0.01)


def of_kind(store, kind):
    """The lines of the record of one kind."""
    return [line for line in audit.lines(store) if line.kind == kind]


def ask(state, who, **message):
    client = Client(socket_of(state, who))
    try:
        return client.ask(message)
    except LinkDown:
        return None
    finally:
        client.close()


def pid_of(state, who):
    listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        pid, _, arguments = line.strip().partition(" ")
        if f"{who}.service" in arguments and str(state) in environment_of(pid):
            return int(pid)
    return None


def environment_of(pid):
    try:
        with open(f"/proc/{pid}/environ", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def check_journal(state, door_deaths):
    on_since, longest, after_death = None, 0.0, 0.0
    edges = relay_edges(state)
    for edge, following in zip(edges, [*edges[1:], None], strict=True):
        if edge["level"] is True:
            on_since = edge["mono"]
        elif on_since is not None:
            longest = max(longest, edge["mono"] - on_since)
            died = [death for death in door_deaths if on_since <= death <= edge["mono"]]
            after_death = max([after_death, *(edge["mono"] - death for death in died)])
            if died:
                assert_released_by_another(edge, following)
            on_since = None
    print(f"relay on at most {longest:.3f} s of {MAX_PULSE_S}, off {after_death:.3f} s after the door's death at most")
    assert on_since is None
    assert longest <= MAX_PULSE_S
    assert after_death <= 0.5


def relay_edges(state):
    return [edge for edge in read_journal(state / "run" / "door" / JOURNAL_NAME) if edge["pin"] == "GPIO17"]


def assert_released_by_another(edge, following):
    """The relay was not left on until a new door came: someone claimed it off and let it go again."""
    assert (edge["level"], following["level"]) == (False, None)
    assert edge["pid"] == following["pid"]
