"""From where a gate has the register once its broker was started anew, and what that writes to its disk for it."""

import asyncio

import nats
import pytest

from centre.broker import broker_folder
from centre.secrets import secrets_of
from gate.fleet.connection import trusting
from gate.fleet.names import REGISTER, GateNames
from gate.fleet.reading import Through
from tests.centre.test_many_gates import enrolled, is_here
from tests.fleet import join
from tests.running import wait_for


@pytest.fixture(scope="module")
def north(centre, place):
    return join(centre, place / "n", "north", freshness_s=5)


def given(centre, gate):
    """How many messages the broker gave the gate by its consumer of residents, since that was made."""

    async def ask():
        keys = secrets_of(centre.state)
        line = await nats.connect(
            f"tls://127.0.0.1:{centre.port}", tls=trusting(keys.certificate), nkeys_seed_str=keys.nkey_seed
        )
        try:
            found = await line.jetstream().consumer_info(REGISTER, GateNames(gate.identity).people)
            return found.delivered.consumer_seq
        finally:
            await line.close()

    return asyncio.run(ask())


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


def test_up_to_where_a_gate_has_all():
    through = Through()
    assert through.number == 0
    for number in (3, 5, 9):
        through.came(number)
    assert through.number == 2
    through.done(5)
    assert through.number == 2
    through.done(3)
    assert through.number == 8
    through.done(9)
    assert through.number == 9
    # One that comes again.
    through.came(4)
    assert through.number == 3
    through.done(4)
    assert through.number == 9
