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


def pytest_collection_modifyitems(items):
    """The tests of the page of gates come as they are written: each finds the gates as the one before left them."""
    places = [place for place, item in enumerate(items) if item.path.name == "test_gates_page.py"]
    as_written = sorted((items[place] for place in places), key=lambda item: item.function.__code__.co_firstlineno)
    for place, item in zip(places, as_written, strict=True):
        items[place] = item
