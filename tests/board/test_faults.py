"""Faults put in on purpose: what is proved of a gate must be denied of one that is broken, by name."""

import pytest

from tests.board import cuts
from tests.board.machine import NO_FACES, card, powered
from tests.board.wires import assert_lets_go_of_a_dead_door, assert_rests

pytestmark = pytest.mark.board

STARTS_ON = (
    "gate/door/hardware.py",
    "initial_value=False, pin_factory=factory",
    "initial_value=True, pin_factory=factory",
)
KEPT_GRANT = (
    "gate/door/service.py",
    "        self._begin(time.monotonic())\n",
    "        self._begin(time.monotonic())\n"
    '        kept = runtime_directory(self._state, "door") / "kept"\n'
    "        if kept.exists():\n"
    "            self._hardware.energise(1.0)\n"
    "        kept.touch()\n",
)
NORMAL = ("gate/store/database.py", "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL")


def step(name, within_s):
    return pytest.mark.step(name, within_s)


@pytest.fixture(scope="module")
def gate(board, tmp_path_factory):
    """A board of its own, to be broken."""
    folder = tmp_path_factory.mktemp("faults")
    with powered(board, card(board, folder), folder, mask=NO_FACES) as machine:
        machine.until(lambda: machine.asked("status"), 120, "the door does not start")
        yield machine


@pytest.fixture
def broken(gate):
    """Put a fault in and start the door with it; at the end it is taken out."""
    faults = []

    def put_in(fault):
        faults.append(fault)
        cuts.put_in(gate, fault)
        gate.run("systemctl", "restart", "facegate-door.service")

    yield put_in
    for path, old, new in faults:
        cuts.put_in(gate, (path, new, old))
    gate.run("systemctl", "restart", "facegate-door.service")


@step("fault: a relay that starts on is caught", 2700)
def test_a_relay_that_starts_on_is_caught(gate, broken, seen):
    assert_rests(gate, until=gate.now())
    broken(STARTS_ON)
    with pytest.raises(AssertionError, match="relay was on .* nobody had asked for it") as caught:
        assert_rests(gate, until=gate.now())
    seen(str(caught.value).splitlines()[0])


@step("fault: a grant kept over a restart is caught", 2700)
def test_a_grant_kept_over_a_restart_is_caught(gate, broken, seen):
    broken(KEPT_GRANT)
    with pytest.raises(AssertionError, match="a grant was kept over a restart") as caught:
        assert_lets_go_of_a_dead_door(gate, seen)
    seen(str(caught.value).splitlines()[0])


@step("fault: synchronous=NORMAL is caught by a card that forgets", 3600)
def test_a_database_that_does_not_wait_for_its_disk_is_caught(board, tmp_path, seen):
    lost = "acknowledged .* are lost|does not verify|damaged"
    with cuts.forgetful(board, tmp_path, seed=3) as disk, pytest.raises(AssertionError, match=lost) as caught:
        cuts.lives_through(board, disk, tmp_path, 15, seed=3, fault=NORMAL)
    seen(str(caught.value).splitlines()[0][:100])
