"""`facegate run`: starts a gate's processes, restarts what dies, and releases the relay the moment the door does."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gate.config import Settings, parts_of
from gate.errors import UsageError
from gate.fleet.errands import STARTS_ANEW, errand_file
from gate.processes.addresses import runtime_directory
from gate.store.database import StoreError, check_integrity, open_database

_log = logging.getLogger(__name__)

_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 30.0
_STOP_WITHIN_S = 5.0
# A process that says nothing for so long hangs, seconds.
WATCHDOG_S = 8.0
# It runs while the console asks for something, and is not started again.
_ERRAND = "errand"
_MODULES = {
    "door": "gate.door.service",
    "vision": "gate.vision.service",
    "api": "api.service",
    "readers": "gate.readers.service",
    "link": "gate.fleet.service",
    "broker": "centre.broker_service",
    "centre": "centre.service",
    _ERRAND: "commands.errand",
}
_ASKED_EVERY_S = 0.5
# It becomes a program of others, which feeds no watchdog.
_UNWATCHED = ("broker",)


@dataclass(slots=True)
class _Child:
    name: str
    given: dict[str, Any]
    process: subprocess.Popen[str] | None = None
    pidfd: int = -1
    ready: bool = False
    backoff_s: float = _FIRST_BACKOFF_S
    start_mono: float = field(default_factory=time.monotonic)
    heard_mono: float = 0.0


class Supervisor:
    """Owns the children of one `facegate run`."""

    def __init__(
        self, settings: Settings, state: Path, models_dir: Path, config: Path | None, announce: Callable[[str], None]
    ) -> None:
        """`config` is the file the settings came from; `announce` hears each thing worth a line.

        Raises UsageError when this state is already being run.
        """
        self._state = state
        self._announce = announce
        self._parts = partial(parts_of, settings, state, models_dir, config)
        self._lock = _lock(state)
        self._check_store()
        runtime = runtime_directory(state, "supervisor")
        self._take_parts()
        self._errand_asked_ns = self._last_asked_ns()
        self._selector = selectors.DefaultSelector()
        self._stop_reader, self._stop_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._stop_reader, selectors.EVENT_READ, "stop")
        self._notify_path = runtime / "notify.sock"
        self._notify_path.unlink(missing_ok=True)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(self._notify_path))
        self._selector.register(self._notify, selectors.EVENT_READ, "notify")

    def _take_parts(self) -> None:
        parts = self._parts()
        self._door_given = parts["door"]
        self._errand = _Child(_ERRAND, parts.pop(_ERRAND))
        self._children = {name: _Child(name, given) for name, given in parts.items()}

    def _check_store(self) -> None:
        """A damaged store stops nobody who wants out: the door is started all the same, and says so in its status."""
        try:
            connection = open_database(self._state)
            try:
                check_integrity(connection, self._state)
            finally:
                connection.close()
        except StoreError as error:
            self._announce(f"{error} Until then faces are refused; exit, fire and commands work.")

    def run(self) -> int:
        """Until a signal asks to stop. Returns 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os.write(self._stop_writer, b"."))
        # What a door that died before this start may have left on.
        self._release_relay()
        stopping = False
        try:
            while not stopping:
                self._start_due()
                self._start_errand()
                self._kill_hung()
                for key, _ in self._selector.select(self._wait_s()):
                    if key.data == "stop":
                        stopping = True
                    elif key.data == "notify":
                        self._hear()
                    elif key.data == _ERRAND:
                        self._bury_errand()
                        # Who else was heard may be of before.
                        break
                    else:
                        self._bury(self._children[key.data])
        finally:
            self._end_all()
        return 0

    def _start_due(self) -> None:
        for child in self._children.values():
            if child.process is None and time.monotonic() >= child.start_mono:
                self._start(child)

    def _start_errand(self) -> None:
        asked_ns = self._last_asked_ns()
        if self._errand.process is None and asked_ns != self._errand_asked_ns:
            self._errand_asked_ns = asked_ns
            self._start(self._errand)

    def _last_asked_ns(self) -> int:
        try:
            return errand_file(self._state).stat().st_mtime_ns
        except OSError:
            # A state that cannot be read any more ends nobody's way out.
            return 0

    def _bury_errand(self) -> None:
        process = self._errand.process
        if process is None:
            return
        self._forget(self._errand)
        if process.wait() == STARTS_ANEW:
            self._announce("The gate is started anew, as its console asked")
            self._end_children()
            self._take_parts()

    def _wait_s(self) -> float:
        now = time.monotonic()
        waits = [child.start_mono - now for child in self._children.values() if child.process is None]
        return max(0.0, min([*waits, WATCHDOG_S / 4, _ASKED_EVERY_S]))

    def _kill_hung(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            watched = child.ready and child.name not in _UNWATCHED
            if child.process is not None and watched and now - child.heard_mono > WATCHDOG_S:
                self._announce(f"{child.name} does not answer its watchdog; it is killed")
                child.process.kill()
                child.heard_mono = now

    def _start(self, child: _Child) -> None:
        child.ready = False
        child.start_mono = time.monotonic()
        child.process = subprocess.Popen(
            [sys.executable, "-m", _MODULES[child.name]],
            stdin=subprocess.PIPE,
            env={
                **os.environ,
                "NOTIFY_SOCKET": str(self._notify_path),
                "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
            },
            text=True,
            start_new_session=True,
        )
        child.pidfd = os.pidfd_open(child.process.pid)
        self._selector.register(child.pidfd, selectors.EVENT_READ, child.name)
        _give(child.process, child.given)

    def _hear(self) -> None:
        words = dict(
            line.split("=", 1) for line in self._notify.recv(512).decode("ascii", "replace").splitlines() if "=" in line
        )
        for child in self._children.values():
            if child.process is None or words.get("MAINPID") != str(child.process.pid):
                continue
            child.heard_mono = time.monotonic()
            if "READY" in words:
                child.ready, child.backoff_s = True, _FIRST_BACKOFF_S
                self._announce(f"{child.name} ready")

    def _bury(self, child: _Child) -> None:
        process = child.process
        if process is None:
            return
        if child.name == "door":
            self._release_relay()
        self._forget(child)
        code = process.wait()
        # One that was ready comes back at once; one that cannot even start must not spin.
        wait_s = 0.0 if child.ready else child.backoff_s
        child.backoff_s = child.backoff_s if child.ready else min(2 * child.backoff_s, _LONGEST_BACKOFF_S)
        child.start_mono = time.monotonic() + wait_s
        self._announce(f"{child.name} ended (code {code}); starting it again" + (f" in {wait_s:g} s" if wait_s else ""))

    def _forget(self, child: _Child) -> None:
        self._selector.unregister(child.pidfd)
        os.close(child.pidfd)
        if child.process is not None and child.process.stdin is not None:
            child.process.stdin.close()
        child.process = None

    def _release_relay(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "gate.door.relay_off"],
            input=json.dumps(self._door_given) + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            _log.error("The relay could not be released: %s", done.stderr.strip())

    def _end_all(self) -> None:
        self._end_children()
        self._selector.close()
        self._notify.close()
        os.close(self._lock)

    def _end_children(self) -> None:
        everyone = (self._errand, *self._children.values())
        living = [child for child in everyone if child.process is not None]
        for child in living:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for child in living:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            self._forget(child)
        self._release_relay()


def _give(process: subprocess.Popen[str], given: dict[str, Any]) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return  # It died at once; its pidfd says so.


def _lock(state: Path) -> int:
    try:
        path = runtime_directory(state, "supervisor") / "run.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        why = error.strerror
        raise UsageError(
            f"The state directory {state} cannot be written ({why}). Choose another with --state."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise UsageError(
            f"Facegate is already running on {state}. Stop it first, or choose another --state."
        ) from error
    return descriptor
