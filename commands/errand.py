"""What the console may not do itself, done for it: a gate is invited, and this gate follows a centre or leaves it.

A program of its own, which runs while there is an errand (`gate.fleet.errands`) and ends with it: as root on a gate,
where systemd starts it (systemd/units/facegate-errand.path), else as whoever said `facegate run`. What the console
wrote is read as the console's user and checked before anything of it is used.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from commands.common import Home, ask_for
from commands.drop_root import as_owner, owner_of
from gate.config import Settings, is_centre
from gate.errors import FacegateError, Refusal, Sentence
from gate.fleet import errands
from gate.fleet.errands import DECIDED_WITHIN_S, STARTS_ANEW, Becomes, Decision, Deed, Errand, Known, Phase, Told
from gate.processes.fields import read, written
from gate.processes.starting import settings_from_starter, speak_as, stop_with_starter
from gate.state_folder import centre_file, is_service
from gate.store.compound.joining import Decided

_log = logging.getLogger(__name__)

# Whoever asked is there and waits: what is older was left by something that went wrong.
_FRESH_S = 60.0
_LOOKS_EVERY_S = 0.3
_NOTHING = {"nothing": True}
_STOPPED = Sentence("It was stopped in its middle.")


class Errands:
    """Does what the console of one gate asks."""

    def __init__(self, state: Path, settings: Settings, decided_within_s: float = DECIDED_WITHIN_S) -> None:
        self._state, self._settings, self._decided_within_s = state, settings, decided_within_s
        self._console = owner_of(state, "run/api")
        self._told: Told | None = None
        self.changed = False
        """Whether the services are to be started anew."""

    def next(self) -> Errand | None:
        """What is asked and not answered; None: nothing."""
        asked = read(Errand, said) if (said := self._as_console(errands.asked_last)) is not None else None
        told = read(Told, said) if (said := self._as_console(errands.told_last)) is not None else None
        if asked is None or (told is not None and told.errand == asked.id):
            return None
        return asked if 0.0 <= time.monotonic() - asked.at_mono < _FRESH_S else None

    def do(self, asked: Errand) -> None:
        """Do it, and tell how far it is and what came of it."""
        self._told = Told(asked.id, asked.deed, Phase.BEGUN, 0.0, asked.address)
        self._tell(Phase.BEGUN)
        _log.info("%s asks on the console: %s", asked.by, asked.deed)
        gate = Home(self._state, self._settings, asked.by)
        try:
            {Deed.INVITE: self._invite, Deed.JOIN: self._join, Deed.LEAVE: self._leave}[asked.deed](gate, asked)
        except FacegateError as error:
            _log.warning("Nothing came of it: %s", error)
            values = {name: str(value) for name, value in error.sentence.values.items()}
            self._tell(self._failed(), why=error.sentence.pattern, values=values)
        except SystemExit:
            self._tell(self._failed(), why=_STOPPED)
            raise
        except Exception:
            _log.exception("Nothing came of it.")
            self._tell(Phase.BROKEN)

    def _failed(self) -> Phase:
        """Where a gate was about to follow some of it may be done."""
        begun = self._told is not None and self._told.phase is Phase.FOLLOWING
        return Phase.BROKEN if begun else Phase.REFUSED

    def _invite(self, gate: Home, _asked: Errand) -> None:
        from commands.inviting import draw_invitation

        if not is_centre(self._settings, self._state):
            raise Refusal("This is no centre.")
        if not self._settings.centre.invite_on_page:
            raise Refusal("Gates are not taken in from this page here: centre.invite_on_page is false.")
        drawn = draw_invitation(gate)
        self._tell(Phase.INVITED, code=drawn.code, ends_at=datetime.fromtimestamp(drawn.ends_at, UTC).isoformat())

    def _join(self, gate: Home, asked: Errand) -> None:
        ask_for("nats")
        from commands.following import Following
        from gate.fleet.pairing import code_of

        if os.path.exists(centre_file(self._state)):
            raise Refusal("This gate follows a centre already. Leave that one first.")
        code, coming = code_of(asked.code), Following(gate, asked.address)
        if coming.former or is_centre(self._settings, self._state):
            raise Refusal("A machine that is set up as a centre follows another one by the command alone.")
        coming.pair(code, asked.port)
        if coming.has_people:
            self._tell(Phase.READING)
        with coming.compared():
            if coming.erased:
                raise Refusal(
                    "Of the people whom the centre has {count} were erased at this gate. What becomes of them is said"
                    " by the command: facegate join",
                    count=len(coming.erased),
                )
            decided = self._decided(asked, coming.people) if coming.people else Decided((), ())
            self._tell(Phase.FOLLOWING)
            coming.follow(decided)
        same, brought = len(decided.same), len(decided.brought)
        here = len(coming.people) - same - brought
        self.changed = True
        self._tell(Phase.FOLLOWS, same=same, brought=brought, here=here)

    def _leave(self, gate: Home, asked: Errand) -> None:
        from commands.leave import leave_centre

        left = leave_centre(gate, forget=asked.forget)
        self.changed = True
        self._tell(Phase.LEFT, people=left["people"], erased=left["erased"])

    def _decided(self, asked: Errand, people: Sequence[dict[str, Any]]) -> Decided:
        """What becomes of each, as somebody says on the page. Raises Refusal where nobody does, or gives up."""
        known = [_known(one) for one in people if one["there"] is not None]
        self._tell(Phase.ASKS, known=tuple(known), others=len(people) - len(known))
        said = self._asked(asked)
        if said.given_up:
            raise Refusal("It was given up.")
        becomes = {one.id: said.each.get(one.id, said.both) for one in known}
        there = {one["id"]: one["there"]["id"] for one in people if one["there"] is not None}
        same = tuple((one, there[one]) for one, what in becomes.items() if what is Becomes.SAME)
        another = [one for one, what in becomes.items() if what is Becomes.ANOTHER]
        others = [one["id"] for one in people if one["there"] is None] if said.bring else []
        return Decided(same, (*another, *others))

    def _asked(self, asked: Errand) -> Decision:
        until_mono, seen = time.monotonic() + self._decided_within_s, 0
        path = errands.decided_file(self._state)
        while time.monotonic() < until_mono:
            now = path.stat().st_mtime_ns if path.exists() else 0
            if now != seen:
                seen = now
                said = self._as_console(errands.decided_last)
                decided = None if said is None else read(Decision, said)
                if decided is not None and decided.errand == asked.id:
                    return decided
            time.sleep(_LOOKS_EVERY_S)
        raise Refusal("Nobody said within half an hour what becomes of the people here.")

    def _as_console(self, reads: Callable[[Path], Any]) -> dict[str, Any] | None:
        """What the console's user reads in its folder, by its form."""

        def work() -> dict[str, Any]:
            found = reads(self._state)
            return _NOTHING if found is None else written(found)

        said = as_owner(self._console, work)
        return None if said == _NOTHING else said

    def _tell(self, phase: Phase, **said: Any) -> None:
        if self._told is None:
            return
        self._told = replace(self._told, phase=phase, at_mono=time.monotonic())
        telling = replace(self._told, **said)

        def work() -> dict[str, Any]:
            errands.tell(self._state, telling)
            return {}

        try:
            as_owner(self._console, work)
        except (OSError, FacegateError) as error:
            _log.error("The console cannot be told how far it is: %s", error)


def _known(one: dict[str, Any]) -> Known:
    there = one["there"]
    by_name, by_face = ("name and home" in there["by"]), ("face" in there["by"])
    return Known(one["id"], one["name"], one["unit"], there["name"], there["unit"], by_name, by_face)


def _stopped(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


def main() -> int:
    """Entry point: one line of JSON, {"state", "settings"}, on standard input."""
    speak_as("errand")
    given = settings_from_starter()
    signal.signal(signal.SIGTERM, _stopped)
    stop_with_starter()
    state = Path(given["state"])
    errand = Errands(state, Settings.model_validate(given["settings"]))
    # What is asked while one is done starts nothing by itself.
    while (asked := errand.next()) is not None:
        errand.do(asked)
    if not errand.changed:
        return 0
    if not is_service(state):
        return STARTS_ANEW
    # Not waited for: whoever is started anew need not find this one at its end.
    return subprocess.run(["systemctl", "restart", "--no-block", "facegate.target"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
