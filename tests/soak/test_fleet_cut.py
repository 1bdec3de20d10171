"""A gate in a network of its own, behind a wire that is cut, loses packets, is late, or has packets go one way alone,
and whose address changes: it lets in and refuses as before, and afterwards nothing is lost, nothing there twice, and
the order kept.

An hour is three hundred passages, five a minute, one after the other as quick as the gate closes."""

import os
import time
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.compound import carried
from gate.store.database import open_read_only
from gate.store.ids import new_id
from gate.store.people import erasure
from gate.store.record import audit
from gate.vocabulary import Kind
from tests.door import FAST, claim, events, until
from tests.fleet import Gate, Process, centre_running
from tests.running import wait_for
from tests.soak import wire
from tests.soak.fleet import enrolled, import_people, joined_without_pairing, percentile

pytestmark = pytest.mark.soak

PASSAGES = int(os.environ.get("SOAK_PASSAGES", "300"))
CHANGES = 20


@pytest.fixture(scope="module")
def place():
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def line():
    if why := wire.missing():
        pytest.skip(why)
    made = wire.Wire()
    yield made
    made.close()


@pytest.fixture(scope="module")
def centre(place, line):
    with centre_running(place / "c", place, "0.0.0.0", line.here) as running:
        yield running


@pytest.fixture(scope="module")
def gate(place, line, centre):
    state = place / "north"
    with ExitStack() as stack:
        with centre.store() as store:
            joined_without_pairing(centre, store, state, "north", f"{wire.NET}.1")
        opener = Process(state, "door", {"door": FAST | {"freshness_s": 5}}, place)
        stack.callback(opener.end)
        link = Process(state, "link", {}, place, line.there)
        stack.callback(link.end)
        made = Gate("north", state, Client(socket_of(state, "door")), link)
        centre.whole_at([made])
        yield made


@pytest.fixture
def wired(line):
    """The wire, good before and after."""
    yield line
    line.loss, line.delay_s, line.to_here, line.to_there = 0.0, 0.0, True, True


@pytest.fixture
def store(centre):
    with centre.store() as connection:
        yield connection


def passes(gate, who):
    """Whether the door lets somebody in now; it is at rest before."""
    until(gate.door, at_rest=True)
    return gate.door.ask(claim(who, new_id()))["granted"]


def told_wholly(store, gate):
    """Whether the centre has the gate's record up to its end: each line once, in the gate's order."""
    with closing(open_read_only(gate.state)) as there:
        query = "SELECT sequence, id, previous, hash FROM audit WHERE sequence > ? ORDER BY sequence"
        own = there.execute(query, (carried.began(there),)).fetchall()
    return (
        own
        == store.execute(
            "SELECT sequence, id, previous, hash FROM carried_lines WHERE gate_id = ? ORDER BY sequence",
            (gate.identity,),
        ).fetchall()
    )


def an_hour(gate, people, many=None):
    """Whom the gate let in, one after the other."""
    return [passes(gate, people[number % len(people)]) for number in range(many or PASSAGES)]


