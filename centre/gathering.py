"""Whether this centre's broker is one of a cluster or alone, as it follows from which of the others are reached and
whether the cluster works. It looks at no network and owns no clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from centre.cluster import is_whole
from gate.store.compound.gates import Gate

_GIVEN_UP_AFTER_S = 60.0
_TRIED_AGAIN_S = 300.0
_ELSEWHERE_S = 15.0


class Next(Enum):
    """What follows from a look."""

    NOTHING = "nothing"
    ANEW = "anew"
    """The broker is to be told whether it is one of a cluster."""
    ELSEWHERE = "elsewhere"
    """Another broker may hear the others, where this one does not."""


OWN = ""
"""In the place of a gate's id: the broker on the centre's own machine."""


class Gathering:
    """Looked at every few seconds, with what was found on the network."""

    def __init__(self, *, clustered: bool) -> None:
        self.clustered = clustered
        """Whether the brokers of two gates are one with that of this machine."""
        self.away: tuple[str, ...] = ()
        """The gates whose brokers were not reached at two looks."""
        self.own_away = False
        """Whether the other two go on without this machine's."""
        self.failed = False
        """Whether the cluster did not work for long, so that this centre's broker is alone for now."""
        self._missing: frozenset[str] = frozenset()
        # Since when nothing is taken, and since when by the one that this centre speaks to.
        self._idle_since: float | None = None
        self._here_since = 0.0
        self._not_before = float("-inf")

    def know(self, brokers: Sequence[Gate]) -> None:
        """These gates have a broker now: with fewer than two there is no cluster."""
        if not is_whole(brokers):
            self.clustered, self.failed, self._not_before = False, False, float("-inf")

    def look(self, brokers: Sequence[Gate], missing: Collection[str], now: float, *, works: bool) -> Next:
        """`missing` are the ids of those gates whose brokers do not answer, or `OWN`; `works` is whether the one that
        this centre speaks to takes what is published; `now` is in monotonic seconds."""
        self.know(brokers)
        twice = self._missing.intersection(missing)
        self.away = tuple(one.name for one in brokers if one.id in twice)
        self.own_away = OWN in twice
        self._missing = frozenset(missing)
        if not is_whole(brokers):
            return Next.NOTHING
        if not self.clustered:
            if missing or now < self._not_before:
                return Next.NOTHING
            self.clustered, self._idle_since, self._here_since = True, now, now
            return Next.ANEW
        if works:
            self.failed, self._idle_since = False, None
            return Next.NOTHING
        if self._idle_since is None:
            self._idle_since = self._here_since = now
        if now - self._idle_since > _GIVEN_UP_AFTER_S:
            # The register is this centre's own: alone its broker passes on all of it.
            self.clustered, self.failed, self._not_before = False, True, now + _TRIED_AGAIN_S
            return Next.ANEW
        if now - self._here_since > _ELSEWHERE_S:
            self._here_since = now
            return Next.ELSEWHERE
        return Next.NOTHING
