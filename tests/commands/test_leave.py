"""`facegate leave`: a gate follows its centre no more, also where its database knows of none."""

import pytest

from gate.fleet.joined import Joined, write_joined
from gate.state_folder import centre_file
from gate.store.compound import role

pytestmark = pytest.mark.whole

JOINED = Joined("10.0.0.2", 7422, "g", "", b"s" * 32, b"b" * 32, "seed", b"x" * 32, b"y" * 32)


def test_a_gate_that_came_back_from_before_it_joined_can_leave(facegate, state, store, tmp_path):
    backup = facegate("backup", tmp_path / "backups", "--json").answer["path"]
    role.follow(store, b"s" * 16, "10.0.0.2", by="test")
    write_joined(state, JOINED)
    store.close()
    assert facegate("restore", backup, "--yes").code == 0
    said = facegate("leave", "--yes", "--json")
    assert (said.code, said.answer) == (0, {"people": 0, "erased": 0})
    assert not centre_file(state).exists()
    again = facegate("leave", "--yes", "--json")
    assert (again.code, again.answer) == (1, {"error": "This gate follows no centre."})
