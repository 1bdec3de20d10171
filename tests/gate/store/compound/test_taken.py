"""What a centre puts on the register, and what comes of it at a gate: in whatever order, however often."""

from contextlib import closing
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.care import retention
from gate.keep_settings import KeepSettings
from gate.store.compound import forgotten, items, joining, outbox, proposals, requests, revoked, role, taken
from gate.store.compound.entries import RegisterKind, RevocationEntry, Version
from gate.store.compound.revoking import revoke, revoke_for_ever
from gate.store.compound.taken import Taken
from gate.store.people import changes, consents, credentials, erasure, learned, passes, residents, templates
from gate.store.record import audit
from gate.store.site import areas, holidays, schedules
from gate.vocabulary import Kind, Lesson, Method
from tests.compound import EVERY_GATE, FACE, THIS_GATE, answer, following, publish, revoke_at, rows, take
from tests.gate.store.compound.test_passes import new_pass
from tests.stores import new_store

PIN, DURESS, CARD = b"p" * 32, b"d" * 32, b"c" * 32


def wang_of(centre):
    wang = residents.enrol(centre, "Wang Fang", "3-1-502", [FACE], EVERY_GATE, by="test")
    credentials.give_pin(centre, wang, "31502", PIN, DURESS, by="test")
    credentials.add_card(centre, wang, "blue", CARD, by="test")
    return residents.get(centre, wang.id)


def test_a_resident_is_at_the_gate_as_at_the_centre_with_hours_ways_in_and_consent(centre, gate):
    schedules.put(centre, "Cleaners", "Mon-Fri 08:00-18:00", "test")
    schedules.put_group(centre, "Staff", "Cleaners", "test")
    holidays.add(centre, holidays.New("New Year", "2027-01-01"), by="test")
    wang = wang_of(centre)
    changes.change(centre, wang, changes.Changes(group="Staff", valid_until="2999-12-31", extended=True), by="test")
    assert set(take(gate, *publish(centre))) == {Taken.DONE}
    for table in ("residents", "consents", "templates", "credentials", "schedules", "groups", "holidays"):
        assert rows(gate, table) == rows(centre, table), table
    assert items.state(gate, 1) == outbox.state(centre)
    line = [one for one in audit.lines(gate) if one.kind == Kind.ENROLLED]
    assert [(one.named, one.details["by"]) for one in line] == [("Wang Fang", revoked.BY)]
    assert audit.verify(gate) is None
    assert requests.waiting(gate) == []


def test_a_withdrawal_takes_all_of_it_at_a_gate_where_what_stands_then_overtakes_it(centre, gate):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    erasure.withdraw(centre, wang, by="test")
    revocations, stands = publish(centre)[:-1], outbox.entry_of(centre, RegisterKind.RESIDENT, wang.id)
    residents.add_templates(centre, residents.get(centre, wang.id), [FACE], EVERY_GATE, by="test")
    (anew,) = publish(centre)
    assert stands.templates == ()
    assert learned.learn(gate, Lesson("claim", wang.id, "m", FACE.vector, 0.9), audit.this_moment())
    take(gate, anew)
    # Of before is nothing left, and they are here by what they agreed to since.
    assert [one.learned_from for one in templates.of(gate, wang.id)] == [None]
    assert [one.named for one in audit.lines(gate) if one.kind in (Kind.ENROLLED, Kind.TEMPLATE_LEARNED)] == [None] * 2
    take(gate, *revocations)
    assert rows(gate, "templates") == rows(centre, "templates")
    assert requests.waiting(gate) == []


def test_a_withdrawal_takes_all_of_it_at_a_gate_that_hears_of_it_in_an_answer(centre, gate):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    erasure.withdraw(centre, wang, by="test")
    credentials.add_card(gate, wang, "red", b"r" * 32, by="test")
    assert answer(gate, centre) == {}
    (enrolled,) = (one for one in audit.lines(gate) if one.kind == Kind.ENROLLED)
    assert (enrolled.named, Kind.CONSENT_WITHDRAWN in [one.kind for one in audit.lines(gate)]) == (None, True)
    take(gate, *publish(centre))
    assert not consents.standing(gate, wang.id)
    assert rows(gate, "credentials") == rows(centre, "credentials")
    assert requests.waiting(gate) == []


