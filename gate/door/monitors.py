"""What watches the door's own parts: its relay, its contact, its exit button and its clock. Pure.

Each is a function of what it has seen so far, what it sees now and the time (monotonic seconds), and gives what it has
seen then and what there is to tell. What is told again and again, the machine puts on record once.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.clock import ClockTrust
from gate.door.states import Event, Happening
from gate.vocabulary import AuditEvent, Fault, Kind

# A relay's contact follows its coil within this, seconds.
READBACK_WITHIN_S = 0.2
# A contact that changes so often within a second chatters: its wire or its magnet is loose.
CHATTER = 10
_CHATTER_WITHIN_S = 1.0
# A contact that was still for so long is well again, seconds.
CALM_S = 60.0

Told = tuple[Happening, ...]


def _fault(fault: Fault) -> Happening:
    return Happening(Event.FAULT, fault=fault)


def _well(fault: Fault) -> Happening:
    return Happening(Event.FAULT_OVER, fault=fault)


@dataclass(frozen=True, slots=True)
class Relay:
    """What was seen of the relay: since when its spare contact says other than it was told; None while they agree."""

    differs_since_mono: float | None = None


def watch_relay(seen: Relay, told_on: bool, contact_on: bool | None, now: float) -> tuple[Relay, Told]:
    """A relay that does not follow within 0.2 s sticks, on or off. `contact_on` is None where no contact is wired."""
    if contact_on is None:
        return seen, ()
    if contact_on == told_on:
        return Relay(), (_well(Fault.RELAY_STUCK_ON), _well(Fault.RELAY_STUCK_OFF))
    if seen.differs_since_mono is None:
        return Relay(now), ()
    if now - seen.differs_since_mono < READBACK_WITHIN_S:
        return seen, ()
    return seen, (_fault(Fault.RELAY_STUCK_OFF if told_on else Fault.RELAY_STUCK_ON),)


@dataclass(frozen=True, slots=True)
class Contact:
    """What was seen of the door's contact: when it changed last, at most ten times, oldest first."""

    changes_mono: tuple[float, ...] = ()

    def changed(self, now: float) -> Contact:
        """With one more change."""
        return Contact((*self.changes_mono, now)[-CHATTER:])


def watch_contact(seen: Contact, now: float) -> tuple[Contact, Told]:
    """A contact that changes ten times within a second chatters, until it has been still for a minute."""
    changes = seen.changes_mono
    if len(changes) == CHATTER and now - changes[0] < _CHATTER_WITHIN_S:
        return seen, (_fault(Fault.CONTACT_CHATTER),)
    if changes and now - changes[-1] > CALM_S:
        return Contact(), (_well(Fault.CONTACT_CHATTER),)
    return seen, ()


@dataclass(frozen=True, slots=True)
class Button:
    """What was seen of the exit button: since when it is pressed; None while it is not."""

    pressed_since_mono: float | None = None


def watch_button(seen: Button, pressed: bool, stuck_s: float, now: float) -> tuple[Button, Told]:
    """A button that is pressed for `stuck_s` sticks, until it is let go."""
    if not pressed:
        return Button(), () if seen.pressed_since_mono is None else (_well(Fault.REX_STUCK),)
    since = now if seen.pressed_since_mono is None else seen.pressed_since_mono
    return Button(since), (_fault(Fault.REX_STUCK),) if now - since >= stuck_s else ()


def watch_clock(before: ClockTrust, after: ClockTrust) -> tuple[AuditEvent, ...]:
    """What the record is told when the clock jumped, or came to be trusted or not to be."""
    told: list[AuditEvent] = []
    if after is not before and after.jumped:
        told.append(AuditEvent(Kind.CLOCK_JUMPED, {"seconds": round((after.offset or 0) - (before.offset or 0), 1)}))
    if after.trusted is not before.trusted:
        told.append(AuditEvent(Kind.CLOCK_TRUSTED if after.trusted else Kind.CLOCK_UNTRUSTED))
    return tuple(told)
