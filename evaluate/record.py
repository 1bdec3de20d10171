"""What this gate's own record says of its strangers: the best score each reached, and nothing of their faces. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from gate.errors import UsageError
from gate.store.record.audit import Line
from gate.store.record.strangers import COMES_AGAIN_S
from gate.vision.promise import deviate
from gate.vocabulary import ENTERED, Kind, Reason
from models.manifest import Calibration, Normal

_LEAST_STRANGERS = 300
# The middle of the best scores: below lie faces that were hardly seen, above residents who gave up.
_QUANTILES = np.linspace(0.1, 0.9, 33)


@dataclass(frozen=True, slots=True)
class Approaches:
    """The best scores of strangers, those of residents who were let in, and of openings that were somebody else."""

    strangers: NDArray[np.float64]
    residents: NDArray[np.float64]
    mistaken: NDArray[np.float64]


def approaches(lines: Iterable[Line]) -> Approaches:
    """From the record, oldest line first.

    A refusal that a let-in face follows within a minute was most likely a resident's first try, and is no stranger's.
    """
    strangers: list[tuple[float, float]] = []
    residents: dict[str, float] = {}
    mistaken: set[str] = set()
    for line in lines:
        says = line.says
        if line.kind == Kind.CORRECTED:
            mistaken.add(str(says.event))
        if line.kind == Kind.CORRECTION_TAKEN_BACK:
            mistaken.discard(str(says.event))
        if says.method != "face" or says.similarity is None:
            continue
        at = datetime.fromisoformat(line.at).timestamp()
        if line.kind in ENTERED:
            residents[line.id] = float(says.similarity)
            # A clock that was put back takes nobody off the list.
            while strangers and 0 <= at - strangers[-1][0] <= COMES_AGAIN_S:
                strangers.pop()
        elif line.kind == Kind.DENIED and says.reason == Reason.UNKNOWN:
            strangers.append((at, float(says.similarity)))
    return Approaches(
        np.array([score for _, score in strangers]),
        np.array([score for event, score in residents.items() if event not in mistaken]),
        np.array([score for event, score in residents.items() if event in mistaken]),
    )


def fit_best_of(best: NDArray[np.float64], people: int) -> Normal:
    """The normal distribution of one comparison, from the best of `people` comparisons each.

    The best of n falls below x with probability F(x)^n, so its quantile q is F's quantile q^(1/n): a straight line
    through these on the standard normal ones, by least squares.
    """
    rates = 1 - _QUANTILES ** (1 / people)
    spread, centre = np.polyfit([deviate(float(rate)) for rate in rates], np.quantile(best, _QUANTILES), 1)
    return Normal(centre=round(float(centre), 5), spread=round(float(spread), 5))


def recalibrated(shipped: Calibration, seen: Approaches, people: int, measured: str) -> Calibration:
    """`shipped` with this site's own strangers; what is known of residents, frames and the cohort stays.

    The least score any claim needs is never lowered. Raises UsageError for too few strangers, or scores that fit none.
    """
    if people < 2 or len(seen.strangers) < _LEAST_STRANGERS:
        raise UsageError(
            "The record holds {count} approaches of strangers with a score, {least} are needed, with two residents or"
            " more. Wait, or calibrate on a folder of people.",
            count=len(seen.strangers),
            least=_LEAST_STRANGERS,
        )
    try:
        strangers = fit_best_of(seen.strangers, people)
        return Calibration.model_validate(shipped.model_dump() | {"strangers": strangers, "measured": measured})
    except ValidationError as error:
        raise UsageError(
            "The scores of the record follow no curve that could be gone by. Calibrate on a folder of people."
        ) from error
