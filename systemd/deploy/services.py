"""The services as systemd sees them, and when they are steady."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from deploy.place import STATE
from deploy.programs import Failed, run

_OF_MANY_GATES = ("facegate-link", "facegate-broker", "facegate-centre")
# They run where the settings name a camera, a reader, other gates: each has its settings in a file then, as its unit
# asks for it.
_WHERE_NAMED = {
    name: f"{name.removeprefix('facegate-')}.json" for name in ("facegate-vision", "facegate-readers", *_OF_MANY_GATES)
}
SERVICES = ("facegate-door", *_WHERE_NAMED, "facegate-api")
# It runs while the console asks for something.
_ERRAND = "facegate-errand.service"
_STARTS_WITHIN_S = 40.0
_STEADY_FOR_S = 3.0


def wanted() -> list[str]:
    """Those that the settings want, as the services were given them."""
    settings = Path("/") / STATE / "settings"
    return [name for name in SERVICES if name not in _WHERE_NAMED or (settings / _WHERE_NAMED[name]).is_file()]


def must_run() -> list[str]:
    """Those that run now, of which vision may lack its camera; door and api in any case."""
    return [name for name in SERVICES if name not in _WHERE_NAMED or running([name])]


def restart(must_run: Sequence[str]) -> None:
    """Restart what runs, the door first, and see that those named stay up. Raises Failed."""
    run("systemctl", "reset-failed", "facegate-*", may_fail=True)
    run("systemctl", "restart", "facegate-settings.service", may_fail=True)
    # What it has begun is of the version before; a version of before has none.
    run("systemctl", "stop", _ERRAND, may_fail=True)
    began = time.monotonic()
    why = "The door does not start; see: journalctl -u facegate-door"
    run("systemctl", "restart", "facegate-door.service", why=why)
    print(f"The door is ready after {time.monotonic() - began:.2f} s")
    run("systemctl", "restart", "--no-block", "facegate-vision.service", "facegate-api.service")
    # A version of before has none.
    for name in ("facegate-readers", *_OF_MANY_GATES):
        run("systemctl", "try-restart", "--no-block", f"{name}.service", may_fail=True)
    run("systemctl", "start", "--no-block", "facegate.target")
    # The settings may name a camera no more.
    _wait_until_steady([name for name in must_run if name in wanted()])


def stop(*more: str) -> None:
    """The gate is shut until its services start again."""
    run("systemctl", "stop", *more, _ERRAND, *SERVICES, may_fail=True)


def running(names: Sequence[str]) -> bool:
    """Whether all of them are."""
    # Of several its exit code would tell that one is.
    return run("systemctl", "is-active", *names, may_fail=True).stdout.split() == ["active"] * len(names)


def _wait_until_steady(must_run: Sequence[str]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    since, seen = 0.0, ""
    while True:
        now = _pids(must_run) if running(must_run) else ""
        if now != seen:
            since, seen = time.monotonic(), now
        elif now and time.monotonic() - since >= _STEADY_FOR_S:
            return
        if time.monotonic() > deadline:
            down = ", ".join(name for name in must_run if not running([name])) or "A service keeps restarting"
            raise Failed(f"{down}: not up after {_STARTS_WITHIN_S:.0f} s; see: journalctl -u 'facegate-*'.")
        time.sleep(0.2)


def _pids(names: Sequence[str]) -> str:
    return run("systemctl", "show", "--property=MainPID", *names).stdout
