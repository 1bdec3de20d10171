"""Uses of a pass as several gates tell of them: in whatever order and however often, each counts once."""

from hypothesis import given
from hypothesis import strategies as st

from gate.store.people.uses import Use, believed_of, counted, merged, not_older

GATES = ("north", "east", "west")


def use(number, given_back=False):
    """The same number is the same use everywhere, but for whether nobody passed by it."""
    return Use(f"u{number}", GATES[number % 3], f"2026-05-04T12:00:{number:02}.000000+00:00", given_back)


USES = st.lists(st.builds(use, st.integers(0, 12), st.booleans()), max_size=12)


@given(USES, USES, USES)
def test_order_and_repetition_make_no_difference_and_nothing_that_was_known_is_lost(one, two, three):
    known = merged(merged(one, two), three)
    assert known == merged(three, merged(two, one)) == merged(known, known) == merged(merged(known, two), one)
    assert {each.id for each in known} == {each.id for each in (*one, *two, *three)}
    given_back = {each.id for each in (*one, *two, *three) if each.given_back}
    assert counted(known) == len(known) - len(given_back)


@given(USES, USES, st.sampled_from(GATES))
def test_a_gate_is_believed_that_it_spent_and_gives_back_nothing_that_another_spent(known, said, gate):
    known = merged((), known)
    after = merged(known, believed_of(gate, known, said))
    assert [each for each in after if each.gate != gate] == [each for each in known if each.gate != gate]
    # What it gives back of the centre's former word can only spend.
    again = merged(after, not_older(after, said))
    assert counted(again) >= counted(after)
    assert {each for each in again if each in after} == set(after)


@given(USES, st.sampled_from(GATES))
def test_a_gate_that_takes_anothers_use_for_its_own_is_not_believed(known, gate):
    known = merged((), known)
    forged = [Use(each.id, gate, each.at, True) for each in known if each.gate != gate]
    assert merged(known, believed_of(gate, known, forged)) == known
