"""Keys pressed at a keypad, and the number that comes of them. Pure.

A home's digits, `#`, the PIN, `#`; or a PIN of eight digits or more alone, `#`. `*` begins anew, and so do ten seconds
without a key. `#` alone is the bell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.codes import MOST_DIGITS, PIN_ALONE_DIGITS, PIN_DIGITS

IDLE_S = 10.0
"""Whoever walks away leaves nothing behind for who comes next."""
KEYS = frozenset("0123456789#*")
# Whoever presses # once too often behind a number does not ring.
_ALONE_S = 2.0


@dataclass(frozen=True, slots=True)
class Entered:
    """A number that is complete: the digits of a home, None where there were none before it, and the PIN."""

    flat: str | None
    pin: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed at one keypad so far, and when the last key was pressed, monotonic seconds."""

    flat: str | None = None
    digits: str = ""
    pressed_mono: float = float("-inf")

    @property
    def count(self) -> int:
        """How many digits of the number that is being typed, for the dots of a screen."""
        return len(self.digits)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is typed."""
        return self.flat is None and not self.digits


def press(
    typed: Typed, key: str, now: float, *, expects_pin: bool = False, home: str | None = None
) -> tuple[Typed, Entered | None]:
    """What is typed after one more of `KEYS`, and the number where it is complete now.

    `expects_pin` where a face is known already: then a PIN is typed alone whatever its length, or behind their home as
    they are used to: `home`, the digits of theirs, may be as long as a PIN. Digits without end are no longer counted;
    what they are then is no code.
    """
    if now - typed.pressed_mono > IDLE_S:
        typed = Typed()
    typed = replace(typed, pressed_mono=now)
    if key == "*":
        return Typed(pressed_mono=now), None
    if key != "#":
        # One more than any code has, so that what is too long stays so.
        return replace(typed, digits=(typed.digits + key)[: MOST_DIGITS + 1]), None
    if not typed.digits:
        return Typed(pressed_mono=now), None
    least = PIN_DIGITS if expects_pin else PIN_ALONE_DIGITS
    if typed.flat is None and (len(typed.digits) < least or typed.digits == home):
        return Typed(typed.digits, pressed_mono=now), None
    return Typed(pressed_mono=now), Entered(typed.flat, typed.digits)


def rings(typed: Typed, key: str, now: float) -> bool:
    """Whether this key is the bell: `#` with nothing typed before it, and none pressed a moment ago."""
    return key == "#" and awake(typed, now).is_empty and now - typed.pressed_mono > _ALONE_S


def awake(typed: Typed, now: float) -> Typed:
    """What is typed still, after the time that went by."""
    return typed if now - typed.pressed_mono <= IDLE_S else Typed()
