"""Areas at a real door: by which ways nobody of another gate's is let in, and who is let out all the same."""

import pytest

from gate.store.people import changes, residents
from gate.store.people.changes import Changes
from gate.store.site import areas
from tests.codes import card_of_number, new_pin
from tests.door import claim, door_process, until
from tests.gate.door.test_credentials import answered, answers, press, show
from tests.gate.door.test_rolling_codes import STEP_S, a_door, clock, set_up, typed  # noqa: F401 - a fixture
from tests.gate.door.test_visits import hold_up, new_pass
from tests.running import wait_for

ELSEWHERE = "not_this_gate"


@pytest.fixture
def fang(store):
    """Somebody who is let in at another gate alone."""
    areas.put(store, "Tower A", {"n": "North"}, "test")
    made = residents.enrol(store, "Wang Fang", "3-2-502", [])
    return changes.change(store, made, Changes(area="Tower A"), by="test")


def test_neither_pin_nor_card_nor_a_visitor_s_pass_opens_and_the_screen_is_told_why(state, store, fang):
    with door_process(state, synchronised=True, freshness_s=5) as (_, door):
        pin = new_pin(store, door, fang)
        card_of_number(store, door, fang, "0004712", by="test")
        visit = new_pass(store, door, host=fang)
        press(door, pin.typed)
        answered(state, ("denied", ELSEWHERE, "pin"))
        until(door, reason=ELSEWHERE)
        show(door, "0004712")
        hold_up(door, visit.code)
        wait_for(lambda: len(answers(state)) == 3)
        assert [(kind, reason) for kind, reason, _ in answers(state)] == [("denied", ELSEWHERE)] * 3
        # This gate becomes one of the area's, and at once they are let in; no use of the pass was spent.
        (gate,) = store.execute("SELECT id FROM gate").fetchone()
        areas.put(store, "Tower A", {"n": "North", gate: "Here"}, "test")
        hold_up(door, visit.code)
        wait_for(lambda: len(answers(state)) == 4)
        assert answers(state)[-1] == ("granted", None, "pass")


def test_a_code_of_the_phone_opens_nothing(state, store, fang, clock):  # noqa: F811
    with a_door(state, clock) as door:
        drawn = set_up(store, door, fang)
        clock(3 * STEP_S)
        press(door, typed(drawn, 3 * STEP_S))
        answered(state, ("denied", ELSEWHERE, "rolling"))


def test_whoever_is_inside_all_the_same_is_let_out(state, store, fang):
    with door_process(state, inside_readers="osdp 1", freshness_s=5) as (_, door):
        card_of_number(store, door, fang, "0004712", by="test")
        show(door, "0004712", "outer")
        answered(state, ("denied", ELSEWHERE, "card"))
        show(door, "0004712", "osdp 1")
        answered(state, ("denied", ELSEWHERE, "card"), ("granted", None, "card"))


def test_a_face_that_is_kept_no_more_is_told_as_no_longer_enrolled(state, store, fang):
    with door_process(state, freshness_s=5) as (_, door):
        assert door.ask(claim(fang.id, 1))["reason"] == "not_enrolled"
