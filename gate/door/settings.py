"""What an installer chooses about a door. Standard library only, so that the door process can hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

MAX_PULSE_S = 15.0
# When the door dies in a pulse, whoever sees it die releases the relay within this, and the maximum still holds.
RELEASE_AFTER_DEATH_S = 0.5


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """The relay and the rules around it. Raises ValueError with one sentence when the choice is unsafe."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}

    pin_factory: Literal["lgpio", "mock"] = "mock"
    """What drives the pins: `lgpio` on a Raspberry Pi; `mock` writes a journal instead and moves nothing."""

    mock_board: Literal["latched", "released"] = "latched"
    """What a mock output does when its process dies: keep its level (Raspberry Pi kernels) or let go."""

    gpio_chip: int = 0
    """Number of the gpiochip device the pins are on."""

    relay_pin: int = 17
    """GPIO number (BCM) of the relay."""

    relay_active_high: bool = True
    """Whether a high level energises the relay. Prefer relays where it does: they stay off while the board boots."""

    rex_pin: int | None = None
    """GPIO number of the request-to-exit button, closing to ground; absent where REX is wired past the software."""

    pulse_s: float = 3.0
    """How long a grant energises the relay, seconds."""

    max_pulse_s: float = 5.0
    """The longest the relay may ever stay energised, seconds; the relay's own thread holds it."""

    min_interval_s: float = 2.0
    """The least time between the end of one pulse and the start of the next for a credential, seconds."""

    freshness_s: float = 1.5
    """A claim from a frame older than this is refused, seconds."""

    vision_user: str | None = None
    """The system user vision runs as, the only one whose claims count; absent: the door's own user."""

    api_user: str | None = None
    """The system user the api runs as, which may ask the door to open; root and the door's own user always may."""

    def __post_init__(self) -> None:
        if not 0 < self.max_pulse_s <= MAX_PULSE_S:
            raise ValueError(f"max_pulse_s must be above 0 and at most {MAX_PULSE_S:g} seconds")
        if not (self.pulse_s >= 0.1 and self.pulse_s + RELEASE_AFTER_DEATH_S <= self.max_pulse_s):
            raise ValueError(
                f"pulse_s must be at least 0.1 seconds and at most max_pulse_s less {RELEASE_AFTER_DEATH_S:g} seconds"
            )
        if not 0 <= self.min_interval_s <= 60:
            raise ValueError("min_interval_s must be between 0 and 60 seconds")
        if not 0.1 <= self.freshness_s <= 5:
            raise ValueError("freshness_s must be between 0.1 and 5 seconds")
        pins = [pin for pin in (self.relay_pin, self.rex_pin) if pin is not None]
        if any(not 0 <= pin <= 27 for pin in pins):
            raise ValueError("pins must be GPIO numbers between 0 and 27")
        if len(set(pins)) != len(pins):
            raise ValueError("relay_pin and rex_pin name the same pin; give each its own")
