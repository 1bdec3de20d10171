"""Each row of the door's table, altered, is noticed by the machine's tests."""

import os
import resource
import time

import pytest
from hypothesis import Phase, settings

from gate.door.states import Answer, Mode, Place
from gate.door.table import TABLE
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.soak

# The quickest first.
ROOMS = ("table", "machine", "standing", "passages", "signal_shown", "lives")
TESTS = [str(REPOSITORY / "tests" / "gate" / "door" / f"test_{room}.py") for room in ROOMS]
# The tests take twelve seconds with the table as it is.
_LONGEST_S = 60


def altered(state, row):
    """The row with its place changed, and with its answer changed, where it has one."""
    place, answer = row
    stays = place in (Place.SAME, state)
    yield (
        next(mode for mode in (Mode.FREE_ACCESS, Mode.LOCKDOWN) if mode is not state) if stays else Place.SAME,
        answer,
    )
    if answer is not None:
        yield (place, next(other for other in Answer if other is not answer))


def noticed(key, row):
    """Whether the tests fail with that row, or go round for ever; in a process of its own."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (_LONGEST_S, _LONGEST_S))
        TABLE[key] = row
        settings.register_profile("found is enough", phases=(Phase.generate,))
        settings.load_profile("found is enough")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-k", "not hundred_thousand", *TESTS])
        if code == 0:
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-k", "hundred_thousand", *TESTS])
        os._exit(int(code))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def test_every_altered_row_is_noticed():
    began, mutants = time.monotonic(), [(key, row) for key, found in TABLE.items() for row in altered(key[0], found)]
    assert not noticed(*next(iter(TABLE.items()))), "the tests fail with the table as it is"
    survivors = [(key, row) for key, row in mutants if not noticed(key, row)]
    print(
        f"\n{len(TABLE)} rows, {len(mutants)} alterations, {len(survivors)} unnoticed, {time.monotonic() - began:.0f} s"
    )
    for (state, event, given), row in survivors:
        print(f"unnoticed: {state.name} {event.name} {given and given.name}: {row}")
    assert len(survivors) <= 0.05 * len(mutants)
