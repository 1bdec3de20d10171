"""How it stands with one reader, from second to second."""

from hypothesis import given
from hypothesis import strategies as st

from gate.readers.session import HEARD_AFTER_S, Change, Session


def lived(*steps, since=0.0):
    """What became of a reader that was so secured at these times."""
    session, changes = Session(since), []
    for secured, now in steps:
        session, change = session.turn(secured, 0.0, now)
        changes.append(change)
    return session, changes


def test_a_reader_comes_and_is_heard_after_two_seconds():
    session, changes = lived((False, 1.0), (True, 1.2), (True, 2.0))
    assert changes == [None, Change.CAME, None]
    assert not session.is_heard(1.2 + HEARD_AFTER_S - 0.1)
    assert session.is_heard(1.2 + HEARD_AFTER_S)


def test_after_a_silence_it_is_heard_two_seconds_later_though_its_session_holds():
    session, _ = Session(0.0, secured=True).turn(True, 0.5, 10.0)
    assert session.is_heard(10.0)
    session, change = session.turn(True, 0.8, 11.0)
    assert change is None
    assert not session.is_heard(11.0 + HEARD_AFTER_S - 0.1)
    assert session.turn(True, 0.0, 13.0)[0].is_heard(13.0)


def test_a_reader_that_fell_out_is_woken_after_one_two_five_and_ten_seconds():
    wakes, session = [], Session(0.0, secured=True)
    for tenth in range(1000):
        session, change = session.turn(False, tenth / 10, tenth / 10)
        wakes += [tenth / 10] if change is Change.WAKE else []
    assert [round(later - earlier) for earlier, later in zip([0, *wakes], wakes, strict=False)][:6] == [
        1,
        2,
        5,
        10,
        10,
        10,
    ]


def test_a_reader_that_never_came_is_told_once_and_woken():
    _, changes = lived(*[(False, tenth / 10) for tenth in range(100)])
    assert changes.count(Change.WENT) == 1
    assert Change.WAKE in changes


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 5)), max_size=60))
def test_it_goes_only_after_it_came_or_once_at_first_and_is_heard_only_while_secured(steps):
    session, now, away = Session(0.0), 0.0, None
    for secured, after_s in steps:
        now += after_s
        session, change = session.turn(secured, 0.0, now)
        assert session.secured is secured
        if change is Change.WENT:
            assert away is not True
            away = True
        if change is Change.CAME:
            away = False
        assert secured or not session.is_heard(now)
