"""The board's steps: each has a name and a limit of its own, and stands in the table at the end with what was seen."""

import signal
import time

import pytest

from tests.board import build

_ROWS = pytest.StashKey[list]()
# The longest name of a step.
_NAME = 80
# And of what is told of a failure at once.
_WHY = 600


def pytest_configure(config):
    config.stash[_ROWS] = []


def pytest_runtest_setup(item):
    item.user_properties.append(("seen", []))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A step that takes longer than its limit has failed, whatever it waits for."""
    step = item.get_closest_marker("step")
    if step is None:
        return (yield)
    name, within_s = step.args

    def late(*_):
        raise AssertionError(f"{name}: not done within {within_s} s")

    seen = dict(item.user_properties)["seen"]
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, within_s)
    began, word = time.monotonic(), "FAILED"
    try:
        result = yield
        word = "passed"
        return result
    except BaseException as error:
        # Whoever waits for the rest of an hour knows it now.
        seen.append(f"{type(error).__name__}: {error}"[:_WHY].replace("\n", " "))
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        row = f"{word}  {name:{_NAME}}  {time.monotonic() - began:6.1f} of {within_s} s  {'; '.join(seen)}"
        item.config.stash[_ROWS].append(row)
        # Whoever ends it early has seen how far it came.
        print(f"\n{row}", flush=True)


def pytest_terminal_summary(terminalreporter, config):
    """The table."""
    if rows := config.stash[_ROWS]:
        terminalreporter.section("the board")
        terminalreporter.write("\n".join((*rows, "")))


@pytest.fixture
def seen(request):
    """Say a figure for the step's line of the table."""
    return dict(request.node.user_properties)["seen"].append


@pytest.fixture(scope="session")
def board(models_dir, photos, models):
    """What machines are started from."""
    return build.board(models_dir, photos, models.detector)
