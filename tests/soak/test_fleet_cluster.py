"""Three brokers, two of them on the machines of gates, of which the one that leads is killed again and again while
people are enrolled, renamed and erased at the centre and at three gates: nothing that was acknowledged is lost, and the
doors answer all the while. Then the centre's whole machine is lost: the second centre leads with the two brokers that
stay.

Brokers, centre, links and doors are the real processes, each machine an address of its own on the loopback."""

import os
import random
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import nats
import pytest

from centre.cluster import name_of
from gate.fleet.names import REGISTER
from gate.processes.addresses import socket_of
from gate.store.compound import succession
from gate.store.database import open_read_only
from tests.centre.test_many_gates import is_here
from tests.fleet import Centre, Kept, Process, at_the_broker, centre_running, command, join
from tests.running import wait_for
from tests.soak.fleet import Asking, Links, Looking, Writing, enrolled, joined_without_pairing, percentile
from tests.soak.test_fleet_many import HERE, TO_A_PROCESS, Everywhere, memory  # noqa: F401 - a fixture
from tests.soak.test_fleet_second import is_one

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "6"))
MANY, MANY_KILLS = int(os.environ.get("SOAK_MANY", "50")), 3
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 30))
CENTRE, NORTH, EAST, SECOND = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


@pytest.fixture
def place():
    """A short path, since sockets have no long ones; on the disk."""
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


def clustered(centre):
    return command("centre", "gates", "--state", centre.state)["clustered"]


def knows_all_brokers(gate):
    """Whether a gate was told where all three are: the word of a centre whose cluster works."""
    with closing(open_read_only(gate.state)) as store:
        return len(succession.places_known(store)) == 3


def has_all(centre):
    """Whether the second centre has the register and the list of gates."""
    told = command("centre", "gates", "--state", centre.state)["gates"]
    return next(one for one in told if one["second_at"])["behind"] is False


class Brokers:
    """The three of a cluster, by their names: each with its address and its process."""

    def __init__(self, centre, by_name):
        self._centre, self._by_name = centre, by_name

    def killed_that_leads(self):
        """Kill the one that leads the register's stream; its name."""
        leader = wait_for(lambda: self._cluster() and self._cluster().leader, 60, "no broker leads")
        self._by_name[leader][1].end(kill=True)
        return leader

    def started_again(self, name):
        """Start one that was killed, until it has all that the others have."""
        self._by_name[name][1].start()
        wait_for(self._are_all_there, 60, f"{name} is not one of three again")

    def _are_all_there(self):
        found = self._cluster()
        return found and len(found.replicas) == 2 and all(one.current and not one.offline for one in found.replicas)

    def _cluster(self):
        """How the register's stream is kept, as the one says that leads it; None where none does."""

        async def ask(line):
            with suppress(nats.js.errors.Error, TimeoutError):
                return (await line.jetstream(timeout=1).stream_info(REGISTER)).cluster
            return None

        return at_the_broker(self._centre, ask, [at for at, _ in self._by_name.values()])


def brokers_of(centre, gates):
    """Those of a fleet."""
    found = {name_of(None): (CENTRE, centre.broker)}
    found |= {name_of(one.identity): (at, one.brokers[0]) for one, at in zip(gates[:2], (NORTH, EAST), strict=True)}
    return Brokers(centre, found)


@pytest.fixture
def fleet(place):
    with ExitStack() as stack:
        (place / "logs").mkdir()
        centre = stack.enter_context(centre_running(place / "c", place / "logs", CENTRE, kept=True))
        with centre.store() as store:
            whole = enrolled(store, "Wang Fang")
        gates = [join(centre, place / "n", "north", broker=NORTH, freshness_s=5)]
        gates.append(join(centre, place / "e", "east", broker=EAST, freshness_s=5))
        gates.append(join(centre, place / "s", "south", freshness_s=5))
        wait_for(lambda: clustered(centre), 60, "the brokers are no cluster")
        wait_for(lambda: all(map(knows_all_brokers, gates)), 60, "not every gate was told of the other brokers")
        centre.whole_at(gates, within_s=60)
        yield stack, centre, gates, whole


