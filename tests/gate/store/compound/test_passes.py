"""Passes of visitors at all gates of a compound: made at the centre or at a gate, spent at any, taken back anywhere."""

from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.care.backup.stays_revoked import Tombstones, keep_revoked
from gate.store.compound import (
    carried,
    items,
    joining,
    outbox,
    proposals,
    proposed,
    recovery,
    requests,
    revoked,
    role,
    succession,
    taken,
)
from gate.store.compound.entries import RegisterKind, Version
from gate.store.compound.proposals import Because
from gate.store.compound.taken import Taken
from gate.store.database import database_of, migrated_up_to, open_database
from gate.store.people import changes, credentials, erasure, passes, residents, uses
from gate.store.people.passes import Phase, Wanted
from gate.store.people.uses import Use
from gate.store.record import audit
from gate.store.site import schedules
from gate.vocabulary import AuditEvent, Kind, Method
from tests.compound import EVERY_GATE, FACE, THIS_GATE, answer, following, publish, revoke_at, rows, take
from tests.stores import new_store

HOUR = timedelta(hours=1)
_NUMBERS = count(1)


def now():
    return datetime.now(UTC)


def named(made, gate):
    """A gate of that id."""
    made.execute("UPDATE gate SET id = ?", (gate,))
    return made


@pytest.fixture
def north(gate):
    return named(gate, "north")


@pytest.fixture
def east():
    with closing(following()) as made:
        yield named(made, "east")


def finders(number):
    return number.to_bytes(32, "big"), (number + 1000).to_bytes(32, "big")


def new_pass(store, number=None, **wanted):
    asked = Wanted(**{"name": "Zhao Lei", "begins": now() - HOUR, "ends": now() + HOUR, "unit": "3-1-502"} | wanted)
    finder, typed = finders(number or next(_NUMBERS))
    return passes.make(store, passes.checked(asked, now()), "31502", finder, typed, now(), by="manager")


def go_round(centre, **gates):
    """What gates say goes to the centre, and what that publishes to all of them."""
    for name, gate in gates.items():
        revoke_at(centre, gate)
        answer(gate, centre, by=f"gate {name}", name=name)
    sent = publish(centre)
    for gate in gates.values():
        # A pass may come before whom they visit, and waits.
        early = [one for one, took in zip(sent, take(gate, *sent), strict=True) if took is Taken.EARLY]
        assert Taken.EARLY not in take(gate, *early)
    return sent


def known(store, one):
    return uses.of_pass(store, one.id)


def left(store, one):
    found = passes.get(store, one.id)
    return None if found is None else found.uses_left


def kinds(store):
    return [line.kind for line in audit.lines(store)]


def same(centre, *gates):
    """Whether all have the centre's register, passes among it."""
    there = outbox.open_passes(centre)
    return all(
        items.state(one, 1) == outbox.state(centre) and items.open_passes(one, 1, there.at) == there for one in gates
    )


