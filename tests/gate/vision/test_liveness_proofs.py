"""What is said of liveness is what is asked, and a figure belongs to what was measured."""

import pytest

from gate.vision.liveness_proofs import proofs
from gate.vocabulary import Level
from models.errors import PackError

BOTH = ("liveness-minifas", "liveness-celeba")


@pytest.mark.parametrize("level", [Level.STANDARD, Level.STRICT])
def test_every_check_that_is_asked_is_named_and_no_other(liveness_dir, level):
    named = [str(proof.name) for proof in proofs(liveness_dir, BOTH, level, infrared=False)]
    assert named == [*BOTH, "held frame", "asked turn", "all together"]
    named = [str(proof.name) for proof in proofs(liveness_dir, BOTH[:1], level, infrared=True)]
    assert named == ["liveness-minifas", "held frame", "asked turn", "infrared camera", "all together"]
    assert proofs(liveness_dir, BOTH, Level.OFF, infrared=False) == []


def test_a_figure_of_some_packs_is_not_given_for_others_nor_with_a_camera_that_was_not_there(liveness_dir):
    for packs, rates in ((BOTH, (0.024, 0.026)), (BOTH[:1], (0.0, 0.052))):
        *_, together = proofs(liveness_dir, packs, Level.STANDARD, infrared=False)
        assert (together.bpcer, together.apcer) == rates
    for packs, infrared in ((BOTH[1:], False), ((), False), (BOTH, True)):
        *_, together = proofs(liveness_dir, packs, Level.STANDARD, infrared=infrared)
        assert (together.bpcer, together.apcer, str(together.measured)) == (None, None, "not measured")


def test_a_pack_that_is_missing_is_named(tmp_path):
    with pytest.raises(PackError, match="liveness-minifas"):
        proofs(tmp_path, BOTH, Level.STANDARD, infrared=False)
