"""Who passed at which gate, as the centre takes it from its gates: their own word alone, and what is said just now."""

import asyncio
from contextlib import closing
from dataclasses import replace

import pytest

from centre.followers import Followers
from centre.passages import Passages
from centre.secrets import first_secrets
from gate.fleet import keys, messages
from gate.fleet.messages import Sharing
from gate.store.compound import gates, role
from gate.store.people import elsewhere, residents
from gate.store.people.elsewhere import Seen
from gate.vocabulary import Direction
from tests.centre.test_followers import NORTH, SEED, Line
from tests.stores import new_store

TICK = 7
SAID = Sharing("n", TICK, b"n" * 16, 0, (), waits=False)


@pytest.fixture
def heard(tmp_path):
    """What of a question of the gate north is at the centre then, and whether it was answered."""
    with closing(new_store()) as centre:
        role.become_centre(centre)
        gates.add(centre, NORTH)
        secrets = first_secrets(tmp_path)
        followers, line = Followers(centre, secrets), Line()
        followers.know({"n": NORTH})
        followers.note_head(TICK)
        asyncio.run(Passages(centre, secrets, followers).listen(line))
        someone = residents.enrol(centre, "Wang Fang", None, [])
        seen = Seen(someone.id, "n", None, Direction.IN, "2026-11-28T08:00:00.000+00:00", 1)

        def ask(said, signer=SEED, subject="passages.n"):
            line.answers.clear()
            data = messages.SHARING.data(
                replace(said, seen=(seen,)), keys.box_public(secrets.box_seed), keys.signer(signer)
            )
            line.say(subject, data)
            return [one.resident for one in elsewhere.of_others(centre)] == [someone.id], bool(line.answers)

        yield ask


@pytest.mark.parametrize(
    ("said", "how"),
    [
        # Said again or held back on the way; of another gate; signed by another key; by whoever follows no more.
        (replace(SAID, tick=TICK - 1), {}),
        (replace(SAID, gate="m"), {}),
        (SAID, {"signer": b"x" * 32}),
        (SAID, {"subject": "passages.m"}),
    ],
)
def test_what_a_gate_did_not_say_itself_and_just_now_is_neither_kept_nor_answered(heard, said, how):
    assert heard(said, **how) == (False, False)


def test_what_a_gate_says_is_kept_and_answered(heard):
    assert heard(SAID) == (True, True)
