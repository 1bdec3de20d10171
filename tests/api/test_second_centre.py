"""The console of a machine that is a centre by its settings, and does not lead: a former centre, and a second one."""

from html import unescape

import pytest

from api.app import create_app
from gate.state_folder import centre_file
from gate.store.compound import door_orders, gates, role, succession
from gate.store.compound.gates import Gate
from gate.store.site import accounts
from tests.console import PASSWORD, Browser, context_on, problem_of

CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}}


@pytest.fixture
def owner(state, store):
    app = create_app(context_on(state, settings=CENTRE))
    accounts.add_owner(store, "owner", app.state.context.passwords.hashed(PASSWORD))
    browser = Browser(app)
    assert browser.sign_in("owner").status_code == 303
    return browser


def test_a_former_centre_says_that_another_leads_and_orders_nothing(owner, store):
    role.become_centre(store)
    gates.add(store, Gate("n", "North", "UN", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00"))
    assert "Another centre leads" not in owner.get("/gates").text
    succession.stand_down(store, 10)
    assert "Another centre leads in the place of this one" in unescape(owner.get("/gates").text)
    answer = owner.post("/gates/orders/lockdown", data={"gate": "n"})
    assert "Nothing was ordered" in problem_of(owner.get(answer.headers["location"]))
    assert door_orders.newest(store) == 0


def test_a_second_centre_that_follows_has_no_gates_to_show(owner, state, store):
    role.follow(store, b"s" * 16, "10.0.0.2", by="test")
    centre_file(state).parent.mkdir(parents=True)
    centre_file(state).write_text("{}")
    # It has the list of gates from the centre that leads, and hears none of them.
    north = Gate("n", "North", "UN", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00")
    succession.take_gates(store, [north])
    assert owner.get("/gates").status_code == 404
    assert 'href="/gates"' not in owner.get("/events").text
    assert "North" not in owner.get("/enrol").text
