"""A code on the phone at a real door's socket, digits and pictures: each step opens once; none of before the start, and
none without a clock."""

import base64
import sys
import time
from contextlib import contextmanager
from functools import partial
from itertools import count

import pytest

from enroll import codes
from gate.codes import rolling_picture
from gate.door.lockout import TRIES
from gate.door.messages import may_present
from gate.errors import Refusal
from gate.processes.asking import NotUnderstood, present, seal
from gate.store.people import changes, credentials, residents
from gate.store.people.changes import Changes
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.vocabulary import Method, Presented
from tests.codes import new_pin
from tests.door import claim, door_process, events, until
from tests.gate.door.test_credentials import WRONG, answered, answers, press
from tests.oath import STEP_S, shown_by_phone
from tests.running import wait_for

# The door's own program on a clock that is as far ahead as a file says, seconds.
AHEAD = """
import sys, time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
import gate.door.knowledge as knowledge
import gate.door.service as door
from gate.clock import ClockWatch, Reading
ahead = Path({file!r})
seen = lambda: Reading(time.monotonic(), time.time(), {trusted}, None, None)
door.ClockWatch = partial(ClockWatch, look=seen)
knowledge.time = SimpleNamespace(time=lambda: time.time() + float(ahead.read_text()))
sys.exit(door.main())
"""
GRANTED = ("granted", None, "rolling")
USED = ("denied", "already_used", "rolling")
NOBODYS = ("denied", "wrong_code", "rolling")
_NUMBERS = count(1)


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


@pytest.fixture
def clock(tmp_path):
    """A function that sets how far the door's clock is ahead; the door's program on it, for `door_process`."""
    file = tmp_path / "ahead"
    file.write_text("0")

    def ahead(seconds):
        file.with_suffix(".new").write_text(str(seconds))
        file.with_suffix(".new").rename(file)

    ahead.program = partial(AHEAD.format, file=str(file))
    return ahead


@contextmanager
def a_door(state, clock, *, trusted=True):
    program = [sys.executable, "-c", clock.program(trusted=trusted)]
    with door_process(state, program=program, freshness_s=5) as (_, client):
        yield client


def set_up(store, client, resident):
    return codes.new_rolling(store, partial(seal, client), resident, by="test")


def typed(drawn, ahead=0.0):
    return f"{drawn.flat}#{shown_by_phone(drawn.key, time.time() + ahead)}#"


def test_what_a_phone_shows_opens_once_and_the_next_one_again(state, store, wang, clock):
    with a_door(state, clock) as client:
        drawn = set_up(store, client, wang)
        clock(3 * STEP_S)
        first = typed(drawn, 3 * STEP_S)
        press(client, first)
        answered(state, GRANTED)
        until(client, mode="normal", at_rest=True)
        press(client, first)
        answered(state, GRANTED, USED)
        until(client, reason="already_used")
        clock(5 * STEP_S)
        press(client, typed(drawn, 5 * STEP_S))
        answered(state, GRANTED, USED, GRANTED)
        # Nor does an earlier one that was never used, after the clock went back.
        clock(3 * STEP_S)
        press(client, typed(drawn, 4 * STEP_S))
        answered(state, GRANTED, USED, GRANTED, USED)
    granted = next(line for line in events(state) if line.kind == "granted")
    assert granted.personal == {"resident": wang.id, "name": "Wang Fang", "unit": "3-2-502"}
    assert granted.details["shown_to_relay_ms"] > 0
    assert drawn.key not in str([(line.details, line.personal) for line in events(state)])


def test_what_may_have_been_used_before_the_door_began_does_not_open(state, store, wang, clock):
    with a_door(state, clock) as client:
        drawn = set_up(store, client, wang)
        clock(3 * STEP_S)
        press(client, typed(drawn, 3 * STEP_S))
        answered(state, GRANTED)
    with a_door(state, clock) as client:
        press(client, typed(drawn, 3 * STEP_S))
        answered(state, GRANTED, USED)
        clock(6 * STEP_S)
        press(client, typed(drawn, 6 * STEP_S))
        answered(state, GRANTED, USED, GRANTED)


def test_without_a_clock_no_code_of_a_phone_opens_while_a_pin_does(state, store, wang, clock):
    with a_door(state, clock, trusted=False) as client:
        drawn, pin = set_up(store, client, wang), new_pin(store, client, wang)
        clock(3 * STEP_S)
        press(client, typed(drawn, 3 * STEP_S))
        answered(state, ("denied", "clock_untrusted", "rolling"))
        press(client, pin.typed)
        answered(state, ("denied", "clock_untrusted", "rolling"), ("granted", None, "pin"))


