"""What is enrolled or changed at a gate: what its centre makes of it, and what stands at the gate meanwhile."""

from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Refusal
from gate.store.compound import items, outbox, proposals, proposed, recovery, requests, role, taken
from gate.store.compound.entries import HolidayEntry, RegisterKind, ScheduleEntry, Version
from gate.store.compound.proposals import Because, Proposal
from gate.store.compound.taken import Taken
from gate.store.people import changes, consents, credentials, erasure, learned, residents, templates
from gate.store.record import audit
from gate.store.site import holidays, schedules
from gate.vocabulary import Kind, Lesson, Method
from tests.compound import EVERY_GATE, FACE, THIS_GATE, answer, following, publish, revoke_at, rows, take
from tests.stores import new_store

PIN, DURESS, CARD = b"p" * 32, b"d" * 32, b"c" * 32
TABLES = ("residents", "consents", "templates", "credentials", "schedules", "groups", "holidays")


@pytest.fixture
def other():
    with closing(following()) as made:
        yield made


def same(*stores):
    """Whether the same people and hours are in these, but for what each machine numbers and times for itself."""
    told = [[told_of(one, table) for table in TABLES] for one in stores]
    return all(one == told[0] for one in told)


def told_of(one, table):
    names = [name for _, name, *_ in one.execute(f"PRAGMA table_info({table})")]
    found = [dict(zip(names, row, strict=True)) for row in rows(one, table)]
    return [
        {
            name: value is None if name.endswith(("_at", "set_on")) else value
            for name, value in row.items()
            if name != "number"
        }
        for row in found
    ]


def enrolled(store, name="Wang Fang", unit="3-1-502", consent=EVERY_GATE):
    return residents.enrol(store, name, unit, [FACE], consent, by="manager")


def test_whoever_is_enrolled_at_a_gate_is_at_all_of_them_with_hours_face_consent_and_ways_in(centre, gate, other):
    schedules.put(gate, "Cleaners", "Mon-Fri 08:00-18:00", "manager")
    schedules.put_group(gate, "Staff", "Cleaners", "manager")
    holidays.add(gate, holidays.New("New Year", "2027-01-01"), by="manager")
    wang = enrolled(gate)
    credentials.give_pin(gate, wang, "31502", PIN, DURESS, by="manager")
    credentials.add_card(gate, wang, "blue", CARD, by="manager")
    changes.change(gate, wang, changes.Changes(group="Staff", valid_until="2999-12-31"), by="manager")
    # Until the centre has answered they are this gate's, and wait.
    assert proposals.of_residents(gate) == {wang.id: None}
    assert answer(gate, centre) == {}
    assert proposals.of_residents(gate) == {}
    sent = publish(centre)
    take(gate, *sent)
    take(other, *sent)
    assert same(centre, gate, other)
    assert items.state(gate, 1) == items.state(other, 1) == outbox.state(centre)
    line = next(one for one in audit.lines(centre) if one.kind == Kind.ENROLLED)
    assert (line.named, line.details["by"]) == ("Wang Fang", "gate north")
    assert [audit.verify(one) for one in (centre, gate, other)] == [None] * 3


def test_what_is_changed_at_a_gate_of_whom_the_centre_named_is_changed_everywhere(centre, gate):
    enrolled(centre)
    take(gate, *publish(centre))
    (wang,) = residents.every(gate)
    changes.change(gate, wang, changes.Changes(name="Wang Fang the elder"), by="manager")
    residents.add_templates(gate, wang, [FACE], by="manager")
    credentials.add_card(gate, wang, None, CARD, by="manager")
    assert answer(gate, centre) == {}
    take(gate, *publish(centre))
    assert same(centre, gate)
    assert residents.get(centre, wang.id).name == "Wang Fang the elder"
    # A new PIN in the place of the one before, and which of both comes first says nothing.
    for pin, duress in ((PIN, DURESS), (b"q" * 32, b"e" * 32)):
        credentials.give_pin(gate, wang, "31502", pin, duress, by="manager")
        assert answer(gate, centre) == {}
        revoke_at(centre, gate)
    take(gate, *publish(centre))
    assert same(centre, gate)
    assert credentials.find(centre, Method.PIN, PIN) is None


