"""Whether a claim may open the door. Pure: the claim, what is known, and the time."""

from __future__ import annotations

from dataclasses import dataclass

from gate.vocabulary import Claim, Reason, Verdict

# Vision and door share the kernel's monotonic clock; what is left is rounding in the message.
_CLOCK_ROUNDING_S = 0.001


@dataclass(frozen=True, slots=True)
class Known:
    """What the door knows when a claim arrives."""

    peer_is_vision: bool
    seen_before: bool
    enrolled: bool | None
    """None where the store cannot be read."""
    within_hours: bool | None = True
    """None where the resident has a schedule and the clock is not to be trusted."""
    valid: bool | None = True
    """Whether today is one of their days; None where that needs a clock that is not to be trusted."""
    face_suffices: bool | None = True
    """Whether a face alone opens at this hour; None where that needs a clock that is not to be trusted."""
    heard_up_to_mono: float = float("-inf")
    """When the frame of the last claim before this one was taken."""


def decide(claim: Claim, known: Known, now: float, freshness_s: float) -> Verdict:
    """Grant, or deny with the first reason that holds. `now` is monotonic seconds.

    Each test is written so that what is missing or not a number refuses.
    """
    if not known.peer_is_vision:
        return Verdict(False, Reason.WRONG_PEER)
    if not -_CLOCK_ROUNDING_S <= now - claim.taken_mono <= freshness_s:
        return Verdict(False, Reason.STALE)
    if known.seen_before:
        return Verdict(False, Reason.REPLAYED)
    if not claim.taken_mono >= known.heard_up_to_mono:
        return Verdict(False, Reason.STALE)
    if claim.resident is None:
        return Verdict(False, claim.reason or Reason.UNKNOWN)
    if known.enrolled is None:
        return Verdict(False, Reason.STORE_UNREADABLE)
    if not known.enrolled:
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
