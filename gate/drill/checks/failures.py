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
from gate.errors import Sentence
from gate.processes.requests import Do
from gate.store.database import database_of
from gate.supervise import WATCHDOG_S


def missing_camera_is_told(gate: Rig, _resident: str) -> Sentence:
    """A camera that cannot be opened is a fault in words."""
    told: list[Sentence] = []

    def heard() -> bool:
        vision = gate.vision()
        report = vision.cameras.get("camera") if vision else None
        told[:] = [report.fault.sentence] if report and report.fault else []
        return bool(told)

    gate.until(heard, Sentence("no fault is told"), 10)
    return told[0]


def exit_works_without_camera(gate: Rig, _resident: str) -> Sentence:
    """REX opens while vision is blind."""
    gate.rest()
    return soon(press_exit(gate))


def command_works_without_camera(gate: Rig, _resident: str) -> Sentence:
    """A person at the console opens while vision is blind."""
    gate.rest()
    asked = time.monotonic()
    expect(gate.order(Do.OPEN).granted, Sentence("it was refused"))
    return soon(gate.edge("relay", True, asked) - asked)


def door_killed_in_a_pulse_lets_go(gate: Rig, resident: str) -> Sentence:
    """When the door dies with the relay on, the relay is released at once, and stays so."""
    gate.rest()
    began = time.monotonic()
    gate.claim(resident)
    gate.edge("relay", True, began)
    killed = gate.kill("door")
    released = gate.edge("relay", False, killed) - killed
    back = gate.door_back()
    expect(released <= 0.5, Sentence("it took {time}", time=milliseconds(released)))
    return Sentence("off after {off}, door back after {back} s", off=milliseconds(released), back=f"{back:.2f}")


def no_grant_survives_a_restart(gate: Rig, resident: str) -> Sentence:
    """What was granted before a restart opens nothing after it."""
    gate.rest()
    gate.claim(resident)
    gate.kill("door")
    gate.door_back()
    came = time.monotonic()
    time.sleep(1)
    expect(not [e for e in gate.edges("relay", came) if e["level"]], Sentence("the relay was energised"))
    return Sentence("closed after the restart")


def vision_comes_back(gate: Rig, _resident: str) -> Sentence:
    """Vision that dies is started again, and the exit works meanwhile."""
    gate.rest()
    old = gate.pid("vision")
    gate.kill("vision")
    exit_s = press_exit(gate)
    took = gate.until(
        lambda: gate.vision() and gate.pid("vision") != old, Sentence("recognition did not come back"), 20
    )
    return Sentence("back after {took} s; exit meanwhile {exit}", took=f"{took:.1f}", exit=soon(exit_s))


def hung_vision_is_replaced(gate: Rig, _resident: str) -> Sentence:
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

    took = gate.until(replaced, Sentence("it was not replaced"), WATCHDOG_S + 20)
    return Sentence("replaced after {took} s; exit meanwhile {exit}", took=f"{took:.1f}", exit=soon(exit_s))


def api_comes_back(gate: Rig, _resident: str) -> Sentence:
    """The api that dies is started again."""
    old = gate.pid("api")
    gate.kill("api")

    def back() -> bool:
        try:
            return gate.pid("api") != old and bool(health(gate)["door"]["alive"])
        except (CheckFailed, OSError):
            return False

    took = gate.until(back, Sentence("the console did not come back"), 15)
    return Sentence("back after {took} s", took=f"{took:.1f}")


def locked_database_delays_nothing(gate: Rig, resident: str) -> Sentence:
    """While another program holds the database, the gate opens; the record follows."""
    gate.rest()
    with closing(sqlite3.connect(database_of(gate.state), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = time.monotonic()
        expect(gate.claim(resident, named="drill-locked").granted, Sentence("it was refused"))
        opened = gate.edge("relay", True, asked) - asked
        time.sleep(1)
        other.execute("ROLLBACK")
    gate.recorded("granted", 10, claim="drill-locked")
    return Sentence("opened after {time}, recorded afterwards", time=milliseconds(opened))


def unsafe_settings_are_refused(gate: Rig, _resident: str) -> Sentence:
    """A key that does not exist and a pin named twice stop the start with one sentence."""
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
        expect(done.returncode == 2, Sentence("it ended with {code}", code=done.returncode))
        expect(str(config) in done.stderr, Sentence("it does not name the file"))
    return Sentence("each was refused at the start, with what is wrong in it")
