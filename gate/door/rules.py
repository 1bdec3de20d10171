"""Whether a claim may open the door. Pure: the claim, what is known now, what was heard before, and the time."""

from __future__ import annotations

from dataclasses import dataclass

from gate.store.people.residents import Resident
from gate.vocabulary import Claim, Reason, Verdict

# Vision and door share the kernel's monotonic clock; what is left is rounding in the message.
_CLOCK_ROUNDING_S = 0.001


@dataclass(frozen=True, slots=True)
class Known:
    """What the door knows at the moment a claim is decided: of who brought it, and of the resident it names.

    It is put together before anything is decided, and goes down with the claim as a value. None is what cannot be
    known now; it refuses, and so does whatever was left out.
    """

    resident: Resident | None = None
    """None where nobody of that id is enrolled, or the store cannot be read."""
    from_vision: bool = False
    """Whether vision's own user brought the claim, by the kernel's word."""
    readable: bool = True
    """Whether the store could be read."""
    valid: bool | None = None
    """Whether today is one of their days."""
    within_hours: bool | None = None
    """Whether their schedule lets them in now."""
    face_suffices: bool | None = None
    """Whether a face alone opens at this hour, whoever shows it."""
    nearest: Resident | None = None
    """Whom a face that is nobody's came near to."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the door has heard before this claim."""

    same: bool = False
    """Whether a claim of this id was among it."""
    up_to_mono: float = float("-inf")
    """When the frame of the latest claim was taken, monotonic seconds."""


def decide(claim: Claim, known: Known, earlier: Earlier, now: float, freshness_s: float) -> Verdict:
    """Grant, or deny with the first reason that holds. `now` is monotonic seconds.

    Each test is written so that what is missing or not a number refuses.
    """
    if not known.from_vision:
        return Verdict(False, Reason.WRONG_PEER)
    if not -_CLOCK_ROUNDING_S <= now - claim.taken_mono <= freshness_s:
        return Verdict(False, Reason.STALE)
    if earlier.same:
        return Verdict(False, Reason.REPLAYED)
    if not claim.taken_mono >= earlier.up_to_mono:
        return Verdict(False, Reason.STALE)
    if claim.resident is None or claim.reason is not None:
        return Verdict(False, claim.reason or Reason.UNKNOWN)
    if not known.readable:
        return Verdict(False, Reason.STORE_UNREADABLE)
    if known.resident is None:
        return Verdict(False, Reason.NOT_ENROLLED)
    if known.valid is None or known.within_hours is None or known.face_suffices is None:
        return Verdict(False, Reason.CLOCK_UNTRUSTED)
    if not known.valid:
        return Verdict(False, Reason.OUT_OF_VALIDITY)
    if not known.within_hours:
        return Verdict(False, Reason.OUT_OF_HOURS)
    if not known.face_suffices:
        return Verdict(False, Reason.FACE_NOT_ENOUGH)
    return Verdict(True)
