"""Steps of a slow proof: each has a name and a time limit, and stands in a table at the end with what was seen."""

import signal
import time
from contextlib import contextmanager

import pytest

_ROWS = pytest.StashKey[list]()
# The longest name of a step.
_NAME = 80
# And of what is told of a failure at once.
_WHY = 600


@contextmanager
def limited(name, within_s):
    """What takes longer has failed, whatever it waits for."""

    def late(*_):
        raise AssertionError(f"{name}: not done within {within_s} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, within_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pytest_configure(config):
    config.stash[_ROWS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """A step that nothing could be made ready for has failed, and stands in the table too."""
    began = time.monotonic()
    try:
        return (yield)
    except Exception as error:
        if step := item.get_closest_marker("step"):
            _add(item, *step.args, "FAILED", began, [_why(error)])
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A step stands in the table, however it ends."""
    step = item.get_closest_marker("step")
    if step is None:
        return (yield)
    name, within_s = step.args
    seen = dict(item.user_properties).get("seen", [])
    began, word = time.monotonic(), "FAILED"
    try:
        with limited(name, within_s):
            result = yield
        word = "passed"
        return result
    except BaseException as error:
        seen.append(_why(error))
        raise
    finally:
        _add(item, name, within_s, word, began, seen)


def _why(error):
    """Whoever waits for the rest of an hour knows it now."""
    return f"{type(error).__name__}: {error}"[:_WHY].replace("\n", " ")


def _add(item, name, within_s, word, began, seen):
    row = f"{word}  {name:{_NAME}}  {time.monotonic() - began:6.1f} of {within_s} s  {'; '.join(seen)}"
    item.config.stash[_ROWS].append(row)
    # Whoever ends it early has seen how far it came.
    print(f"\n{row}", flush=True)


def pytest_terminal_summary(terminalreporter, config):
    """The table."""
    if rows := config.stash[_ROWS]:
        terminalreporter.section("the steps")
        terminalreporter.write("\n".join((*rows, "")))


@pytest.fixture
def seen(request):
    """Say a figure for the step's line of the table."""
    figures = []
    request.node.user_properties.append(("seen", figures))
    return figures.append
