"""Two factors of one person, in any order, one soon after the other."""

from hypothesis import given
from hypothesis import strategies as st

from gate.door.factors import FACE_STAYS_S, WITHIN_S, shown
from gate.vocabulary import Method


def test_two_different_ones_of_one_holder_are_complete_in_any_order():
    for one, other in ((Method.FACE, Method.PIN), (Method.PIN, Method.FACE), (Method.CARD, Method.PIN)):
        complete, first = shown(None, "wang", one, 0.0)
        assert not complete
        assert shown(first, "wang", other, 2.0) == (True, first)


def test_the_same_one_twice_is_one_and_somebody_elses_takes_its_place():
    _, first = shown(None, "wang", Method.CARD, 0.0)
    complete, again = shown(first, "wang", Method.CARD, 1.0)
    assert (complete, again.shown_mono) == (False, 0.0)
    complete, other = shown(again, "li", Method.PIN, 2.0)
    assert (complete, other.holder) == (False, "li")
    assert shown(other, "wang", Method.PIN, 3.0)[0] is False


def test_a_face_counts_while_it_is_there():
    _, face = shown(None, "wang", Method.FACE, 0.0)
    assert shown(face, "wang", Method.PIN, FACE_STAYS_S + 0.1)[0] is False
    for now in (1.0, 3.5, 6.0):
        _, face = shown(face, "wang", Method.FACE, now)
    assert shown(face, "wang", Method.PIN, 8.0)[0] is True


def test_each_counts_to_the_end_of_its_time_and_no_longer():
    for method, waits_s in ((Method.CARD, WITHIN_S), (Method.FACE, FACE_STAYS_S)):
        _, first = shown(None, "wang", method, 100.0)
        assert shown(first, "wang", Method.PIN, 100.0 + waits_s)[0] is True
        assert shown(first, "wang", Method.PIN, 100.001 + waits_s)[0] is False


SHOWN = st.tuples(st.sampled_from(["wang", "li"]), st.sampled_from(list(Method)), st.floats(0, 20))


@given(st.lists(SHOWN, max_size=40))
def test_nobody_is_complete_without_another_factor_of_their_own_in_time(steps):
    first, now, before = None, 0.0, []
    for holder, method, after_s in steps:
        now += after_s
        complete, first = shown(first, holder, method, now)
        if complete:
            assert any(who == holder and how is not method and now - at <= WITHIN_S for who, how, at in before)
            first, before = None, []
        else:
            before.append((holder, method, now))
