"""Whether this centre's broker is one of a cluster or alone, as it follows from which of the others are reached and
whether the cluster works. It looks at no network and owns no clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from centre.cluster import is_whole
from gate.store.compound.gates import Gate

_COMES_TOGETHER_WITHIN_S = 60.0
_TRIED_AGAIN_S = 300.0
_ELSEWHERE_S = 15.0


class Next(Enum):
    """What follows from a look."""

    NOTHING = "nothing"
    ANEW = "anew"
    """The broker is to be told whether it is one of a cluster."""
    ELSEWHERE = "elsewhere"
    """Another broker may hear the others, where this one does not."""


class Gathering:
    """Looked at every few seconds, with what was found on the network."""

    def __init__(self, *, clustered: bool) -> None:
        self.clustered = clustered
        """Whether the brokers of two gates are one with that of this machine."""
        self.away: tuple[str, ...] = ()
        """The gates whose brokers were not reached at two looks."""
        self.failed = False
        """Whether all are reached and did not come together all the same."""
        self._missing: frozenset[str] = frozenset()
        # A cluster that worked once is trusted to come back.
        self._worked = clustered
        self._idle_since: float | None = None
        self._not_before = float("-inf")

    def know(self, brokers: Sequence[Gate]) -> None:
        """These gates have a broker now: with fewer than two there is no cluster."""
        if not is_whole(brokers):
            self.clustered, self.failed, self._not_before = False, False, float("-inf")

    def look(self, brokers: Sequence[Gate], missing: Collection[str], now: float, *, works: bool) -> Next:
        """`missing` are the ids of those gates whose brokers do not answer, `works` is whether the one that this centre
        speaks to takes what is published, `now` is in monotonic seconds."""
        self.know(brokers)
        self.away = tuple(one.name for one in brokers if one.id in missing and one.id in self._missing)
        self._missing = frozenset(missing)
        if not is_whole(brokers):
            return Next.NOTHING
        if not self.clustered:
            if missing or now < self._not_before:
                return Next.NOTHING
            self.clustered, self._worked, self._idle_since = True, False, now
            return Next.ANEW
        if works:
            self._worked, self.failed, self._idle_since = True, False, None
            return Next.NOTHING
        self._idle_since = now if self._idle_since is None else self._idle_since
        if not self._worked and now - self._idle_since > _COMES_TOGETHER_WITHIN_S:
            self.clustered, self.failed, self._not_before = False, True, now + _TRIED_AGAIN_S
            return Next.ANEW
        if self._worked and now - self._idle_since > _ELSEWHERE_S:
            self._idle_since = now
            return Next.ELSEWHERE
        return Next.NOTHING
