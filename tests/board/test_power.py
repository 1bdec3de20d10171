"""Power cuts, forty of them, half on a card that forgets what it was not told to keep."""

import pytest

from tests.board import cuts

pytestmark = pytest.mark.board

CUTS = 20


@pytest.mark.step("20 power cuts", 20 * 240)
def test_nothing_acknowledged_is_lost_by_power_cuts(board, tmp_path, seen):
    with cuts.plain(board, tmp_path) as disk:
        seen(cuts.lives_through(board, disk, tmp_path, CUTS, seed=1, face=True).figures)


@pytest.mark.step("20 power cuts of a card that forgets", 20 * 240)
def test_nothing_acknowledged_is_lost_on_a_card_that_forgets(board, tmp_path, seen):
    with cuts.forgetful(board, tmp_path, seed=2) as disk:
        seen(cuts.lives_through(board, disk, tmp_path, CUTS, seed=2, face=True).figures)
