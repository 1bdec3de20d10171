"""A gate of which a manager draws links to residents' own pages, and phones that open them."""

import re
from urllib.parse import urlsplit

import pytest

from gate.store.people import residents
from tests.console import Browser
from tests.door import door_process


@pytest.fixture
def fang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [], by="test")


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def phone(app):
    """A function that gives the browser of a phone in which nobody is signed in."""
    return lambda address="10.0.0.77": Browser(app, address)


@pytest.fixture
def link(manager):
    """A function that has the manager draw a link for a resident, and gives its path."""

    def drawn(person):
        answer = manager.send(f"/residents/{person.id}/own-page")
        return urlsplit(re.search(r'value="(https?://[^"]+/own/[^"]+)"', answer.text)[1]).path

    return drawn


@pytest.fixture
def opened(phone, link):
    """A function that gives the phone of a resident who opened their page, and its path."""

    def on_phone(person, address="10.0.0.77"):
        one, at = phone(address), link(person)
        one.get(at)
        answer = one.post(at)
        assert answer.status_code == 303
        return one, answer.headers["location"]

    return on_phone


@pytest.fixture
def door(state):
    with door_process(state, synchronised=True, freshness_s=5) as (_, client):
        yield client
