"""Which of two centres leads, and what each has of the other, without a broker between them."""

import hashlib
import json
from contextlib import closing
from dataclasses import replace

import pytest

from gate.errors import Refusal, UsageError
from gate.store.compound import (
    forgotten,
    gates,
    items,
    joining,
    outbox,
    proposals,
    recovery,
    requests,
    role,
    succession,
)
from gate.store.compound.gates import Gate
from gate.store.compound.role import Part
from gate.store.people import changes, credentials, erasure, residents
from tests.compound import EVERY_GATE, FACE, answer, following, publish, take
from tests.stores import new_store

NORTH = Gate("n", "north", "UN", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00")
SECOND = Gate("g", "second", "UG", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00", second_at="10.0.0.3:7422")


@pytest.fixture
def first():
    with closing(new_store()) as made:
        made.execute("UPDATE gate SET id = 'c'")
        role.become_centre(made)
        for one in (NORTH, SECOND):
            gates.add(made, one)
        outbox.begin_epoch(made, 1, "stream", 0)
        yield made


@pytest.fixture
def second(first):
    with closing(following()) as made:
        succession.be_second(made, SECOND.second_at)
        succession.take_gates(made, succession.list_of_gates(first))
        yield made


def carried(centre, *stores):
    sent = publish(centre)
    for one in stores:
        take(one, *sent)
        one.execute("UPDATE compound SET epoch = ?", (items.epoch(centre),))


def wang_of(made, name="Wang Fang"):
    return residents.enrol(made, name, None, [FACE], EVERY_GATE, by="test")


def test_a_second_centre_is_promoted_with_the_gates_that_the_first_had_and_asks_them_for_the_rest(first, second):
    wang = wang_of(first)
    gates.remove(first, NORTH, by="test")
    carried(first, second)
    had = items.state(second, 1)
    assert succession.is_second(second)
    # That the gate was taken away is known by the register, though the list of gates is of before.
    epoch = succession.promote(second, by="test")
    assert epoch > items.epoch(first) + recovery._EPOCHS
    assert role.part(second) is Part.CENTRE
    assert (gates.every(second), recovery.waits(second), succession.had(second)) == ([], True, had)
    assert succession.places(second) == ("10.0.0.3:7422",)
    assert residents.get(second, wang.id) is not None
    with pytest.raises(Refusal):
        succession.promote(second, by="test")


@pytest.mark.parametrize(("joined_late", "earlier"), [(False, True), (False, False), (True, False)])
def test_what_was_revoked_before_and_is_nobody_is_on_no_list_of_who_is_to_be_forgotten(
    first, second, joined_late, earlier
):
    wang, li = wang_of(first), wang_of(first, "Li Na")
    credentials.add_card(first, wang, "blue", b"c" * 32, by="test")
    gates.remove(first, NORTH, by="test")
    sent = [] if joined_late else publish(first)
    take(second, *sent)
    ((card,),) = first.execute("SELECT id FROM credentials WHERE kind = 'card'").fetchall()
    credentials.remove_card(first, wang, card, by="test")
    erasure.remove(first, li, by="test")
    sent = publish(first)
    if earlier:
        # A centre of before does not tell the gate which of them may be a person.
        sent = [
            replace(one, entry=replace(one.entry, person=True)) if hasattr(one.entry, "person") else one for one in sent
        ]
        sent = [one for one in sent if one.entry.id != NORTH.nkey]
    take(second, *sent)
    succession.promote(second, by="test")
    assert [one.id for one in forgotten.standing(second, 10)] == [li.id]
    assert erasure.was_erased(second, li.id)
    # What came before its own revocation is taken from nobody all the same.
    assert second.execute("SELECT 1 FROM gone WHERE id = ?", (card,)).fetchone() == (1,)


def test_what_waited_at_the_second_centre_is_the_registers_own_and_nobody_is_published_who_stays_there(first, second):
    stays = wang_of(second, "Sun Li")
    second.execute("INSERT INTO stays_here VALUES ('resident', ?)", (stays.id,))
    second.execute("DELETE FROM proposals")
    li = wang_of(first, "Li Na")
    carried(first, second)
    wang = wang_of(second)
    erasure.remove(second, residents.get(second, li.id), by="test")
    succession.promote(second, by="test")
    recovery.end(second)
    told = {one.entry.id for one in publish(second)}
    assert (wang.id in told, li.id in told, stays.id in told) == (True, True, False)
    assert (proposals.count(second), requests.count(second)) == (0, 0)


def test_a_gate_that_has_just_what_the_promoted_centre_has_gives_nothing_back_and_another_all(first, second):
    wang_of(first)
    with closing(following()) as same, closing(following()) as ahead:
        carried(first, second, same, ahead)
        li = wang_of(first, "Li Na")
        carried(first, ahead)
        succession.promote(second, by="test")
        now, had = recovery.state(second).id, succession.had(second)
        for one in (same, ahead):
            proposals.give_back(one, now, items.epoch(second), had)
        assert (proposals.count(same), proposals.gave_back(same)) == (0, now)
        assert (proposals.count(ahead), proposals.gave_back(ahead)) == (2, None)
        answer(ahead, second)
        assert residents.get(second, li.id) is not None


def test_a_centre_stands_down_for_a_later_epoch_alone_and_leads_again_as_a_later_one(first):
    assert not succession.stand_down(first, items.epoch(first))
    assert succession.superseded(first) is None
    assert succession.stand_down(first, 5_000_000)
    assert not succession.stand_down(first, 5_000_000)
    assert succession.superseded(first) == 5_000_000
    with pytest.raises(Refusal):
        succession.promote(new_store(), by="test")
    assert succession.promote(first, by="test") > 5_000_000
    assert succession.superseded(first) is None


def test_two_that_are_promoted_at_once_never_lead_the_same_epoch(first, second):
    carried(first, second)
    succession.stand_down(first, 2)
    assert succession.promote(first, by="test") != succession.promote(second, by="test")


def test_a_former_centre_proposes_what_it_did_not_pass_on_and_has_whoever_leads_be_right(first, second):
    wang, li, zhao = (wang_of(first, name) for name in ("Wang Fang", "Li Na", "Zhao Min"))
    carried(first, second)
    late = wang_of(first, "Sun Li")
    changes.change(first, li, changes.Changes(name="Li Na the elder"), by="test")
    residents.add_templates(first, residents.get(first, wang.id), [FACE], None, by="test")
    erasure.remove(first, residents.get(first, zhao.id), by="test")
    succession.promote(second, by="test")
    recovery.end(second)
    succession.stand_down(first, items.epoch(second))

    outbox.begin_epoch(second, 1, "another stream", 0)
    with closing(following()) as register:
        carried(second, register)
        kept = joining.not_passed_on(first, register)
        assert (set(kept.people), kept.revoked) == ({wang.id, li.id}, (zhao.id,))
        role.follow(first, b"s" * 16, "10.0.0.3", by="test", former=True)
        joining.propose(first, kept, register)
        joining.take_register(first, register)
        joining.decide(first, joining.Decided((), (late.id,)), by="test")
    assert [one for _, one in requests.waiting(first)] == [zhao.id]
    assert answer(first, second, by="gate former") == {}
    now = {one.id: (one.name, one.templates) for one in residents.every(second)}
    assert now[wang.id] == ("Wang Fang", 2)
    assert (now[li.id][0], now[late.id][0]) == ("Li Na", "Sun Li")
    assert residents.get(first, li.id).name == "Li Na"


def test_the_list_of_gates_is_summed_up_as_by_a_version_that_knows_of_no_brokers(first):
    keys = ("id", "name", "nkey", "box", "signer", "joined_at", "removed_at", "second_at")
    rows = [[getattr(one, key) for key in keys] for one in succession.list_of_gates(first)]
    before = hashlib.sha256(json.dumps(rows, default=bytes.hex).encode()).hexdigest()
    assert succession.digest_of_gates(first) == before
    gates.add(first, replace(NORTH, broker_at="10.0.0.4:7422", broker_pin="aa"))
    assert succession.digest_of_gates(first) != before
    with closing(following()) as other:
        succession.take_gates(other, succession.list_of_gates(first))
        assert succession.digest_of_gates(other) == succession.digest_of_gates(first)
        assert [one.id for one in gates.with_brokers(gates.every(other))] == ["n"]


def test_a_gate_that_leaves_or_joins_another_knows_nothing_of_other_centres(second):
    succession.know_places(second, ["10.0.0.2:7422", "10.0.0.3:7422"])
    assert succession.places_known(second) == ("10.0.0.2:7422", "10.0.0.3:7422")
    role.leave(second, by="test")
    assert (succession.places_known(second), succession.own_place(second), succession.list_of_gates(second)) == (
        (), None, (),
    )  # fmt: skip


def test_a_machine_that_was_made_a_centre_before_any_gate_followed_it_follows_another(first):
    with closing(new_store()) as lone:
        role.become_centre(lone)
        own = wang_of(lone, "Zhao Min")
        credentials.add_card(lone, own, None, b"c" * 32, by="test")
        gates.add(lone, NORTH)
        with pytest.raises(UsageError, match="Gates follow this centre"):
            role.follow(lone, b"s" * 16, "10.0.0.2", by="test")
        gates.remove(lone, NORTH, by="test")
        publish(lone)
        assert role.follow(lone, b"s" * 16, "10.0.0.2", by="test") == 1
        assert role.part(lone) is Part.GATE
        assert lone.execute("SELECT count(*) FROM register").fetchone() == (0,)
        assert (requests.waiting(lone), proposals.count(lone)) == ([], 0)
        wang = wang_of(first)
        carried(first, lone)
        assert {one.id for one in residents.every(lone)} == {own.id, wang.id}


def test_a_gate_whose_card_was_copied_takes_no_others_place(first):
    gates.add(first, replace(NORTH, nkey="UN2"))
    with pytest.raises(Refusal, match="north has the id of this gate, which is called south"):
        gates.add(first, replace(NORTH, name="south", nkey="US"))
    assert gates.get(first, "n").nkey == "UN2"
    gates.remove(first, gates.get(first, "n"), by="test")
    gates.add(first, replace(NORTH, name="south", nkey="US"))
    assert gates.get(first, "n").name == "south"
