"""Whether what somebody shows may open the door. Pure: it, what is known now, what was heard before, and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gate.store.people.passes import Pass
from gate.store.people.residents import Resident
from gate.vocabulary import Claim, Method, Presented, Reason, Verdict

# The processes share the kernel's monotonic clock; what is left is rounding in the message.
_CLOCK_ROUNDING_S = 0.001


@dataclass(frozen=True, slots=True)
class Known:
    """What the door knows at the moment something is decided: of who brought it, and of the resident whose it is.

    It is put together before anything is decided, and goes down with what was shown as a value. None is what cannot be
    known now; it refuses, and so does whatever was left out.
    """

    resident: Resident | None = None
    """None where nobody of that id is enrolled, the code is nobody's, or the store cannot be read."""
    from_its_user: bool = False
    """Whether the user who alone may say it brought it, by the kernel's word: vision's a face or a pass, the
    readers' another code."""
    readable: bool = True
    """Whether the store, and for a code the door's key, could be read."""
    at_this_gate: bool | None = None
    """Whether they are let in at this gate; whoever goes out is."""
    valid: bool | None = None
    """Whether today is one of their days; of a pass, that it is not over."""
    within_hours: bool | None = None
    """Whether their schedule lets them in now."""
    one_suffices: bool | None = None
    """Whether one factor alone opens at this hour, whoever shows it."""
    others: frozenset[Method] = frozenset()
    """By what else than their face they may come."""
    suspended: bool = False
    """Whether a card was reported lost."""
    duress: bool = False
    """Whether it is the PIN of somebody who is forced to."""
    trial: bool = False
    """Whether that is only tried out now."""
    in_already: bool = False
    """Whether they go in though they are in, as far as is known, by a rule against passing a credential back."""
    refused_again: bool = False
    """Whether that rule refuses it."""
    in_at: str | None = None
    """The name of the other gate that saw them go in, by whose word they are; empty: it is the centre's."""
    unescorted: bool = False
    """Whether they are to come with somebody of another group, and nobody of it was let in a moment ago."""
    nearest: Resident | None = None
    """Whom a face that is nobody's came near to."""
    visit: Pass | None = None
    """The pass whose code it is, which is no resident's; as it was before a use of it was spent for this."""
    begun: bool | None = None
    """Whether the pass has begun."""
    spent: bool = False
    """Whether a use of the pass was spent for this, on the disk."""

    @property
    def holder(self) -> str | None:
        """The id of whose it is, a resident or a pass; None: nobody's."""
        return self.resident.id if self.resident is not None else self.visit.id if self.visit is not None else None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the door has heard before this."""

    same: bool = False
    """Whether something of this id was among it."""
    up_to_mono: float = float("-inf")
    """When the latest was shown, for a face the frame taken, monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be decided: a claim or a code, what is known, what was heard before, when, and how old it may be."""

    shown: Claim | Presented
    known: Known
    earlier: Earlier
    now: float
    freshness_s: float


def _from_another(case: Case) -> Reason | None:
    return None if case.known.from_its_user else Reason.WRONG_PEER


def _of_late(case: Case) -> Reason | None:
    age = case.now - case.shown.taken_mono
    return None if -_CLOCK_ROUNDING_S <= age <= case.freshness_s else Reason.STALE


def _again(case: Case) -> Reason | None:
    return Reason.REPLAYED if case.earlier.same else None


def _out_of_order(case: Case) -> Reason | None:
    return None if case.shown.taken_mono >= case.earlier.up_to_mono else Reason.STALE


def _nobody(case: Case) -> Reason | None:
    if isinstance(case.shown, Presented):
        return None
    return case.shown.reason or (Reason.UNKNOWN if case.shown.resident is None else None)


def _unreadable(case: Case) -> Reason | None:
    return None if case.known.readable else Reason.STORE_UNREADABLE


def _not_enrolled(case: Case) -> Reason | None:
    by_code = isinstance(case.shown, Presented)
    if case.known.resident is not None or (by_code and case.known.visit is not None):
        return None
    return Reason.WRONG_CODE if by_code else Reason.NOT_ENROLLED


def _lost(case: Case) -> Reason | None:
    return Reason.SUSPENDED if case.known.suspended else None


def _another_gate(case: Case) -> Reason | None:
    return None if case.known.at_this_gate else Reason.NOT_THIS_GATE


def _taken_back(case: Case) -> Reason | None:
    visit = case.known.visit
    return None if visit is None or visit.revoked_at is None else Reason.REVOKED


def _used_up(case: Case) -> Reason | None:
    visit = case.known.visit
    return None if visit is None or visit.uses_left > 0 else Reason.SPENT


def _without_a_clock(case: Case) -> Reason | None:
    known = case.known
    asked = (known.valid, known.within_hours, known.one_suffices) + (() if known.visit is None else (known.begun,))
    return Reason.CLOCK_UNTRUSTED if None in asked else None


def _before_it_begins(case: Case) -> Reason | None:
    return None if case.known.visit is None or case.known.begun else Reason.TOO_EARLY


def _another_day(case: Case) -> Reason | None:
    if case.known.valid:
        return None
    return Reason.OUT_OF_VALIDITY if case.known.visit is None else Reason.EXPIRED


def _another_hour(case: Case) -> Reason | None:
    return None if case.known.within_hours else Reason.OUT_OF_HOURS


def _passed_back(case: Case) -> Reason | None:
    return Reason.PASSBACK if case.known.in_already and case.known.refused_again else None


def _alone(case: Case) -> Reason | None:
    return Reason.NO_ESCORT if case.known.unescorted else None


def _nothing_else(case: Case) -> Reason | None:
    """A face where one factor is not enough, of somebody who has nothing else to show."""
    if case.known.one_suffices or case.known.others or isinstance(case.shown, Presented):
        return None
    return Reason.FACE_NOT_ENOUGH


def _pass_alone(case: Case) -> Reason | None:
    """A pass is one thing, and whoever has it has no other: that it is forwarded is what two are asked for against."""
    return None if case.known.visit is None or case.known.one_suffices else Reason.PASS_NOT_ENOUGH


def _not_spent(case: Case) -> Reason | None:
    return None if case.known.visit is None or case.known.spent else Reason.STORE_UNREADABLE


# The first reason that holds is told; each is written so that what is missing or not a number refuses.
_TESTS: tuple[Callable[[Case], Reason | None], ...] = (
    _from_another,
    _of_late,
    _again,
    _out_of_order,
    _nobody,
    _unreadable,
    _not_enrolled,
    _lost,
    _taken_back,
    _used_up,
    _another_gate,
    _without_a_clock,
    _before_it_begins,
    _another_day,
    _another_hour,
    _passed_back,
    _alone,
    _nothing_else,
    _pass_alone,
    _not_spent,
)


def decide(shown: Claim | Presented, known: Known, earlier: Earlier, now: float, freshness_s: float) -> Verdict:
    """Grant, or deny with the first reason that holds. `now` is monotonic seconds.

    A grant is of this factor: whether it is enough at this hour is `gate.door.factors`.
    """
    case = Case(shown, known, earlier, now, freshness_s)
    reason = next((reason for test in _TESTS if (reason := test(case)) is not None), None)
    return Verdict(reason is None, reason)
