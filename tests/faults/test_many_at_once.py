"""Whoever may only do things to residents asks for everybody at once, again and again: the door's orders are heard."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.auth import digest
from gate.store.people import residents
from gate.store.site import accounts, schedules
from tests.api_process import api_process, trusting
from tests.running import of_kind

pytestmark = pytest.mark.whole

PEOPLE = 120
# With the orders between, fewer than the connections that one user may have (api/front/slots.py): of more, the oldest
# is hung up on.
AT_ONCE = 50


@pytest.fixture
def asks(store):
    """A function that asks with a token that may one thing."""
    ann = accounts.add_owner(store, "Ann", "no password")
    for permission in ("people", "door"):
        accounts.add_token(store, permission, digest(permission), (permission,), ann, "test")
    with httpx.Client(verify=trusting(), timeout=60, limits=httpx.Limits(max_connections=None)) as client:

        def ask(address, permission, path, asked=None):
            headers = {"authorization": f"Bearer {permission}"}
            return client.post(f"{address}/api/v1{path}", json=asked, headers=headers)

        yield ask


@pytest.mark.parametrize(
    ("path", "given"),
    [("/photo-links", {"again": True}), ("/residents/together", {"deed": "group", "value": "guards"})],
)
def test_one_is_at_work_and_the_others_are_told_at_once(models_dir, state, store, asks, path, given):
    schedules.put_group(store, "guards", None, "test")
    people = [residents.enrol(store, f"Person {number}", None, []).id for number in range(PEOPLE)]
    with api_process(state, models_dir) as address, ThreadPoolExecutor(AT_ONCE) as flood:
        # Everybody has a connection already: what takes time from now on is what is asked.
        list(flood.map(lambda _: asks(address, "people", path, {}), range(AT_ONCE)))
        asked = [flood.submit(asks, address, "people", path, given | {"residents": people}) for _ in range(AT_ONCE)]
        waited = []
        while not all(one.done() for one in asked):
            began = time.monotonic()
            asks(address, "door", "/door/release")
            waited.append(time.monotonic() - began)
        answers = [one.result() for one in asked]
    counted = Counter(one.status_code for one in answers)
    assert set(counted) == {503, 201 if path == "/photo-links" else 200}, counted
    told = next(one for one in answers if one.status_code == 503)
    assert "busy with others" in told.json()["detail"]
    assert int(told.headers["retry-after"]) > 0
    # Behind one another they would have waited for all fifty.
    assert max(waited) < 10, waited
    # Each once: nobody's link is drawn again at once, and what is changed already is no change.
    drawn, changed = of_kind(store, "link_drawn"), of_kind(store, "resident_changed")
    assert len(drawn) + len(changed) == PEOPLE
