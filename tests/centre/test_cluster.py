"""Three brokers, of which two are on the machines of gates: any one of them may be lost."""

import json
import socket
import ssl
from contextlib import suppress

import pytest
from nats.errors import Error

from centre.cluster import BrokerKeys, name_of
from centre.secrets import broker_keys, secrets_of
from centre.stream import RegisterStream
from gate.fleet.names import REGISTER, GateNames
from gate.processes.fields import read
from gate.store.compound import succession
from gate.store.people import erasure
from gate.vocabulary import Method
from tests.centre.test_many_gates import enrolled, is_here, let_in
from tests.codes import new_pin
from tests.fleet import at_the_broker, centre_running, command, join, refused
from tests.running import wait_for

pytestmark = pytest.mark.whole

CENTRE, NORTH, EAST, WEST = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
ADDRESSES = (CENTRE, NORTH, EAST)


@pytest.fixture(scope="module")
def centre(place):
    (place / "logs").mkdir()
    with centre_running(place / "c", place / "logs", listen=CENTRE, kept=True) as running:
        yield running


@pytest.fixture(scope="module")
def fleet(centre, place):
    """Two gates with a broker and one without, once the three brokers are one cluster."""
    with centre.store() as store:
        before = enrolled(store, "Wang Fang", 1)
    north = join(centre, place / "n", "north", broker=NORTH, freshness_s=5)
    centre.whole_at([north])
    assert told(centre)["clustered"] is False
    east = join(centre, place / "e", "east", broker=EAST, freshness_s=5)
    south = join(centre, place / "s", "south", freshness_s=5)
    wait_for(lambda: told(centre)["clustered"], 60, "the brokers are no cluster")
    centre.whole_at([north, east, south], within_s=60)
    with south.store() as store:
        wait_for(lambda: len(succession.places_known(store)) == 3, 30, "the gate knows of one broker")
    assert is_here(south, before)
    return north, east, south


def told(centre):
    return command("centre", "gates", "--state", centre.state)


def served(centre):
    """Who has a place in the register, by the first answer of a cluster that may have nobody yet who leads."""

    async def ask(line):
        stream = RegisterStream(line, secrets_of(centre.state).signer_seed)
        while True:
            with suppress(Error, TimeoutError):
                return await stream.served(clustered=True)

    return at_the_broker(centre, ask, ADDRESSES)


def have_readers(centre, fleet, lost):
    """Whether all that the gates read by is at a broker that is there; `lost` is the name of the other."""

    async def ask(line):
        names = [name for one in fleet for name in GateNames(one.identity).consumers]
        with suppress(Error, TimeoutError):
            found = [await line.jetstream().consumer_info(REGISTER, name, timeout=1) for name in names]
            return lost not in {one.cluster.leader for one in found}
        return False

    return at_the_broker(centre, ask, ADDRESSES)


def says_what_was_asked_for_and_refuses_a_fourth(centre, fleet):
    north, east, _ = fleet
    found = {one["name"]: one["broker_at"] for one in told(centre)["gates"]}
    assert found == {"north": f"{NORTH}:{centre.port}", "east": f"{EAST}:{centre.port}", "south": None}
    assert told(centre)["brokers_away"] == []
    assert "there are three" in refused("centre", "invite", "--broker", "10.0.0.9", "--state", centre.state)
    assert "--second or --broker" in refused(
        "centre", "invite", "--broker", "10.0.0.9", "--second", "10.0.0.8", "--state", centre.state
    )
    again = refused("centre", "invite", "--broker", f"{NORTH}:99", "--state", centre.state)
    assert "The broker of north is reached at" in again
    # None of the gates has what the centre signs with.
    for gate in (north, east):
        assert not (gate.state / "centre/secrets.json").exists()
        assert set(json.loads((gate.state / "centre/broker.json").read_text())) == {
            "certificate", "key", "centre", "route_certificate", "route_key", "centre_pin", "gate", "centre_at",
        }  # fmt: skip


