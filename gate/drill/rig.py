"""A whole gate on a test rig: `facegate run` with its real processes, on mock pins that are driven and read here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from gate.care.health import door_status, vision_status
from gate.door.pins import DRIVE_NAME, JOURNAL_NAME, read_journal
from gate.drill.results import CheckFailed
from gate.errors import Sentence
from gate.processes import asking
from gate.processes.addresses import api_address_file, runtime_directory, socket_of
from gate.processes.client import Client, LinkDown
from gate.processes.requests import ClaimReply, Do, Reply
from gate.processes.status import DoorStatus, VisionStatus
from gate.store.database import open_read_only
from gate.store.ids import new_id
from gate.store.record import audit
from gate.vocabulary import Claim, Method, Presented, Reason

Answer = TypeVar("Answer")

PINS = {
    "relay": 17, "hold": 27, "rex": 22, "fire": 23, "tamper": 24, "contact": 25, "readback": 5,
    "red": 6, "green": 12, "amber": 13, "buzzer": 16,
}  # fmt: skip

# Short times, so that a drill takes a minute: the rules are the same.
TIMES = {
    "pulse_s": 0.5, "max_pulse_s": 1.5, "min_interval_s": 0.4, "held_open_s": 1.2, "extended_held_open_s": 2.0,
    "pre_alarm_s": 0.6, "open_grace_s": 0.3,
}  # fmt: skip


class Rig:
    """The running gate: ask it, drive its inputs, read its relays, kill its processes."""

    def __init__(self, state: Path, process: subprocess.Popen[str], patience: float = 1.0) -> None:
        """With more `patience` what is waited for may take so many times as long, as on a slow machine."""
        self.state = state
        self._patience = patience
        self.process = process
        self.runtime = runtime_directory(state, "door")
        self.began_mono = time.monotonic()

    def door(self) -> DoorStatus:
        """How the door is. Raises CheckFailed when it does not answer."""
        return self.ask(asking.door_status)

    def status(self) -> DoorStatus | None:
        """How the door is, None while it does not answer."""
        return door_status(self.state)

    def vision(self) -> VisionStatus | None:
        """How vision is, None while it does not answer."""
        return vision_status(self.state)

    def order(self, do: Do) -> Reply:
        """An order to the door. Raises CheckFailed when it does not answer."""
        return self.ask(lambda door: asking.order(door, do))

    def claim(
        self,
        resident: str | None,
        reason: Reason | None = None,
        *,
        named: str | None = None,
        taken_mono: float | None = None,
    ) -> ClaimReply:
        """Say what vision says when it believes that a resident, or nobody known, stands there now.

        `named` is the claim's id, `taken_mono` when its frame was taken (monotonic seconds).
        """
        taken = time.monotonic() if taken_mono is None else taken_mono
        made = Claim(named or new_id(), 1, taken, resident, reason, frames=3, similarity=0.8)
        return self.ask(lambda door: asking.claim(door, made))

    def show_card(self, number: str) -> None:
        """Say what readers say when a card with this number was held to one now."""
        self._present(Method.CARD, number)

    def type_keys(self, keys: str) -> None:
        """Say what readers say when these keys were pressed at a keypad now."""
        for key in keys:
            self._present(Method.PIN, key)

    def _present(self, method: Method, code: str) -> None:
        shown = Presented(new_id(), method, "drill", time.monotonic(), code)
        self.ask(lambda door: asking.present(door, shown))

    def ask(self, question: Callable[[Client], Answer]) -> Answer:
        """One question to the door. Raises CheckFailed when nobody answers it."""
        with closing(Client(socket_of(self.state, "door"))) as client:
            try:
                return question(client)
            except LinkDown as error:
                raise CheckFailed(error.sentence) from error

    def drive(self, **levels: bool) -> float:
        """Close (True) or open (False) contacts to ground; returns when (monotonic seconds)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
            for name, closed in levels.items():
                order = {"pin": PINS[name], "level": int(not closed)}
                wire.sendto(json.dumps(order).encode(), str(self.runtime / DRIVE_NAME))
        return time.monotonic()

    def edges(self, name: str, since_mono: float = 0.0) -> list[dict[str, Any]]:
        """The edges of a pin, oldest first: {"mono", "level", "pid"}."""
        found = read_journal(self.runtime / JOURNAL_NAME)
        return [edge for edge in found if edge["pin"] == f"GPIO{PINS[name]}" and edge["mono"] >= since_mono]

    def edge(self, name: str, level: bool | None, since_mono: float, within_s: float = 3.0) -> float:
        """When the pin next took a level after a moment (monotonic seconds)."""
        found: list[float] = []

        def seen() -> bool:
            found[:] = [edge["mono"] for edge in self.edges(name, since_mono) if edge["level"] is level]
            return bool(found)

        otherwise = Sentence("{pin} did not go on", pin=name) if level else Sentence("{pin} did not go off", pin=name)
        self.until(seen, otherwise, within_s)
        return found[0]

    def close_loops(self) -> None:
        """The inputs of a gate at rest; a mock board that starts anew has all its wires cut."""
        self.drive(rex=False, fire=True, tamper=True, contact=True, readback=False)

    def door_back(self) -> float:
        """Wait for a door that died, and wire it again; returns how long it took, seconds."""
        took = self.until(self.status, Sentence("the door did not come back"))
        self.close_loops()
        self.until(
            lambda: (now := self.status()) and now.inputs.get("fire") is False, Sentence("the fire loop is not seen")
        )
        return took

    def rest(self) -> None:
        """Everything at rest: loops closed, door shut, nothing standing, the interval over."""
        self.close_loops()
        self.until(lambda: (now := self.status()) and not now.faults, Sentence("a fault stays"))
        self.order(Do.RELEASE)

        def resting() -> bool:
            now = self.status()
            return now is not None and now.mode == "normal" and now.leaf == "shut" and not now.relay

        self.until(resting, Sentence("the door does not come to rest"))
        pulsed = [edge["mono"] for edge in self.edges("relay") if not edge["level"]]
        over = max(pulsed, default=0.0) + TIMES["min_interval_s"] + 0.1
        time.sleep(max(0.0, over - time.monotonic()))

    def until(self, condition: Callable[[], object], otherwise: Sentence, within_s: float = 5.0) -> float:
        """Wait for something; returns how long it took, seconds. Raises CheckFailed with `otherwise`."""
        began, within_s = time.monotonic(), within_s * self._patience
        while not condition():
            if time.monotonic() - began > within_s:
                raise CheckFailed(Sentence("{what} within {time} s", what=otherwise, time=f"{within_s:g}"))
            time.sleep(0.005)
        return time.monotonic() - began

    def pid(self, who: str) -> int:
        """The process id of `door`, `vision` or `api`."""
        for path in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split():
            command = Path(f"/proc/{path}/cmdline").read_bytes().split(b"\0")
            if any(f"{who}.service".encode() in word for word in command):
                return int(path)
        raise CheckFailed(Sentence("{who} does not run", who=who))

    def kill(self, who: str, number: int = signal.SIGKILL) -> float:
        """Send one of its processes a signal; returns when (monotonic seconds)."""
        os.kill(self.pid(who), number)
        return time.monotonic()

    def events(self) -> list[audit.Line]:
        """The record so far."""
        with closing(open_read_only(self.state)) as connection:
            return list(audit.lines(connection))

    def recorded(self, kind: str, within_s: float = 3.0, **details: object) -> audit.Line:
        """Wait for a line of the record."""
        found: list[audit.Line] = []

        def there() -> bool:
            found[:] = [
                line
                for line in self.events()
                if line.kind == kind and all(line.details.get(key) == value for key, value in details.items())
            ]
            return bool(found)

        self.until(there, Sentence("no line {kind} in the record", kind=kind), within_s)
        return found[-1]


