"""The upgrade from a stick, as the console sees it: root does it, and tells in a file how far it is.

The console can ask for two things, by writing a file of its own: that the stick that is plugged in is looked at, and
that what was shown of it is installed. Nothing of that file is read (systemd/debian/facegate/units).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Literal

from gate.errors import Sentence
from gate.processes.addresses import runtime_directory
from gate.processes.fields import read

Asked = Literal["look", "install"]

_LARGEST_TOLD = 1 << 18
_ANSWERED_WITHIN_S = 15.0
# Nothing of it takes as long, and where the machine went down meanwhile nobody tells the end.
_DONE_WITHIN_S = 1800.0


class Phase(StrEnum):
    """How far it is."""

    LOOKING = "looking"
    SHOWN = "shown"
    FETCHING = "fetching"
    INSTALLING = "installing"
    INSTALLED = "installed"
    REFUSED = "refused"
    FAILED = "failed"


_AT_WORK = (Phase.LOOKING, Phase.FETCHING, Phase.INSTALLING)

# By the names that systemd/deploy/refused.py has for them.
WHY: dict[str, Sentence] = {
    "BUSY": Sentence("Another upgrade is running. Wait until it is over."),
    "NO_STICK": Sentence("No stick with an upgrade is plugged in."),
    "TWO_STICKS": Sentence("Two sticks with an upgrade are plugged in. Leave one."),
    "NO_ARCHIVE": Sentence("There is no upgrade on this stick."),
    "UNREADABLE": Sentence(
        "The stick cannot be read to its end: it was pulled out, or it is worn. Plug it in again, or use another."
    ),
    "NO_KEY": Sentence(
        "This gate does not know yet whose upgrades it may trust."
        " Whoever installed it has to tell it once, at the gate."
    ),
    "OTHER_KEY": Sentence(
        "This upgrade is signed by somebody whom this gate does not trust."
        " Do not use the stick, and ask whoever made it."
    ),
    "ALTERED": Sentence("This upgrade is not as it was signed. Do not use the stick, and have it written anew."),
    "OTHER_SYSTEM": Sentence(
        "This upgrade is for {there}, and this gate is {suite} on {architecture}. Have one made for this gate."
    ),
    "OLDER": Sentence("The stick has version {version}, which is older than {installed}, the one installed here."),
    "NOTHING_NEW": Sentence("Version {version} is installed here already."),
    "NOT_IN_USE": Sentence(
        "Version {version} was installed before and did not start. Ask whoever made it for one that is mended."
    ),
    "NO_CODECS": Sentence(
        "The upgrade on this stick has no network cameras and no HEIC photos, which this gate can use now."
        " Have the stick written anew, with facegate-codecs."
    ),
    "NOT_SHOWN": Sentence("Another stick is plugged in than the one that was shown. Look at it first."),
    "NO_ROOM": Sentence("The upgrade needs {needed} MB of free space, and the gate has {free} MB."),
    "UNMET": Sentence("The upgrade needs something that is neither on the stick nor on this gate: {what}"),
}
_OTHER = Sentence("This upgrade is not possible.")


@dataclass(frozen=True, slots=True)
class Told:
    """What root told last."""

    phase: Phase
    at: float
    """Seconds since 1970, UTC."""
    installed: str = ""
    version: str = ""
    packages: tuple[str, ...] = ()
    changes: str = ""
    why: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    said: str = ""

    @property
    def sentence(self) -> Sentence:
        """Why it was refused."""
        known = WHY.get(self.why)
        # A version that is newer than this one may have more to say, and with other words.
        if known is None or {gap for _, gap, _, _ in Formatter().parse(known) if gap} - set(self.values):
            return _OTHER
        return Sentence(known, **self.values)


@dataclass(frozen=True, slots=True)
class Stick:
    """How an upgrade from a stick stands."""

    told: Told | None
    told_s: float
    """How long ago."""
    unanswered_s: float | None
    """For how long something was asked that is not answered; None: nothing."""

    @property
    def at_work(self) -> bool:
        """Whether something is being done, or will be in a moment."""
        if self.unanswered_s is not None:
            return self.unanswered_s < _ANSWERED_WITHIN_S
        return self.told is not None and self.told.phase in _AT_WORK and self.told_s < _DONE_WITHIN_S

    @property
    def nobody_answers(self) -> bool:
        """Whether what does it is not there."""
        return self.unanswered_s is not None and not self.at_work


def is_possible(state: Path) -> bool:
    """Whether this gate was installed from packages, which alone have somebody who does it."""
    return (state / "run/upgrade").is_dir()


def ask(state: Path, what: Asked) -> None:
    """Have it done; what comes of it is told."""
    asked = runtime_directory(state, "api") / f"upgrade-{what}"
    new = asked.with_name(f"{asked.name}.new")
    new.write_bytes(b"")
    new.replace(asked)


def stands(state: Path, now: float) -> Stick:
    """How it stands at `now`, seconds since 1970."""
    told = _told(state / "run/upgrade/told.json")
    asked = [
        path.stat().st_mtime
        for path in (state / "run/api").glob("upgrade-*")
        if told is None or path.stat().st_mtime > told.at
    ]
    return Stick(told, now - told.at if told else 0.0, now - max(asked) if asked else None)


def _told(file: Path) -> Told | None:
    try:
        with file.open("rb") as opened:
            return read(Told, json.loads(opened.read(_LARGEST_TOLD)))
    except (OSError, ValueError, RecursionError):
        return None
