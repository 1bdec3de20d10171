"""Everything around the door fails, and the door does not."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

from gate.drill.expect import expect, health, milliseconds, press_exit, soon
from gate.drill.results import CheckFailed
from gate.drill.rig import Rig
from gate.processes.requests import Do
from gate.store.database import database_of
from gate.supervise import WATCHDOG_S


def missing_camera_is_told(gate: Rig, _resident: str) -> str:
    """A camera that cannot be opened is a fault in words."""
    told: list[str] = []

    def heard() -> bool:
        vision = gate.vision()
        told[:] = [vision.camera_fault] if vision and vision.camera_fault else []
        return bool(told)

    gate.until(heard, "no fault is told", 10)
    return told[0]


def exit_works_without_camera(gate: Rig, _resident: str) -> str:
    """REX opens while vision is blind."""
    gate.rest()
    return soon(press_exit(gate))


def command_works_without_camera(gate: Rig, _resident: str) -> str:
    """A person at the console opens while vision is blind."""
    gate.rest()
    asked = time.monotonic()
    expect(gate.order(Do.OPEN).granted, "it was refused")
    return soon(gate.edge("relay", True, asked) - asked)


def door_killed_in_a_pulse_lets_go(gate: Rig, resident: str) -> str:
    """When the door dies with the relay on, the relay is released at once, and stays so."""
    gate.rest()
    began = time.monotonic()
    gate.claim(resident)
    gate.edge("relay", True, began)
    killed = gate.kill("door")
    released = gate.edge("relay", False, killed) - killed
    back = gate.door_back()
    expect(released <= 0.5, f"it took {milliseconds(released)}")
    return f"off after {milliseconds(released)}, door back after {back:.2f} s"


def no_grant_survives_a_restart(gate: Rig, resident: str) -> str:
    """What was granted before a restart opens nothing after it."""
    gate.rest()
    gate.claim(resident)
    gate.kill("door")
    gate.door_back()
    came = time.monotonic()
    time.sleep(1)
    expect(not [e for e in gate.edges("relay", came) if e["level"]], "the relay was energised")
    return "closed after the restart"


def vision_comes_back(gate: Rig, _resident: str) -> str:
    """Vision that dies is started again, and the exit works meanwhile."""
    gate.rest()
    old = gate.pid("vision")
    gate.kill("vision")
    exit_s = press_exit(gate)
    took = gate.until(lambda: gate.vision() and gate.pid("vision") != old, "vision did not come back", 20)
    return f"back after {took:.1f} s; exit meanwhile {soon(exit_s)}"


def hung_vision_is_replaced(gate: Rig, _resident: str) -> str:
    """Vision that hangs is noticed by its watchdog and started again, and the exit works meanwhile."""
    gate.rest()
    old = gate.pid("vision")
    gate.kill("vision", signal.SIGSTOP)
    exit_s = press_exit(gate)

    def replaced() -> bool:
        try:
            return gate.pid("vision") != old and gate.vision() is not None
        except (CheckFailed, OSError):
            return False

    took = gate.until(replaced, "it was not replaced", WATCHDOG_S + 20)
    return f"replaced after {took:.1f} s; exit meanwhile {soon(exit_s)}"


def api_comes_back(gate: Rig, _resident: str) -> str:
    """The api that dies is started again."""
    old = gate.pid("api")
    gate.kill("api")

    def back() -> bool:
        try:
            return gate.pid("api") != old and bool(health(gate)["door"]["alive"])
        except (CheckFailed, OSError):
            return False

    return f"back after {gate.until(back, 'the api did not come back', 15):.1f} s"


def locked_database_delays_nothing(gate: Rig, resident: str) -> str:
    """While another program holds the database, the gate opens; the record follows."""
    gate.rest()
    with closing(sqlite3.connect(database_of(gate.state), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = time.monotonic()
        expect(gate.claim(resident, named="drill-locked").granted, "it was refused")
        opened = gate.edge("relay", True, asked) - asked
        time.sleep(1)
        other.execute("ROLLBACK")
    gate.recorded("granted", 10, claim="drill-locked")
    return f"opened after {milliseconds(opened)}, recorded afterwards"


def unsafe_settings_are_refused(gate: Rig, _resident: str) -> str:
    """A key that does not exist and a pin named twice stop the start with one sentence."""
    said = []
    for lines in ("[door]\npuls_s = 1\n", "[door]\nrelay_pin = 4\nrex_pin = 4\n"):
        config = gate.state / "wrong.toml"
        config.write_text(lines, "utf-8")
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "commands.cli",
                "run",
                "--state",
                str(gate.state / "wrong"),
                "--config",
                str(config),
            ],
            env={name: value for name, value in os.environ.items() if not name.startswith("FACEGATE_")},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        expect(done.returncode == 2, f"it ended with {done.returncode}")
        said.append(done.stderr.strip().splitlines()[-1])
    return " / ".join(said)
