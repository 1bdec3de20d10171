"""The same wires through lgpio, on a board whose kernel says that it is a Raspberry Pi."""

import pytest

from tests.board.machine import NO_FACES, card, powered
from tests.board.wires import assert_fire_opens, assert_lets_go_of_a_dead_door, assert_rests, assert_rex_opens

pytestmark = pytest.mark.board

# gpiozero asks the kernel which Raspberry Pi it is on; this is a 4B with 4 GB, revision 1.5.
CPUINFO = "Hardware : BCM2711\nRevision : c03115\nSerial : 0\nModel : Raspberry Pi 4 Model B Rev 1.5\n"
DROP_IN = "[Service]\nBindReadOnlyPaths=/run/cpuinfo:/proc/cpuinfo\n"


def step(name, within_s):
    return pytest.mark.step(name, within_s)


@pytest.fixture(scope="module")
def gate(board, tmp_path_factory):
    """A board whose door drives its pins through lgpio."""
    folder = tmp_path_factory.mktemp("lgpio")
    with powered(board, card(board, folder), folder, mask=NO_FACES) as machine:
        yield machine


@step("lgpio: the relays rest from power-on, and while the door changes its library", 2700)
def test_the_door_starts_with_lgpio(gate):
    gate.until(lambda: gate.asked("status"), 120, "the door does not start")
    gate.write("/run/cpuinfo", CPUINFO)
    gate.write("/run/systemd/system/facegate-door.service.d/raspberry-pi.conf", DROP_IN)
    gate.run("sed", "-i", 's/pin_factory = "gpiod"/pin_factory = "lgpio"/', "/etc/facegate/facegate.toml")
    gate.run("systemctl", "daemon-reload")
    gate.run("systemctl", "restart", "facegate-settings.service", "facegate-door.service", within_s=240)
    gate.until(lambda: gate.asked("status"), 120, "the door does not start with lgpio")
    maps = gate.run("sh", "-c", "cat /proc/$(systemctl show --property=MainPID --value facegate-door)/maps").out
    assert "lgpio" in maps, "the door has not loaded lgpio"
    assert_rests(gate, until=gate.now())


@step("lgpio: REX to relay", 1800)
def test_rex_opens(gate, seen):
    assert_rex_opens(gate, 5, seen)


@step("lgpio: fire to hold relay", 1800)
def test_fire_opens(gate, seen):
    assert_fire_opens(gate, seen)


@step("lgpio: kill -9 of the door in a pulse", 1800)
def test_a_dead_door_is_let_go_of(gate, seen):
    assert_lets_go_of_a_dead_door(gate, seen)
