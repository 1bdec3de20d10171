"""Whether a promise holds among people of one group, who look more alike than people of everywhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from evaluate.looks import Scoring

RATES = (0.01, 0.001, 0.0001)
# A rate is told where so many comparisons within the group could show it.
_LEAST_COMPARISONS = 100


def fmr_within(
    templates: NDArray[np.float32], person: NDArray[np.int64], group: NDArray[np.str_], scoring: Scoring, seed: int
) -> Mapping[str, Mapping[float, float]]:
    """{group: {rate: false match rate within it}}, at the score that gives the `rate` over all people.

    One photo a person, drawn by `seed`: `templates` (N, D), `person` (N,) whose each is; `group` (people,) what each
    person is of, "" for none. A group too small to show a rate at all is left out.
    """
    rng = np.random.default_rng(seed)
    people = np.unique(person)
    chosen = np.array([rng.choice(np.flatnonzero(person == who)) for who in people])
    one, other = np.triu_indices(len(chosen), 1)
    scores = scoring(templates[chosen], templates[chosen])[one, other]
    ordered = np.sort(scores)[::-1]
    of_one, of_other = group[people][one], group[people][other]
    found = {}
    for name in np.unique(group[people]):
        inside = scores[(of_one == name) & (of_other == name)]
        if name and len(inside) >= _LEAST_COMPARISONS:
            found[str(name)] = {rate: float(np.mean(inside > _score_at(ordered, rate))) for rate in RATES}
    return found


def _score_at(ordered: NDArray[np.float32], rate: float) -> float:
    """The score that no more than this share of scores, highest first, lies above."""
    return float(ordered[min(int(rate * len(ordered)), len(ordered) - 1)])
