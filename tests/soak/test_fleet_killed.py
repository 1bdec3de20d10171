"""A centre and three gates whose broker, centre and links are killed, and whose broker's disk loses its power or all
that was on it, while people are enrolled, renamed and erased everywhere: nothing that was acknowledged is lost, nobody
comes back, and the doors answer all the while.

Broker, centre, links and doors are the real processes; the disk's power is cut by an ioctl of ext4, so that what the
kernel had not handed to the disk is gone (a disk that forgets what it was handed is not shown by this)."""

import os
import random
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fleet import centre_running, join
from tests.soak.fleet import Asking, Disk, Looking, Writing, empty, enrolled, percentile

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "20"))
CUTS = int(os.environ.get("SOAK_CUTS", "10"))
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 30))


@pytest.fixture(scope="module")
def place():
    """A short path, since sockets have no long ones; on the disk."""
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def disk(place):
    """The disk of the broker's store."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a disk of its own")
    made = Disk(place, place / "c/centre/broker/store")
    yield made
    made.unmount()


@pytest.fixture(scope="module")
def fleet(place, disk):
    with ExitStack() as stack:
        (place / "logs").mkdir()
        centre = stack.enter_context(centre_running(place / "c", place / "logs"))
        gates = [join(centre, place / name, name, freshness_s=5) for name in ("north", "east", "south")]
        with centre.store() as store:
            whole = enrolled(store, "Wang Fang")
        looking = Looking(stack, centre, gates)
        looking.until_whole({whole.id: "Wang Fang"})
        writing = Writing(centre, gates, SEED)
        writing.expected[whole.id] = "Wang Fang"
        yield centre, gates, looking, writing, whole


@pytest.fixture
def death(fleet, disk):
    """`death(name, times, die)`: by `die(chance)` something dies, `times` times, and its row is printed; how many
    epochs that began."""
    _, gates, looking, writing, whole = fleet
    chance = random.Random(SEED)

    def die_often(name, times, die):
        took, epochs, deeds = [], looking.epoch(), writing.deeds
        # Wang Fang is let in at all times: nobody may erase her.
        writing.expected.pop(whole.id, None)
        with Asking(gates, whole.id) as asking:
            for _ in range(times):
                with writing:
                    time.sleep(chance.uniform(0.1, 1.0))
                    began = time.monotonic()
                    die(chance)
                looking.until_whole(writing.expected | {whole.id: "Wang Fang"})
                took.append(time.monotonic() - began)
        writing.expected[whole.id] = "Wang Fang"
        print(
            f"\n{name}, {times} times (seed {SEED}): {writing.deeds - deeds} deeds acknowledged, 0 lost,"
            f" {len(writing.erased)} erased by now and 0 back; whole again after {percentile(took, 50):.1f} s (median),"
            f" {max(took):.1f} s (worst); {looking.epoch() - epochs} epochs begun\n  {asking.told()}"
        )
        assert asking.refused == []
        return looking.epoch() - epochs

    return die_often


def killed(process):
    def die(chance):
        process.end(kill=True)
        time.sleep(chance.uniform(0, 0.5))
        process.start()

    return die


def test_the_broker_is_killed(fleet, death):
    death("broker killed", KILLS, killed(fleet[0].broker))


def test_the_centre_is_killed(fleet, death):
    assert death("centre killed", KILLS, killed(fleet[0].process)) == 0


def test_a_link_is_killed(fleet, death):
    _, gates, *_ = fleet
    death("a link killed", KILLS, lambda chance: killed(chance.choice(gates).link)(chance))


def test_the_power_of_the_brokers_disk_is_cut(fleet, death, disk):
    centre = fleet[0]

    def die(chance):
        disk.cut()
        # It may go on for a while and acknowledge nothing that is not kept.
        time.sleep(chance.uniform(0, 0.5))
        centre.broker.end(kill=True)
        disk.again()
        centre.broker.start()

    death("power of the broker's disk cut", CUTS, die)


def test_the_brokers_store_is_lost(fleet, death, disk):
    centre, *_ = fleet

    def die(_):
        centre.broker.end(kill=True)
        empty(centre.state / "centre/broker/store")
        centre.broker.start()

    assert death("broker's store lost", CUTS, die) == CUTS