def test_hours_that_are_not_here_yet_are_waited_for(centre, gate):
    schedules.put(centre, "Cleaners", "Mon-Fri 08:00-18:00", "test")
    wang = residents.enrol(centre, "Wang Fang", None, (), by="test")
    changes.change(centre, wang, changes.Changes(schedule="Cleaners"), by="test")
    by_kind = {one.kind: one for one in publish(centre)}
    assert take(gate, by_kind[RegisterKind.RESIDENT]) == [Taken.EARLY]
    assert residents.every(gate) == []
    assert take(gate, by_kind[RegisterKind.SCHEDULE], by_kind[RegisterKind.RESIDENT]) == [Taken.DONE, Taken.DONE]
    assert residents.get(gate, wang.id).windows == "Mon-Fri 08:00-18:00"


def test_hours_of_this_gate_keep_their_name_beside_the_registers(centre, gate):
    schedules.put(gate, "Cleaners", "Mon 08:00-09:00", "test")
    schedules.put(centre, "Cleaners", "Mon-Fri 08:00-18:00", "test")
    take(gate, *publish(centre))
    found = dict(gate.execute("SELECT name, windows FROM schedules"))
    assert found == {"Cleaners": "Mon 08:00-09:00", "Cleaners (2)": "Mon-Fri 08:00-18:00"}
    schedules.remove(centre, "Cleaners", "test")
    take(gate, *publish(centre))
    assert dict(gate.execute("SELECT name, windows FROM schedules")) == {"Cleaners": "Mon 08:00-09:00"}


def did(centre, what):
    """One thing that somebody does at the centre; each leaves the register as it is where it cannot be done."""
    everybody = residents.every(centre)
    one = everybody[0] if everybody else None
    if what == "enrol" or one is None:
        if what == "enrol":
            residents.enrol(centre, f"R{len(everybody)}", None, [FACE], EVERY_GATE, by="test")
        return
    cards = [held for held in credentials.of_resident(centre, one.id) if held.method == "card"]
    match what:
        case "rename":
            changes.change(centre, one, changes.Changes(name=f"{one.name}x"[-40:]), by="test")
        case "pin":
            seed = len(rows(centre, "audit", "sequence")).to_bytes(16, "big")
            credentials.give_pin(centre, one, None, b"p" * 16 + seed, b"d" * 16 + seed, by="test")
        case "card" if not cards:
            seed = len(rows(centre, "audit", "sequence")).to_bytes(16, "big")
            credentials.add_card(centre, one, None, b"c" * 16 + seed, by="test")
        case "lose" if cards:
            credentials.suspend_card(centre, one, cards[0].id, by="test")
        case "find" if cards:
            credentials.resume_card(centre, one, cards[0].id, by="test")
        case "drop card" if cards:
            credentials.remove_card(centre, one, cards[0].id, by="test")
        case "withdraw" if consents.standing(centre, one.id):
            erasure.withdraw(centre, one, by="test")
        case "agree" if not one.templates:
            residents.add_templates(centre, one, [FACE], EVERY_GATE, by="test")
        case "erase":
            erasure.remove(centre, one, by="test")


DEEDS = ("enrol", "enrol", "rename", "pin", "card", "lose", "find", "drop card", "withdraw", "agree", "erase")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(DEEDS), min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_in_whatever_order_and_however_often_the_same_is_there_in_the_end(deeds, chance):
    with closing(new_store()) as centre, closing(following()) as gate:
        role.become_centre(centre)
        outbox.begin_epoch(centre, 1, "s", 0)
        sent, revoked = [], set()
        for deed in deeds:
            did(centre, deed)
            if chance.random() < 0.7:
                sent += publish(centre)
        sent += publish(centre)
        mixed = [*sent, *chance.choices(sent, k=len(sent))] if sent else []
        chance.shuffle(mixed)
        for one in mixed:
            take(gate, one)
            revoked |= {one.entry.id} if one.kind is RegisterKind.REVOCATION else set()
            held = (*residents.every(gate), *(way for who in residents.every(gate) for way in ways_of(gate, who)))
            assert not revoked & {one.id for one in held}
        for table in ("residents", "templates", "credentials"):
            assert comparable(gate, table) == comparable(centre, table), (table, deeds)
        assert [(*row[:2], row[-1] is None) for row in rows(gate, "consents")] == [
            (*row[:2], row[-1] is None) for row in rows(centre, "consents")
        ]
        assert items.state(gate, 1) == outbox.state(centre)
        assert audit.verify(gate) is None