def test_the_broker_that_leads_is_killed(fleet):
    stack, centre, gates, whole = fleet
    brokers, chance = brokers_of(centre, gates), random.Random(SEED)
    looking, writing = Looking(stack, centre, gates), Writing(centre, gates, SEED)
    epochs, took, killed = looking.epoch(), [], []
    with Asking(gates, whole.id) as asking:
        for _ in range(KILLS):
            with writing:
                time.sleep(chance.uniform(0.1, 1.0))
                began = time.monotonic()
                leader = brokers.killed_that_leads()
            killed.append(leader == name_of(None))
            # The one that was killed is still away.
            looking.until_whole(writing.expected | {whole.id: "Wang Fang"})
            took.append(time.monotonic() - began)
            brokers.started_again(leader)
    print(
        f"\nthe broker that led killed {KILLS} times (seed {SEED}), {sum(killed)} times the centre's own:"
        f" {writing.deeds} deeds acknowledged, 0 lost, {len(writing.erased)} erased and 0 back; whole again, without"
        f" it, after {percentile(took, 50):.1f} s (median), {max(took):.1f} s (worst);"
        f" {looking.epoch() - epochs} epochs begun\n  {asking.told()}"
    )
    assert asking.refused == []


def test_the_broker_that_leads_is_killed_among_many_gates(fleet, memory):  # noqa: F811 - the fixture
    _, centre, gates, _ = fleet
    brokers = brokers_of(centre, gates)
    states = [memory / f"g{number}" for number in range(MANY - len(gates))]
    with centre.store() as store:
        for number, one in enumerate(states):
            joined_without_pairing(centre, store, one, f"gate {number}", CENTRE)
    took, calm = [], []
    with ExitStack() as stack:
        for first in range(0, len(states), TO_A_PROCESS):
            stack.callback(Links(states[first : first + TO_A_PROCESS]).end)
        everywhere = Everywhere(stack, [*(one.state for one in gates), *states])
        with centre.store() as store:
            everywhere.until(HERE, (enrolled(store, "First").id,), time.monotonic())
        for number in range(MANY_KILLS):
            killed = brokers.killed_that_leads()
            with centre.store() as store:
                took += everywhere.until(HERE, (enrolled(store, f"Without it {number}").id,), time.monotonic())
                calm += everywhere.until(HERE, (enrolled(store, f"After {number}").id,), time.monotonic())
            brokers.started_again(killed)
    print(
        f"\n{MANY} gates, the broker that leads killed {MANY_KILLS} times: who is enrolled at once is at a gate after"
        f" {percentile(took, 50):.1f} s (median), {max(took):.1f} s (worst); who is enrolled next, with that one still"
        f" away, after {percentile(calm, 50):.2f} s (median), {max(calm):.2f} s (worst)"
    )


def test_the_centres_machine_is_lost_and_the_second_leads_with_the_brokers_that_stay(fleet, place):
    stack, centre, gates, whole = fleet
    code = command("centre", "invite", "--second", f"{SECOND}:{centre.port}", "--state", centre.state)["code"]
    second = place / "z"
    command("join", CENTRE, code, "--port", centre.centre["pairing_port"], "--state", second, "--yes")
    link = Process(second, "link", {}, centre.logs)
    stack.callback(link.end)
    wait_for(lambda: has_all(centre), 60, "the second has not all")
    writing = Writing(centre, gates, SEED)
    with Asking(gates, whole.id) as asking:
        with writing:
            time.sleep(2)
        centre.whole_at(gates, within_s=60)
        expected = writing.expected | {whole.id: "Wang Fang"}
        centre.process.end(kill=True)
        centre.broker.end(kill=True)
        link.end(kill=True)
        socket_of(second, "link").with_name("status.json").unlink(missing_ok=True)
        began = time.monotonic()
        command("centre", "promote", "--yes", "--state", second)
        told = {"centre": centre.centre | {"listen": SECOND}}
        broker = Kept(second, "broker", told, centre.logs)
        stack.callback(broker.end)
        process = Process(second, "centre", told, centre.logs)
        stack.callback(process.end)
        new = Centre(second, told["centre"], broker, process, None, stack, centre.logs)
        wait_for(lambda: clustered(new), 90, "it leads without the other brokers")
        wait_for(lambda: is_one(new, gates), 120, "the gates do not follow")
        took = time.monotonic() - began
        with closing(open_read_only(second)) as store:
            assert dict(store.execute("SELECT id, name FROM residents")) == expected
        with new.store() as store:
            somebody = enrolled(store, "Somebody", 77)
        began = time.monotonic()
        wait_for(lambda: all(is_here(one, somebody) for one in gates), 60, "nobody came")
        seen = time.monotonic() - began
        # The broker of a gate is lost as well: the second's own and one more go on.
        gates[0].brokers[0].end(kill=True)
        with new.store() as store:
            later = enrolled(store, "Later", 78)
        wait_for(lambda: all(is_here(one, later) for one in gates), 60, "two of three do not go on")
    print(
        f"\nthe centre's machine lost (seed {SEED}), {writing.deeds} deeds before, 0 lost; all gates with the second"
        f" after {took:.1f} s, an enrolment there at all of them after {seen:.2f} s\n  {asking.told()}"
    )
    assert asking.refused == []
