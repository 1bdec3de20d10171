"""Passes by command, at a real door."""

import time

import pytest

from gate.processes.asking import present
from gate.store.compound import role
from gate.store.people import passes, residents
from gate.store.record import audit
from gate.vocabulary import Method, Presented
from tests.door import door_process
from tests.running import of_kind, wait_for

pytestmark = pytest.mark.whole


def test_a_pass_is_printed_once_opens_is_listed_and_taken_back(facegate, state, store):
    residents.enrol(store, "Wang Fang", "3-2-502", [])
    with door_process(state, True) as (_, door):
        made = facegate("passes", "new", "Zhao Lei", "--host", "Wang Fang", "--uses", "2", "--json").answer
        assert made["typed"] == f"32502 # {made['digits']} #"
        present(door, Presented("p1", Method.PASS, "camera", time.monotonic(), made["code"]))
        wait_for(lambda: of_kind(store, "granted"), 5)
        told = facegate("passes", "new", "Sun Yu", "--home", "7-1", "--until", "2099-01-01T10:00")
        assert (told.code, "at most 92 days" in told.err) == (1, True)
        told = facegate("passes", "new", "Sun Yu", "--home", "7-1")
        assert "Sun Yu holds this up to the camera, or presses: 71 # " in told.out
        assert "▀" in told.out
        assert "of the compound" not in told.out
        role.become_centre(store)
        told = facegate("passes", "new", "Ma Li", "--home", "7-1")
        assert "It opens every gate of the compound. Each use is known" in told.out.splitlines()[-1]
        facegate("passes", "revoke", next(one.id for one in passes.every(store) if one.name == "Ma Li"))
    listed = facegate("passes", "list", "--json").answer["passes"]
    assert {(one["name"], one["uses_left"], one["phase"]) for one in listed} == {
        ("Zhao Lei", 1, "in_use"), ("Sun Yu", 1, "in_use"), ("Ma Li", 1, "over"),
    }  # fmt: skip
    assert "1 of 2" in facegate("passes", "list").out
    assert facegate("passes", "revoke", made["pass"]["id"]).out.strip() == "The pass of Zhao Lei is taken back."
    again = facegate("passes", "revoke", made["pass"]["id"])
    assert (again.code, again.err.strip()) == (1, "This pass is over already, and opens nothing.")
    assert "pass_revoked" in [line.kind for line in audit.lines(store)]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["", "--home", "7-1"], 2, "between 1 and 100 characters"),
        (["Zhao", "--from", "2026-01-01T10:00", "--until", "2026-01-01T11:00"], 1, "would be over already"),
        (["Zhao", "--uses", "1000"], 1, "between 1 and 100 times"),
        (["Zhao", "--until", "2026-01-01T11:00"], 1, "ends before it begins"),
        (["Zhao", "--until", "soon"], 2, "soon is no time; write it as 2027-01-31T14:00."),
        (["Zhao", "--schedule", "Night"], 1, "There is no schedule Night"),
        (["Zhao", "--host", "Nobody"], 1, "No resident is called"),
        (["Zhao", "--lasts", "nan"], 1, "lasts between a minute"),
    ],
)
def test_what_is_no_pass_is_one_sentence_and_changes_nothing(facegate, state, store, options, code, says):
    with door_process(state, True):
        told = facegate("passes", "new", *options)
    assert (told.code, says in told.err, len(told.err.strip().splitlines())) == (code, True, 1)
    assert passes.every(store) == []
