"""The centre's console, with a real broker, real doors on mock pins, real links, and the consoles of the gates."""

import re
import time
from contextlib import ExitStack, closing
from functools import cache
from html import unescape

import pytest

from api.app import create_app
from gate.processes.asking import door_status, order
from gate.processes.requests import Do
from gate.store.compound import door_orders
from gate.store.compound import gates as store_of_gates
from gate.store.compound.door_orders import AT_ONCE_S
from gate.store.database import open_database
from gate.store.people import erasure, residents
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.centre.test_many_gates import enrolled
from tests.console import CHEAP, PASSWORD, context_on, problem_of, signed_in
from tests.door import events
from tests.fleet import join
from tests.running import stays, wait_for

pytestmark = pytest.mark.whole

# Beside other tests a gate with its console has a few seconds of a core.
WITHIN_S = 90
CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}}


@pytest.fixture(scope="module")
def gates(centre, place):
    """North and East with consoles, South without one."""
    three = [join(centre, place / name, name.title()) for name in ("north", "east", "south")]
    with ExitStack() as stack:
        for gate in three[:2]:
            gate.start_api(stack)
        yield three


@pytest.fixture
def west(centre, place):
    """One more without a console, which follows for the length of one test: the others stay as they were."""
    gate = join(centre, place / f"west{time.monotonic_ns()}", "West")
    yield gate
    gate.link.end()
    with centre.store() as store:
        if store_of_gates.get(store, gate.identity) is not None:
            store_of_gates.remove(store, store_of_gates.get(store, gate.identity), by="test")


@pytest.fixture(scope="module")
def app(centre):
    made = create_app(context_on(centre.state, settings=CENTRE))
    with centre.store() as store:
        hashed = made.state.context.passwords.hashed(PASSWORD)
        accounts.add_owner(store, "owner", hashed)
        for role in (Role.MANAGER, Role.AUDITOR, Role.GUARD):
            accounts.add_user(store, role.value, hashed, role, "test")
    return made


@pytest.fixture(scope="module")
def console(app):
    """A function that gives a browser in which one of the staff is signed in at the centre."""
    return cache(lambda name: signed_in(app, name))


def card(page, gate):
    """What the page says of one gate, without its tags; nothing where it is not there."""
    found = re.search(
        rf'<li class="card" id="gate-{gate.identity}">(.*?)</li>\n(?=<li class="card"|</ul>)', page, re.DOTALL
    )
    return plain(found[1]) if found else ""


