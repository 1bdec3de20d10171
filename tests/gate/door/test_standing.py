"""What a door remembers whatever its mode: what stands, what moves, and what is faulty."""

from gate.door.states import Answer, Event, Hold, Mode, Note, Release
from gate.vocabulary import Reason
from tests.gate.door.stories import HELD, REPORTING, STRIKE, answers, live, notes


def test_what_stands_is_taken_up_again_highest_first():
    begun = (Event.FREE_ACCESS, Event.HOLD, Event.TAMPER_BLOCK, Event.LOCKDOWN, Event.FIRE)
    door, _ = live(HELD, *enumerate(begun))
    assert door.mode is Mode.FIRE
    seen = []
    ends = (Event.FIRE_OVER, Event.LOCKDOWN_OVER, Event.TAMPER_BLOCK_OVER, Event.HOLD_OVER, Event.FREE_ACCESS_OVER)
    for now, event in enumerate(ends, start=10):
        door, _ = live(HELD, (now, event), door=door)
        seen.append(door.mode)
    assert seen == [Mode.LOCKDOWN, Mode.TAMPER_BLOCK, Mode.MANUAL_HOLD, Mode.FREE_ACCESS, Mode.NORMAL]


def test_what_began_in_a_pulse_is_not_forgotten():
    for event, mode in ((Event.HOLD, Mode.MANUAL_HOLD), (Event.FREE_ACCESS, Mode.FREE_ACCESS)):
        door, _ = live(HELD, (0, Event.CREDENTIAL), (1, event))
        assert door.mode is Mode.PULSE
        door, out = live(HELD, (3, Event.TIME), door=door)
        assert (door.mode, out) == (mode, [Release(), Hold(True)])


def test_a_gate_that_moves_for_ever_is_a_fault_and_is_then_not_believed():
    door, out = live(REPORTING, (0, Event.MOVES), (59.9, Event.COMMAND), (60, Event.COMMAND))
    assert answers(out) == [Reason.GATE_MOVES, Answer.GRANTED]
    assert notes(out, "fault") == [("fault", "gate_stuck")]
    door, out = live(REPORTING, (70, Event.RESTS), door=door)
    assert notes(out, "fault_over") == [("fault_over", "gate_stuck")]
    assert not door.faults


def test_a_tamper_block_ends_by_itself_or_by_release():
    door, out = live(STRIKE, (0, Event.TAMPER_BLOCK), (1799.9, Event.CREDENTIAL), (1800, Event.CREDENTIAL))
    assert answers(out) == [Reason.TAMPER, Answer.GRANTED]
    assert [n[0] for n in notes(out)] == ["tamper_block", "tamper_block_over"]
    _, out = live(STRIKE, (0, Event.TAMPER_BLOCK), (1, Event.TAMPER_BLOCK_OVER), (2, Event.CREDENTIAL), (9, Event.TIME))
    assert answers(out) == [Answer.GRANTED]
    door, _ = live(STRIKE, (0, Event.TAMPER_BLOCK), (100, Event.TAMPER_BLOCK))
    assert door.tamper_until_mono == 1900
    door, _ = live(STRIKE, (0, Event.TAMPER_BLOCK), (1, Event.LOCKDOWN), (2, Event.TAMPER_BLOCK_OVER))
    assert (door.mode, door.tamper_until_mono) == (Mode.LOCKDOWN, None)


def test_faults_are_told_once_and_end_once():
    door, out = live(STRIKE, (0, Event.FAULT, "tamper"), (1, Event.FAULT, "tamper"), (2, Event.FAULT_OVER, "tamper"),
                     (3, Event.FAULT_OVER, "tamper"))  # fmt: skip
    assert notes(out) == [("fault", "tamper"), ("fault_over", "tamper")]
    assert [note.details for note in out if isinstance(note, Note)] == [{"fault": "tamper"}] * 2
    assert not door.faults


def test_what_stands_is_told_once():
    for begins, ends in ((Event.FIRE, Event.FIRE_OVER), (Event.LOCKDOWN, Event.LOCKDOWN_OVER)):
        _, out = live(STRIKE, (0, begins), (1, begins), (2, ends), (3, ends))
        assert [n[0] for n in notes(out)] == [begins.value, ends.value]