def test_an_hour_without_its_centre_is_as_any_other_and_all_of_it_is_told_afterwards(centre, gate, wired, store):
    wang, li, zhao = (enrolled(store, name, number) for number, name in enumerate(("Wang", "Li", "Zhao")))
    centre.whole_at([gate])
    with gate.store() as there:
        erasure.remove(there, zhao, by="the guard")
    centre.whole_at([gate])
    people = [wang.id, new_id(), li.id, zhao.id, wang.id]
    before = an_hour(gate, people, 10)
    assert before == [True, False, True, False, True] * 2
    wired.to_here = wired.to_there = False
    began = time.monotonic()
    # The centre goes on meanwhile, and the gate does not know.
    with_number = [enrolled(store, f"Meanwhile {number}", number) for number in range(CHANGES)]
    erasure.remove(store, with_number.pop(), by="test")
    during = an_hour(gate, people)
    assert during == [before[number % 10] for number in range(PASSAGES)]
    assert wait_for(lambda: gate.status().cut_off, 60)
    cut = time.monotonic() - began
    wired.to_here = wired.to_there = True
    began = time.monotonic()
    centre.whole_at([gate], within_s=90)
    whole = time.monotonic() - began
    wait_for(lambda: Kind.CENTRE_BACK in [one.kind for one in events(gate.state)], 60, "it does not say so")
    wait_for(lambda: time.sleep(0.1) or told_wholly(store, gate), 90, "the record is not told")
    lines = [one.kind for one in events(gate.state)]
    assert lines.count(Kind.GRANTED) == sum(before) + sum(during)
    assert (lines.count(Kind.CENTRE_LOST), lines.count(Kind.CENTRE_BACK)) == (1, 1)
    print(
        f"\ncut off for {cut:.0f} s and {PASSAGES} passages: {sum(during)} let in, {len(during) - sum(during)} refused,"
        f" all as before; back: {len(with_number)} enrolled meanwhile at the gate after {whole:.1f} s, its record at"
        f" the centre after {time.monotonic() - began:.1f} s, each line once and in order"
    )


@pytest.mark.parametrize(("loss", "delay_s"), [(0.05, 0.0), (0.0, 0.3), (0.05, 0.3)])
def test_a_wire_that_loses_and_is_late(centre, gate, wired, store, loss, delay_s):
    wired.loss, wired.delay_s = loss, delay_s
    enrolments, revocations, people = [], [], []
    with closing(open_read_only(gate.state)) as there:
        here = lambda one: there.execute("SELECT 1 FROM residents WHERE id = ?", (one.id,)).fetchone()  # noqa: E731
        for number in range(CHANGES):
            began = time.monotonic()
            people.append(enrolled(store, f"Slow {number}", number))
            wait_for(lambda: here(people[-1]), 60, "it does not come")
            enrolments.append(time.monotonic() - began)
        for one in people:
            began = time.monotonic()
            erasure.remove(store, one, by="test")
            wait_for(lambda one=one: not here(one), 60, "they are still let in")
            revocations.append(time.monotonic() - began)
    began = time.monotonic()
    import_people(store, 200)
    centre.whole_at([gate], within_s=120)
    took = time.monotonic() - began
    wait_for(lambda: time.sleep(0.1) or told_wholly(store, gate), 90, "the record is not told")
    print(
        f"\n{loss:.0%} lost, {delay_s * 1000:.0f} ms late each way: enrolled {told(enrolments)}, revoked"
        f" {told(revocations)}; 200 imported, whole after {took:.1f} s; the record whole at the centre"
    )


def test_packets_that_go_one_way_alone_and_an_address_that_changes(centre, gate, wired, store):
    for what, direction in {"the gate's": "to_here", "the centre's": "to_there"}.items():
        setattr(wired, direction, False)
        # Each side says something into the line that is half open.
        enrolled(store, "Half", 1)
        assert not passes(gate, "nobody")
        wait_for(lambda: gate.status().cut_off, 90, gate.status)
        setattr(wired, direction, True)
        began = time.monotonic()
        centre.whole_at([gate], within_s=90)
        wait_for(lambda: time.sleep(0.1) or told_wholly(store, gate), 90, "the record is not told")
        print(f"\n{what} packets alone lost, until it said so: whole {time.monotonic() - began:.1f} s after", end="")
    wired.move_there(f"{wire.NET}.9")
    began = time.monotonic()
    who = enrolled(store, "Moved", 2)
    centre.whole_at([gate], within_s=90)
    assert passes(gate, who.id)
    wait_for(lambda: time.sleep(0.1) or told_wholly(store, gate), 90, "the record is not told")
    print(f"\nthe gate has another address: whole {time.monotonic() - began:.1f} s after")
    with closing(open_read_only(gate.state)) as there:
        assert audit.verify(there) is None


def told(took):
    return f"{percentile(took, 50) * 1000:.0f} ms (p50), {max(took) * 1000:.0f} ms (worst)"