def test_a_card_that_was_found_again_is_not_lost_by_what_was_said_of_its_holder_before(centre, gate):
    wang = wang_of(centre)
    (card,) = (one.id for one in credentials.of_resident(centre, wang.id) if one.method == "card")
    credentials.suspend_card(centre, wang, card, by="test")
    lost = [one for one in publish(centre) if one.kind is RegisterKind.RESIDENT]
    credentials.resume_card(centre, wang, card, by="test")
    found = publish(centre)
    take(gate, *(one for one in found if one.kind is RegisterKind.REVOCATION), *lost, *found)
    assert not any(one.suspended_at for one in credentials.of_resident(gate, wang.id))


def comparable(store, table):
    """Rows without what each machine writes for itself: when a card was lost there, a resident's number."""
    names = [name for _, name, *_ in store.execute(f"PRAGMA table_info({table})")]
    own = {"number", "valid_until_set_on"}
    found = [dict(zip(names, row, strict=True)) for row in rows(store, table)]
    return [
        {name: (value is None) if name == "suspended_at" else value for name, value in row.items() if name not in own}
        for row in found
    ]


def ways_of(store, who):
    """All that somebody has by which they come in."""
    return (*credentials.of_resident(store, who.id), *templates.of(store, who.id))


def test_who_arrives_after_their_own_revocation_is_ignored_for_ever(centre, gate):
    wang = wang_of(centre)
    (late,) = [one for one in publish(centre) if one.kind is RegisterKind.RESIDENT]
    erasure.remove(centre, wang, by="test")
    take(gate, *publish(centre))
    newer = [taken.take(gate, late.kind, Version(9, number), late.entry) for number in (1, 2)]
    assert newer == [Taken.REVOKED, Taken.REVOKED]
    assert residents.every(gate) == []


def test_a_card_that_is_lost_here_and_not_told_yet_is_not_found_again_by_the_centre_that_does_not_know(centre, gate):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    card = next(one.id for one in credentials.of_resident(gate, wang.id) if one.method == "card")
    credentials.suspend_card(gate, wang, card, by="guard")
    found = RevocationEntry(f"{card}/suspended", over=True)
    assert taken.take(gate, RegisterKind.REVOCATION, Version(9, 1), found) is Taken.DONE
    assert [one.suspended_at is None for one in credentials.of_resident(gate, wang.id) if one.id == card] == [False]
    assert [identity for _, identity in requests.waiting(gate)] == [found.id]
    # Once it is told, the centre's word counts again.
    requests.answered(gate, found.id)
    assert taken.take(gate, RegisterKind.REVOCATION, Version(9, 2), found) is Taken.DONE
    assert [one.suspended_at is None for one in credentials.of_resident(gate, wang.id) if one.id == card] == [True]


def test_what_a_gate_revokes_is_asked_of_the_centre_once_and_comes_back_as_the_centres_word(centre, gate):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    card = next(one.id for one in credentials.of_resident(gate, wang.id) if one.method == "card")
    credentials.suspend_card(gate, wang, card, by="guard")
    credentials.remove_pin(gate, wang, by="guard")
    asked = [identity for _, identity in requests.waiting(gate)]
    assert f"{card}/suspended" in asked
    assert len(asked) == 3
    for _, identity in requests.waiting(gate):
        revoke(centre, identity, by="gate north")
        outbox.say_revoked(centre, identity)
    assert len(requests.waiting(gate)) == 3
    take(gate, *publish(centre))
    assert requests.waiting(gate) == []
    assert [(one.method, one.suspended_at is None) for one in credentials.of_resident(centre, wang.id)] == [
        ("card", False)
    ]
    erasure.remove(gate, wang, by="guard")
    ((_, identity),) = requests.waiting(gate)
    revoke(centre, identity, by="gate north")
    take(gate, *publish(centre))
    assert (residents.every(gate), residents.every(centre), requests.waiting(gate)) == ([], [], [])