def test_wrong_ones_count_as_wrong_pins_do(state, store, wang, clock):
    with a_door(state, clock) as client:
        drawn = set_up(store, client, wang)
        clock(3 * STEP_S)
        right = typed(drawn, 3 * STEP_S)
        near = {shown_by_phone(drawn.key, time.time() + away * STEP_S) for away in range(6)}
        wrong = next(one for one in (f"{number:06d}" for number in range(9)) if one not in near)
        for number in range(TRIES):
            press(client, f"{drawn.flat}#{wrong}#")
            answered(state, *[WRONG] * (number + 1))
        press(client, right)
        answered(state, *[WRONG] * TRIES, ("denied", "locked_out", "pin"))


def test_it_ends_with_the_next_one_with_its_removal_and_with_whoever_has_it(state, store, wang, clock):
    with a_door(state, clock) as client:
        old, new = (set_up(store, client, wang) for _ in range(2))
        clock(3 * STEP_S)
        press(client, typed(old, 3 * STEP_S))
        answered(state, WRONG)
        press(client, typed(new, 3 * STEP_S))
        answered(state, WRONG, GRANTED)
        assert credentials.having(store)[wang.id] == {Method.ROLLING}
        assert credentials.remove_rolling(store, wang, by="test")
        assert not credentials.remove_rolling(store, wang, by="test")
        clock(5 * STEP_S)
        press(client, typed(new, 5 * STEP_S))
        wait_for(lambda: len(answers(state)) == 3, 5)
        assert answers(state)[-1] == WRONG


def test_two_of_one_home_have_their_own_and_a_home_without_digits_none(state, store, wang, clock):
    li, office = residents.enrol(store, "Li Na", "3-2-502", []), residents.enrol(store, "Chen Bo", "Office", [])
    with a_door(state, clock) as client:
        of_wang, of_li = (set_up(store, client, one) for one in (wang, li))
        clock(3 * STEP_S)
        press(client, typed(of_li, 3 * STEP_S))
        answered(state, GRANTED)
        press(client, typed(of_wang, 3 * STEP_S))
        wait_for(lambda: len(answers(state)) == 2, 5)
        with pytest.raises(Refusal, match="Chen Bo has none"):
            set_up(store, client, office)
    who = [line.personal["name"] for line in events(state) if line.kind in ("granted", "came_along", "denied")]
    assert who == ["Li Na", "Wang Fang"]


def test_a_face_and_the_phone_are_two_factors(state, store, clock):
    fang = residents.enrol(store, "Wang Fang", "3-2-502", [Template("m", "s", {}, b"")], NO_PERSON)
    program = [sys.executable, "-c", clock.program(trusted=True)]
    with door_process(state, program=program, freshness_s=5, face_and_pin="daily 00:00-24:00") as (_, client):
        drawn = set_up(store, client, fang)
        clock(3 * STEP_S)
        assert client.ask(claim(fang.id))["reason"] == "one_more"
        # Whoever's face is known types the six digits alone.
        press(client, typed(drawn, 3 * STEP_S).split("#")[1] + "#")
        wait_for(lambda: answers(state)[-1:] == [GRANTED], 5, lambda: answers(state))


def test_after_a_face_the_phone_of_whoever_moved_counts_too(state, store, clock):
    chen = residents.enrol(store, "Chen Mei", "1-101", [Template("m", "s", {}, b"")], NO_PERSON)
    program = [sys.executable, "-c", clock.program(trusted=True)]
    with door_process(state, program=program, freshness_s=5, face_and_pin="daily 00:00-24:00") as (_, client):
        new_pin(store, client, chen)
        chen = changes.change(store, chen, Changes(unit="3-2-502"), by="test")
        drawn = set_up(store, client, chen)
        clock(3 * STEP_S)
        assert client.ask(claim(chen.id))["reason"] == "one_more"
        press(client, typed(drawn, 3 * STEP_S).split("#")[1] + "#")
        wait_for(lambda: answers(state)[-1:] == [GRANTED], 5, lambda: answers(state))


