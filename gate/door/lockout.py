"""How often PINs may be tried: at one keypad, and for one home. Pure.

Five tries, then half a minute without; whoever goes on waits longer after each further five, up to a quarter of an
hour. So a program at a keypad has some five hundred tries a day. It is about PINs alone: faces, cards, the exit and
orders go on, and a grant at the same keypad by another way ends its rest. It forgives nobody's wrong tries but those of
the home that was let in: at a busy gate somebody is let in every minute, and whoever has a card of their own would
begin anew before each fifth try, with no rest and no alarm. A restart forgets nothing of it: whoever can cut the power
would have five tries each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

TRIES = 5
RESTS_S = (30.0, 60.0, 120.0, 240.0, 480.0, 900.0)
# Without a wrong try for so long, all is forgotten, seconds.
_FORGETS_S = 3600.0
# More homes than a thief can type in an hour, by the tries that a keypad has.
_MOST = 512


@dataclass(frozen=True, slots=True)
class Tries:
    """Of one keypad or one home: wrong ones since the last rest, how many rests there were, until when it rests."""

    wrong: int = 0
    rests: int = 0
    until_mono: float = float("-inf")
    latest_mono: float = float("-inf")

    def failed(self, now: float) -> Tries:
        """After one more wrong try."""
        fresh = self if now - self.latest_mono <= _FORGETS_S else Tries()
        if fresh.wrong + 1 < TRIES:
            return replace(fresh, wrong=fresh.wrong + 1, latest_mono=now)
        rest_s = RESTS_S[min(fresh.rests, len(RESTS_S) - 1)]
        return Tries(0, fresh.rests + 1, now + rest_s, now)

    def let_in(self, forgiven: int) -> Tries:
        """After somebody was let in, of whose wrong tries some are forgiven; a rest is over."""
        return replace(self, wrong=max(0, self.wrong - forgiven), until_mono=float("-inf"))


@dataclass(frozen=True, slots=True)
class KeptTries:
    """Those of one keypad or one home, in times that mean something after a restart: for how long it still rests, and
    how long ago the latest wrong one was, seconds."""

    at_keypad: bool
    name: str
    wrong: int
    rests: int
    left_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class Lockout:
    """The wrong tries at each keypad and for each home."""

    keypads: Mapping[str, Tries] = field(default_factory=dict)
    flats: Mapping[str, Tries] = field(default_factory=dict)

    @classmethod
    def again(cls, kept: Iterable[KeptTries], now: float) -> Lockout:
        """As it was when this was `kept`, whenever that was: the time in which nobody could try counts for nothing."""
        keypads: dict[str, Tries] = {}
        flats: dict[str, Tries] = {}
        for one in kept:
            of = keypads if one.at_keypad else flats
            of[one.name] = Tries(one.wrong, one.rests, now + one.left_s, now - one.age_s)
        return cls(keypads, flats)

    def kept(self, now: float) -> tuple[KeptTries, ...]:
        """All that is not forgotten yet, to outlast a restart."""
        return tuple(
            KeptTries(
                at_keypad, name, tries.wrong, tries.rests, max(0.0, round(tries.until_mono - now, 1)),
                max(0.0, round(now - tries.latest_mono, 1)),
            )
            for at_keypad, of in ((True, self.keypads), (False, self.flats))
            for name, tries in of.items()
            if now - tries.latest_mono <= _FORGETS_S
        )  # fmt: skip

    def until_mono(self, keypad: str, flat: str | None, now: float) -> float | None:
        """Until when no PIN is looked at here, for this home; None where they are."""
        found = [self.keypads.get(keypad)] + ([] if flat is None else [self.flats.get(flat)])
        until = max((one.until_mono for one in found if one is not None), default=float("-inf"))
        return until if now < until else None

    def resting(self, keypad: str, now: float) -> float | None:
        """Until when a keypad rests, whatever is typed; None where it does not."""
        return self.until_mono(keypad, None, now)

    def failed(self, keypad: str, flat: str | None, now: float) -> Lockout:
        """After a PIN that was wrong."""
        flats = self.flats if flat is None else _counted(self.flats, flat, now)
        return Lockout(_counted(self.keypads, keypad, now), flats)

    def let_in(self, keypad: str, flat: str | None, *, typed: bool) -> Lockout:
        """After somebody was let in by what they showed there, or `typed`: then the home's wrong tries are forgiven, or
        one where no home was typed."""
        forgiven = 0
        if typed:
            forgiven = 1 if flat is None else self.flats.get(flat, Tries()).wrong
        at_keypad = {name: one.let_in(forgiven) if name == keypad else one for name, one in self.keypads.items()}
        return Lockout(at_keypad, {name: tries for name, tries in self.flats.items() if not typed or name != flat})


def _counted(of: Mapping[str, Tries], name: str, now: float) -> dict[str, Tries]:
    kept = {one: tries for one, tries in of.items() if now - tries.latest_mono <= _FORGETS_S and one != name}
    latest = sorted(kept.items(), key=lambda item: item[1].latest_mono)[-(_MOST - 1) :]
    return {**dict(latest), name: of.get(name, Tries()).failed(now)}