def test_of_two_changes_the_centres_counts_and_what_was_added_at_the_gate_stays(centre, gate):
    enrolled(centre)
    take(gate, *publish(centre))
    (wang,) = residents.every(gate)
    changes.change(centre, residents.get(centre, wang.id), changes.Changes(unit="9-9-909"), by="owner")
    changes.change(gate, wang, changes.Changes(unit="3-1-601"), by="manager")
    residents.add_templates(gate, wang, [FACE], by="manager")
    sent = publish(centre)
    # While the gate's own waits, the centre's newer word does.
    assert take(gate, *sent) == [Taken.EARLY]
    assert answer(gate, centre) == {wang.id: Because.CHANGED}
    assert take(gate, *sent, *publish(centre)) == [Taken.OLD, Taken.OLD]
    assert same(centre, gate)
    assert (residents.get(gate, wang.id).unit, residents.get(gate, wang.id).templates) == ("9-9-909", 2)
    assert proposals.of_residents(gate) == {wang.id: Because.CHANGED}
    assert [one.details["why"] for one in audit.lines(gate) if one.kind == Kind.PROPOSAL_REFUSED] == ["changed"]
    # Whoever changes it again has seen what stands there.
    changes.change(gate, residents.get(gate, wang.id), changes.Changes(unit="3-1-601"), by="manager")
    assert answer(gate, centre) == {}
    assert residents.get(centre, wang.id).unit == "3-1-601"


def test_an_answer_that_was_lost_changes_nothing_when_the_same_is_proposed_again(centre, gate):
    wang = enrolled(gate)
    credentials.add_card(gate, wang, None, CARD, by="manager")
    first = proposed.judge(centre, proposals.following(gate), "north", by="gate north")
    before = [rows(centre, table) for table in TABLES], len(rows(centre, "audit", "sequence"))
    sent = proposals.following(gate)
    again = proposed.judge(centre, sent, "north", by="gate north")
    assert ([rows(centre, table) for table in TABLES], len(rows(centre, "audit", "sequence"))) == before
    assert (again.because, again.version) == (None, first.version)
    # And what was changed meanwhile at the gate is proposed by itself.
    changes.change(gate, wang, changes.Changes(unit="3-1-601"), by="manager")
    assert taken.take_answer(gate, again, sent)
    assert residents.get(gate, wang.id).unit == "3-1-601"
    assert answer(gate, centre) == {}
    take(gate, *publish(centre))
    assert same(centre, gate)


def test_whoever_is_erased_before_the_centre_answered_stays_erased_everywhere(centre, gate, other):
    wang, li, zhao = (enrolled(gate, name) for name in ("Wang Fang", "Li Na", "Zhao Min"))
    lost = proposals.following(gate)
    taken_already = proposed.judge(centre, lost, "north", by="gate north")
    erasure.remove(gate, residents.get(gate, taken_already.id), by="manager")
    taken.take_answer(gate, taken_already, lost)
    # Another is erased while their proposal is on its way: it comes after the revocation.
    late = proposals.following(gate)
    erasure.remove(gate, residents.get(gate, late.entry.id), by="manager")
    revoke_at(centre, gate)
    assert proposed.judge(centre, late, "north", by="gate north").because is Because.ERASED
    assert answer(gate, centre) == {}
    sent = publish(centre)
    take(gate, *sent)
    take(other, *sent)
    left = {wang.id, li.id, zhao.id} - {taken_already.id, late.entry.id}
    assert [{one.id for one in residents.every(one)} for one in (centre, gate, other)] == [left] * 3


def test_a_card_or_face_that_is_taken_away_before_the_centre_answered_comes_from_nowhere_again(centre, gate):
    wang = enrolled(gate)
    card = credentials.add_card(gate, wang, None, CARD, by="manager")
    residents.add_templates(gate, wang, [FACE], by="manager")
    sent = proposals.following(gate)
    credentials.remove_card(gate, wang, card, by="manager")
    erasure.remove_template(gate, wang, templates.of(gate, wang.id)[0].id, by="manager")
    revoke_at(centre, gate)
    taken.take_answer(gate, proposed.judge(centre, sent, "north", by="gate north"), sent)
    assert answer(gate, centre) == {}
    take(gate, *publish(centre))
    assert same(centre, gate)
    assert credentials.of_resident(centre, wang.id) == []
    assert residents.get(centre, wang.id).templates == 1