@pytest.mark.parametrize("leaves", [False, True])
def test_what_was_revoked_while_no_centre_was_heard_is_told_after_the_gate_joined_again(centre, gate, leaves):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    erasure.remove(gate, wang, by="guard")
    if leaves:
        role.leave(gate, by="test")
    role.follow(gate, b"s" * 16, "centre", by="test")
    ((_, identity),) = requests.waiting(gate)
    revoke(centre, identity, by="gate north")
    take(gate, *publish(centre))
    assert (residents.every(centre), requests.waiting(gate)) == ([], [])


@pytest.mark.parametrize(("same_key", "salt"), [(True, b"s"), (False, b"s"), (True, b"o")])
def test_what_waits_for_a_centre_still_does_where_the_gate_joins_the_same_compound_again(centre, gate, same_key, salt):
    role.follow(gate, b"s" * 16, "centre", by="test")
    wang = wang_of(centre)
    take(gate, *publish(centre))
    changes.change(gate, residents.get(gate, wang.id), changes.Changes(unit="9-9"), by="guard")
    before = credentials.of_resident(gate, wang.id)
    li = residents.enrol(gate, "Li Na", None, [], None, by="guard")
    role.follow(gate, salt * 16, "centre", by="test", same_key=same_key)
    again = salt == b"s"
    assert proposals.of_residents(gate) == ({wang.id: None, li.id: None} if again else {})
    # Nobody revoked a card or a PIN.
    assert requests.waiting(gate) == []
    assert credentials.of_resident(gate, wang.id) == (before if again and same_key else [])


def test_a_card_that_a_gate_takes_away_is_nobody_who_is_to_be_forgotten_and_a_resident_is(centre, gate):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    ((card,),) = gate.execute("SELECT id FROM credentials WHERE kind = 'card'").fetchall()
    credentials.remove_card(gate, wang, card, by="test")
    revoke_at(centre, gate)
    # The same is asked again where the answer was lost.
    revoke_at(centre, gate)
    assert credentials.with_card(centre) == 0
    assert forgotten.standing(centre, 10) == []
    erasure.remove(gate, wang, by="test")
    revoke_at(centre, gate)
    assert [one.id for one in forgotten.standing(centre, 10)] == [wang.id]


def test_a_gate_that_was_taken_away_is_nobody_who_is_to_be_forgotten(centre, gate):
    # The gates tell a centre that came back from a backup of one that was taken away since, and whom it may not know.
    key = f"U{'DXZGQ' * 11}"
    revoke_for_ever(centre, key, by="gate north")
    take(gate, *publish(centre))
    assert forgotten.standing(centre, 10) == []
    assert not any(erasure.was_erased(one, key) for one in (centre, gate))
    # As a version before left it.
    centre.execute("INSERT INTO erased (resident_hash) VALUES (?)", (erasure.hash_of(key),))
    assert forgotten.standing(centre, 10) == []


def test_what_a_gate_revokes_is_answered_also_where_the_centre_does_not_know_it(centre, gate):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    erasure.remove(gate, wang, by="guard")
    # As after a backup from before they came.
    centre.execute("UPDATE compound SET part = 'alone'")
    centre.execute("DELETE FROM residents WHERE id = ?", (wang.id,))
    centre.execute("UPDATE compound SET part = 'centre'")
    for _, identity in requests.waiting(gate):
        for _ in range(2):
            revoke(centre, identity, by="gate north")
            outbox.say_revoked(centre, identity)
    said = publish(centre)
    assert [(one.kind, one.entry.id, one.version.number) for one in said] == [(RegisterKind.REVOCATION, wang.id, 1)]
    take(gate, *said)
    assert requests.waiting(gate) == []


