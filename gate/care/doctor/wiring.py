"""What the settings say of the lock and its pins, and what this board's kernel does to a pin whose holder died."""

from __future__ import annotations

from gate.care.doctor.finding import Seen, to_mend, well, worth_a_look
from gate.care.doctor.site import Site
from gate.door.settings import CONSEQUENCES, PINS

_STRICT = "dtparam=strict_gpiod"


def lock(site: Site) -> Seen:
    """What the kind of lock means for the people at the gate."""
    kind = site.settings.door.lock
    return well(f"{kind}: {CONSEQUENCES[kind]}")


def pins(site: Site) -> Seen:
    """Which pins are in use, and which inputs have none."""
    door = site.settings.door
    used = ", ".join(f"{name.removesuffix('_pin')} {pin}" for name in PINS if (pin := getattr(door, name)) is not None)
    if door.pin_factory == "mock":
        return to_mend(f"They are mocked: nothing moves ({used}).", "Set door.pin_factory to lgpio or gpiod.")
    missing = [name for name in ("fire", "rex", "contact") if getattr(door, f"{name}_pin") is None]
    if missing:
        return worth_a_look(f"{used}; no pin for {' and '.join(missing)}.", "Wire them where the gate has them.")
    return well(f"{used}, by {door.pin_factory}.")


def kernel_pins(site: Site) -> Seen:
    """Whether a relay is let go when the door dies: a Raspberry Pi's kernel must be told to."""
    if not site.board.startswith("Raspberry Pi"):
        return well(f"{site.board or 'This board'} gives an output back when its holder dies.")
    config = site.boot / "config.txt"
    try:
        lines = config.read_text("utf-8").splitlines()
    except OSError:
        return worth_a_look(f"{config} cannot be read.", f"Check that it has {_STRICT}.")
    if any(line.split("#")[0].strip() == _STRICT for line in lines):
        return well(f"{_STRICT} is set: a dead door's output is let go.")
    seen = f"A relay could stay on when the door dies: {_STRICT} is not set."
    return to_mend(seen, f"Add the line {_STRICT} to {config} and reboot.")