def test_who_is_enrolled_at_two_gates_that_were_cut_off_is_taken_once_and_stays_at_the_other_until_somebody_looks(
    centre, gate, other
):
    there = enrolled(other)
    here = enrolled(gate)
    assert answer(other, centre) == {}
    assert answer(gate, centre) == {here.id: Because.NAMESAKE}
    take(gate, *publish(centre))
    assert {one.id for one in residents.every(gate)} == {here.id, there.id}
    assert [one.id for one in residents.every(centre)] == [there.id]
    # What tells them apart has them proposed anew; to be done with it leaves them at this gate alone.
    changes.change(gate, here, changes.Changes(name="Wang Fang (daughter)"), by="manager")
    assert answer(gate, centre) == {}
    assert len(residents.every(centre)) == 2
    third = enrolled(other, "Wang Fang (daughter)")
    assert answer(other, centre) == {third.id: Because.NAMESAKE}
    proposals.dismiss(other, third.id)
    changes.change(other, third, changes.Changes(valid_until="2999-01-01"), by="manager")
    assert (answer(other, centre), proposals.of_residents(other)) == ({}, {})
    assert residents.get(other, third.id) is not None


def test_a_code_that_somebody_elsewhere_has_is_not_taken_and_the_rest_is(centre, gate, other):
    li, wang = enrolled(other, "Li Na"), enrolled(gate)
    credentials.add_card(other, li, None, CARD, by="manager")
    credentials.add_card(gate, wang, None, CARD, by="manager")
    credentials.give_pin(gate, wang, "31502", PIN, DURESS, by="manager")
    assert answer(other, centre) == {}
    assert answer(gate, centre) == {wang.id: Because.CODE}
    assert [one.method for one in credentials.of_resident(gate, wang.id)] == ["pin"]
    take(gate, *publish(centre))
    assert same(centre, gate)
    assert credentials.find(gate, Method.CARD, CARD).resident == li.id


def test_no_more_templates_are_taken_than_anybody_may_have_and_the_rest_is(centre, gate):
    enrolled(centre)
    take(gate, *publish(centre))
    (wang,) = residents.every(gate)
    most = templates.MAX_TEMPLATES
    residents.add_templates(centre, residents.get(centre, wang.id), [FACE] * (most - 2), by="owner")
    residents.add_templates(gate, wang, [FACE] * (most - 2), by="manager")
    credentials.add_card(gate, wang, None, CARD, by="manager")
    assert answer(gate, centre) == {wang.id: Because.MOST}
    take(gate, *publish(centre))
    assert same(centre, gate)
    assert residents.get(gate, wang.id).templates == most - 1


def test_hours_that_are_changed_at_a_gate_are_changed_everywhere_and_names_are_kept_apart(centre, gate, other):
    schedules.put(centre, "Cleaners", "Mon 08:00-18:00", "owner")
    schedules.put(centre, "Night", "Mon 20:00-24:00", "owner")
    for one in publish(centre):
        take(gate, one)
        take(other, one)
    schedules.put(gate, "Cleaners", "Tue 08:00-18:00", "manager")
    schedules.put(gate, "Staff", "Wed 08:00-18:00", "manager")
    schedules.put(other, "Staff", "Thu 08:00-18:00", "manager")
    schedules.remove(gate, "Night", "manager")
    assert (answer(gate, centre), answer(other, centre)) == ({}, {})
    take(gate, *publish(centre))
    assert same(centre, gate)
    hours = dict(gate.execute("SELECT name, windows FROM schedules"))
    assert hours == {"Cleaners": "Tue 08:00-18:00", "Staff": "Wed 08:00-18:00", "Staff (2)": "Thu 08:00-18:00"}
    # Hours that somebody has elsewhere stay.
    wang = enrolled(centre)
    changes.change(centre, wang, changes.Changes(schedule="Cleaners"), by="owner")
    cleaners = gate.execute("SELECT id FROM schedules WHERE name = 'Cleaners'").fetchone()[0]
    schedules.remove(gate, "Cleaners", "manager")
    assert answer(gate, centre) == {cleaners: Because.IN_USE}
    assert "Cleaners" in dict(gate.execute("SELECT name, windows FROM schedules"))


def test_whoever_agreed_to_one_gate_alone_is_proposed_when_they_agree_to_all(centre, gate):
    wang = enrolled(gate, consent=THIS_GATE)
    assert answer(gate, centre) == {}
    assert (residents.every(centre), proposals.count(gate)) == ([], 0)
    residents.add_templates(gate, wang, (), EVERY_GATE, by="manager")
    assert answer(gate, centre) == {}
    assert residents.get(centre, wang.id).templates == 1


