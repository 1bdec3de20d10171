"""PINs and cards by command, at a real door."""

import time
from itertools import count

import pytest

from gate.processes.asking import present
from gate.store.people import credentials, residents
from gate.store.record import audit
from gate.vocabulary import Method, Presented
from tests.door import door_process
from tests.running import wait_for

pytestmark = pytest.mark.whole

_NUMBERS = count(1)


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


def show(store, door, number):
    """A card that is nobody's is shown, and the door has said so."""
    before = len(list(audit.lines(store)))
    present(door, Presented(f"p{next(_NUMBERS)}", Method.CARD, "garage", time.monotonic(), number))
    wait_for(lambda: len(list(audit.lines(store))) > before, 5)


def test_a_pin_is_printed_once_and_taken_away(facegate, state, store, fang):
    with door_process(state):
        drawn = facegate("residents", "pin", "Wang Fang", "--json").answer
        assert drawn["typed"] == f"32502 # {drawn['pin']} #"
        told = facegate("residents", "pin", "Wang Fang").out
        assert "Wang Fang presses: 32502 # " in told
        assert drawn["pin"] not in facegate("residents", "show", "Wang Fang").out
        assert facegate("residents", "pin", "Wang Fang", "--remove").code == 0
        again = facegate("residents", "pin", "Wang Fang", "--remove")
        assert (again.code, again.err.strip()) == (1, "Wang Fang has no PIN.")
    assert credentials.of_resident(store, fang.id) == []


def test_a_card_is_added_as_it_is_shown_and_lost_and_found(facegate, state, store, fang):
    with door_process(state) as (_, door):
        none = facegate("residents", "card", "Wang Fang", "--shown")
        assert (none.code, "Show it to a reader" in none.err) == (1, True)
        show(store, door, "00AB4711")
        added = facegate("residents", "card", "Wang Fang", "--shown", "--label", "blue fob")
        assert added.out.startswith("The card of Wang Fang ending in 4711 is added")
        (card,) = facegate("residents", "show", "Wang Fang", "--json").answer["credentials"]
        assert (card["label"], card["method"]) == ("blue fob", "card")
        assert facegate("residents", "card", "Wang Fang", "--lost", card["id"]).code == 0
        assert "blue fob" in facegate("residents", "show", "Wang Fang").out
        assert "reported lost" in facegate("residents", "show", "Wang Fang").out
        assert facegate("residents", "card", "Wang Fang", "--found", card["id"]).code == 0
        assert facegate("residents", "card", "Wang Fang", "--remove", card["id"]).code == 0
        for number in ("1001", "1002"):
            show(store, door, number)
        several = facegate("residents", "card", "Wang Fang", "--shown")
        assert (several.code, "Several were shown" in several.err) == (1, True)
        assert facegate("residents", "card", "Wang Fang", "1001", "--json").answer["resident"] == fang.id


@pytest.mark.parametrize("given", [(), ("4711", "--shown"), ("--lost", "a", "--found", "a")])
def test_a_card_is_asked_one_thing(facegate, fang, given):
    refused = facegate("residents", "card", "Wang Fang", *given)
    assert refused.code == 2
    assert "Say one thing" in refused.err


def test_without_a_door_nothing_is_drawn(facegate, store, fang):
    refused = facegate("residents", "pin", "Wang Fang")
    assert (refused.code, "Is the gate running?" in refused.err) == (2, True)
    assert credentials.of_resident(store, fang.id) == []


def test_a_phone_is_set_up_by_its_key_and_taken_away(facegate, state, store, fang):
    residents.enrol(store, "Chen Bo", None, [])
    with door_process(state):
        drawn = facegate("residents", "phone", "Wang Fang", "--json").answer
        assert drawn["flat"] == "32502"
        assert f"secret={drawn['key']}&issuer=Facegate&" in drawn["address"]
        told = facegate("residents", "phone", "Wang Fang").out
        assert "they press 32502 #, the six digits" in told
        assert drawn["key"] not in told
        refused = facegate("residents", "phone", "Chen Bo")
        assert (refused.code, "Draw a PIN instead" in refused.err) == (1, True)
        assert facegate("residents", "phone", "Wang Fang", "--remove").code == 0
        again = facegate("residents", "phone", "Wang Fang", "--remove")
        assert (again.code, again.err.strip()) == (1, "Wang Fang has no code on a phone.")
    assert credentials.of_resident(store, fang.id) == []
