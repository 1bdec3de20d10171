"""The centre's page of its gates, as its store and its own program have them."""

from datetime import UTC, datetime
from html import unescape

import pytest

from api.app import create_app
from gate.fleet.centre_status import CentreStatus, GateStatus, write_status
from gate.store.compound import door_orders, gates, role
from gate.store.compound.door_orders import Answered, Came
from gate.store.compound.gates import Gate
from gate.store.site import accounts
from tests.console import PASSWORD, Browser, context_on

CENTRE = {"gate": "gate", "centre": {"enabled": True}, "camera": {"source": ""}}


@pytest.fixture
def store(store):
    role.become_centre(store)
    for one in ("east", "west"):
        gates.add(store, Gate(one, "gate", f"U{one}", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00"))
    return store


@pytest.fixture
def owner(store, state):
    app = create_app(context_on(state, settings=CENTRE))
    accounts.add_owner(store, "owner", app.state.context.passwords.hashed(PASSWORD))
    browser = Browser(app)
    assert browser.sign_in("owner").status_code == 303
    return browser


@pytest.mark.parametrize("reached", ["east", "west"])
def test_a_gate_that_did_not_lock_down_is_told_beside_one_of_its_name_that_did(owner, store, reached):
    owner.post("/gates/orders/lockdown", data={"gate": ["east", "west"]})
    (given,) = door_orders.lately(store, 1)
    (offered,) = door_orders.due(store, reached)
    door_orders.keep(store, reached, [Answered(offered.id, Came.DONE)])
    assert given.outcomes == {"east": None, "west": None}
    page = unescape(owner.get("/gates").text)
    assert "done at 1 of 2" in page
    assert page.count("not reached; it locks down when it is back") == 1


def test_what_a_gate_still_has_to_tell_is_no_revocation_alone(owner, state):
    at = datetime.now(UTC).isoformat(timespec="seconds")
    heard = {"east": GateStatus(at, behind=False, entries=3, waiting=2)}
    write_status(state, CentreStatus(at, 1, 3, connected=True, due=0, gates=heard))
    assert "2 changes on their way here" in unescape(owner.get("/gates").text)