def test_people_whom_a_gate_had_before_it_joined_are_proposed_when_somebody_says_so(centre):
    with closing(new_store()) as gate:
        schedules.put(gate, "Cleaners", "Mon 08:00-18:00", "manager")
        wang, li = enrolled(gate), enrolled(gate, "Li Na")
        changes.change(gate, wang, changes.Changes(schedule="Cleaners"), by="manager")
        role.follow(gate, b"s" * 16, "centre", by="test")
        changes.change(gate, wang, changes.Changes(valid_until="2999-01-01"), by="manager")
        assert proposals.following(gate) is None
        proposals.bring(gate, [wang.id])
        assert answer(gate, centre) == {}
        assert [one.id for one in residents.every(centre)] == [wang.id]
        assert residents.get(centre, wang.id).windows == "Mon 08:00-18:00"
        assert residents.get(gate, li.id) is not None


def test_a_card_that_was_lost_is_found_again_at_the_centre(centre, gate):
    wang = enrolled(centre)
    card = credentials.add_card(centre, wang, None, CARD, by="owner")
    take(gate, *publish(centre))
    credentials.suspend_card(gate, wang, card, by="manager")
    with pytest.raises(Refusal, match="found again at the centre"):
        credentials.resume_card(gate, wang, card, by="manager")


def test_a_centre_that_came_back_from_an_old_backup_is_given_back_what_its_gates_have(centre, gate, other):
    schedules.put(centre, "Cleaners", "Mon 08:00-18:00", "owner")
    wang, li, zhao = (enrolled(centre, name) for name in ("Wang Fang", "Li Na", "Zhao Min"))
    backup = new_store()
    publish(centre)
    centre.backup(backup)
    # What happens after it was made.
    chen = enrolled(centre, "Chen Jie")
    changes.change(centre, chen, changes.Changes(schedule="Cleaners"), by="owner")
    changes.change(centre, wang, changes.Changes(unit="3-1-601"), by="owner")
    credentials.add_card(centre, wang, None, CARD, by="owner")
    erasure.remove(centre, li, by="owner")
    outbox.begin_epoch(centre, 2, "s", 0)
    sent = publish(centre)
    take(gate, *sent)
    take(other, *sent)
    with closing(backup):
        changes.change(gate, residents.get(gate, zhao.id), changes.Changes(unit="4-4-404"), by="manager")
        for one in (gate, other):
            proposals.give_back(one, "r1", 3)
            proposals.give_back(one, "r1", 3)
            assert proposals.gave_back(one) is None
        outbox.begin_epoch(backup, 3, "s", 0)
        for one in (gate, other):
            revoke_at(backup, one)
        revoked = [one for one in publish(backup) if one.kind is RegisterKind.REVOCATION]
        for one in (gate, other):
            take(one, *revoked)
            assert answer(one, backup) == {}
            assert proposals.gave_back(one) == "r1"
        assert residents.get(backup, zhao.id).unit == "4-4-404"
        changes.change(backup, zhao, changes.Changes(unit=zhao.unit), by="owner")
        assert same(backup, centre)
        sent = publish(backup)
        take(gate, *sent)
        take(other, *sent)
        assert items.state(gate, 3) == items.state(other, 3) == outbox.state(backup)
        assert (taken.sweep(gate, 3), taken.sweep(other, 3)) == ([], [])
        assert {one.id for one in residents.every(other)} == {wang.id, zhao.id, chen.id}


def test_a_change_made_while_an_added_photo_was_answered_undoes_none_of_the_centres(centre, gate):
    wang = enrolled(centre)
    take(gate, *publish(centre))
    changes.change(centre, wang, changes.Changes(name="Wang Mei"), by="owner")
    residents.add_templates(gate, wang, [FACE], by="manager")
    sent = proposals.following(gate)
    told = proposed.judge(centre, sent, "north", by="gate north")
    changes.change(gate, residents.get(gate, wang.id), changes.Changes(unit="9-9-909"), by="manager")
    assert taken.take_answer(gate, told, sent)
    assert answer(gate, centre) == {wang.id: Because.CHANGED}
    assert same(centre, gate)
    assert residents.get(centre, wang.id).name == "Wang Mei"


def test_a_card_that_was_found_once_lost_at_a_gate_and_taken_away_at_the_centre_is_asked_for_no_more(centre, gate):
    wang = enrolled(centre)
    card = credentials.add_card(centre, wang, None, CARD, by="owner")
    credentials.suspend_card(centre, wang, card, by="owner")
    credentials.resume_card(centre, wang, card, by="owner")
    take(gate, *publish(centre))
    credentials.suspend_card(gate, wang, card, by="guard")
    credentials.remove_card(centre, wang, card, by="owner")
    revoke_at(centre, gate)
    take(gate, *publish(centre))
    assert requests.waiting(gate) == []
    assert items.state(gate, 1) == outbox.state(centre)


