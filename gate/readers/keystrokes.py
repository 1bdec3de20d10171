"""What the kernel's input layer tells of a device, as keys of a keypad and as numbers of cards. Pure.

Events are those of linux/input.h, codes those of linux/input-event-codes.h, which name a key by its place on an
American keyboard. A card reader that types ("keyboard wedge") is read by those places, whatever language it was set to:
a card always gives the same number.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

# In the machine's own sizes: a time of two longs, a type and a code of 16 bits, a value of 32.
EVENT = struct.Struct("@llHHi")

_EV_SYN, _EV_KEY = 0, 1
_SYN_REPORT, _SYN_DROPPED = 0, 3
# A value of 0 lets a key go, of 2 repeats one that is held.
_PRESSED = 1
_SHIFTS = frozenset({42, 54})
_ESCAPE = 1
_ENTERS = frozenset({28, 96})
_BEGINS_ANEW = frozenset({_ESCAPE, 14})

_DIGITS = {
    **{code: str(code - 1) for code in range(2, 11)}, 11: "0",
    # The number pad, whether or not the machine thinks that its lock is on.
    79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9", 82: "0",
    # KEY_NUMERIC_0 to KEY_NUMERIC_9 of telephones.
    **{512 + digit: str(digit) for digit in range(10)},
}  # fmt: skip
_KEYS = (
    _DIGITS
    | dict.fromkeys(_ENTERS, "#")
    | dict.fromkeys(_BEGINS_ANEW, "*")
    | {55: "*", 522: "*", 523: "#"}  # the number pad's *, KEY_NUMERIC_STAR, KEY_NUMERIC_POUND
)
# A keypad with a # of its own may type it as a keyboard does.
_SHIFTED_KEYS = {4: "#", 9: "*"}
_LETTERS = {
    16 + place: sign for place, sign in enumerate("QWERTYUIOP")
} | {
    30 + place: sign for place, sign in enumerate("ASDFGHJKL")
} | {
    44 + place: sign for place, sign in enumerate("ZXCVBNM")
}  # fmt: skip
_SHIFTED_SIGNS = _LETTERS | {39: ":"}
_SIGNS = _LETTERS | _DIGITS

CARD_WITHIN_S = 1.0
"""A reader types a whole card in less; whatever takes longer is somebody's hand."""
MOST_SIGNS = 64
"""Of a card's number, as the door takes it."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A key that was pressed: its code, whether Shift was held, and when the kernel saw it, monotonic seconds."""

    code: int
    shifted: bool
    pressed_mono: float


@dataclass(frozen=True, slots=True)
class Keyboard:
    """What is remembered of a device from one read to the next: the Shift keys that are held, and whether the kernel
    lost events, so that what follows up to the next report is not to be believed."""

    shifts: frozenset[int] = frozenset()
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Swipe:
    """What a card reader has typed of a card so far, and when it began, monotonic seconds."""

    number: str = ""
    began_mono: float = float("-inf")


def strokes_of(keyboard: Keyboard, events: bytes) -> tuple[Keyboard, list[Stroke]]:
    """The keys pressed in these events, which are whole ones as the kernel gives them, stamped by the monotonic clock.

    Where the kernel lost some, Escape stands in their place: what was begun before is not to be gone on with.
    """
    strokes = []
    for seconds, microseconds, kind, code, value in EVENT.iter_unpack(events):
        at_mono = seconds + microseconds / 1e6
        if (kind, code) == (_EV_SYN, _SYN_DROPPED):
            keyboard = Keyboard(lost=True)
            strokes.append(Stroke(_ESCAPE, False, at_mono))
        elif (kind, code) == (_EV_SYN, _SYN_REPORT):
            keyboard = replace(keyboard, lost=False)
        elif kind != _EV_KEY or keyboard.lost:
            continue
        elif code in _SHIFTS:
            held = keyboard.shifts | {code} if value else keyboard.shifts - {code}
            keyboard = replace(keyboard, shifts=held)
        elif value == _PRESSED:
            strokes.append(Stroke(code, bool(keyboard.shifts), at_mono))
    return keyboard, strokes


def key_of(stroke: Stroke) -> str | None:
    """The key of a keypad that was pressed ("0" to "9", "#", "*"); None for what none has."""
    return (_SHIFTED_KEYS if stroke.shifted else _KEYS).get(stroke.code)


def swiped(swipe: Swipe, stroke: Stroke) -> tuple[Swipe, str | None]:
    """What was typed of a card after one more key, and its number where Enter ended it now.

    Signs that no card's number has are passed over. A number of more than `MOST_SIGNS` is told with one more than that.
    """
    if stroke.pressed_mono - swipe.began_mono > CARD_WITHIN_S:
        swipe = Swipe(began_mono=stroke.pressed_mono)
    if stroke.code in _ENTERS:
        return Swipe(), swipe.number or None
    if stroke.code in _BEGINS_ANEW:
        return Swipe(), None
    sign = (_SHIFTED_SIGNS if stroke.shifted else _SIGNS).get(stroke.code, "")
    return replace(swipe, number=(swipe.number + sign)[: MOST_SIGNS + 1]), None
