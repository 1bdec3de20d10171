"""From where a gate has the register once its broker was started anew, and what that writes to its disk for it."""

import asyncio
import socket
import subprocess
from contextlib import suppress

import nats
import pytest

from centre.broker import broker_folder
from centre.broker_service import program
from gate.fleet.connection import fetched
from gate.fleet.names import REGISTER, GateNames
from gate.fleet.reading import Through, Unanswered
from gate.store.compound import items
from tests.centre.test_many_gates import enrolled, is_here
from tests.fleet import at_the_broker, free_ports, join
from tests.running import wait_for


@pytest.fixture(scope="module")
def north(centre, place):
    return join(centre, place / "n", "north", freshness_s=5)


def given(centre, gate):
    """How many messages the broker gave the gate by its consumer of residents, since that was made."""

    async def ask(line):
        return await line.jetstream().consumer_info(REGISTER, GateNames(gate.identity).people)

    return at_the_broker(centre, ask).delivered.consumer_seq


@pytest.mark.whole
def test_after_its_start_a_broker_gives_a_gate_what_that_lacks_and_writes_nothing_of_it(centre, north):
    with centre.store() as store:
        people = [enrolled(store, f"Resident {number}", number) for number in range(12)]
    centre.whole_at([north])
    assert given(centre, north) >= len(people)
    written = broker_folder(centre.state) / "store/jetstream/$G/streams" / REGISTER / "obs"
    assert [one.name for one in written.glob("*")] == []
    centre.broker.end(kill=True)
    with centre.store() as store:
        late = enrolled(store, "Late", 20)
    centre.broker.start()
    wait_for(lambda: is_here(north, late), 40, "the gate hears nothing more")
    centre.whole_at([north])
    assert given(centre, north) <= 2
    # A link that was started anew does not know where it was, and is given all.
    north.link.end()
    centre.broker.end(kill=True)
    centre.broker.start()
    north.link.start()
    with centre.store() as store:
        later = enrolled(store, "Later", 21)
    wait_for(lambda: is_here(north, later), 40, "the gate hears nothing more")
    wait_for(lambda: given(centre, north) >= len(people), 10, "it was not given all")


@pytest.mark.whole
def test_what_the_broker_forgets_is_published_anew_though_somebody_put_as_many_there(centre, north, place):
    with centre.store() as store:
        forgotten = enrolled(store, "Forgotten", 30)
    centre.whole_at([north])

    async def put_others(line):
        for number in range(3):
            await line.jetstream().publish(f"register.resident.other{number}", b"")

    async def forget(line):
        stream = line.jetstream()
        found = await stream.get_last_msg(REGISTER, f"register.resident.{forgotten.id}")
        await stream.delete_msg(REGISTER, found.seq)

    at_the_broker(centre, put_others)
    # By them the register has another end than the centre knows of: all of it is said anew behind them.
    north.link.end()
    centre.broker.end()
    centre.broker.start()
    north.link.start()
    centre.whole_at([north])
    with centre.store() as store:
        epoch = items.epoch(store)
    at_the_broker(centre, forget)
    late = join(centre, place / "l", "late", freshness_s=5)
    wait_for(lambda: is_here(late, forgotten), 60, "it does not come again")
    with centre.store() as store:
        assert items.epoch(store) == epoch + 1
    centre.whole_at([north, late])
    # The gates are given new consumers, as whoever looks at what those gave expects.
    centre.broker.end()
    centre.broker.start()
    with centre.store() as store:
        last = enrolled(store, "Last", 31)
    wait_for(lambda: is_here(north, last), 40, "the gate hears nothing more")


@pytest.mark.whole
def test_what_comes_one_by_one_for_long_is_taken_together_and_the_first_at_once(tmp_path):
    (port,) = free_ports(1)
    broker = subprocess.Popen(
        [program(), "--addr", "127.0.0.1", "--port", str(port), "--jetstream", "--store_dir", tmp_path],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: answers(port), 10, "no broker")
        calm, hasty = asyncio.run(asyncio.wait_for(turns_of(f"nats://127.0.0.1:{port}"), 60))
    finally:
        broker.kill()
        broker.wait(10)
    assert sum(calm) == sum(hasty) == MANY
    # The first hundred turns are for whoever enrols a family; then there is one a second.
    assert calm[0] == 1
    assert max(calm) >= 20
    assert len(calm) < len(hasty)


MANY = 600


def answers(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


async def turns_of(address):
    """How many messages each turn has, of who reads calmly and of who does not, while many come one by one."""
    line = await nats.connect(address)
    stream = line.jetstream()
    await stream.add_stream(name="S", subjects=["s"])
    readers = [asyncio.create_task(turns(stream, name, calmly=name == "calm")) for name in ("calm", "hasty")]
    for _ in range(MANY):
        await stream.publish("s", b"")
        await asyncio.sleep(0.01)
    try:
        return await asyncio.gather(*readers)
    finally:
        await line.close()


async def turns(stream, name, *, calmly):
    found = []
    subscription = await stream.pull_subscribe("s", durable=name, stream="S")
    async for some in fetched(subscription, MANY, calmly=calmly):
        found.append(len(some))
        for one in some:
            await one.ack()
        if sum(found) == MANY:
            break
    return found


def test_up_to_where_a_gate_has_all():
    through = Through()
    assert through.number == 0
    for delivery, number in enumerate((3, 5, 9), start=1):
        through.came(number, delivery)
    assert through.number == 2
    through.done(5)
    assert through.number == 2
    through.done(3)
    assert through.number == 8
    through.done(9)
    assert through.number == 9
    # One that comes again.
    through.came(4, 4)
    assert through.number == 3
    through.done(4)
    assert through.number == 9


def test_what_was_lost_with_the_line_is_not_taken_for_taken():
    through = Through()
    through.came(1, 1)
    through.done(1)
    # The second delivery was on its way when the line was cut.
    through.came(7, 3)
    through.done(7)
    assert through.number == 1
    through.came(8, 4)
    through.done(8)
    assert through.number == 1
    # By a new consumer all behind that comes anew, in its order: there is nothing before the first.
    through.came(4, 1)
    assert through.number == 3
    through.done(4)
    for delivery, number in ((2, 7), (3, 8)):
        through.came(number, delivery)
        through.done(number)
    assert through.number == 8


def test_a_link_that_was_started_anew_does_not_know_what_the_one_before_had_open():
    through = Through()
    through.came(57, 20)
    through.done(57)
    assert through.number == 0


def test_a_consumer_that_nobody_has_for_seconds_is_told_and_one_that_is_made_anew_in_a_moment_is_not():
    gone = Unanswered()
    assert not gone.holds(0.0)
    for half_seconds in range(7):
        gone.note("people", half_seconds / 2)
        assert not gone.holds(half_seconds / 2)
    # Another one now and then, between which they were answered.
    for now in (0.0, 4.0, 8.0):
        gone.note("hours", now)
        assert not gone.holds(8.0)
    for half_seconds in range(16, 24):
        gone.note("people", half_seconds / 2)
    assert gone.holds(11.6)
    # It has been answered since.
    assert not gone.holds(13.6)
