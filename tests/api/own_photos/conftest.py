"""A gate of which a manager draws links, and phones that open them."""

from dataclasses import replace

import pytest

from gate.store.people import residents
from tests.console import Browser, context_on


@pytest.fixture(scope="package")
def enroller(models_dir, tmp_path_factory):
    """With the models open for all tests of links."""
    return context_on(tmp_path_factory.mktemp("none"), models_dir).enroller


@pytest.fixture
def context(state, models_dir, enroller):
    return replace(context_on(state, models_dir), enroller=enroller)


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