@contextmanager
def rig(state: Path, models_dir: Path, source: str, patience: float = 1.0) -> Iterator[Rig]:
    """A gate of its own in `state`, with everything wired, at rest when it is handed over; an empty `source` is one
    without a camera. `patience` as `Rig` has it."""
    state.mkdir(parents=True, exist_ok=True)
    config = state / "facegate.toml"
    config.write_text(_configuration(source), "utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FACEGATE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "commands.cli", "run", "--state", str(state)],
        env=clean | {"FACEGATE_MODELS__DIR": str(models_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    gate = Rig(state, process, patience)
    try:
        gate.until(gate.status, Sentence("the door does not start"), 15)
        gate.drive(fire=True, tamper=True, contact=True)
        if source:
            gate.until(gate.vision, Sentence("recognition does not start"), 30)
        gate.until(api_address_file(gate.state).exists, Sentence("the console does not start"), 30)
        yield gate
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configuration(source: str) -> str:
    camera = ["[camera]", f"source = {json.dumps(source)}"]
    lines = ["gate = 'drill'", *camera, "[api]", "port = 0", "[door]", "pin_factory = 'mock'"]
    lines += [f"{name}_pin = {number}" for name, number in PINS.items()]
    lines += [f"{name} = {value}" for name, value in TIMES.items()]
    return "\n".join(lines) + "\n"
