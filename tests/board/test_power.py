"""Power cuts, forty of them, half on a card that forgets what it was not told to keep."""

import pytest

from tests.board import cuts
from tests.board.machine import NO_FACES

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


@pytest.mark.step("a lockdown stands after the power cut that follows it", 2700)
def test_a_lockdown_stands_after_the_power_cut_that_follows_it(board, tmp_path):
    with cuts.forgetful(board, tmp_path, seed=4) as disk:
        with cuts.started(board, disk, tmp_path, mask=NO_FACES) as machine:
            machine.until(lambda: machine.asked("status"), 120, "the door does not start")
            machine.run("facegate", "door", "lockdown")
        disk.power_off()
        with cuts.started(board, disk, tmp_path) as machine:
            found = machine.until(lambda: machine.asked("status"), 120, "the door does not start again")
        disk.power_off()
    assert found["mode"] == "lockdown"
