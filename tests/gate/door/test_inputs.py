import pytest

from gate.door.inputs import Input, happenings_of
from gate.door.states import Event
from gate.vocabulary import Fault


@pytest.mark.parametrize(
    ("which", "said", "over"),
    [
        (Input.FIRE, [(Event.FIRE, None)], [(Event.FIRE_OVER, None)]),
        (Input.INTERLOCK, [(Event.OTHER_OPENED, None)], [(Event.OTHER_SHUT, None)]),
        (Input.TAMPER, [(Event.FAULT, Fault.TAMPER), (Event.TAMPER_BLOCK, None)], [(Event.FAULT_OVER, Fault.TAMPER)]),
        (Input.CONTACT, [(Event.OPENED, None)], [(Event.SHUT, None)]),
        (Input.PASSAGE, [(Event.PASSED, None)], []),
        (Input.MOVING, [(Event.MOVES, None)], [(Event.RESTS, None)]),
        (Input.REX, [], []),
        (Input.READBACK, [], []),
    ],
)
def test_each_input_has_its_meaning(which, said, over):
    for active, wanted in ((True, said), (False, over)):
        happenings = happenings_of(which, active, tamper_blocks=True)
        assert [(one.event, one.fault) for one in happenings] == wanted


def test_an_opened_housing_bars_nobody_where_the_settings_say_so():
    told = happenings_of(Input.TAMPER, True, tamper_blocks=False)
    assert [(one.event, one.fault) for one in told] == [(Event.FAULT, Fault.TAMPER)]