def test_any_one_broker_may_be_lost_and_a_gate_that_is_taken_away_has_none_of_the_compounds(centre, fleet, place):
    north, east, south = fleet
    says_what_was_asked_for_and_refuses_a_fourth(centre, fleet)
    brokers = {"centre": centre.broker, "north": north.brokers[0], "east": east.brokers[0]}
    for name, broker in brokers.items():
        goes_on_without(name, broker, centre, fleet)
    had = (east.state / "centre/broker.json").read_text()
    # The centre speaks to the very broker that is taken away with its gate.
    with centre.store() as store:
        enrolled(store, "While all three work", 9)
    centre.whole_at(fleet, within_s=60)
    centre.broker.end(kill=True)
    with centre.store() as store:
        enrolled(store, "Without the centre's own", 8)
    centre.whole_at(fleet, within_s=60)
    centre.broker.start()
    centre.whole_at(fleet, within_s=60)
    command("centre", "remove", "east", "--yes", "--state", centre.state)
    wait_for(lambda: not told(centre)["clustered"], 60, "the cluster stands")
    with centre.store() as store:
        person = enrolled(store, "After", 6)
    centre.whole_at([north, south], within_s=60)
    assert is_here(south, person)
    with south.store() as store:
        wait_for(lambda: len(succession.places_known(store)) == 1, 30, "it looks for a broker that is none")
    east.link.end()
    command("leave", "--yes", "--state", east.state)
    assert [one.name for one in (east.state / "centre").iterdir()] == []
    assert not (east.state / "link/broker").exists()
    another_in_its_place_is_one_of_three(centre, fleet, place, had)


def goes_on_without(lost, broker, centre, fleet):
    north, east, south = fleet
    with centre.store() as store:
        gone, stays = enrolled(store, f"Gone {lost}", 2), enrolled(store, f"Stays {lost}", 3)
        pin = new_pin(store, centre.door, stays)
    centre.whole_at(fleet)
    broker.end(kill=True)
    # Whose consumers are not named would be given new ones, which takes a cluster with one away longest.
    assert served(centre) == {one.identity for one in fleet}
    with centre.store() as store:
        erasure.remove(store, gone, by="test")
        late = enrolled(store, f"Late {lost}", 4)
    with south.store() as store:
        here = enrolled(store, f"Here {lost}", 5)
    wait_for(lambda: not is_here(south, gone) and is_here(south, late), 60, "nothing reaches a gate")
    wait_for(lambda: is_here(north, here) and is_here(east, here), 60, "what a gate enrolled reaches nobody")
    centre.whole_at(fleet, within_s=60)
    assert let_in(south, stays.id, Method.PIN, pin.typed)
    name = name_of({one.name: one.identity for one in fleet}.get(lost))
    # Also what nobody waits for, by which the next change is to come at once.
    wait_for(lambda: have_readers(centre, fleet, name), 60, "a gate has nobody to read from")
    lacks = {"brokers_away": [lost] if lost != "centre" else [], "own_broker_away": lost == "centre"}
    wait_for(lambda: told(centre).items() >= lacks.items(), 60, "nobody is told which is lost")
    broker.start()
    none = {"brokers_away": [], "own_broker_away": False}
    wait_for(lambda: told(centre).items() >= none.items(), 60, "it is back, and nobody is told")
    centre.whole_at(fleet)


def another_in_its_place_is_one_of_three(centre, fleet, place, had):
    """And the one that was taken away, whose keys `had` are, is none."""
    north, _, south = fleet
    west = join(centre, place / "w", "west", broker=WEST, freshness_s=5)
    wait_for(lambda: told(centre)["clustered"], 60, "the brokers are no cluster")
    with centre.store() as store:
        enrolled(store, "With west", 10)
    # To come together they need all three, and from then on two.
    centre.whole_at([north, south, west], within_s=60)
    thief = read(BrokerKeys, json.loads(had))
    for certificate, key in ((thief.certificate, thief.key), (thief.route_certificate, thief.route_key)):
        assert not takes_as_one_of_three(centre, place, certificate, key)
    ours = broker_keys(secrets_of(centre.state))
    assert takes_as_one_of_three(centre, place, ours.route_certificate, ours.route_key)
    north.brokers[0].end(kill=True)
    with centre.store() as store:
        person = enrolled(store, "Without north", 7)
    centre.whole_at([north, south, west], within_s=60)
    assert is_here(south, person)
    north.brokers[0].start()


def takes_as_one_of_three(centre, place, certificate, key):
    """Whether the broker at north's machine takes somebody with these for one of its cluster."""
    (place / "shown.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(place / "shown.pem")
    with suppress(OSError), socket.create_connection((NORTH, centre.centre["cluster_port"]), timeout=10) as plain:
        return context.wrap_socket(plain).recv(4).startswith(b"INFO")
    return False
