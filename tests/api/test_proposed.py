"""What waits for the centre, and what it did not take: on the list of residents and on the page of each."""

import pytest

from gate.store.compound import proposals, proposed, role, taken
from gate.store.compound.proposals import Because
from gate.store.people import changes, residents
from gate.store.record import audit
from gate.vocabulary import Kind
from tests.api.test_ways_in_told import text_of


@pytest.fixture
def manager(browser):
    return browser("manager")


def test_until_the_centre_has_answered_the_pages_say_that_it_waits_and_then_why_not_all_was_taken(manager, store):
    role.follow(store, b"s" * 16, "centre", by="test")
    assert "not at the centre" not in text_of(manager.get("/residents"))
    manager.send("/enrol", data={"name": "Wang Fang", "unit": "3-2-502"})
    (fang,) = residents.every(store)
    assert "1 enrolment or change of this gate is not at the centre" in text_of(manager.get("/residents"))
    page = manager.get(f"/residents/{fang.id}")
    assert "Waiting for the centre, which cannot be reached now" in text_of(page)
    assert "centre/read" not in page.text
    sent = proposals.following(store)
    taken.take_answer(store, proposed.refused(sent, Because.NAMESAKE), sent)
    assert "Somebody called Wang Fang lives there already" in text_of(manager.get("/residents"))
    manager.send(f"/residents/{fang.id}/centre/read")
    assert "centre" not in text_of(manager.get(f"/residents/{fang.id}")).split("Lately")[0]
    assert [one.details["why"] for one in audit.lines(store) if one.kind == Kind.PROPOSAL_REFUSED] == ["namesake"]
    # They stay at this gate alone from then on.
    changes.change(store, fang, changes.Changes(unit="3-2-503"), by="test")
    assert proposals.following(store) is None


def test_what_the_centre_took_is_said_no_more(manager, store):
    role.follow(store, b"s" * 16, "centre", by="test")
    manager.send("/enrol", data={"name": "Wang Fang", "unit": "3-2-502"})
    waiting = proposals.following(store)
    told = proposals.Answer(waiting.number, waiting.kind, waiting.entry.id, None, None, None)
    assert taken.take_answer(store, told, waiting)
    assert "not at the centre" not in text_of(manager.get("/residents"))
