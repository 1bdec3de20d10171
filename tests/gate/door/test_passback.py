"""Whoever is in already: when that is known, when it is forgotten, and whom it refuses."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.door.hours import LocalTime
from gate.door.passback import AMNESTY, FORGETS_S, Elsewhere, InAlready, Last, in_already, is_in_already, refuses
from gate.door.settings import DoorSettings
from gate.vocabulary import Direction
from tests.door import CONTACT, REX

IN, OUT = Direction.IN, Direction.OUT
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
rules = st.sampled_from(["off", "soft", "timed", "hard"])
lasts = st.none() | st.builds(Last, st.sampled_from([IN, OUT]), st.floats(NOON - 90_000, NOON + 90_000))


def local(wall=NOON, *, trusted=True, zone=UTC):
    return LocalTime(wall, zone, trusted)


@given(rules, st.floats(1, 43_200), lasts, st.booleans())
def test_nobody_is_refused_the_way_out_nor_who_is_not_known_to_be_in(rule, timed_s, last, trusted):
    assert not is_in_already(rule, timed_s, last, OUT, local(trusted=trusted))
    assert not is_in_already(rule, timed_s, last, IN, local(trusted=False))
    if is_in_already(rule, timed_s, last, IN, local(trusted=trusted)):
        assert rule != "off"
        assert last.way is IN
        assert 0 <= NOON - last.wall < (min(timed_s, FORGETS_S) if rule == "timed" else FORGETS_S)


@given(st.floats(0, FORGETS_S - 1), st.sampled_from(["Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York"]),
       st.floats(0, 400 * 86_400))  # fmt: skip
def test_it_is_known_until_twelve_hours_or_the_night_s_amnesty_are_over(ago_s, zone, later_s):
    now = local(NOON + later_s, zone=ZoneInfo(zone))
    then = datetime.fromtimestamp(now.wall - ago_s, now.zone)
    # In the hour in which a clock is set back, four in the morning is not.
    assume(then.utcoffset() == now.at.utcoffset())
    passed = then.time() < AMNESTY <= now.at.time() or (then.date() < now.at.date() and now.at.time() >= AMNESTY)
    passed = passed or (then.date() < now.at.date() and then.time() < AMNESTY)
    assert is_in_already("hard", 1, Last(IN, now.wall - ago_s), IN, now) is not passed


def test_by_the_timed_rule_somebody_is_in_for_so_long_and_no_longer():
    for ago_s, known in ((0.0, True), (299.9, True), (300.0, False), (3600.0, False)):
        assert is_in_already("timed", 300, Last(IN, NOON - ago_s), IN, local()) is known
        assert is_in_already("hard", 300, Last(IN, NOON - ago_s), IN, local())


def test_twelve_hours_and_four_in_the_morning_are_meant_to_the_second():
    hour = 3600.0
    evening, morning = local(NOON + 11 * hour), local(NOON - 7 * hour)
    assert [is_in_already("hard", 1, Last(IN, NOON - at), IN, evening) for at in (hour - 1, hour)] == [True, False]
    told = [is_in_already("hard", 1, Last(IN, NOON - 8 * hour - at), IN, morning) for at in (0, 1)]
    assert told == [True, False]


def test_only_timed_and_hard_refuse():
    assert [refuses(rule) for rule in ("off", "soft", "timed", "hard")] == [False, False, True, True]


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ({"passback": "timed"}, "needs contact_pin"),
        ({"passback": "hard", "contact_pin": CONTACT}, "needs inside_readers"),
        ({"passback": "soft", "contact_pin": CONTACT, "inside_readers": " , "}, "needs inside_readers"),
        ({"passback": "hard", "contact_pin": CONTACT, "inside_readers": "keypad", "rex_pin": REX}, "exit button"),
        ({"passback": "hard", "contact_pin": CONTACT, "passback_gates": True}, "while its line is cut"),
        ({"inside_readers": "card_reader"}, "which no reader is called"),
        ({"passback": "timed", "contact_pin": CONTACT, "passback_s": 0}, "passback_s"),
    ],
)
def test_what_could_not_work_is_refused_at_the_start_with_the_reason(chosen, why):
    with pytest.raises(ValueError, match=why):
        DoorSettings(**chosen)


def test_what_can_work_is_taken():
    DoorSettings(passback="timed", contact_pin=CONTACT, rex_pin=REX)
    # People leave at another gate, and at the exit gate by their face.
    DoorSettings(passback="soft", contact_pin=CONTACT, passback_gates=True)
    DoorSettings(passback_gates=True)
    assert DoorSettings(inside_readers="camera, keypad").readers_inside == {"camera", "keypad"}
    settings = DoorSettings(passback="hard", contact_pin=CONTACT, inside_readers="card reader, osdp 1")
    assert settings.readers_inside == {"card reader", "osdp 1"}


others = st.lists(
    st.builds(
        Elsewhere, st.sampled_from([IN, OUT, None]), st.floats(NOON - 90_000, NOON + 90_000), st.just("South")
    ),
    max_size=3,
)  # fmt: skip


@given(rules, st.floats(1, 43_200), lasts, others, st.booleans())
def test_what_other_gates_saw_refuses_nobody_whom_this_gate_would_let_in_nor_the_way_out(
    rule, timed_s, last, elsewhere, trusted
):
    now = local(trusted=trusted)
    assert in_already(rule, timed_s, last, elsewhere, OUT, now) is None
    found = in_already(rule, timed_s, last, elsewhere, IN, now)
    # In whatever order and however often it is told.
    assert found == in_already(rule, timed_s, last, [*elsewhere[::-1], *elsewhere], IN, now)
    if found is not None and found.refused:
        assert refuses(rule)
        assert is_in_already(rule, timed_s, last, IN, now)
    # A clock that runs ahead, and what is long forgotten, say nothing.
    said = [one for one in elsewhere if 0 <= NOON - one.wall < FORGETS_S]
    assert found == in_already(rule, timed_s, last, said, IN, now)
    if not said or not trusted:
        assert (found is not None) is is_in_already(rule, timed_s, last, IN, now)


@pytest.mark.parametrize(
    ("rule", "last", "elsewhere", "found"),
    [
        # In at one gate, out at another: they are out.
        ("timed", Last(IN, NOON - 60), [Elsewhere(OUT, NOON - 30, "South")], None),
        ("timed", Last(IN, NOON - 60), [Elsewhere(OUT, NOON - 90, "South")], InAlready(True)),
        ("timed", Last(IN, NOON - 60), [Elsewhere(IN, NOON - 30, "South")], InAlready(True)),
        ("timed", None, [Elsewhere(IN, NOON - 30, "South")], InAlready(False, "South")),
        ("timed", None, [Elsewhere(IN, NOON - 301, "South")], None),
        ("soft", Last(OUT, NOON - 60), [Elsewhere(IN, NOON - 30, "South")], InAlready(False, "South")),
        ("soft", Last(IN, NOON - 60), [Elsewhere(None, NOON - 30, "South")], None),
        (
            "soft", None, [Elsewhere(IN, NOON - 90, "South"), Elsewhere(OUT, NOON - 60, "West")], None,
        ),
        ("off", Last(IN, NOON - 60), [Elsewhere(IN, NOON - 30, "South")], None),
    ],
)  # fmt: skip
def test_the_latest_of_all_gates_counts(rule, last, elsewhere, found):
    assert in_already(rule, 300, last, elsewhere, IN, local()) == found
