"""A gate of which a manager draws links, and phones that open them."""

import pytest

from gate.store.people import residents
from tests.console import Browser


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def wang(store):
    return residents.enrol(store, "王芳", "3-1204", [], by="test")


@pytest.fixture
def phone(app):
    """A function that gives the browser of a phone in which nobody is signed in."""
    return lambda address="10.0.0.77": Browser(app, address)
