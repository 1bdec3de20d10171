"""Wiegand: pulses on two lines, and the cards and keys that come of them. Pure.

A reader draws D0 to ground for a 0 and D1 for a 1, one or two thousandths of a second apart, and silence ends a frame.
All that tells a true one is its length and a parity bit for each half. So one format is taken, and whatever else might
be wrong with a frame refuses it: a card that is read anew costs a second, one that is taken for another opens the gate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gate.vocabulary import Method

QUIET_S = 0.03
"""Silence that ends a frame: bits are at most 20 ms apart, keys at least 50."""
# What comes closer together than any reader sends is noise.
_LEAST_APART_S = 150e-6
# A reader keeps its pace. Where a bit is missing and noise made up for it elsewhere, one gap is four of another.
_MOST_UNEVEN = 3.0
# One more than the longest format; a line that chatters without end is no longer counted.
_MOST_BITS = 38
_TOLD_EVERY_S = 60.0
_KEYS = {number: str(number) for number in range(10)} | {10: "*", 11: "#"}


class Flaw(StrEnum):
    """What is wrong with a frame: the kernel lost some of it, it has not the pace, the length or the parities of one,
    or its bits are no key."""

    LOST = "bits_lost"
    SPACING = "uneven_pace"
    LENGTH = "wrong_length"
    PARITY = "wrong_parity"
    KEY = "no_key"


@dataclass(frozen=True, slots=True)
class Pulse:
    """A line was drawn to ground: the bit that says, and when by the kernel's clock, monotonic seconds."""

    bit: int
    at_mono: float
    after_loss: bool = False
    """Whether the kernel dropped others before it."""


@dataclass(frozen=True, slots=True)
class Burst:
    """The bits of a frame so far, when the last of them came (monotonic seconds), the least and the most seconds from
    one to the next, and what spoilt it."""

    bits: str = ""
    latest_mono: float = float("-inf")
    least_s: float = float("inf")
    most_s: float = 0.0
    flaw: Flaw | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader says: a card's number, or a key."""

    method: Method
    code: str


@dataclass(frozen=True, slots=True)
class _Format:
    """An even parity bit, facility, number, an odd parity bit; each parity is over the `half` beside it."""

    facility: int
    number: int
    half: int


_FORMATS = {
    "26": _Format(8, 16, 12),
    "34": _Format(16, 16, 16),
    "37-H10304": _Format(16, 19, 18),
    "37-H10302": _Format(0, 35, 18),
}


@dataclass(frozen=True, slots=True)
class Noise:
    """How many frames were refused since that was told, and when it was (monotonic seconds)."""

    frames: int = 0
    told_mono: float = float("-inf")

    def more(self, now: float) -> tuple[Noise, int]:
        """After one more, and how many are to be told now: none within a minute."""
        frames = self.frames + 1
        return (Noise(0, now), frames) if now - self.told_mono >= _TOLD_EVERY_S else (replace(self, frames=frames), 0)


def heard(burst: Burst, pulse: Pulse) -> tuple[Burst, Burst | None]:
    """The burst after one more pulse, and the one before where that was over."""
    apart_s = pulse.at_mono - burst.latest_mono
    lost = Flaw.LOST if pulse.after_loss else None
    if not burst.bits or apart_s >= QUIET_S:
        # What was lost may have been the end of one, or the beginning of the other.
        before = replace(burst, flaw=burst.flaw or lost) if burst.bits else None
        return Burst(str(pulse.bit), pulse.at_mono, flaw=lost), before
    bits = (burst.bits + str(pulse.bit))[:_MOST_BITS]
    least_s, most_s = min(burst.least_s, apart_s), max(burst.most_s, apart_s)
    return Burst(bits, max(pulse.at_mono, burst.latest_mono), least_s, most_s, burst.flaw or lost), None


def is_over(burst: Burst, now: float) -> bool:
    """Whether a burst is whole, where no pulse came until `now` (monotonic seconds)."""
    return bool(burst.bits) and now - burst.latest_mono >= QUIET_S


def told_by(burst: Burst, named: str, keypad: int | None) -> Told | Flaw:
    """What a whole burst says, by the format of that name, or with so many bits by a keypad; else why it is refused."""
    if burst.flaw is not None:
        return burst.flaw
    if burst.least_s < _LEAST_APART_S or burst.most_s > _MOST_UNEVEN * burst.least_s:
        return Flaw.SPACING
    bits, form = burst.bits, _FORMATS[named]
    if keypad is not None and len(bits) == keypad:
        return _key_in(bits)
    if len(bits) != form.facility + form.number + 2:
        return Flaw.LENGTH
    first, last = bits[: form.half + 1], bits[-form.half - 1 :]
    if first.count("1") % 2 != 0 or last.count("1") % 2 != 1:
        return Flaw.PARITY
    return Told(Method.CARD, _number_in(bits[1:-1], form))


def _number_in(bits: str, form: _Format) -> str:
    """As it is printed on the card: facility and number, with a comma between them."""
    number = int(bits[form.facility :], 2)
    # Shorter ones are no number of a card (`gate.codes.card_number`), which drops the zeros again.
    return f"{int(bits[: form.facility], 2)},{number}" if form.facility else f"{number:08d}"


def _key_in(bits: str) -> Told | Flaw:
    """A key in four bits, or in eight, where the first four are the others turned round."""
    key = _KEYS.get(int(bits[-4:], 2))
    turned = bits[:-4].translate({48: "1", 49: "0"})
    return Flaw.KEY if key is None or turned not in ("", bits[-4:]) else Told(Method.PIN, key)
