"""What is done at a machine of a compound by the code of the version that it runs: `python -c` of this file's text in
the folder of that version, which knows its own database. The state is its argument; each line that it reads is a deed,
a JSON object, and each line that it writes the answer. It names nothing that either version lacks."""

import json
import sys
import time
from contextlib import closing
from itertools import count
from pathlib import Path
from types import SimpleNamespace

from gate.config import load_settings, parts_of
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.compound import carried, door_orders, forgotten, gates, outbox, proposals, requests
from gate.store.database import open_database
from gate.store.people import changes, erasure, residents
from gate.store.record import audit
from gate.vocabulary import Method
from tests.centre import test_many_gates
from tests.centre.test_many_gates import enrolled, let_in
from tests.codes import card_of_number, new_pin


def who_is_here(store, **_):
    """Everybody here: name, home and last day, by id."""
    return {one.id: [one.name, one.unit, one.valid_until] for one in residents.every(store)}


def enrol(store, name, seed, **_):
    """Somebody new; their id."""
    return enrolled(store, name, seed).id


def pin(store, door, who, **_):
    """A PIN of theirs from now on, as they type it."""
    return new_pin(store, door, residents.get(store, who)).typed


def card(store, door, who, number, **_):
    """A card of theirs from now on; its id."""
    return card_of_number(store, door, residents.get(store, who), number)


def change(store, who, wanted, **_):
    """Something of theirs is changed."""
    changes.change(store, residents.get(store, who), changes.Changes(**wanted), by="test")


def erase(store, who, **_):
    """They are erased."""
    erasure.remove(store, residents.get(store, who), by="test")


def comes(store, state, door, who, method="face", code=None, **_):
    """Whether the door lets them in."""
    # A door answers no question of the same number twice, and each deed is a program of its own.
    test_many_gates._NUMBERS = count(time.monotonic_ns())
    return let_in(SimpleNamespace(state=Path(state), door=door), who, Method(method), code)


def order(store, what, **_):
    """The centre orders this of the doors of all its gates; the order's number."""
    return door_orders.give(
        store, door_orders.DoorOrder(what), gates.every(store), by="user owner", name="Owner", here=None
    )


def came(store, number, **_):
    """What each gate answered to an order, by its id."""
    return next(dict(one.outcomes) for one in door_orders.lately(store, 20) if one.number == number)


def proved(store, who, **_):
    """The ids of the gates that proved that they forgot somebody."""
    return [gate.id for one in forgotten.standing(store, 100) if one.id == who for gate in one.proved]


def record(store, **_):
    """The lines of a gate's own record: sequence, kind; and the flaw of its chain."""
    return [[line.sequence, line.kind] for line in audit.lines(store)], str(audit.verify(store))


def carried_of(store, gate, **_):
    """The lines of a gate's record that its centre has."""
    return sorted([line.sequence, line.kind] for line in carried.last(store, 100_000) if line.gate_id == gate)


def waits(store, **_):
    """How many proposals and revocations wait here for the centre, and of how many entries nobody has been told."""
    return [proposals.count(store), len(requests.waiting(store)), len(outbox.due(store, 1000))]


def identity(store, **_):
    """The id of this gate."""
    return store.execute("SELECT id FROM gate").fetchone()[0]


def console_given(store, state, name, **_):
    """What the console of this gate is started with."""
    chosen = load_settings(gate=name, api={"port": 0, "tls": "off"}, camera={"source": ""})
    return {
        key: one for key, one in parts_of(chosen, Path(state), Path(state) / "models", None)["api"].items()
        if key != "state"
    }  # fmt: skip


DEEDS = {
    one.__name__: one
    for one in (
        who_is_here, enrol, pin, card, change, erase, comes, order, came, proved, record, carried_of, waits, identity,
        console_given,
    )
}  # fmt: skip


def main(state):
    """Do what is said until nothing more is."""
    for line in sys.stdin:
        told = json.loads(line)
        deed = told.pop("deed")
        with closing(open_database(Path(state))) as store, closing(Client(socket_of(Path(state), "door"))) as door:
            print(json.dumps(DEEDS[deed](store, state=state, door=door, **told)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