class Tomorrow(datetime):
    """The clock of a gate that is a day ahead."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(days=1)


def test_a_pass_of_today_comes_to_a_gate_whose_clock_was_a_day_ahead_once_that_is_set(centre, north, monkeypatch):
    visit = new_pass(centre)
    sent = publish(centre)
    with monkeypatch.context() as ahead:
        ahead.setattr(taken, "datetime", Tomorrow)
        take(north, *sent)
    assert passes.get(north, visit.id) is None
    # It says that it has not all, so that all is sent again.
    assert not same(centre, north)
    take(north, *sent)
    assert passes.get(north, visit.id).phase(now()) is Phase.IN_USE
    assert same(centre, north)


def test_a_pass_made_at_the_centre_is_at_every_gate_by_both_its_codes_with_host_hours_and_name(centre, north, east):
    wang = residents.enrol(centre, "Wang Fang", "3-1-502", [FACE], EVERY_GATE, by="test")
    schedules.put(centre, "Day", "daily 00:00-24:00", "test")
    made = new_pass(centre, 7, host=wang, uses=5, lasts_s=3600, schedule="Day", unit=None)
    go_round(centre, north=north, east=east)
    for gate in (north, east):
        assert passes.get(gate, made.id) == made
        assert [credentials.find(gate, method, finder).visit for method, finder in zip(
            (Method.PASS, Method.PIN), finders(7), strict=True
        )] == [made.id, made.id]  # fmt: skip
        line = next(line for line in audit.lines(gate) if line.kind == Kind.PASS_MADE)
        assert (line.named, line.personal["host"], line.says.by) == ("Zhao Lei", "Wang Fang", revoked.BY)
        assert requests.waiting(gate) == []
        assert proposals.count(gate) == 0
    assert same(centre, north, east)


def test_a_use_at_one_gate_is_spent_at_all_and_what_it_lasts_begins_with_the_first_anywhere(centre, north, east):
    made = new_pass(centre, uses=2, lasts_s=3600, ends=now() + 9 * HOUR)
    go_round(centre, north=north, east=east)
    assert passes.spend(north, made.id, now())
    go_round(centre, north=north, east=east)
    assert [left(one, made) for one in (centre, north, east)] == [1, 1, 1]
    assert len({passes.get(one, made.id).ends_at for one in (centre, north, east)}) == 1
    assert passes.get(east, made.id).ends_at < now() + 2 * HOUR
    use = passes.spend(centre, made.id, now())
    go_round(centre, north=north, east=east)
    assert [passes.spend(one, made.id, now()) for one in (centre, north, east)] == [None] * 3
    # Nobody passed by the centre's: there is one again, everywhere.
    passes.give_back(centre, use)
    go_round(centre, north=north, east=east)
    assert [left(one, made) for one in (centre, north, east)] == [1, 1, 1]
    assert [one.gate for one in known(east, made)] == ["north", "g"]
    assert Kind.PASS_OVERSPENT not in kinds(centre)
    assert same(centre, north, east)


def test_gates_that_are_cut_off_open_once_each_and_the_centre_says_so_afterwards(centre, north, east):
    made = new_pass(centre, uses=1)
    go_round(centre, north=north, east=east)
    assert passes.spend(north, made.id, now())
    assert passes.spend(east, made.id, now())
    assert passes.spend(north, made.id, now()) is None
    go_round(centre, north=north, east=east)
    go_round(centre, north=north, east=east)
    assert [(left(one, made), len(known(one, made))) for one in (centre, north, east)] == [(0, 2)] * 3
    said = [line for line in audit.lines(centre) if line.kind == Kind.PASS_OVERSPENT]
    assert [(line.details["uses"], line.details["spent"], line.says.by) for line in said] == [(1, 2, "gate east")]
    assert said[0].named == "Zhao Lei"
    # Where somebody did not pass after all, both uses that count are one.
    passes.give_back(east, known(east, made)[1].id)
    go_round(centre, north=north, east=east)
    assert [left(one, made) for one in (centre, north, east)] == [0, 0, 0]


def test_a_pass_made_at_a_gate_opens_there_at_once_and_everywhere_when_the_centre_took_it(centre, north, east):
    wang = residents.enrol(north, "Wang Fang", "3-1-502", [FACE], EVERY_GATE, by="test")
    made = new_pass(north, host=wang, unit=None)
    use = passes.spend(north, made.id, now())
    assert use is not None
    assert proposals.of_pass(north, made.id) == (True, None)
    go_round(centre, north=north, east=east)
    assert proposals.of_pass(north, made.id) == (False, None)
    assert [passes.get(one, made.id).host_name for one in (centre, east)] == ["Wang Fang"] * 2
    assert [left(one, made) for one in (centre, east)] == [0, 0]
    line = next(line for line in audit.lines(centre) if line.kind == Kind.PASS_MADE)
    assert (line.named, line.says.by) == ("Zhao Lei", "gate north")
    assert same(centre, north, east)


def test_a_pass_of_somebody_at_one_gate_alone_stays_there_until_they_agree_to_all(centre, north, east):
    li = residents.enrol(centre, "Li Na", "1-1-101", [FACE], THIS_GATE, by="test")
    made = new_pass(centre, host=li, unit=None)
    hu = residents.enrol(north, "Hu Bo", "2-2-202", [FACE], THIS_GATE, by="test")
    there = new_pass(north, host=hu, unit=None)
    go_round(centre, north=north, east=east)
    assert (rows(east, "passes"), left(centre, there)) == ([], None)
    assert proposals.of_pass(north, there.id) == (False, None)
    residents.add_templates(centre, li, [FACE], EVERY_GATE, by="test")
    residents.add_templates(north, hu, [FACE], EVERY_GATE, by="test")
    go_round(centre, north=north, east=east)
    go_round(centre, north=north, east=east)
    assert {row[0] for row in rows(east, "passes")} == {made.id, there.id}
    assert same(centre, north, east)


@pytest.mark.parametrize("where", ["centre", "north"])
def test_what_is_taken_back_anywhere_is_so_everywhere_and_for_ever(centre, north, east, where):
    made = new_pass(centre, uses=9)
    late = go_round(centre, north=north, east=east)
    passes.revoke({"centre": centre, "north": north}[where], made.id, now(), by="guard")
    assert passes.spend({"centre": centre, "north": north}[where], made.id, now()) is None
    # A use of another gate that had not heard of it comes in, and is no reason to publish it anew.
    passes.spend(east, made.id, now())
    sent = go_round(centre, north=north, east=east)
    go_round(centre, north=north, east=east)
    assert all(one.kind is not RegisterKind.PASS for one in sent)
    for one in (centre, north, east):
        assert passes.get(one, made.id).phase(now()) is Phase.OVER
        assert requests.waiting(one) == []
        assert outbox.keys(one, [made.id]) == {}
    assert len(known(centre, made)) == 1
    newest = [replace(one, version=Version(9, 9)) for one in late if one.kind is RegisterKind.PASS]
    assert take(east, *newest) == [Taken.REVOKED]
    assert passes.get(east, made.id).revoked_at
    # Who it was is known until it was kept long enough, and it is no resident who is still to be forgotten.
    assert passes.get(east, made.id).name == "Zhao Lei"
    assert not erasure.was_erased(centre, made.id)
    assert same(centre, north, east)


def test_taken_back_at_a_gate_before_the_centre_has_answered_it_opens_nowhere(centre, north, east):
    heard, unheard = new_pass(north), new_pass(north)
    # The centre took the first one, and its answer is lost.
    assert proposed.judge(centre, proposals.following(north), "north", by="gate north").because is None
    take(east, *publish(centre))
    assert passes.get(east, heard.id).phase(now()) is Phase.IN_USE
    for one in (heard, unheard):
        passes.revoke(north, one.id, now(), by="guard")
    assert proposals.following(north) is None
    go_round(centre, north=north, east=east)
    assert passes.get(east, heard.id).phase(now()) is Phase.OVER
    assert passes.get(east, unheard.id) is None
    assert requests.waiting(north) == []
    assert same(centre, north, east)


def test_erasing_the_host_erases_their_visitors_everywhere(centre, north, east):
    wang = residents.enrol(centre, "Wang Fang", "3-1-502", [], by="test")
    made = new_pass(centre, host=wang, unit=None)
    go_round(centre, north=north, east=east)
    audit.append(east, passes.about(passes.get(east, made.id), AuditEvent(Kind.GRANTED, {"method": "pass"})))
    erasure.remove(north, residents.get(north, wang.id), by="guard")
    go_round(centre, north=north, east=east)
    for one in (centre, north, east):
        assert passes.get(one, made.id) is None
        assert "Zhao Lei" not in str([line.personal for line in audit.lines(one)])
        assert outbox.keys(one, [made.id, wang.id]) == {}
        assert audit.verify(one) is None
        assert requests.waiting(one) == []
    assert outbox.erasures(centre) != []
    # Of passes nobody is asked whether they are forgotten: they are in what is asked of the resident.
    assert not erasure.was_erased(centre, made.id)
    assert same(centre, north, east)


def test_with_their_last_day_it_is_over_at_every_gate(centre, north):
    wang = residents.enrol(centre, "Wang Fang", "3-1-502", [], by="test")
    made = new_pass(centre, host=wang, unit=None, ends=now() + 80 * 24 * HOUR)
    go_round(centre, north=north)
    changes.change(centre, wang, changes.Changes(valid_until=now().date().isoformat()), by="test")
    go_round(centre, north=north)
    assert passes.get(north, made.id).ends_in(UTC) <= now() + 24 * HOUR


def test_each_machine_erases_what_is_over_by_itself_and_no_machine_waits_for_another(centre, north, east):
    made, other = new_pass(centre), new_pass(centre)
    go_round(centre, north=north, east=east)
    past = passes.text_of(now() - 40 * 24 * HOUR)
    for one in (centre, north, east):
        one.execute("UPDATE passes SET valid_from = '2020', valid_until = ? WHERE id = ?", (past, made.id))
    assert passes.erase_ended(north, now() - 30 * 24 * HOUR) == 1
    assert same(centre, north, east)
    assert passes.erase_ended(centre, now() - 30 * 24 * HOUR) == 1
    assert same(centre, north, east)
    assert [one for one in publish(centre) if one.kind is RegisterKind.REVOCATION] == []
    # A use that is told too late brings nobody back.
    east.execute("UPDATE passes SET valid_until = ? WHERE id = ?", (passes.text_of(now() + HOUR), made.id))
    passes.spend(east, made.id, now())
    east.execute("UPDATE passes SET valid_until = ? WHERE id = ?", (past, made.id))
    go_round(centre, north=north, east=east)
    assert [passes.get(one, made.id) is None for one in (centre, north, east)] == [True, True, False]
    assert left(north, other) == 1


def test_a_pass_whose_number_is_somebody_elses_stays_at_its_gate_and_the_page_says_why(centre, north, east):
    new_pass(centre, 500)
    made = new_pass(north, 500)
    answered = answer(north, centre)
    assert answered == {made.id: Because.CODE}
    assert proposals.of_pass(north, made.id) == (False, Because.CODE)
    # Once the other comes, one code is one pass: the register's.
    go_round(centre, north=north, east=east)
    assert credentials.find(north, Method.PASS, finders(500)[0]).visit != made.id
    assert same(centre, north, east)


def test_a_stolen_gate_can_spend_and_no_more(centre, north, east):
    made = new_pass(centre, uses=3)
    go_round(centre, north=north, east=east)
    passes.spend(east, made.id, now())
    go_round(centre, north=north, east=east)
    (theirs,) = known(north, made)
    north.execute("UPDATE pass_uses SET given_back = 1")
    north.execute("UPDATE passes SET uses = 99")
    north.execute("INSERT INTO pass_uses VALUES ('x1', ?, 'west', ?, 0)", (made.id, theirs.at))
    passes.spend(north, made.id, now())
    go_round(centre, north=north, east=east)
    found = passes.get(centre, made.id)
    assert (found.uses, found.uses_left) == (3, 1)
    assert {(one.gate, one.given_back) for one in known(east, made)} == {("east", False), ("north", False)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"uses": 101}, {"uses": 0}, {"lasts_s": 0}, {"valid_until": "2999-01-01T00:00:00.000+00:00"},
        {"valid_until": "2026-05-04T12:00:00"}, {"valid_from": "soon"}, {"name": ""}, {"name": "x" * 101},
        {"codes": ()}, {"spent": (Use("u 1", "north", "2026-05-04T12:00:00+00:00"),)},
        {"spent": (Use("u1", "north", "2026-05-04T12:00:00"),)}, {"host": "nobody"}, {"schedule": "none"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_pass_is_taken_from_no_gate(centre, north, wrong):
    new_pass(north)
    proposal = proposals.following(north)
    told = proposed.judge(centre, replace(proposal, entry=replace(proposal.entry, **wrong)), "north", by="gate north")
    assert told.because is Because.NONSENSE
    assert passes.every(centre) == []


def test_whoever_joins_anew_has_the_passes_of_the_register_again_and_those_of_before_open_nothing(centre, north):
    own = new_pass(north)
    made = new_pass(centre)
    go_round(centre, north=north)
    passes.spend(north, made.id, now())
    role.leave(north, by="test")
    assert [passes.get(north, one.id).phase(now()) for one in (own, made)] == [Phase.OVER] * 2
    assert requests.count(north) == 0
    alone = new_pass(north)
    role.follow(north, b"s" * 16, "centre", by="test")
    assert proposals.following(north) is None
    outbox.begin_epoch(centre, 2, "t", 0)
    take(north, *publish(centre))
    assert [passes.get(north, one.id).phase(now()) for one in (own, made)] == [Phase.IN_USE, Phase.OVER]
    assert passes.get(north, alone.id).phase(now()) is Phase.OVER


def copied(store):
    made = following()
    store.backup(made)
    return made


@pytest.mark.parametrize("read", [True, False], ids=["the-one-before-is-read", "nothing-of-before"])
def test_a_gate_from_a_backup_opens_by_nothing_that_was_spent_or_taken_back_and_ends_nothing_elsewhere(
    centre, north, east, read
):
    spent, back, whole = (new_pass(centre) for _ in range(3))
    go_round(centre, north=north, east=east)
    with closing(copied(north)) as restored:
        passes.spend(north, spent.id, now())
        passes.revoke(north, back.id, now(), by="guard")
        go_round(centre, north=north, east=east)
        keep_revoked(restored, north if read else None, Tombstones((), frozenset()), has_them=True)
        assert passes.get(restored, back.id).phase(now()) is Phase.OVER
        assert passes.get(restored, spent.id).phase(now()) is Phase.OVER
        assert requests.waiting(restored) == []
        outbox.begin_epoch(centre, 2, "t", 0)
        sent = publish(centre)
        take(restored, *sent)
        take(east, *sent)
        answer(restored, centre)
        found = [passes.get(restored, one.id).phase(now()) for one in (spent, back, whole)]
        assert found == [Phase.OVER, Phase.OVER, Phase.IN_USE]
        assert passes.get(east, whole.id).phase(now()) is Phase.IN_USE


def test_a_centre_from_a_backup_is_given_back_passes_uses_and_what_was_taken_back(centre, north, east):
    old, back = new_pass(centre, uses=2), new_pass(centre)
    go_round(centre, north=north, east=east)
    with closing(copied(centre)) as restored:
        new = new_pass(centre)
        passes.spend(north, old.id, now())
        passes.spend(centre, old.id, now())
        passes.revoke(centre, back.id, now(), by="guard")
        go_round(centre, north=north, east=east)
        keep_revoked(restored, None, Tombstones((), frozenset()), has_them=True)
        assert [one.revoked_at for one in passes.every(restored)] == [None, None]
        restored.execute("UPDATE compound SET recovery = 'r1', recovering = 1, epoch = 1001")
        for name, gate in (("north", north), ("east", east)):
            proposals.give_back(gate, "r1", 1001)
            revoke_at(restored, gate)
            answer(gate, restored, by=f"gate {name}", name=name)
        assert left(restored, old) == 0
        assert left(restored, new) == 1
        assert passes.get(restored, back.id).phase(now()) is Phase.OVER


def test_names_of_visitors_come_to_the_centre_with_the_record_and_go_with_the_pass(centre, north):
    wang = residents.enrol(centre, "Wang Fang", "3-1-502", [], by="test")
    made, own = new_pass(centre, host=wang, unit=None), new_pass(north, name="Only Here")
    north.execute("INSERT INTO stays_here VALUES ('pass', ?)", (own.id,))
    take(north, *publish(centre))
    for one in (made, own):
        audit.append(north, passes.about(passes.get(north, one.id), AuditEvent(Kind.GRANTED, {"method": "pass"})))
    assert carried.keep(centre, "north", carried.after(north, 1, 100)) is None
    said = {line.personal.get("visitor"): line.personal.get("host") for line in carried.last(centre, 100)}
    assert said["Zhao Lei"] == "Wang Fang"
    assert "Only Here" not in said
    erasure.remove(centre, wang, by="test")
    assert all("visitor" not in line.personal for line in carried.last(centre, 100))


PLACES = ("centre", "north", "east")
DEEDS = st.one_of(
    st.tuples(st.just("spend"), st.sampled_from(PLACES)),
    st.tuples(st.just("nobody passed"), st.sampled_from(PLACES)),
    st.tuples(st.just("ask"), st.sampled_from(PLACES[1:])),
    st.tuples(st.just("ask again"), st.sampled_from(PLACES[1:])),
    st.tuples(st.just("hear"), st.sampled_from(PLACES[1:])),
)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.lists(DEEDS, max_size=24), st.randoms(use_true_random=False))
def test_in_whatever_order_uses_are_told_each_counts_once_and_no_gate_spends_what_it_knows_to_be_spent(
    most, deeds, chance
):
    with ExitStack() as stack:
        made = {name: new_store() if name == "centre" else following() for name in PLACES}
        stores = {name: stack.enter_context(closing(one)) for name, one in made.items()}
        for name, one in stores.items():
            named(one, name)
        centre = stores["centre"]
        role.become_centre(centre)
        outbox.begin_epoch(centre, 1, "s", 0)
        made = new_pass(centre, uses=most)
        sent, asked, spent, given_back = publish(centre), [], {}, set()
        for name in PLACES[1:]:
            take(stores[name], *sent)
        for deed, where in deeds:
            here = stores[where]
            match deed:
                case "spend":
                    before = uses.counted(known(here, made))
                    use = passes.spend(here, made.id, now())
                    assert (use is None) == (before >= most)
                    if use is not None:
                        spent[use] = where
                case "nobody passed":
                    own = [use for use, gate in spent.items() if gate == where and use not in given_back]
                    if own:
                        passes.give_back(here, own[-1])
                        given_back.add(own[-1])
                case "ask":
                    proposal = proposals.following(here)
                    if proposal is not None:
                        asked.append((proposal, where))
                        told = proposed.judge(centre, proposal, where, by=where)
                        # The answer may be lost.
                        if chance.random() < 0.7:
                            taken.take_answer(here, told, proposal)
                case "ask again" if asked:
                    proposal, gate = chance.choice(asked)
                    proposed.judge(centre, proposal, gate, by=gate)
                case "hear":
                    sent += publish(centre)
                    some = chance.sample(sent, k=chance.randint(0, len(sent)))
                    take(here, *some)
        for _ in range(2):
            for name in PLACES[1:]:
                answer(stores[name], centre, name=name)
            sent += publish(centre)
            for name in PLACES[1:]:
                take(stores[name], *sent)
        counts = {use for use in spent if use not in given_back}
        for one in stores.values():
            assert {use.id for use in known(one, made) if not use.given_back} == counts
            assert left(one, made) == max(0, most - len(counts))
        assert same(centre, stores["north"], stores["east"])
        assert (Kind.PASS_OVERSPENT in kinds(centre)) >= (len(counts) > most)


def test_a_second_centre_that_is_promoted_has_the_passes_and_is_given_back_what_was_spent_meanwhile(
    centre, north, east
):
    one, back = new_pass(centre, uses=3), new_pass(centre)
    go_round(centre, north=north, east=east)
    succession.be_second(east, "10.0.0.3:7422")
    passes.spend(north, one.id, now())
    passes.revoke(north, back.id, now(), by="guard")
    passes.spend(east, one.id, now())
    epoch, had = succession.promote(east, by="test"), succession.had(east)
    proposals.give_back(north, items_recovery(east), epoch, had)
    revoke_at(east, north)
    answer(north, east, name="north")
    assert (left(east, one), passes.get(east, back.id).phase(now())) == (1, Phase.OVER)
    # The first comes back with a pass that it told nobody of, and a use at its own door.
    late = new_pass(centre)
    passes.spend(centre, one.id, now())
    succession.stand_down(centre, epoch)
    kept = joining.not_passed_on(centre, east)
    role.follow(centre, b"s" * 16, "10.0.0.3", by="test", former=True)
    joining.propose(centre, kept, east)
    assert answer(centre, east, name="g") == {}
    recovery.end(east)
    outbox.begin_epoch(east, epoch + 1, "t", 0)
    sent = publish(east)
    for gate in (north, centre):
        take(gate, *sent)
    for each in (centre, north, east):
        assert (left(each, one), left(each, late)) == (0, 1)
        assert passes.get(each, back.id).phase(now()) is Phase.OVER


def items_recovery(store):
    return store.execute("SELECT recovery FROM compound").fetchone()[0]


def test_uses_of_before_are_counted_on(tmp_path):
    with closing(migrated_up_to(tmp_path / "facegate.sqlite", 42)) as before:
        before.execute("INSERT INTO gate (only_row, id) VALUES (1, 'north')")
        before.execute("UPDATE compound SET part = 'centre'")
        before.execute(
            "INSERT INTO passes (id, name, valid_from, valid_until, uses, uses_left, first_used_at, made_at)"
            " VALUES ('p1', 'Zhao Lei', ?1, ?2, 3, 1, ?1, ?1)",
            (passes.text_of(now() - HOUR), passes.text_of(now() + HOUR)),
        )
        before.execute("INSERT INTO register (kind, id, epoch, version, due) VALUES ('schedule', 's1', 1, 4, 7)")
        before.execute("PRAGMA user_version = 42")
    (tmp_path / "db").mkdir()
    (tmp_path / "facegate.sqlite").rename(database_of(tmp_path))
    with closing(open_database(tmp_path)) as store:
        found = [(use.id, use.gate, use.given_back) for use in uses.of_pass(store, "p1")]
        assert found == [("p1-1", "north", False), ("p1-2", "north", False)]
        assert (passes.spend(store, "p1", now()) is None, passes.spend(store, "p1", now())) == (False, None)
        assert [row[:2] for row in rows(store, "register", "kind")] == [("pass", "p1"), ("schedule", "s1")]
        assert store.execute("PRAGMA legacy_alter_table").fetchone() == (0,)


def test_a_name_that_a_gate_tells_after_its_pass_was_erased_goes_when_it_is_old_enough(centre, north):
    made = new_pass(centre)
    go_round(centre, north=north)
    audit.append(north, passes.about(passes.get(north, made.id), AuditEvent(Kind.GRANTED, {"method": "pass"})))
    past = passes.text_of(now() - 40 * 24 * HOUR)
    centre.execute("UPDATE passes SET valid_from = '2020', valid_until = ? WHERE id = ?", (past, made.id))
    passes.erase_ended(centre, now() - 30 * 24 * HOUR)
    assert carried.keep(centre, "north", carried.after(north, 1, 100)) is None
    for before, kept in ((now() - HOUR, True), (now() + HOUR, False)):
        carried.forget_visitors(centre, before.isoformat(timespec="milliseconds"))
        assert any("visitor" in line.personal for line in carried.last(centre, 100)) is kept