def test_who_was_erased_before_there_was_a_centre_is_erased_at_the_gate_that_brings_them(gate):
    # Both followed another centre before, and left it.
    wang = enrolled(gate)
    with closing(new_store()) as centre:
        gate.backup(centre)
        role.leave(centre, by="test")
        erasure.remove(centre, wang, by="owner")
        role.become_centre(centre)
        outbox.begin_epoch(centre, 1, "s", 0)
        assert answer(gate, centre) == {wang.id: Because.ERASED}
        take(gate, *publish(centre))
        assert residents.every(gate) == []
        assert proposals.of_residents(gate) == {}


def test_a_card_that_was_lost_since_the_backup_is_not_found_again_by_it(centre, gate):
    wang = enrolled(centre)
    card = credentials.add_card(centre, wang, None, CARD, by="owner")
    credentials.suspend_card(centre, wang, card, by="owner")
    credentials.resume_card(centre, wang, card, by="owner")
    take(gate, *publish(centre))
    with closing(new_store()) as backup:
        centre.backup(backup)
        credentials.suspend_card(centre, wang, card, by="owner")
        take(gate, *publish(centre))
        recovery.begin(backup, None)
        epoch = outbox.begin_epoch(backup, 1, "s", 0)
        # What comes from the stream may come before the head that asks for what was lost.
        take(gate, *publish(backup))
        proposals.give_back(gate, "r1", epoch)
        revoke_at(backup, gate)
        take(gate, *publish(backup))
        assert answer(gate, backup) == {}
        recovery.end(backup)
        take(gate, *publish(backup))
        for one in (backup, gate):
            assert credentials.of_resident(one, wang.id)[0].suspended_at is not None


def test_what_nobody_could_read_is_taken_from_no_gate(centre):
    wang = enrolled(centre)
    stands = outbox.entry_of(centre, RegisterKind.RESIDENT, wang.id)
    (face,), (agreed,) = stands.templates, stands.consents
    nonsense = [
        ScheduleEntry("s1", "Cleaners", "sometimes"),
        HolidayEntry("h1", "New Year", "soon", "soon", None, None),
        HolidayEntry("h1", "New Year", "2027-01-01", "2027-01-01", None, "sometimes"),
        replace(stands, valid_until="never"),
        replace(stands, created_at="now"),
        replace(stands, consents=(replace(agreed, given_at="then"),)),
        *(
            replace(stands, templates=(replace(face, id="t1", **part),))
            for part in ({"vector": b"abc"}, {"vector": b""}, {"vector": b"\0\0\xc0\x7f" * 4}, {"quality": "good"})
        ),
        # It would be the name of a message at the broker.
        replace(stands, templates=(replace(face, id="t1.> *"),)),
        # It would be no message that the broker takes, and nothing behind it would be published.
        replace(stands, templates=(face, *(replace(face, id=f"t{n}", quality=f'"{"q" * 50_000}"') for n in range(7)))),
        replace(stands, consents=(agreed, *(replace(agreed, id=f"c{n}") for n in range(3_000)))),
    ]
    before = [rows(centre, table) for table in TABLES]
    for number, entry in enumerate(nonsense):
        kind = {ScheduleEntry: RegisterKind.SCHEDULE, HolidayEntry: RegisterKind.HOLIDAY}.get(
            type(entry), RegisterKind.RESIDENT
        )
        proposal = Proposal(number, kind, Version(9, 9), True, entry)
        assert proposed.judge(centre, proposal, "north", by="gate north").because is Because.NONSENSE, entry
    assert [rows(centre, table) for table in TABLES] == before


def test_a_withdrawal_that_comes_after_what_was_changed_with_it_takes_all_of_it_at_the_centre(centre, gate):
    enrolled(centre)
    take(gate, *publish(centre))
    (wang,) = residents.every(gate)
    # What the gate does not know: a photo that was added meanwhile, and a face that a passage at the centre taught.
    residents.add_templates(centre, residents.get(centre, wang.id), [FACE], by="owner")
    assert learned.learn(centre, Lesson("claim", wang.id, "m", FACE.vector, 0.9), audit.this_moment())
    erasure.withdraw(gate, wang, by="manager")
    credentials.add_card(gate, wang, None, CARD, by="manager")
    assert answer(gate, centre) == {}
    revoke_at(centre, gate)
    assert templates.of(centre, wang.id) == []
    assert not any(line.named for line in audit.lines(centre) if line.kind in (Kind.ENROLLED, Kind.TEMPLATE_LEARNED))
    assert [line.details["by"] for line in audit.lines(centre) if line.kind == Kind.CONSENT_WITHDRAWN] == ["gate north"]
    take(gate, *publish(centre))
    assert same(centre, gate)


