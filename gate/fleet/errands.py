"""What the console asks of a program that may do more than it: to take a gate in, to follow a centre, to leave one.

The console writes the errand into its own folder. Whoever does it (commands/errand.py) reads it as the console's user,
and as that user tells how far it is, in a file beside it. Both files are gone with the machine's next start.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from gate.errors import Sentence
from gate.places import write_whole
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.fields import Malformed, read, written

Value = TypeVar("Value")

DECIDED_WITHIN_S = 1800.0
"""So long whoever is asked may think about it."""
INVITED_FOR_S = 600.0
"""So long a code holds."""
STARTS_ANEW = 10
"""The exit code of whoever did it, where the services are to be started anew and systemd is not there to do that."""
# Whoever was asked to do it answers within seconds.
_ANSWERED_WITHIN_S = 15.0
_LARGEST = {"errand.json": 1 << 12, "errand-decided.json": 1 << 21, "errand-told.json": 1 << 22}
_LONGEST = {"id": 40, "by": 200, "address": 255, "code": 40}


class Deed(StrEnum):
    """What is asked for."""

    INVITE = "invite"
    JOIN = "join"
    LEAVE = "leave"


class Becomes(StrEnum):
    """What becomes of somebody of a gate that joins, who is at the centre too, or of the others."""

    SAME = "same"
    ANOTHER = "another"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class Errand:
    """One errand. Times are of the monotonic clock, which all programs of one start of the machine share."""

    id: str
    deed: Deed
    by: str
    """Who asked, as the record calls them."""
    at_mono: float
    address: str = ""
    port: int = 1
    code: str = field(default="", repr=False)
    forget: bool = False
    """Whether whoever is on the register is erased here when the gate leaves."""

    def __post_init__(self) -> None:
        if any(len(getattr(self, name)) > most for name, most in _LONGEST.items()):
            raise ValueError("a text of it is too long")
        if not all(getattr(self, name).isprintable() for name in _LONGEST):
            raise ValueError("a text of it holds what cannot be printed")
        if not 1 <= self.port <= 65535:
            raise ValueError("its port is none")


def errand(deed: Deed, by: str, **more: Any) -> Errand:
    """A new one, as it is asked for now. Raises ValueError where what is asked can be none."""
    return Errand(secrets.token_hex(16), deed, by, time.monotonic(), **more)


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody said of the people of a gate that joins; or that nothing is to come of it."""

    errand: str
    given_up: bool = False
    both: Becomes = Becomes.HERE
    """Of all whom the register has too, but for `each`."""
    bring: bool = False
    """Whether the others are proposed to the centre."""
    each: Mapping[str, Becomes] = field(default_factory=dict)
    """By the ids of people of this gate."""


class Phase(StrEnum):
    """How far an errand is."""

    BEGUN = "begun"
    READING = "reading"
    ASKS = "asks"
    FOLLOWING = "following"
    INVITED = "invited"
    FOLLOWS = "follows"
    LEFT = "left"
    REFUSED = "refused"
    BROKEN = "broken"


# So long it takes at most; after that whoever did it is no more.
_LASTS_S = {
    Phase.BEGUN: 120.0, Phase.READING: 240.0, Phase.ASKS: DECIDED_WITHIN_S + 5.0, Phase.FOLLOWING: 240.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of a gate that joins, and who of the register they are most likely, by what."""

    id: str
    name: str
    unit: str | None
    there_name: str
    there_unit: str | None
    by_name: bool
    by_face: bool


@dataclass(frozen=True, slots=True)
class Told:
    """How far an errand is, as whoever does it told last."""

    errand: str
    deed: Deed
    phase: Phase
    at_mono: float
    address: str = ""
    code: str = field(default="", repr=False)
    """Of an invitation."""
    ends_at: str = ""
    """When it is over, ISO 8601, UTC."""
    known: tuple[Known, ...] = ()
    """Whom the centre has too."""
    others: int = 0
    """How many of this gate it has not."""
    people: int = 0
    same: int = 0
    brought: int = 0
    here: int = 0
    erased: int = 0
    why: str = ""
    """Why nothing came of it: a sentence with its gaps, whose values are `values`."""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> Sentence:
        """Why nothing came of it."""
        try:
            return Sentence(self.why, **self.values)
        except (KeyError, IndexError, ValueError):
            return Sentence("{why}", why=self.why)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an errand stands."""

    told: Told | None
    unanswered_s: float | None
    """For how long something was asked that is not answered; None: nothing."""
    is_over: bool
    """Whether what was told last is of one who told nothing more, and is no more."""

    @property
    def at_work(self) -> bool:
        """Whether something is being done, or asked of somebody."""
        if self.unanswered_s is not None:
            return self.unanswered_s < _ANSWERED_WITHIN_S
        return self.told is not None and self.told.phase in _LASTS_S and not self.is_over

    @property
    def nobody_answers(self) -> bool:
        """Whether whoever does it is not there."""
        return self.unanswered_s is not None and not self.at_work

    def done(self, *deeds: Deed) -> Told | None:
        """What was told last, where it is of these and nothing was asked since."""
        return self.told if self.told is not None and self.unanswered_s is None and self.told.deed in deeds else None


def errand_file(state: Path) -> Path:
    """Where the console writes what it asks for."""
    return socket_of(state, "api").with_name("errand.json")


def decided_file(state: Path) -> Path:
    """Where it writes what somebody decided."""
    return errand_file(state).with_name("errand-decided.json")


def ask(state: Path, asked: Errand) -> None:
    """Have it done; what comes of it is told. Raises OSError."""
    runtime_directory(state, "api")
    # What was decided of an earlier one is of no more use.
    decided_file(state).unlink(missing_ok=True)
    write_whole(errand_file(state), json.dumps(written(asked)).encode())


def decide(state: Path, decided: Decision) -> None:
    """Answer what an errand asks. Raises OSError."""
    write_whole(decided_file(state), json.dumps(written(decided)).encode())


def asked_last(state: Path) -> Errand | None:
    """The errand that was asked for last; None: none that can be read."""
    return _read(Errand, errand_file(state))


def decided_last(state: Path) -> Decision | None:
    """What was decided last; None: nothing that can be read."""
    return _read(Decision, decided_file(state))


def tell(state: Path, told: Told) -> None:
    """How far it is: whole or not at all, for the console alone. Raises OSError."""
    write_whole(_told_file(state), json.dumps(written(told)).encode())


def told_last(state: Path) -> Told | None:
    """What was told last; None: nothing that can be read."""
    return _read(Told, _told_file(state))


def stands(state: Path, now_mono: float) -> Standing:
    """How it stands at `now_mono`."""
    asked, told = asked_last(state), told_last(state)
    # What is later than now was left by an earlier start of the machine.
    asked = None if asked is None or asked.at_mono > now_mono else asked
    told = None if told is None or told.at_mono > now_mono else told
    answered = asked is None or (told is not None and told.errand == asked.id)
    unanswered_s = None if asked is None or answered else now_mono - asked.at_mono
    over = told is not None and now_mono - told.at_mono > _LASTS_S.get(told.phase, float("inf"))
    return Standing(told, unanswered_s, over)


def _told_file(state: Path) -> Path:
    return errand_file(state).with_name("errand-told.json")


def _read(kind: type[Value], path: Path) -> Value | None:
    """What the console's user wrote, by its owner and its size before its content."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_size > _LARGEST[path.name]:
                return None
            return read(kind, json.loads(file.read(_LARGEST[path.name])))
    except (OSError, ValueError, RecursionError, Malformed):
        return None
