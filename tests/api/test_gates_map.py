"""The map of the gates on the centre's page: each with its state and a sign of its own, where an owner put it."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest

from api.app import create_app
from gate.fleet.centre_status import CentreStatus, GateStatus, write_status
from gate.fleet.state import GateState
from gate.store.compound import gates, role
from tests.console import context_on, problem_of

CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}}
NAMES = {"n": "North", "s": "A very long name of a gate", "e": "小区东侧消防通道大门", "w": "<West>"}


@pytest.fixture
def app(state, store, enroller):
    """The console of a centre that four gates follow."""
    role.become_centre(store)
    for number, (one, name) in enumerate(NAMES.items()):
        gates.add(store, gates.Gate(one, name, f"U{number}", b"b" * 32, b"s" * 32, "2026-01-01"))
    return create_app(context_on(state, enroller=enroller, settings=CENTRE))


def heard(state, **said):
    """What the centre heard of its gates just now: mode and leaf of each."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    there = {
        one: GateStatus(now, False, 0, 0, state=state_of(mode, leaf), state_at=now)
        for one, (mode, leaf) in said.items()
    }
    write_status(state, CentreStatus(now, 1, 0, True, 0, there))


def state_of(mode, leaf):
    return GateState(version="1", mode=mode, leaf=leaf, standing=("lockdown",) if mode == "lockdown" else ())


def drawn(page):
    """How each gate is drawn, by its id: its look, where, and what is read out of it."""
    found = re.findall(
        r'<g role="listitem" class="look-(\w+)" transform="translate\((\d+) (\d+)\)" data-gate="([^"]+)">\s*'
        r"<title>(.*?)</title>", page, re.DOTALL,
    )  # fmt: skip
    return {gate: (look, int(x), int(y), unescape(said)) for look, x, y, gate, said in found}


def test_each_gate_is_drawn_with_its_state_in_sign_and_word_and_follows_as_it_changes(browser, state):
    guard = browser("guard")
    heard(state, n=("normal", "shut"), s=("lockdown", "shut"), e=("normal", "forced"))
    there = drawn(guard.get("/gates").text)
    assert {gate: look for gate, (look, *_) in there.items() if gate in NAMES} == {
        "n": "closed", "s": "locked", "e": "alarm", "w": "away",
    }  # fmt: skip
    assert there["n"][3] == "North: Closed"
    assert "forced open" in there["e"][3]
    assert there["w"][3] == "<West>: Not reached"
    # Five of them, the centre's own among them, evenly.
    assert sorted((y, x) for _, x, y, _ in there.values()) == [(0, 0), (0, 100), (0, 200), (90, 0), (90, 100)]
    heard(state, n=("pulse", "shut"), s=("fire", "open"), e=(None, None), w=("normal", "open"))
    there = drawn(guard.get("/gates?part=live").text)
    assert {gate: look for gate, (look, *_) in there.items() if gate in NAMES} == {
        "n": "open", "s": "alarm", "e": "unknown", "w": "open",
    }  # fmt: skip


def test_long_names_are_cut_on_the_map_and_read_out_whole(browser, state):
    page = browser("guard").get("/gates").text
    texts = re.findall(r'<text x="50" y="63" aria-hidden="true">(.*?)</text>', page)
    assert {"North", "A very lon…", "小区东侧…"} <= {*texts}
    assert NAMES["s"] in drawn(page)["s"][3]


def test_an_owner_puts_gates_where_they_stand_and_nobody_else_does(browser, store, state):
    owner = browser("owner")
    assert "Saved." in owner.send("/settings/gates/n/place", data={"row": "2", "column": "3"}).text
    assert drawn(owner.get("/gates").text)["n"][1:3] == (200, 90)
    page = owner.get("/settings/gates").text
    assert "<option selected>3</option>" in page
    for sent in ({"row": "2", "column": "3"}, {"row": "99", "column": "1"}):
        assert problem_of(owner.send("/settings/gates/s/place", data=sent))
    assert problem_of(owner.send("/settings/gates/gone/place", data={"row": "1", "column": "1"}))
    assert owner.post("/settings/gates/s/place", data={"row": "x", "column": "1"}).status_code == 422
    owner.send("/settings/gates/n/place", data={"row": "", "column": ""})
    assert drawn(owner.get("/gates").text)["n"][1:3] != (200, 90)
    for other in ("manager", "guard", "auditor"):
        assert browser(other).post("/settings/gates/n/place", data={"row": "1", "column": "1"}).status_code == 403
