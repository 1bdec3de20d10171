"""An invitation, as the centre keeps it until a gate used it: for ten minutes, for one gate, and five tries."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from centre.cluster import pin_of
from centre.secrets import HandedOver, centre_folder, write_private
from gate.fleet import pairing
from gate.fleet.errands import INVITED_FOR_S
from gate.places import read_plain
from gate.processes.fields import Malformed, read, written

LASTS_S = INVITED_FOR_S
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the centre needs of a code to know that a gate has it. The doors' key is wrapped by what is not here."""

    salt: bytes
    prove: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)
    ends_at: float
    """Seconds since 1970."""
    tries_left: int = _TRIES
    second_at: str | None = None
    """Where whoever uses it is reached as a second centre; None: it is a gate's."""
    broker_at: str | None = None
    """Where the broker is reached that the machine of whoever uses it is to have; None: none."""
    broker_pin: str | None = None
    """By which the other brokers know that one."""

    def holds(self, now: float) -> bool:
        """Whether a gate may still use it."""
        return self.tries_left > 0 and self.ends_at - LASTS_S <= now < self.ends_at

    def tried(self) -> Invitation:
        """After one more try."""
        return replace(self, tries_left=self.tries_left - 1)


def invite(
    code: str, salt: bytes, door_key: bytes, now: float, given: HandedOver | None = None
) -> Invitation:  # fmt: skip
    """The invitation of a code that was drawn for it; `given` is what whoever uses it is handed over beside."""
    made = pairing.keys_of(code, salt)
    wrapped = pairing.wrapped(made.wrap, door_key + (b"" if given is None else given.data))
    invitation = Invitation(salt, made.prove, wrapped, now + LASTS_S)
    if given is None:
        return invitation
    if given.broker is None:
        return replace(invitation, second_at=given.place)
    return replace(invitation, broker_at=given.place, broker_pin=pin_of(given.broker.route_certificate))


def invitation_file(state: Path) -> Path:
    """Where the one invitation lies that there is at a time."""
    return centre_folder(state) / "invitation.json"


def write_invitation(state: Path, made: Invitation | None) -> None:
    """Keep it in the place of the one before; None: there is none any more. Raises UsageError."""
    if made is None:
        invitation_file(state).unlink(missing_ok=True)
    else:
        write_private(invitation_file(state), json.dumps(written(made)))


def read_invitation(state: Path) -> Invitation | None:
    """The one that holds now; None: there is none."""
    found = last_invitation(state)
    return found if found is not None and found.holds(time.time()) else None


def last_invitation(state: Path) -> Invitation | None:
    """The one that was drawn last and no gate has used, whether or not it holds; None: there is none."""
    try:
        return read(Invitation, json.loads(read_plain(invitation_file(state))))
    except (OSError, ValueError, Malformed):
        return None