def test_nobody_is_swept_while_the_centre_is_still_to_say_what_becomes_of_them(centre, gate):
    wang = enrolled(centre)
    take(gate, *publish(centre))
    changes.change(gate, wang, changes.Changes(unit="3-1-601"), by="manager")
    assert taken.sweep(gate, 2) == []
    assert residents.get(gate, wang.id) is not None


DEEDS = ("enrol", "rename", "pin", "card", "drop card", "withdraw", "photo", "erase", "hours")


def did(one_store, what, number):
    """One thing that somebody does, here or there."""
    everybody = residents.every(one_store)
    one = everybody[number % len(everybody)] if everybody else None
    if what == "enrol" or one is None:
        residents.enrol(one_store, f"R{number}", None, [FACE], EVERY_GATE, by="test")
        return
    cards = [held for held in credentials.of_resident(one_store, one.id) if held.method == "card"]
    seed = number.to_bytes(16, "big")
    try:
        match what:
            case "rename":
                changes.change(one_store, one, changes.Changes(name=f"N{number}"), by="test")
            case "pin":
                credentials.give_pin(one_store, one, None, b"p" * 16 + seed, b"d" * 16 + seed, by="test")
            case "card":
                credentials.add_card(one_store, one, None, b"c" * 16 + seed, by="test")
            case "drop card" if cards:
                credentials.remove_card(one_store, one, cards[0].id, by="test")
            case "withdraw":
                erasure.withdraw(one_store, one, by="test")
            case "photo":
                residents.add_templates(one_store, one, [FACE], EVERY_GATE, by="test")
            case "erase":
                erasure.remove(one_store, one, by="test")
            case "hours":
                schedules.put(one_store, f"H{number % 3}", f"Mon 08:00-{10 + number % 12}:00", "test")
    except Refusal:
        return


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(DEEDS), st.booleans()), min_size=1, max_size=16),
    st.booleans(),
)
def test_whatever_is_done_at_whichever_gate_all_are_the_same_in_the_end(deeds, late):
    with closing(new_store()) as centre, closing(following()) as north, closing(following()) as east:
        role.become_centre(centre)
        outbox.begin_epoch(centre, 1, "s", 0)
        gates, sent, erased = (north, east), [], set()

        def carry(*, late):
            """`late`: what was revoked overtakes nothing."""
            for gate in gates:
                if late:
                    answer(gate, centre)
                revoke_at(centre, gate)
                answer(gate, centre)
            sent.extend(publish(centre))
            for gate in gates:
                for _ in range(2):
                    take(gate, *sent)

        for number, (where, deed, carried) in enumerate(deeds):
            place = (centre, *gates)[where]
            before = {one.id for one in residents.every(place)}
            did(place, deed, number)
            erased |= before - {one.id for one in residents.every(place)}
            if carried:
                carry(late=late)
        for _ in range(3):
            carry(late=late)
        assert [requests.waiting(gate) for gate in gates] == [[], []]
        assert [proposals.count(gate) for gate in gates] == [0, 0]
        # Who was refused as another's namesake stays where they are; nobody here is.
        assert same(centre, north, east), deeds
        for store in (centre, *gates):
            kept = {one.id for one in residents.every(store) if one.templates}
            assert all(consents.standing(store, one) for one in kept), deeds
        for gate in gates:
            assert not erased & {one.id for one in residents.every(gate)}
            assert items.state(gate, 1) == outbox.state(centre)
        assert [audit.verify(one) for one in (centre, *gates)] == [None] * 3


def test_a_version_says_nothing_of_a_proposal_that_was_refused_once(centre, gate):
    wang = enrolled(gate)
    sent = proposals.following(gate)
    assert taken.take_answer(gate, proposed.refused(sent, Because.TOO_NEW), sent)
    assert proposals.of_residents(gate) == {wang.id: Because.TOO_NEW}
    residents.add_templates(gate, wang, [FACE], by="manager")
    assert proposals.following(gate).made_on is None
    assert answer(gate, centre) == {}
    assert items.version_of(gate, RegisterKind.RESIDENT, wang.id) >= Version(1, 1)
