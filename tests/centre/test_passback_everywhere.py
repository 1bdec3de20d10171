"""Who came in at one gate of a compound and went out at another: a real broker, real doors on mock pins with a contact,
real links, each in a process of its own."""

import re
import time
from contextlib import closing
from datetime import UTC

import pytest

from api.app import create_app
from api.whereabouts import muster
from gate.door.hours import LocalTime
from gate.processes.asking import forgive, present
from gate.store.database import open_read_only
from gate.store.ids import new_id
from gate.store.people import elsewhere, erasure, residents
from gate.store.record import audit
from gate.store.site import accounts
from gate.vocabulary import Direction, Method, Presented
from tests.codes import card_of_number
from tests.console import PASSWORD, context_on, signed_in
from tests.door import CONTACT, drive, until
from tests.fleet import join
from tests.running import wait_for

pytestmark = pytest.mark.whole

WITHIN_S = 20
RULES = {"passback": "soft", "passback_gates": True, "contact_pin": CONTACT, "inside_readers": "osdp 1"}
LET_IN = ("granted", False, None)
_CARDS = iter(f"00047{number}" for number in range(10, 99))


@pytest.fixture(scope="module")
def joined(centre, place):
    gates = [
        join(centre, place / name, name, trusted=True, freshness_s=5, open_grace_s=10.0, **RULES)
        for name in ("north", "south")
    ]
    for gate in gates:
        drive(gate.state, CONTACT, 0)
        until(gate.door, leaf="shut")
    return gates


@pytest.fixture
def somebody(centre, gates):
    """Somebody with a card, of whom both gates know."""
    card = next(_CARDS)
    with centre.store() as store:
        made = residents.enrol(store, f"Wang {card}", "3-1-502", [])
        card_of_number(store, centre.door, made, card)
    centre.whole_at(gates)
    return made, card


def lines(gate, *kinds):
    with closing(open_read_only(gate.state)) as store:
        return [line for line in audit.lines(store) if line.kind in kinds]


def shows(gate, card, reader="outer"):
    """What the record of a gate says to a card: what was done, whether they were in already, by whose word."""
    until(gate.door, mode="normal", leaf="shut", at_rest=True)
    before = len(lines(gate, "granted", "denied"))
    assert present(gate.door, Presented(new_id(), Method.CARD, reader, time.monotonic(), card)).taken
    (line,) = wait_for(lambda: lines(gate, "granted", "denied")[before:], WITHIN_S, "the door says nothing")
    return line.kind, line.details.get("in_already", False), line.details.get("in_at")


def passes(gate, card, reader="outer"):
    """They are let in or out, and the contact sees them go through."""
    # A grant before it may end only now, and nobody went by that.
    taken = lambda: [line for line in lines(gate, "passage") if line.details["outcome"] == "taken"]  # noqa: E731
    before = len(taken())
    said = shows(gate, card, reader)
    drive(gate.state, CONTACT, 1)
    wait_for(lambda: taken()[before:], WITHIN_S, "nobody passed")
    drive(gate.state, CONTACT, 0)
    return said


def told(where, who):
    """Which way other gates saw somebody pass last, as this machine knows it, by their names."""
    with closing(open_read_only(where.state)) as store:
        return {one.name: one.way for one in elsewhere.of_others(store, who.id)}


def hears(where, who, wanted):
    began = time.monotonic()
    wait_for(lambda: told(where, who) == wanted, WITHIN_S, lambda: told(where, who))
    print(f"\na passage was known elsewhere {time.monotonic() - began:.2f} s after it was looked for")


def test_in_at_one_gate_and_out_at_another_is_out_and_in_by_anothers_word_is_on_record_and_let_in(gates, somebody):
    north, south = gates
    who, card = somebody
    assert passes(north, card) == LET_IN
    hears(south, who, {"north": Direction.IN})
    # Whoever has the card at the other gate is let in, and it is said by whose word they are in.
    assert shows(south, card) == ("granted", True, "north")
    assert passes(south, card, "osdp 1") == LET_IN
    hears(north, who, {"south": Direction.OUT})
    assert passes(north, card) == LET_IN
    assert shows(north, card) == ("granted", True, None)


def test_a_line_that_is_cut_shuts_nobody_out_and_what_is_told_late_is_known_then(gates, somebody):
    north, south = gates
    who, card = somebody
    assert passes(north, card) == LET_IN
    hears(south, who, {"north": Direction.IN})
    north.link.end()
    assert passes(south, card, "osdp 1") == LET_IN
    # North has not heard it.
    assert shows(north, card) == ("granted", True, None)
    north.link.start()
    hears(north, who, {"south": Direction.OUT})
    assert shows(north, card) == LET_IN


def test_who_is_inside_is_told_by_the_word_of_all_gates(centre, gates, somebody):
    north, south = gates
    who, card = somebody
    app = create_app(context_on(south.state, settings={"door": RULES}))
    with south.store() as store:
        accounts.add_owner(store, "owner", app.state.context.passwords.hashed(PASSWORD))
    owner = signed_in(app, "owner")

    def inside():
        """As the page at South says it, and as it is at the centre, whose door has no rule."""
        page = owner.get("/whereabouts").text.split('id="unknown"')[0]
        row = re.search(rf"{who.name}</a></td><td>[^<]+</td>\s*<td>([^<]+)</td>", page)
        with centre.store() as store:
            found = muster(store, LocalTime(time.time(), UTC, trusted=True)).inside
        return row and row[1], [one.at for one in found if one.resident.id == who.id]

    passes(north, card)
    for where in (centre, south):
        hears(where, who, {"north": Direction.IN})
    assert inside() == ("at the gate north", ["north"])
    passes(south, card, "osdp 1")
    hears(centre, who, {"north": Direction.IN, "south": Direction.OUT})
    assert inside() == (None, [])


def test_whoever_is_forgiven_at_one_gate_is_nowhere_and_whoever_is_erased_is_forgotten_everywhere(
    centre, gates, somebody
):
    north, south = gates
    who, card = somebody
    passes(north, card)
    hears(south, who, {"north": Direction.IN})
    forgive(north.door, who.id)
    hears(south, who, {"north": None})
    assert passes(south, card) == LET_IN
    hears(north, who, {"south": Direction.IN})
    with centre.store() as store:
        erasure.remove(store, who, by="test")
    for where in (centre, *gates):
        wait_for(lambda where=where: told(where, who) == {}, WITHIN_S, "they are known still")
    centre.whole_at(gates)
    for where in (centre, *gates):
        with where.store() as store:
            query = "SELECT count(*) FROM last_passages WHERE resident_id = ?"
            assert store.execute(query, (who.id,)).fetchone() == (0,)