def picture_of(drawn, ahead=0.0, handle=None):
    """What the page on the phone draws then."""
    step = int((time.time() + ahead) // STEP_S)
    return rolling_picture(handle or drawn.handle, base64.b32decode(drawn.key), step)


def hold_up(client, code, taken_mono=None):
    taken = time.monotonic() if taken_mono is None else taken_mono
    present(client, Presented(f"r{next(_NUMBERS)}", Method.ROLLING, "camera", taken, code))


def test_a_picture_opens_once_and_so_does_the_next_one_and_digits_of_its_step_are_used_with_it(
    state, store, wang, clock
):
    with a_door(state, clock) as client:
        drawn = set_up(store, client, wang)
        clock(3 * STEP_S)
        first = picture_of(drawn, 3 * STEP_S)
        hold_up(client, first)
        answered(state, GRANTED)
        until(client, mode="normal", at_rest=True)
        # Photographed, and shown again.
        hold_up(client, first)
        answered(state, GRANTED, USED)
        until(client, reason="already_used")
        clock(5 * STEP_S)
        hold_up(client, picture_of(drawn, 5 * STEP_S))
        answered(state, GRANTED, USED, GRANTED)
        until(client, mode="normal", at_rest=True)
        press(client, typed(drawn, 5 * STEP_S))
        answered(state, GRANTED, USED, GRANTED, USED)
        # Nor does an earlier one that was never used, after the clock went back.
        clock(3 * STEP_S)
        hold_up(client, picture_of(drawn, 4 * STEP_S))
        answered(state, GRANTED, USED, GRANTED, USED, USED)
    granted = next(line for line in events(state) if line.kind == "granted")
    assert (granted.personal["name"], granted.details["reader"]) == ("Wang Fang", "camera")
    assert first not in str([(line.details, line.personal) for line in events(state)])


def test_of_before_a_restart_and_of_a_minute_after_none_opens(state, store, wang, clock):
    with a_door(state, clock) as client:
        drawn = set_up(store, client, wang)
        clock(3 * STEP_S)
        hold_up(client, picture_of(drawn, 3 * STEP_S))
        answered(state, GRANTED)
    with a_door(state, clock) as client:
        hold_up(client, picture_of(drawn, 3 * STEP_S))
        answered(state, GRANTED, USED)
        clock(6 * STEP_S)
        hold_up(client, picture_of(drawn, 6 * STEP_S))
        answered(state, GRANTED, USED, GRANTED)


def test_without_a_clock_none_opens(state, store, wang, clock):
    with a_door(state, clock, trusted=False) as client:
        drawn = set_up(store, client, wang)
        hold_up(client, picture_of(drawn))
        answered(state, ("denied", "clock_untrusted", "rolling"))


def test_nobody_makes_the_picture_of_another_and_what_is_nobodys_locks_nothing(state, store, wang, clock):
    li = residents.enrol(store, "Li Na", "3-2-502", [])
    with a_door(state, clock) as client:
        of_wang, of_li = (set_up(store, client, one) for one in (wang, li))
        clock(3 * STEP_S)
        for number in range(8):
            hold_up(client, picture_of(of_li, 3 * STEP_S, of_wang.handle))
            answered(state, *[NOBODYS] * (number + 1))
        hold_up(client, "R" + "A" * 19)
        answered(state, *[NOBODYS] * 9)
        # Of three steps ago.
        hold_up(client, picture_of(of_wang, 0))
        answered(state, *[NOBODYS] * 10)
        hold_up(client, picture_of(of_wang, 3 * STEP_S))
        answered(state, *[NOBODYS] * 10, GRANTED)


def test_it_ends_with_its_removal_and_with_their_last_day(state, store, wang, clock):
    with a_door(state, clock) as client:
        drawn = set_up(store, client, wang)
        clock(3 * STEP_S)
        changes.change(store, wang, Changes(valid_until="2020-01-01"), by="test")
        hold_up(client, picture_of(drawn, 3 * STEP_S))
        answered(state, ("denied", "out_of_validity", "rolling"))
        changes.change(store, wang, Changes(valid_until=""), by="test")
        credentials.remove_rolling(store, wang, by="test")
        clock(5 * STEP_S)
        hold_up(client, picture_of(drawn, 5 * STEP_S))
        answered(state, ("denied", "out_of_validity", "rolling"), NOBODYS)


def test_what_comes_late_opens_nothing_and_uses_nothing_up(state, store, wang, clock):
    with a_door(state, clock) as client:
        drawn = set_up(store, client, wang)
        clock(3 * STEP_S)
        shown = picture_of(drawn, 3 * STEP_S)
        hold_up(client, shown, time.monotonic() - 6)
        answered(state, ("denied", "stale", "rolling"))
        hold_up(client, shown)
        answered(state, ("denied", "stale", "rolling"), GRANTED)


@pytest.mark.parametrize(
    "code", ["R", "R" + "a" * 19, "R" + "A" * 20, "V" + "A" * 16, "R" + "0" * 19, "R\n" + "A" * 18]
)
def test_what_is_no_picture_is_not_understood(state, store, wang, clock, code):
    with a_door(state, clock) as client, pytest.raises(NotUnderstood):
        hold_up(client, code)


def test_a_picture_comes_from_vision_alone():
    assert may_present(Method.ROLLING, vision=True, readers=False)
    assert not may_present(Method.ROLLING, vision=False, readers=True)
