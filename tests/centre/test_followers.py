"""What the gates that follow a centre say of themselves, as it keeps it: of one that somebody stole too."""

import asyncio
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from centre.followers import Followers
from centre.secrets import first_secrets
from gate.fleet import keys, messages
from gate.fleet.centre_status import CentreStatus, read_status, write_status
from gate.fleet.messages import Report, Saying
from gate.fleet.state import GateState
from gate.store.compound import gates, role
from gate.store.compound.gates import Gate
from tests.stores import new_store

SEED = b"s" * 32
NORTH = Gate("n", "North", "UN", b"b" * 32, keys.signer_public(SEED), "2026-11-27T08:00:00+00:00")
WELL = Report(behind=False, entries=3, waiting=0, run="1")
STATE = GateState(version="1", mode="normal")


class Line:
    """Where the centre listens."""

    def __init__(self):
        self.heard, self.answers = {}, []

    async def subscribe(self, subject, cb):
        self.heard[subject] = cb

    def say(self, subject, data):
        said = SimpleNamespace(subject=subject, data=data, respond=self._answered)
        asyncio.run(self.heard[f"{subject.split('.')[0]}.*"](said))

    async def _answered(self, data):
        self.answers.append(data)


@pytest.fixture
def followers(tmp_path):
    with closing(new_store()) as made:
        role.become_centre(made)
        gates.add(made, NORTH)
        found = Followers(made, first_secrets(tmp_path))
        found.know({"n": NORTH})
        found.note_head(1)
        yield found


@pytest.fixture
def line(followers):
    made = Line()
    asyncio.run(followers.listen(made))
    return made


def test_a_gate_of_whose_record_too_much_came_is_named(followers, line, caplog):
    followers.note_flood(NORTH)
    line.say("reports.n", messages.report_data(WELL))
    assert "centre remove GATE --stolen" in followers.heard()["n"].problem
    assert [one.message for one in caplog.records if "can write" in one.message] != []


def test_a_gate_that_says_too_much_of_itself_is_not_heard_and_the_others_are_shown(followers, line, tmp_path):
    line.say("reports.n", messages.report_data(WELL))
    line.say("states.n", messages.SAYING.data(Saying("n", 1, STATE), keys.signer(SEED)))
    known = followers.heard()
    assert (known["n"].entries, known["n"].state) == (3, STATE)
    much = "x" * 900_000
    line.say("reports.n", messages.report_data(replace(WELL, problem=much)))
    line.say("states.n", messages.SAYING.data(Saying("n", 1, replace(STATE, troubles=(much,))), keys.signer(SEED)))
    assert followers.heard() == known
    write_status(tmp_path, CentreStatus("2026-11-27T08:00:00+00:00", 1, 3, connected=True, due=0, gates=known))
    assert read_status(tmp_path).gates.keys() == {"n"}


def test_two_machines_with_one_gates_keys_are_told_by_their_starts_however_often_one_began(followers, line):
    for run in range(50):
        line.say("reports.n", messages.report_data(replace(WELL, run=str(run))))
    assert followers.heard()["n"].problem is None
    line.say("reports.n", messages.report_data(replace(WELL, run="48")))
    assert "Two machines" in followers.heard()["n"].problem
