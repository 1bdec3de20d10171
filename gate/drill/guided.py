"""The checks that need hands: the installer does something at the gate, and the gate says what it saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gate.config import Settings
from gate.drill import shown_to_readers
from gate.drill.at_the_gate import Gate, Guide
from gate.drill.results import CheckFailed, Result
from gate.errors import Sentence
from gate.places import folder as make_folder
from gate.places import read_plain, write_whole
from gate.processes.status import DoorStatus, VisionStatus
from gate.store.record.audit import boot_id

PROGRESS_NAME = "drill.json"
_GAP = re.compile(r"\{([^}]*)\}")
_MOCKED = (
    'The pins of this gate are mocked (door.pin_factory = "mock"): no relay moves and no input is read, so this drill'
    " proves nothing of the wiring, and its sheet says so. Set door.pin_factory to lgpio or gpiod and start the gate"
    " again; what needs no hands is tried by: facegate drill --simulate"
)


class PowerCut(Exception):
    """The drill ends here until the power has been cut and come back."""


@dataclass(slots=True)
class _Progress:
    """How far a drill went: what each check found, and in which boot of the machine the power was to be cut."""

    results: dict[str, Result] = field(default_factory=dict)
    boot_id: str | None = None


def guide(gate: Gate, settings: Settings, folder: Path, installer: Guide) -> Iterator[Result]:
    """Every check in turn. Raises PowerCut at the one that needs a reboot; the next call goes on after it."""
    done = _progress(folder)
    if settings.door.pin_factory == "mock":
        installer.tell(_MOCKED)
    for name, check in CHECKS.items():
        if name in done.results:
            yield done.results[name]
            continue
        try:
            if name == "power_cut":
                result = Result(name, *_power_cut(done, folder, installer))
            else:
                result = Result(name, True, check(gate, settings, installer))
        except CheckFailed as error:
            result = Result(name, False, error.seen)
        done.results[name] = result
        _keep(folder, done)
        yield result
    (folder / PROGRESS_NAME).unlink(missing_ok=True)


def _power_cut(done: _Progress, folder: Path, installer: Guide) -> tuple[bool, Sentence]:
    if done.boot_id in (None, boot_id()):
        done.boot_id = boot_id()
        _keep(folder, done)
        installer.tell(
            "Cut the power of the controller, wait ten seconds, and give it back. Listen to the relay meanwhile."
            " When the machine is up, run: facegate drill"
        )
        raise PowerCut
    quiet = installer.agree("Did the gate stay closed, without a click of the relay, while the machine started?")
    why = Sentence("The relay moved: check its polarity (door.relay_active_high) and fit a pull-down at its input.")
    return quiet, Sentence("silent through a power cut") if quiet else why


def _relay_polarity(gate: Gate, _settings: Settings, installer: Guide) -> Sentence:
    """The relay rests while the gate rests."""
    if not installer.agree("The gate is at rest. Is it locked, and is the relay's own light off?"):
        raise CheckFailed(Sentence("The relay is on at rest: change door.relay_active_high or the relay's jumper."))
    if not gate.open():
        raise CheckFailed(Sentence("The door refused to open; see: facegate door status"))
    if not installer.agree("The relay was energised once. Did the gate unlock?"):
        raise CheckFailed(
            Sentence("The relay does not reach the lock: check door.relay_pin and the lock's own supply.")
        )
    return Sentence("off at rest, unlocks when energised")


def _exit(gate: Gate, settings: Settings, installer: Guide) -> Sentence:
    """The exit button opens, and goes on doing so while the software is stopped."""
    if settings.door.rex_pin is not None:
        # While the gate stands open for another, a press moves nothing that could be seen.
        gate.wait(lambda: gate.door().at_rest, Sentence("the gate did not come to rest"))
        installer.tell("Press the exit button inside.")
        gate.wait(lambda: gate.door().mode == "egress", Sentence("the button was not seen"))
    if not installer.agree(
        "Stop the software (systemctl stop facegate.target, or end facegate run). Does the exit button still unlock?"
    ):
        raise CheckFailed(Sentence("The exit button depends on software: wire it into the lock's supply as well."))
    installer.tell("Start it again: systemctl start facegate.target, or facegate run")
    gate.wait(lambda: _answers(gate.door), Sentence("the gate did not come back"))
    return Sentence("opens, also with the software stopped")


def _fire(gate: Gate, settings: Settings, installer: Guide) -> Sentence:
    """The fire panel opens the gate, which stays open until the signal ends."""
    if settings.door.fire_pin is None:
        if not installer.agree("There is no fire input. Is the fire panel wired into the lock's supply?"):
            raise CheckFailed(
                Sentence("Fire does not open this gate: wire the panel's contact into the lock's supply.")
            )
        return Sentence("in hardware alone")
    installer.tell("Have the fire panel signal a fire, or open its loop.")
    gate.wait(lambda: gate.door().mode in ("fire", "fire_pause"), Sentence("no fire was seen"))
    if not installer.agree("Is the gate open, and does it stay open?"):
        raise CheckFailed(
            Sentence("The gate did not open: check the hold relay and the panel's contact in the lock's supply.")
        )
    installer.tell("End the signal.")
    gate.wait(lambda: gate.door().mode not in ("fire", "fire_pause"), Sentence("the fire did not end"))
    return Sentence("opens and stays open")


def _contact(gate: Gate, settings: Settings, installer: Guide) -> Sentence:
    """The door contact follows the door."""
    if settings.door.contact_pin is None:
        return Sentence("this gate has none")
    installer.tell("Open the gate from inside and leave it open.")
    gate.wait(lambda: gate.door().leaf != "shut", Sentence("the open gate was not seen"))
    installer.tell("Close it.")
    gate.wait(lambda: gate.door().leaf == "shut", Sentence("the closed gate was not seen"))
    return Sentence("follows the gate")


def _camera(gate: Gate, settings: Settings, installer: Guide) -> Sentence:
    """The loss of the camera is told, and the door works without it."""
    if not settings.camera.wanted:
        return Sentence("this gate has none")
    # It was stopped a moment ago, and loads its models.
    gate.wait(lambda: _answers(gate.vision), Sentence("recognition did not come back"))
    installer.tell("Pull the camera's cable.")
    lost = gate.wait(lambda: gate.vision().camera_fault, Sentence("the loss was not seen"))
    if not gate.open():
        raise CheckFailed(Sentence("The door refused to open without its camera."))
    installer.tell("Put it back.")
    gate.wait(lambda: not gate.vision().camera_fault, Sentence("the camera did not come back"))
    return Sentence("its loss is told ({time} s), the door works on, and it comes back", time=f"{lost:.0f}")


def _answers(service: Callable[[], DoorStatus | VisionStatus]) -> bool:
    try:
        return bool(service())
    except CheckFailed:
        return False


def _marker(_gate: Gate, _settings: Settings, _installer: Guide) -> Sentence:
    """The power cut is carried over a reboot by `guide` itself."""
    raise PowerCut


CHECKS: dict[str, Callable[[Gate, Settings, Guide], Sentence]] = {
    "relay_polarity": _relay_polarity,
    "exit_button": _exit,
    "fire": _fire,
    "door_contact": _contact,
    "keypad": shown_to_readers.keypad,
    "card_reader": shown_to_readers.card_reader,
    "duress": shown_to_readers.duress,
    "camera_pulled": _camera,
    "power_cut": _marker,
}


def _progress(folder: Path) -> _Progress:
    """What was kept of a drill that ended before its end; a new one where nothing can be read."""
    try:
        kept = json.loads(read_plain(folder / PROGRESS_NAME))
        results = {
            name: Result(name, bool(passed), _said(seen[-1])) for name, (passed, *seen) in kept["results"].items()
        }
        boot = kept.get("boot_id")
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return _Progress()
    return _Progress(results, boot if isinstance(boot, str) else None)


def _written(said: Sentence) -> dict[str, object]:
    """A sentence with its gaps, to be kept; `_said` reads it."""
    values = {name: _written(one) if isinstance(one, Sentence) else str(one) for name, one in said.values.items()}
    return {"pattern": said.pattern, "values": values}


def _said(kept: object) -> Sentence:
    """A sentence that was kept; what is none of ours stands as it is. Raises ValueError."""
    if isinstance(kept, dict) and isinstance(pattern := kept.get("pattern"), str):
        values = {str(name): _said(one) for name, one in kept["values"].items()}
        if set(_GAP.findall(pattern)) <= values.keys():
            return Sentence(pattern, **values)
    return Sentence("{figure}", figure=str(kept))


def _keep(folder: Path, done: _Progress) -> None:
    results = {name: [one.passed, one.figure, _written(one.figure)] for name, one in done.results.items()}
    kept = {"results": results, "boot_id": done.boot_id}
    make_folder(folder)
    # The next that happens may be the power cut that is asked for here.
    write_whole(folder / PROGRESS_NAME, json.dumps(kept).encode())
