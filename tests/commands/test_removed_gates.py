"""`facegate centre remove`: of a gate that was taken away before and that was stolen, and where another leads."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from gate.store.compound import gates, outbox, role, succession
from gate.store.compound.gates import Gate
from gate.store.people import passes, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.passes import Wanted
from gate.store.record import audit
from gate.vocabulary import Kind

pytestmark = pytest.mark.whole


def gate(identity, name):
    return Gate(identity, name, f"U{identity}", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00")


@pytest.fixture
def centre(store):
    role.become_centre(store)
    outbox.begin_epoch(store, 1, "s", 0)
    gates.add(store, gate("n", "North"))
    return store


def new_pass(store, by):
    now = datetime.now(UTC)
    wanted = Wanted(name="Zhao Lei", begins=now, ends=now + timedelta(hours=9), unit="3-1-502")
    return passes.make(store, wanted, None, *(sha256(f"{what} {by}".encode()).digest() for what in "ft"), now, by=by)


def test_what_follows_a_theft_follows_also_where_the_gate_was_taken_away_before(facegate, centre):
    wang = residents.enrol(centre, "Wang Fang", None, (), NO_PERSON, by="gate North")
    theirs, another = new_pass(centre, "gate North"), new_pass(centre, "gate South")
    outbox.due(centre, 10)
    before = outbox.keys(centre, [wang.id])
    assert facegate("centre", "remove", "North", "--yes").code == 0
    (at,) = centre.execute("SELECT removed_at FROM gates").fetchone()
    said = facegate("centre", "remove", "North", "--stolen", "--yes", "--json")
    assert (said.code, said.answer["removed"], said.answer["passes"]) == (0, "n", 1)
    assert [one["name"] for one in said.answer["enrolled"]] == ["Wang Fang"]
    assert outbox.keys(centre, [wang.id]) != before
    assert passes.get(centre, theirs.id).revoked_at is not None
    assert passes.get(centre, another.id).revoked_at is None
    # What the command advises afterwards is done as well.
    again = facegate("centre", "remove", "n", "--stolen", "--end-pins", "--yes", "--json")
    assert (again.code, again.answer["passes"]) == (0, 1)
    assert passes.get(centre, another.id).revoked_at is not None
    removed = [line.details.get("stolen") for line in audit.lines(centre) if line.kind == Kind.GATE_REMOVED]
    assert removed == [None, True, True]
    assert centre.execute("SELECT removed_at FROM gates").fetchone() == (at,)


def test_what_was_made_at_a_gate_counts_under_each_name_that_it_had(facegate, centre):
    theirs = new_pass(centre, "gate North")
    assert facegate("centre", "remove", "North", "--yes").code == 0
    gates.add(centre, gate("n", "Harbour"))
    said = facegate("centre", "remove", "Harbour", "--stolen", "--yes", "--json")
    assert (said.code, said.answer["passes"]) == (0, 1)
    assert passes.get(centre, theirs.id).revoked_at is not None


def test_a_name_means_the_gate_that_follows_and_of_two_that_were_taken_away_neither(facegate, centre):
    gates.remove(centre, gates.find(centre, "North"), by="test")
    gates.add(centre, gate("m", "North"))
    assert facegate("centre", "remove", "North", "--stolen", "--yes", "--json").answer["removed"] == "m"
    said = facegate("centre", "remove", "North", "--stolen", "--yes", "--json")
    assert said.code == 1
    assert all(f"{one} (taken away at" in said.answer["error"] for one in "nm")
    # Without a theft whoever was taken away is none of the gates.
    assert facegate("centre", "remove", "n", "--yes").code == 1


@pytest.mark.parametrize("part", ["second", "former"])
def test_at_a_machine_that_does_not_lead_nothing_is_said_to_be_done_and_nothing_is_changed(facegate, centre, part):
    wang = residents.enrol(centre, "Wang Fang", None, (), NO_PERSON, by="test")
    outbox.due(centre, 10)
    if part == "second":
        listed = succession.list_of_gates(centre)
        gates.remove(centre, gates.find(centre, "North"), by="test")
        role.follow(centre, b"s" * 16, "10.0.0.2", by="test")
        succession.be_second(centre, "10.0.0.3:7422")
        succession.take_gates(centre, listed)
        centre.execute("INSERT INTO register_keys VALUES (?, ?)", (wang.id, b"k" * 32))
    else:
        succession.stand_down(centre, 9)
    before = (succession.list_of_gates(centre), outbox.keys(centre, [wang.id]))
    for more in ((), ("--stolen", "--end-pins")):
        said = facegate("centre", "remove", "North", *more, "--yes", "--json")
        assert (said.code, "say it" in said.answer["error"]) == (1, True)
    assert (succession.list_of_gates(centre), outbox.keys(centre, [wang.id])) == before
    assert facegate("centre", "go-on", "--json").code == 1
    invited = facegate("centre", "invite", "--json")
    assert (invited.code, "Another centre leads" in invited.answer["error"]) == (1, part == "former")
