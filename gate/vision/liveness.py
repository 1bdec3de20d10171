"""Whether a live person stands there, by several looks at one track. Pure.

What passive models make of the face's picture; straight edges that go along with the face; and, where there is an
infrared camera, whether the face is there in its light too. Each proves only what its name says; what none of them sees
is listed in docs/liveness.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gate.vision.straight_edges import Edges, held_frame
from gate.vocabulary import Level


class Liveness(StrEnum):
    """Whether a live person was shown so far."""

    LIVE = "live"
    NOT_LIVE = "not_live"
    """Infrared light does not show them, or a passive model gives no number."""
    DOUBTFUL = "doubtful"
    """By a passive model or by straight edges: a person may raise that doubt too, and can be asked for more."""
    WAIT = "wait"
    BLIND = "blind"
    """The infrared camera gave no pictures of the moment."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is asked of the looks: the least passive evidence, and the most doubt, by a frame held around the face.

    `passive` is a log-odds, the mean over the looks; `doubt` grey levels a pixel, as `straight_edges.held_frame` tells
    them, and more where a passive model speaks against the face. By looks from before a face was near enough it may be
    no more than `at_once`; None: those do not count.
    """

    passive: float
    doubt: float
    at_once: float | None


# Measured on single photos and on walk-ups: docs/liveness.md has the tables. Strict asks of every track what one good
# photo shows; standard forgives what blur and a dim light do to the passive models.
THRESHOLDS = {
    Level.STANDARD: Thresholds(passive=-4.25, doubt=24.0, at_once=22.0),
    Level.STRICT: Thresholds(passive=0.0, doubt=22.5, at_once=None),
}
# Edges that go along are the more suspect the less live the face looks: so many grey levels for each unit of evidence.
_DOUBT_BY_PASSIVE = 2.0
# By few near looks alone what stands behind somebody goes along with them at times; more than this speaks of something
# held, whatever they showed from afar, where edges are faint.
_DOUBT_BY_NEAR_LOOKS = 26.0
# Fewer looks, or looks from one moment, cannot tell what goes along with a face from what stands behind it.
_LEAST_LOOKS = 6
_LEAST_S = 0.8
# The passive models cost more than the rest; a few looks of theirs suffice.
MOST_PASSIVE = 5
# A camera as fast as the other gives a picture for each look; with fewer than these it is as good as gone.
_LEAST_INFRARED = 3
# A face that is there is missed in one look or another, and something that passes behind is taken for one.
_INFRARED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """One frame of a track: when, the straight edges around the face, and the passive evidence where it was asked.

    `infrared`: whether the infrared camera showed a face there; None where it gave no picture of the moment.
    """

    taken_mono: float
    edges: Edges
    passive: float | None
    infrared: bool | None = None


def judge(looks: Sequence[Look], level: Level, *, before: Sequence[Look] = (), infrared: bool = False) -> Liveness:
    """What the looks at one track show. A passive model that gives no number vouches for nobody.

    By `before`, looks at the same face while it came near, whom nothing speaks against need not wait. With `infrared`
    the face must show in the infrared camera's pictures too.
    """
    if level is Level.OFF:
        return Liveness.LIVE
    asked = THRESHOLDS[level]
    if _suffice(looks):
        return _found(looks, looks, asked.passive, asked.doubt, infrared=infrared)
    every = (*before, *looks)
    if asked.at_once is None or not looks or not _suffice(every):
        return Liveness.WAIT
    by_every, by_near = (
        _found(looks, shown, asked.passive, most, infrared=infrared)
        for shown, most in ((every, asked.at_once), (looks, _DOUBT_BY_NEAR_LOOKS))
    )
    return Liveness.LIVE if by_every is by_near is Liveness.LIVE else Liveness.WAIT


def _suffice(looks: Sequence[Look]) -> bool:
    return len(looks) >= _LEAST_LOOKS and looks[-1].taken_mono - looks[0].taken_mono >= _LEAST_S


def _found(looks: Sequence[Look], every: Sequence[Look], least: float, most: float, *, infrared: bool) -> Liveness:
    """With at least so much passive evidence of `looks` and at most so much doubt by the edges of `every` look."""
    if infrared:
        shown = [look.infrared for look in looks if look.infrared is not None]
        if len(shown) < _LEAST_INFRARED:
            return Liveness.BLIND
        if sum(shown) < _INFRARED_SHARE * len(shown):
            return Liveness.NOT_LIVE
    passive = [look.passive for look in looks if look.passive is not None]
    if not passive or not np.isfinite(passive).all():
        return Liveness.NOT_LIVE
    evidence = float(np.mean(passive))
    doubt = held_frame([look.edges for look in every]) - _DOUBT_BY_PASSIVE * min(evidence, 0)
    return Liveness.LIVE if evidence >= least and doubt <= most else Liveness.DOUBTFUL