def test_a_later_epoch_takes_whom_the_register_does_not_name_any_more_and_leaves_a_gates_own(centre, gate):
    wang, li = wang_of(centre), residents.enrol(centre, "Li Na", None, (), by="test")
    own = residents.enrol(gate, "Zhao Min", None, (), by="test")
    take(gate, *publish(centre))
    # As after a backup from before Li came.
    centre.execute("UPDATE compound SET part = 'alone'")
    centre.execute("DELETE FROM residents WHERE id = ?", (li.id,))
    centre.execute("UPDATE compound SET part = 'centre'")
    assert outbox.begin_epoch(centre, 5, "other", 0) == 5
    take(gate, *publish(centre))
    assert items.state(gate, 5) == outbox.state(centre)
    assert taken.sweep(gate, 5) == [li.id]
    assert {one.id for one in residents.every(gate)} == {wang.id, own.id}
    assert requests.waiting(gate) == []
    assert audit.verify(gate) is None


def test_nobody_is_published_who_agreed_to_one_gate_alone(centre):
    residents.enrol(centre, "Wang Fang", None, [FACE], THIS_GATE, by="test")
    assert [one for one in publish(centre) if one.kind is RegisterKind.RESIDENT] == []
    assert outbox.state(centre).entries == 0


def test_a_centre_begins_with_whom_it_has_and_a_gate_that_leaves_keeps_them(gate):
    with closing(new_store()) as centre:
        wang = residents.enrol(centre, "Wang Fang", None, (), by="test")
        role.become_centre(centre)
        outbox.begin_epoch(centre, 1, "s", 0)
        take(gate, *publish(centre))
    assert role.leave(gate, by="test") == 1
    assert role.part(gate) is role.Part.ALONE
    changes.change(gate, residents.get(gate, wang.id), changes.Changes(name="Wang"), by="test")
    erasure.remove(gate, wang, by="test")
    assert requests.waiting(gate) == []


def test_a_gate_that_leaves_and_forgets_has_nobody_of_the_register_until_it_follows_again(gate):
    own = residents.enrol(gate, "Li Na", None, (), by="test")
    with closing(new_store()) as centre:
        wang = wang_of(centre)
        role.become_centre(centre)
        outbox.begin_epoch(centre, 1, "s", 0)
        take(gate, *publish(centre))
        people = role.people_of_register(gate)
        assert people == [wang.id]
        role.leave(gate, by="test")
        assert role.forget(gate, people, by="test") == 1
        assert [one.id for one in residents.every(gate)] == [own.id]
        assert [line.kind for line in audit.lines(gate)][-2:] == ["erased", "erased_together"]
        assert requests.waiting(gate) == []
        role.follow(gate, bytes(16), "centre", by="test")
        outbox.begin_epoch(centre, 2, "s", 0)
        take(gate, *publish(centre))
        assert {one.id for one in residents.every(gate)} == {own.id, wang.id}
        assert (
            gate.execute("SELECT count(*) FROM templates").fetchone()
            == centre.execute("SELECT count(*) FROM templates").fetchone()
        )


def test_an_alone_gate_writes_nothing_of_any_register():
    with closing(new_store()) as alone:
        wang_of(alone)
        erasure.remove(alone, residents.every(alone)[0], by="test")
        for table in ("register", "register_requests", "register_keys", "register_erasures"):
            assert alone.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_an_erased_residents_key_is_gone_and_their_message_is_to_be_erased(centre):
    wang = wang_of(centre)
    publish(centre)
    assert outbox.keys(centre, [wang.id])
    erasure.remove(centre, wang, by="test")
    assert outbox.keys(centre, [wang.id]) == {}
    assert len(outbox.erasures(centre)) == 1


def test_what_the_broker_has_and_the_centre_did_not_hear_of_is_overtaken_and_what_is_anothers_is_not(centre, gate):
    wang, li = wang_of(centre), residents.enrol(centre, "Li Na", None, (), by="test")
    said = outbox.due(centre, 100)
    # It died before it heard, and went on: one is changed, one erased.
    unheard = [outbox.Unheard(place, one.kind, one.entry.id, one.version) for place, one in enumerate(said, 1)]
    take(gate, *said)
    changes.change(centre, wang, changes.Changes(name="Wang the elder"), by="test")
    erasure.remove(centre, li, by="test")
    assert outbox.overtake(centre, unheard, len(said))
    assert outbox.broker(centre).last_sequence == len(said)
    (gone,) = [one.sequence for one in unheard if one.id == li.id]
    assert outbox.erasures(centre) == [gone]
    take(gate, *publish(centre))
    assert [(one.id, one.name) for one in residents.every(gate)] == [(wang.id, "Wang the elder")]
    assert items.state(gate, items.epoch(centre)) == outbox.state(centre)
    stranger = outbox.Unheard(9, RegisterKind.RESIDENT, "nobody", Version(items.epoch(centre), 1))
    assert not outbox.overtake(centre, [stranger], 9)
    another = outbox.Unheard(9, RegisterKind.RESIDENT, wang.id, Version(items.epoch(centre) + 1, 1))
    assert not outbox.overtake(centre, [another], 9)
    assert outbox.broker(centre).last_sequence < 9


