import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.vision.retry import Answer, DoorNews, Judged, awaits_door, may_ask_again, may_be_judged_again
from gate.vocabulary import Reason

REST = DoorNews(at_rest=True)


@pytest.mark.parametrize(
    ("answer", "news", "now", "again"),
    [
        (Answer(10.0, None, "g"), REST, 10.1, True),
        (Answer(10.0, None, "g"), DoorNews(at_rest=False), 99.0, False),
        (Answer(10.0, None, "g"), None, 99.0, False),
        (Answer(10.0, None, "g"), DoorNews(True, frozenset({"f", "g"})), 99.0, False),
        (Answer(10.0, None, "g"), DoorNews(True, frozenset({"f"})), 99.0, True),
        (Answer(10.0, Reason.BUSY), REST, 10.1, True),
        (Answer(10.0, Reason.BUSY, "g"), DoorNews(True, frozenset({"g"})), 99.0, False),
        (Answer(10.0, Reason.GATE_MOVES), DoorNews(at_rest=False), 99.0, False),
        (Answer(10.0, Reason.NO_ESCORT), None, 11.9, False),
        (Answer(10.0, Reason.NO_ESCORT), None, 12.0, True),
        (Answer(10.0, Reason.INTERLOCKED), DoorNews(at_rest=False), 99.0, False),
        (Answer(10.0, Reason.INTERLOCKED), DoorNews(at_rest=True), 11.0, True),
        (Answer(10.0, Reason.LOCKDOWN), REST, 99.0, True),
        (Answer(10.0, Reason.STALE), None, 10.0, True),
        (Answer(10.0, Reason.FAULT), None, 10.0, True),
        (Answer(10.0, Reason.STORE_UNREADABLE), REST, 11.9, False),
        (Answer(10.0, Reason.STORE_UNREADABLE), None, 12.0, True),
        (Answer(10.0, Reason.ONE_MORE), None, 10.4, False),
        (Answer(10.0, Reason.ONE_MORE), None, 10.5, True),
        (Answer(10.0, Reason.OUT_OF_HOURS), REST, 99.0, False),
        (Answer(10.0, Reason.NOT_ENROLLED), REST, 99.0, False),
    ],
)
def test_whoever_missed_it_asks_again_at_rest_and_whoever_went_through_does_not(answer, news, now, again):
    assert may_ask_again(answer, news, now) is again


@given(st.sampled_from([None, *Reason]), st.floats(0, 1e6), st.booleans())
def test_nobody_who_waits_for_the_door_asks_while_it_is_not_at_rest(reason, later, known):
    answer = Answer(10.0, reason, "g")
    if awaits_door(answer):
        assert not may_ask_again(answer, DoorNews(at_rest=False) if known else None, 10.0 + later)


HERE, ASIDE, NEARBY = (100.0, 50.0, 80.0, 100.0), (140.0, 50.0, 80.0, 100.0), (104.0, 50.0, 80.0, 100.0)


@pytest.mark.parametrize(
    ("judged", "box", "now", "again"),
    [
        (Judged(HERE, 12.0), ASIDE, 12.0, True),
        (Judged(HERE, 12.0), ASIDE, 11.9, False),
        (Judged(HERE, 12.0), NEARBY, 99.0, False),
        (Judged(HERE, None), ASIDE, 99.0, False),
        (Judged(HERE, 12.0, Answer(10.0, Reason.BUSY)), NEARBY, 10.1, True),
        (Judged(HERE, 12.0, Answer(10.0, Reason.OUT_OF_HOURS)), ASIDE, 99.0, False),
        (Judged(HERE, None, Answer(10.0, None, "g")), NEARBY, 10.1, True),
    ],
)
def test_whoever_was_not_known_tries_again_once_moved_and_later_and_the_door_has_the_last_word(judged, box, now, again):
    assert may_be_judged_again(judged, box, REST, now) is again
