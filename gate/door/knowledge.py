"""What the door knows of whoever a face or a code names, at the moment in which it is decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import tzinfo

from gate.door import hours
from gate.door.hours import Entry, LocalTime, Visit
from gate.door.register import Register, StoreDown
from gate.door.rules import Known
from gate.door.whereabouts import Whereabouts
from gate.schedule import Schedule
from gate.store.people.credentials import TRIAL, Found
from gate.vocabulary import Claim, Method


class Knowledge:
    """Reads the register, and what the hour makes of it. Not thread-safe: the door's loop owns it."""

    def __init__(
        self, register: Register, trusted: Callable[[], bool], zone: Callable[[], tzinfo], two_factors: Schedule | None,
        whereabouts: Whereabouts, unescorted: Callable[[str | None, str | None], bool],
        goes_in: Callable[[str | None], bool],
    ) -> None:  # fmt: skip
        """`trusted` looks at the clock, `zone` says in which zone it is; `two_factors` are the hours in which one
        factor alone does not open; `unescorted` says of a group and a reader (None: the camera) whether nobody is there
        to bring them in; `goes_in` of a reader whether one comes in there."""
        self._register = register
        self._trusted = trusted
        self._zone = zone
        self._two_factors = two_factors
        self._whereabouts = whereabouts
        self._unescorted = unescorted
        self._goes_in = goes_in

    def of_claim(self, claim: Claim, *, from_its_user: bool) -> Known:
        """What is known of the resident whom a claim names, or whom a face of nobody came near to."""
        named = claim.resident or (claim.nearest if from_its_user else None)
        try:
            entry = None if named is None else self._register.find(named)
            if entry is not None and not entry.resident.templates:
                # No face of theirs is kept any more, which vision may not know yet.
                entry = None
            if claim.resident is None:
                return Known(from_its_user=from_its_user, nearest=entry.resident if entry else None)
            known = self._now(entry, None, from_its_user=from_its_user)
            if entry is None or known.one_suffices:
                return known
            return replace(known, others=self._register.methods_of(entry.resident.id))
        except StoreDown:
            return Known(from_its_user=from_its_user, readable=False)

    def by_code(self, method: Method, finders: Sequence[bytes | None], reader: str) -> Known:
        """What is known of the resident or the pass whose code is found by one of these, shown to this reader; None
        among them: there is no key."""
        whole = [one for one in finders if one is not None]
        if len(whole) < len(finders):
            return Known(from_its_user=True, readable=False)
        try:
            found = self._register.holder(method, whole)
        except StoreDown:
            return Known(from_its_user=True, readable=False)
        if found is None:
            return Known(from_its_user=True)
        entry, code = found
        if isinstance(entry, Visit):
            known = hours.known_of_pass(entry, self._local_time(self._trusted()), self._two_factors)
            return known if self._goes_in(reader) else replace(known, at_this_gate=True)
        known = self._now(entry, reader, from_its_user=True)
        return replace(known, suspended=code.suspended, duress=code.duress, trial=self._is_tried(code))

    def flat_of(self, resident: str) -> str | None:
        """What the resident with this id types before their PIN; None where nothing, or nobody can tell now."""
        try:
            return self._register.flat_of(resident)
        except StoreDown:
            return None

    def rolling_of(self, flat: str | None, resident: str | None) -> list[str]:
        """The ids of the rolling codes typed behind these digits, and of this resident's; none where nobody can tell
        now."""
        try:
            return self._register.rolling_of(flat, resident)
        except StoreDown:
            return []

    def rolling_between(self, least: bytes | None, greatest: bytes | None) -> list[str] | None:
        """The ids of the rolling codes that are found by what lies between these two; None where nobody can tell now,
        and where there is no key."""
        if least is None or greatest is None:
            return None
        try:
            return self._register.rolling_between(least, greatest)
        except StoreDown:
            return None

    def wall(self) -> float | None:
        """Seconds since 1970; None while the clock is not to be trusted."""
        return time.time() if self._trusted() else None

    def group_of(self, resident: str) -> str | None:
        """The group of the resident with this id, by its name; None where there is none, or nobody can tell now."""
        try:
            entry = self._register.find(resident)
        except StoreDown:
            return None
        return None if entry is None else entry.resident.group

    def salt(self) -> bytes | None:
        """With what this gate hashes PINs; None where nobody can tell now."""
        return self._register.salt()

    def stands_free(self) -> bool:
        """Whether the gate itself stands open by its schedule now."""
        return hours.stands_free(self._register.free_hours(), self._local_time(self._trusted()))

    def _is_tried(self, code: Found) -> bool:
        """Whether a PIN under duress is only tried out now; never by a clock that may be wrong."""
        wall = self.wall() if code.trial_until is not None else None
        if code.trial_until is None or wall is None:
            return False
        left_s = code.trial_until.timestamp() - wall
        return 0 < left_s <= TRIAL.total_seconds()

    def _now(self, entry: Entry | None, reader: str | None, *, from_its_user: bool) -> Known:
        local = self._local_time(self._trusted())
        known = hours.known_of(entry, local, self._two_factors, from_its_user=from_its_user)
        if entry is None:
            return known
        known = replace(known, unescorted=self._unescorted(entry.resident.group, reader))
        known = known if self._goes_in(reader) else replace(known, at_this_gate=True)
        found = self._whereabouts.in_already(entry.resident.id, reader)
        if found is None:
            return known
        return replace(known, in_already=True, refused_again=found.refused, in_at=found.at)

    def _local_time(self, trusted: bool) -> LocalTime:
        return LocalTime(time.time(), self._zone(), trusted)