def test_no_gate_erases_whom_the_centre_named_for_not_coming_there(centre, gate):
    wang = wang_of(centre)
    moved = residents.enrol(centre, "Li Na", None, [FACE], EVERY_GATE, by="test")
    changes.change(centre, moved, changes.Changes(valid_until="2020-01-01"), by="test")
    take(gate, *publish(centre))
    own = residents.enrol(gate, "Zhao Min", None, [FACE], EVERY_GATE, by="test")
    day = date(2099, 1, 1)
    assert {one.resident for one in retention.fading(gate, KeepSettings(), day)} == {own.id}
    assert {one.resident for one in retention.fading(centre, KeepSettings(), day)} == {moved.id}
    assert residents.get(gate, wang.id) is not None


def joins_again(centre, gate):
    """As `facegate join` does it: the register is read beside, and taken once the gate follows."""
    with closing(following()) as register:
        centre.execute("UPDATE register SET due = 1")
        sent = publish(centre)
        while sent := [one for one in sent if take(register, one) == [Taken.EARLY]]:
            pass
        role.follow(gate, b"s" * 16, "centre", by="test")
        joining.take_register(gate, register)


def test_a_gate_that_joins_takes_every_kind_of_entry_that_there_is(centre, gate):
    areas.put(centre, "Tower A", {"n": "North"}, "test")
    schedules.put(centre, "Nights", "daily 22:00-06:00", "test")
    schedules.put_group(centre, "Cleaners", "Nights", "test", area="Tower A")
    holidays.add(centre, holidays.New("New Year", "2099-01-01", schedule="Nights"), by="test")
    wang = changes.change(centre, wang_of(centre), changes.Changes(group="Cleaners", area="Tower A"), by="test")
    visit = new_pass(centre, host=wang, unit=None)
    erasure.remove(centre, residents.enrol(centre, "Li Na", None, [FACE], EVERY_GATE, by="test"), by="test")
    joins_again(centre, gate)
    assert {one for (one,) in gate.execute("SELECT kind FROM register")} == {*RegisterKind}
    for table in ("areas", "groups", "holidays", "schedules", "residents"):
        assert rows(gate, table) == rows(centre, table), table
    assert passes.get(gate, visit.id) is not None
    assert items.state(gate, 1) == outbox.state(centre)


@pytest.mark.parametrize("left", [False, True])
def test_pins_and_cards_of_the_register_open_again_at_a_gate_that_joined_again(centre, gate, left):
    wang = wang_of(centre)
    take(gate, *publish(centre))
    own = residents.enrol(gate, "Zhao Min", None, (), by="test")
    credentials.add_card(gate, own, None, b"o" * 32, by="test")
    if left:
        role.leave(gate, by="test")
    joins_again(centre, gate)
    assert {one.method for one in credentials.of_resident(gate, wang.id)} == {Method.PIN, Method.CARD}
    assert credentials.of_resident(gate, own.id) == []
    assert requests.waiting(gate) == []


@pytest.mark.parametrize("left", [False, True])
def test_what_was_taken_from_somebody_here_stays_so_at_a_gate_that_joined_again(centre, gate, left):
    wang = wang_of(centre)
    (card,) = [one.id for one in credentials.of_resident(centre, wang.id) if one.method is Method.CARD]
    take(gate, *publish(centre))
    if left:
        role.leave(gate, by="test")
    credentials.remove_pin(gate, residents.get(gate, wang.id), by="test")
    credentials.suspend_card(gate, residents.get(gate, wang.id), card, by="test")
    joins_again(centre, gate)
    (lost,) = credentials.of_resident(gate, wang.id)
    assert (lost.method, lost.suspended_at is None) == (Method.CARD, False)
