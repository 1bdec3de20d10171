"""Two hundred thousand lines of five gates on their way to the centre, while links are killed: each is there once, none
is missing, in their chain. A gate whose record is altered afterwards is named by the centre."""

import os
import random
import threading
import time
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.fleet.status import read_status
from gate.store.compound import carried
from gate.store.database import open_database, open_read_only, transaction
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests.fleet import Process, centre_running, command
from tests.forging import another_time, rewrite
from tests.running import wait_for
from tests.soak.fleet import enrolled, joined_without_pairing

pytestmark = pytest.mark.soak

LINES = int(os.environ.get("SOAK_LINES", "200000"))
KILLS = int(os.environ.get("SOAK_KILLS", "20"))
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 30))
GATES, AT_ONCE = 5, 100


@pytest.fixture
def place():
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


def write_lines(state, who, many, ended):
    """A gate's record grows by so many lines, some of them with a name."""
    chance = random.Random(SEED)
    with closing(open_database(state)) as store:
        for _ in range(0, many, AT_ONCE):
            with transaction(store):
                for _ in range(AT_ONCE):
                    named = {"resident": who.id, "name": who.name} if chance.random() < 0.1 else {}
                    audit.append(store, AuditEvent(Kind.GRANTED, {"method": "face"}, named, who.id if named else None))
            if ended.is_set():
                return


def all_is_told(centre, gates):
    """Whether the centre has the last line of each."""
    return all(
        (here := carried.held(centre, gate)) is not None and here == audit.anchor(store)
        for gate, store in gates.items()
    )


def test_each_line_is_at_the_centre_once_and_in_its_chain_though_links_are_killed(place):
    chance, ended = random.Random(SEED), threading.Event()
    with centre_running(place / "c", place) as centre, ExitStack() as stack:
        store, gates, links, states = stack.enter_context(centre.store()), {}, [], []
        who = enrolled(store, "Wang Fang")
        for number in range(GATES):
            states.append(place / f"g{number}")
            joined = joined_without_pairing(centre, store, states[-1], f"gate {number}")
            links.append(Process(states[-1], "link", {}, place))
            stack.callback(links[-1].end)
            gates[joined.gate] = stack.enter_context(closing(open_read_only(states[-1])))
        registered = "SELECT 1 FROM residents WHERE id = ?"
        wait_for(lambda: all(one.execute(registered, (who.id,)).fetchone() for one in gates.values()), 60, "no name")
        began = time.monotonic()
        writers = [threading.Thread(target=write_lines, args=(one, who, LINES // GATES, ended)) for one in states]
        for one in writers:
            one.start()
        stack.callback(ended.set)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 3.0))
            link = chance.choice(links)
            link.end(kill=True)
            link.start()
        for one in writers:
            one.join()
        wait_for(lambda: time.sleep(0.2) or all_is_told(store, gates), 1200, "the centre has not all")
        took = time.monotonic() - began
        rows = missing = twice = 0
        for gate, there in gates.items():
            told = store.execute(
                "SELECT sequence, previous, hash FROM carried_lines WHERE gate_id = ? ORDER BY sequence", (gate,)
            ).fetchall()
            query = "SELECT sequence, previous, hash FROM audit WHERE sequence > ? ORDER BY sequence"
            own = there.execute(query, (carried.began(there),)).fetchall()
            rows += len(told)
            missing += len(set(own) - set(told))
            twice += len(told) - len({number for number, *_ in told})
            assert told == own
            assert all(later[1] == before[2] for before, later in pairwise(told))
        print(
            f"\n{rows} lines of {GATES} gates, links killed {KILLS} times (seed {SEED}): {missing} missing, {twice}"
            f" twice, each gate's chain whole; {rows / took:.0f} lines a second, written and told"
        )
        assert rows >= LINES
        named_by_the_centre(centre, states[0], gates)


def named_by_the_centre(centre, state, gates):
    """Somebody rewrites a gate's record from a line on that the centre has, as a chain that verifies by itself."""
    identity = next(iter(gates))
    with closing(open_database(state)) as store:
        rewrite(store, audit.anchor(store).sequence - 50, another_time)

    def told():
        found = command("centre", "gates", "--state", centre.state)["gates"]
        return {one["id"]: one["problem"] for one in found if one["problem"]}

    began = time.monotonic()
    wait_for(lambda: time.sleep(0.2) or told(), 60, "the centre says nothing")
    print(f"  a record altered afterwards was named after {time.monotonic() - began:.1f} s: {told()[identity]}")
    assert set(told()) == {identity}
    assert "not the one that the centre has" in told()[identity]
    assert "not the one that the centre has" in read_status(state).problem