def plain(html):
    """What a part of a page says, without its tags."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))).strip()


def shows(console, gate, *words, who="guard", part="?part=live"):
    """Wait until the page says these words of a gate; all that it says then."""
    browser = console(who)

    def said():
        told = card(browser.get(f"/gates{part}").text, gate)
        return told if all(word in told for word in words) else None

    return wait_for(said, WITHIN_S, f"the page does not say {words} of {gate.name}")


def test_each_gate_says_how_it_is_and_changes_as_it_does(console, gates):
    north, east, south = gates
    shows(console, north, "North", "Closed", "Last heard", "all of them are there", "Version")
    shows(console, east, "Closed")
    # Whose console does not run cannot say how its door is, and all else is known.
    shows(console, south, "How its door is, nobody knows", "The gate's own console does not answer.", "Last heard")
    assert order(north.door, Do.LOCKDOWN).granted
    shows(console, north, "Lockdown")
    assert "Closed" in shows(console, east, "East")
    assert order(north.door, Do.RELEASE).granted
    shows(console, north, "Closed")


def ordered(console, what, *gates, who="guard"):
    """What the centre answers who presses this for these gates (none: for all)."""
    form = {"gate": [gate.identity for gate in gates]} if gates else {}
    answer = console(who).post(f"/gates/orders/{what}", data=form, headers={"accept": "application/json"})
    return answer.json()


def last_order(console):
    """What the page says of the newest order, without its tags."""
    page = console("guard").get("/gates?part=live").text
    found = re.search(r'id="ordered">.*?<ul aria-live="polite"><li>(.*?</li>)(?=<li><time|</ul>)', page, re.DOTALL)
    return plain(found[1]) if found else ""


def answers(console, *words):
    """Wait until the page says these words of the newest order."""
    return wait_for(
        lambda: said if all(one in (said := last_order(console)) for one in words) else None, WITHIN_S,
        f"the page does not say {words} of the order",
    )  # fmt: skip


def orders_in(state):
    """What the record of a gate says was ordered of its door, and by whom."""
    return [(line.details["order"], line.details["by"]) for line in events(state) if line.kind == "ordered"]


def test_one_press_locks_all_gates_down_and_one_that_was_away_when_it_is_back(console, centre, gates, west):
    north, east, _ = gates
    shows(console, north, "Closed")
    shows(console, east, "Closed")
    north.link.end(kill=True)
    assert ordered(console, "lockdown") == {
        "said": "Ordered. What each gate answers stands below.", "good": True, "modes": []
    }  # fmt: skip
    # Its own door and East; South and West have no console, which is as good as not there.
    said = answers(console, "Lock down", "guard", "done at 2 of 5", "North", "South", "West")
    assert said.count("not reached; it locks down when it is back") == 3
    shows(console, east, "Lockdown")
    assert door_status(centre.door).mode == "lockdown"
    with centre.store() as store:
        (guard,) = (one.id for one in accounts.users(store) if one.name == "guard")
    order_was, by = orders_in(east.state)[-1]
    assert (order_was, by.split(" through ")[0]) == ("lockdown", f"user {guard} at the centre")
    assert door_status(north.door).mode == "normal"
    north.link.start()
    answers(console, "done at 3 of 5", "West")
    assert door_status(north.door).mode == "lockdown"
    # And it is ended again, everywhere at once.
    assert ordered(console, "release")["good"]
    answers(console, "End the lockdown", "done at 3 of 5", "West")
    assert {door_status(one.door).mode for one in (centre, north, east)} == {"normal"}

    def it_waits():
        with centre.store() as store:
            return all(one.waited for one in door_orders.due(store, west.identity))

    wait_for(it_waits, AT_ONCE_S + 5, "the order still holds as one of this moment")
    with ExitStack() as stack:
        # West comes back, and hears of the end alone: the lockdown before it is over.
        west.start_api(stack)
        answers(console, "done at 3 of 5", "West: not done")
    assert orders_in(west.state) == []


def test_an_end_that_comes_late_lifts_no_lockdown_that_somebody_ordered_at_the_gate_since(console, gates):
    north, _, _ = gates
    shows(console, north, "Closed")
    assert ordered(console, "lockdown", north)["good"]
    answers(console, "done at 1 of 1")
    north.link.end(kill=True)
    assert ordered(console, "release", north)["good"]
    # Somebody at North locks down for a reason of their own.
    assert order(north.door, Do.RELEASE).granted
    assert order(north.door, Do.LOCKDOWN).granted
    wait_for(lambda: orders_in(north.state)[-1][0] == "lockdown", WITHIN_S)
    stays_away(console)
    north.link.start()
    answers(console, "done at 0 of 1", "North: not done: something else was ordered since")
    assert door_status(north.door).mode == "lockdown"
    assert order(north.door, Do.RELEASE).granted


def stays_away(console):
    """Wait until whoever has not answered was away when it was ordered."""
    wait_for(lambda: "not reached" in last_order(console), WITHIN_S)
    stays(lambda: "not reached" in last_order(console), AT_ONCE_S + 1)


def test_a_gate_opens_once_by_an_order_and_never_by_an_old_one(console, gates):
    north, east, _ = gates
    shows(console, east, "Closed")
    assert ordered(console, "open", east)["good"]
    answers(console, "Open once", "done at 1 of 1")
    opened = [line for line in events(east.state) if line.kind == "granted"]
    assert [line.details["method"] for line in opened] == ["command"]
    north.link.end(kill=True)
    assert ordered(console, "open", north)["good"]
    answers(console, "done at 0 of 1", "North: has not answered yet")
    answers(console, "North: not reached, and it is not done there any more")
    north.link.start()
    shows(console, north, "all of them are there")
    stays(lambda: not [line for line in events(north.state) if line.kind == "granted"], 3)


def test_an_order_over_the_api_is_done_as_one_of_the_page(console, gates):
    north, east, _ = gates
    shows(console, north, "Closed")
    guard, asked = console("guard"), {"what": "lockdown", "gates": [north.identity]}
    number = guard.post("/api/v1/gates/orders", json=asked).json()["number"]
    wait_for(
        lambda: guard.get(f"/api/v1/gates/orders/{number}").json()["gates"] == {north.identity: "done"}, WITHIN_S
    )  # fmt: skip

    def mode_of(gate):
        (found,) = (one for one in guard.get("/api/v1/gates").json() if one["id"] == gate.identity)
        return found["door"] and found["door"]["mode"]

    wait_for(lambda: mode_of(north) == "lockdown", WITHIN_S)
    assert (mode_of(east), door_status(north.door).mode) == ("normal", "lockdown")
    assert guard.post("/api/v1/gates/orders", json=asked | {"what": "release"}).status_code == 201
    wait_for(lambda: mode_of(north) == "normal", WITHIN_S)


def test_who_may_not_open_a_gate_orders_nothing_and_none_chosen_is_none(console, centre, gates):
    with centre.store() as store:
        before = door_orders.newest(store)
        assert console("auditor").post("/gates/orders/lockdown").status_code == 403
        assert console("auditor").get("/gates").status_code == 403
        none = console("guard").post(
            "/gates/orders/lockdown", data={"gate": ""}, headers={"accept": "application/json"}
        )
        assert none.json()["said"] == "Choose at least one gate. Nothing was ordered."
        late = console("guard").post(
            "/gates/orders/open", data={"given": f"{time.monotonic() - 30:.3f}"},
            headers={"accept": "application/json"},
        )  # fmt: skip
        assert not late.json()["good"]
        assert door_orders.newest(store) == before


def test_who_is_still_to_be_forgotten_where_and_a_gate_is_removed_by_an_owner(console, centre, gates, west):
    north, _, _ = gates
    with centre.store() as store:
        fang = enrolled(store, "Wang Fang", seed=77)
    centre.whole_at([*gates, west])
    west.link.end(kill=True)
    with centre.store() as store:
        erasure.remove(store, residents.get(store, fang.id), by="test")
    manager = console("manager")
    told = wait_for(lambda: page if "not yet at West" in (page := manager.get("/gates").text) else None, WITHIN_S)
    assert "3 of 4" in told
    assert fang.id in told
    assert "Wang" not in told
    assert "Still to forget" in card(told, west)
    assert "Still to forget" not in card(told, north)
    # Whose link is gone is not reached, once it has said nothing for a while; its last word stands.
    shows(console, west, "Not reached")
    owner = console("owner")
    page = owner.get("/settings/gates").text
    assert f'action="/settings/gates/{west.identity}/removal"' in page
    assert manager.get("/settings/gates").status_code == 403
    assert manager.post(f"/settings/gates/{west.identity}/removal").status_code == 403
    gone = owner.send(f"/settings/gates/{west.identity}/removal")
    assert "Removed: it follows no more" in gone.text
    assert "West" not in console("guard").get("/gates").text
    assert "not yet at" not in manager.get("/gates").text
    again = owner.send(f"/settings/gates/{west.identity}/removal")
    assert problem_of(again) == "No such gate follows this centre any more."


def test_a_gate_says_who_its_centre_is_and_one_without_a_centre_says_nothing_of_it(gates, state):
    north, _, _ = gates
    app = create_app(context_on(north.state, settings={"camera": {"source": ""}}))
    with north.store() as store:
        accounts.add_owner(store, "owner", app.state.context.passwords.hashed(PASSWORD))
    owner = signed_in(app, "owner")
    page = owner.get("/door").text
    for words in ("127.0.0.1", "Last heard", "all of them are here", "This gate lets people in by itself"):
        assert words in page
    assert owner.get("/gates").status_code == 404
    assert 'href="/gates"' not in page
    assert 'href="/settings/gates"' not in owner.get("/settings").text
    alone = create_app(context_on(state, settings={"camera": {"source": ""}}))
    with closing(open_database(state)) as store:
        accounts.add_owner(store, "owner", CHEAP.hash(PASSWORD))
    assert 'id="centre"' not in signed_in(alone, "owner").get("/door").text
