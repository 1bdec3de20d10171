"""What learning from a passage brings at the next one, on real photos of people the calibration was not fitted on."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from evaluate.folder import list_people, look
from evaluate.looks import by_one
from gate.vision.promise import LEARNED_SELDOMER, Promise, score_asked
from gate.vision.quality import Bounds
from gate.vision.settings import VisionSettings

PEOPLE, STRANGERS_A_DAY = 300, 2
MOST_ORDERS = 24
RATE = 1e-4

pytestmark = pytest.mark.soak


def test_a_learned_template_finds_its_resident_more_often_and_no_stranger(shared: Path, models) -> None:
    faces = look(list_people(shared / "faces" / "lfw", (2, 2)), models, Bounds.of(VisionSettings()), lambda: None)
    cohort = models.calibration.faces_of_nobody(models.spec.dimension)
    opens, learns = (
        score_asked(models.calibration, Promise(years, STRANGERS_A_DAY), PEOPLE) for years in (1, LEARNED_SELDOMER)
    )
    rng = np.random.default_rng(0)
    missed, learned, strangers = [], [], []
    for who in np.unique(faces.person):
        mine = np.flatnonzero(faces.person == who)
        orders = [order for order in permutations(mine, 3) if faces.enrols[order[0]]]
        for enrolled, passed, comes in (orders[one] for one in rng.permutation(len(orders))[:MOST_ORDERS]):
            photo, passage, probe = faces.templates[[enrolled, passed, comes]]
            teaches = float(by_one(cohort)(passage[None], photo[None])[0, 0]) >= learns
            both = (photo + passage) / np.linalg.norm(photo + passage)
            gallery = np.stack([photo, both if teaches else photo])
            missed.append(by_one(cohort)(probe[None], gallery)[0] < opens)
            learned.append(teaches)
            if teaches:
                others = faces.templates[faces.person != who]
                strangers.append(by_one(cohort)(others[rng.permutation(len(others))[:200]], gallery))
    taught = np.array(learned)
    before, after = 100 * np.mean(missed, axis=0)
    before_taught, after_taught = 100 * np.mean(np.array(missed)[taught], axis=0)
    alone, together = np.quantile(np.concatenate(strangers), 1 - RATE, axis=0)
    print(f"\nopens from a score of {opens:.3f}, learns from {learns:.3f}; {len(taught)} orders of three photos,"
          f" learned in {100 * taught.mean():.0f} %")  # fmt: skip
    print(f"not let in by one look the next time: {before:.1f} % without learning, {after:.1f} % with;"
          f" of those learned {before_taught:.1f} and {after_taught:.1f} %")  # fmt: skip
    print(f"score one stranger in {1 / RATE:,.0f} reaches: {alone:.3f} without, {together:.3f} with")
    assert after < before
    assert together - alone < 0.02
