"""A centre is killed while people are enrolled, renamed and erased there and at three gates; the second takes its
place, and the first comes back and follows as the second; again and again, so that each machine leads in turn."""

import os
import random
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.processes.addresses import socket_of
from gate.store.compound import items, recovery, requests, succession
from gate.store.database import open_database, open_read_only
from tests.fleet import Gate, Process, centre_running, command, free_ports, join, promoted
from tests.running import wait_for
from tests.soak.fleet import Asking, Writing, enrolled

pytestmark = pytest.mark.soak

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "2"))
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 30))


@pytest.fixture
def place():
    """A short path, since sockets have no long ones; on the disk."""
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


def people(state):
    with closing(open_read_only(state)) as store:
        return dict(store.execute("SELECT id, name FROM residents").fetchall())


def revoked(state):
    """What a store knows to be revoked, said by the centre or by itself."""
    with closing(open_read_only(state)) as store:
        said = {one for (one,) in store.execute("SELECT id FROM register WHERE kind = 'revocation'")}
        return said | {one for _, one in requests.waiting(store)}


def knows_both(gate):
    with closing(open_read_only(gate.state)) as store:
        return len(succession.places_known(store)) == 2


def is_one(leader, gates):
    """Whether all is published, and each gate has it."""
    with closing(open_read_only(leader.state)) as store:
        if recovery.waits(store) or store.execute("SELECT count(due) FROM register").fetchone() != (0,):
            return False
        epoch = items.epoch(store)
        here = items.state(store, epoch)
    return all(one.register(epoch) == here for one in gates)


def seconds_until(holds, within_s, problem):
    began = time.monotonic()
    wait_for(holds, within_s, problem)
    return time.monotonic() - began


def led_by(leader, second, gates, chance, writing):
    """The leader is killed in the middle, the second takes its place; what follows from it."""
    wait_for(lambda: all(map(knows_both, gates)), 40, "a gate does not know where the second is")
    with writing:
        time.sleep(chance.uniform(1.0, 3.0))
        leader.process.end(kill=True)
        leader.broker.end(kill=True)
    states = [one.state for one in (second, *gates)]
    reached = writing.expected.keys() & set().union(*map(people, states))
    gone = writing.erased & set().union(*map(revoked, states))
    second.link.end(kill=True)
    # As after it was started anew: who looks knows that the first is lost.
    socket_of(second.state, "link").with_name("status.json").unlink(missing_ok=True)
    (port,) = {one["second_at"].rpartition(":")[2] for one in _seconds(leader)}
    began = time.monotonic()
    new = promoted(leader, second, int(port))
    wait_for(lambda: is_one(new, gates), 120, "the gates do not follow")
    took = time.monotonic() - began
    there = people(new.state)
    assert reached - there.keys() == set(), "whoever reached the second or a gate was lost"
    assert gone & there.keys() == set(), "whoever was revoked came back"
    for gate in gates:
        assert people(gate.state) == there
    return new, took, len(reached), len(writing.expected.keys() - reached), len(gone)


def _seconds(leader):
    return [one for one in command("centre", "gates", "--state", leader.state)["gates"] if one["second_at"]]


def back(former, leader, stack):
    """The former centre comes back, notices, and follows as the second; how long until it stood down."""
    former.broker.start()
    former.process.start()
    noticed = seconds_until(lambda: former.process.running.poll() is not None, 60, "it leads still")
    former.process.end()
    former.process.start()
    wait_for(lambda: command("centre", "gates", "--state", former.state)["superseded"], 20, "it says nothing")
    former.process.end()
    former.broker.end()
    at = f"127.0.0.1:{former.port}"
    code = command("centre", "invite", "--second", at, "--state", leader.state)["code"]
    pairing = leader.centre["pairing_port"]
    command("join", "127.0.0.1", code, "--port", pairing, "--state", former.state, "--yes", FACEGATE_GATE="b")
    link = Process(former.state, "link", {}, former.logs)
    stack.callback(link.end)
    return Gate("former", former.state, former.door, link), noticed


def all_are_there(leader, gates, wanted):
    """Wait until these people are at who leads, and nobody else, and each gate has the register."""
    differs = lambda: wanted ^ people(leader.state).keys()  # noqa: E731
    wait_for(lambda: not differs() and is_one(leader, gates), 120, differs)


def round_of(leader, second, gates, chance, writing, whole):
    """One after the other: killed, promoted, back. Who leads and who is the second then."""
    new, took, reached, lost, gone = led_by(leader, second, gates, chance, writing)
    with closing(open_database(new.state)) as store:
        somebody = enrolled(store, "Somebody", chance.randrange(1000, 1 << 20))
    writing.expected[somebody.id] = "Somebody"
    here = lambda: all(somebody.id in people(one.state) for one in gates)  # noqa: E731
    seen = seconds_until(here, 60, "nobody came")
    former, noticed = back(leader, new, leader.stack)
    # What it took and never passed on it proposes: all that was acknowledged is there in the end.
    all_are_there(new, [former, *gates], writing.expected.keys() | {whole.id})
    print(
        f"\n{writing.deeds} deeds acknowledged (seed {SEED}); {reached} people had reached the second or a gate, 0 of"
        f" them lost, {gone} were revoked and 0 are back; {lost} had reached nobody, and came back with the first; from"
        f" the command until three gates had all as the later epoch {took:.1f} s; an enrolment there was at all gates"
        f" after {seen:.2f} s; the first stood down {noticed:.1f} s after it was started"
    )
    return new, former


def test_each_of_two_centres_is_killed_in_turn_and_the_other_takes_its_place(place):
    chance = random.Random(SEED)
    (place / "logs").mkdir()
    with centre_running(place / "a", place / "logs") as first:
        leader, second = first, join(first, place / "b", "b", second=free_ports(1)[0], freshness_s=5)
        gates = [join(first, place / name, name, freshness_s=5) for name in ("north", "east", "south")]
        with leader.store() as store:
            whole = enrolled(store, "Wang Fang")
        leader.whole_at([second, *gates])
        expected, erased = {}, set()
        with Asking(gates, whole.id) as asking:
            for number in range(ROUNDS):
                writing = Writing(leader, gates, SEED + number, first=1 + 1000 * number)
                writing.expected, writing.erased = expected, erased
                leader, second = round_of(leader, second, gates, chance, writing, whole)
                assert erased & people(second.state).keys() == set()
        print(f"  {asking.told()}")
        # A door whose relay's thread gets no core for too long stops, and nothing starts it anew here.
        assert [one for one in asking.refused if "why" not in one] == []
