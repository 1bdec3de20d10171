"""A link to a resident's own page by command: told once, drawn again when asked for, and the page ended."""

import pytest

from gate.store.people import residents
from gate.store.record import audit

pytestmark = pytest.mark.whole

AT = ("--address", "https://192.168.1.20:8443")


def test_a_link_to_an_own_page_is_printed_once_drawn_again_when_asked_and_ended(facegate, store):
    fang = residents.enrol(store, "Wang Fang", "3-2-502", [])
    drawn = facegate("links", "page", "Wang Fang", *AT, "--json").answer
    assert (drawn["resident"], drawn["reachable"]) == (fang.id, True)
    assert drawn["url"].startswith("https://192.168.1.20:8443/own/")
    again = facegate("links", "page", "Wang Fang", *AT)
    assert (again.code, "say --again" in again.err) == (1, True)
    assert "It can be opened until" in facegate("links", "page", "Wang Fang", *AT, "--again").out
    assert facegate("links", "end-page", "Wang Fang").out.strip() == "The page of Wang Fang is ended."
    assert facegate("links", "end-page", "Wang Fang").code == 1
    kinds = [line.kind for line in audit.lines(store) if line.kind.startswith("own_page")]
    assert kinds == ["own_page_drawn", "own_page_drawn", "own_page_ended"]
