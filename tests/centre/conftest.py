"""A broker, a centre and its door for the tests of one file, each in a process of its own."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import MEMORY
from tests.fleet import centre_running


@pytest.fixture(scope="module")
def place():
    """A short path: sockets have no long ones."""
    with TemporaryDirectory(prefix="fg-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def centre(place):
    with centre_running(place / "c") as running:
        yield running


@pytest.fixture
def gates(centre, joined):
    """The gates of a file, which it has `joined`, all at work, whatever a test before did to them."""
    for process in (centre.broker, centre.process, *(gate.link for gate in joined)):
        if process.running is None:
            process.start()
    return joined
