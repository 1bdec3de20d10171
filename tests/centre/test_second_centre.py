"""A second centre: it follows the first, takes its place when that is lost, and the first comes back."""

from contextlib import closing

import pytest

from gate.fleet.status import read_status
from gate.processes.addresses import socket_of
from gate.store.compound import recovery, succession
from gate.store.database import open_database
from gate.store.people import changes, credentials, erasure, residents
from gate.vocabulary import Method
from tests.centre.test_many_gates import enrolled, is_here, let_in
from tests.codes import new_pin
from tests.fleet import Gate, Process, command, free_ports, join, promoted, refused
from tests.running import wait_for

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def port():
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def second(centre, place, port):
    return join(centre, place / "s", "second", second=port, freshness_s=5)


@pytest.fixture(scope="module")
def north(centre, place, second):
    return join(centre, place / "n", "north", freshness_s=5)


def epoch_of(state):
    with closing(open_database(state)) as store:
        return store.execute("SELECT epoch FROM compound").fetchone()[0]


def told_of(centre, gate):
    return next(
        one for one in command("centre", "gates", "--state", centre.state)["gates"] if one["id"] == gate.identity
    )


def test_a_second_centre_takes_the_place_of_the_first_which_comes_back_and_follows(centre, north, second, port):
    with centre.store() as store:
        wang, li, zhao = (enrolled(store, name, seed) for seed, name in enumerate(("Wang Fang", "Li Na", "Zhao Min")))
        pin = new_pin(store, centre.door, wang)
    centre.whole_at([north, second])
    with north.store() as store:
        wait_for(lambda: len(succession.places_known(store)) == 2, 20, "the gate does not know where the second is")
    # It has the list of gates, and is told to have all.
    wait_for(lambda: told_of(centre, second)["behind"] is False, 20, "it has not all")
    with centre.store() as store, second.store() as there:
        assert succession.digest_of_gates(there) == succession.digest_of_gates(store)
    assert (told_of(centre, second)["second_at"], told_of(centre, north)["second_at"]) == (f"127.0.0.1:{port}", None)
    assert "second is the second" in refused("centre", "invite", "--second", "10.0.0.9", "--state", centre.state)
    # While the first is heard nobody takes its place; nor does whoever is no second one.
    assert "Stop it first" in refused("centre", "promote", "--yes", "--state", second.state)
    assert "no second centre" in refused("centre", "promote", "--yes", "--state", north.state)
    assert "leads already" in refused("centre", "promote", "--yes", "--state", centre.state)

    centre.process.end(kill=True)
    centre.broker.end(kill=True)
    # What it took and passed on to nobody, and what a gate enrols meanwhile.
    with centre.store() as store:
        late = enrolled(store, "Sun Li", 4)
        erasure.remove(store, zhao, by="test")
        changes.change(store, li, changes.Changes(name="Li Na the elder"), by="test")
        late_pin = new_pin(store, centre.door, li)
    with north.store() as store:
        chen = enrolled(store, "Chen Jie", 5)
    second.link.end()
    # As after it was started anew.
    socket_of(second.state, "link").with_name("status.json").unlink()
    leader = promoted(centre, second, port)
    with leader.store() as store:
        wait_for(lambda: not recovery.waits(store), 40, "the gates gave nothing back")
    leader.whole_at([north], within_s=40)
    with leader.store() as store:
        assert residents.get(store, chen.id) is not None
        assert residents.get(store, late.id) is None
        erasure.remove(store, wang, by="test")
        ma = enrolled(store, "Ma Chao", 6)
    leader.whole_at([north])
    assert (is_here(north, ma), is_here(north, wang)) == (True, False)
    assert not let_in(north, wang.id, Method.PIN, pin.typed)

    # The first comes back: it notices before it publishes, and its own door knows who was revoked.
    before = epoch_of(north.state)
    centre.broker.start()
    centre.process.start()
    wait_for(lambda: centre.process.running.poll() is not None, 30, "it leads still")
    centre.process.end()
    centre.process.start()
    wait_for(lambda: command("centre", "gates", "--state", centre.state)["superseded"], 10, "it does not say so")
    with centre.store() as store:
        wait_for(lambda: residents.get(store, wang.id) is None, 30, "whoever was revoked meanwhile opens there")
        assert residents.get(store, late.id) is not None
    assert "Invite there" in refused("centre", "invite", "--state", centre.state)
    assert (epoch_of(north.state), is_here(north, late)) == (before, False)

    # It follows, and what it had not passed on is proposed.
    centre.process.end()
    centre.broker.end()
    own_port = centre.centre["port"]
    code = command("centre", "invite", "--second", f"127.0.0.1:{own_port}", "--state", leader.state)["code"]
    pairing = leader.centre["pairing_port"]
    joined = command("join", "127.0.0.1", code, "--port", pairing, "--state", centre.state, "--yes")
    assert joined["second"] == f"127.0.0.1:{own_port}"
    link = Process(centre.state, "link", {})
    centre.stack.callback(link.end)
    former = Gate("former", centre.state, centre.door, link)
    wait_for(lambda: is_here(north, late), 30, "what it had not passed on is lost")
    wait_for(lambda: not is_here(north, zhao), 30, "who was revoked there is here")
    leader.whole_at([north, former])
    with leader.store() as store:
        # What was added is taken, what was changed stands as it does at who leads.
        assert residents.get(store, li.id).name == "Li Na"
        assert [one.method for one in credentials.of_resident(store, li.id)] == [Method.PIN]
    assert let_in(north, li.id, Method.PIN, late_pin.typed)
    assert read_status(centre.state) is not None
    wait_for(lambda: told_of(leader, former)["behind"] is False, 20, "it has not all")
