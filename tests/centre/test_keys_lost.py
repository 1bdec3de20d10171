"""A centre whose keys are gone leads nobody and says so, until they are back or somebody has it begin with others."""

import shutil

import pytest

from centre.secrets import first_secrets, has_secrets, secrets_of
from gate.care.health import gather
from tests.centre.test_many_gates import enrolled, is_here
from tests.fleet import command, join, refused
from tests.running import wait_for

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def north(centre, place):
    return join(centre, place / "n", "north", freshness_s=5)


def test_lost_keys_are_told_and_none_are_drawn_until_somebody_says_so(centre, north, tmp_path):
    with centre.store() as store:
        wang = enrolled(store, "Wang Fang", 1)
    centre.whole_at([north])
    kept = centre.state / "centre" / "secrets.json"
    ours = secrets_of(centre.state)

    def without_keys():
        centre.process.end()
        centre.broker.end()
        shutil.move(kept, tmp_path / "kept")
        centre.broker.start()
        centre.process.start()
        wait_for(lambda: command("centre", "gates", "--state", centre.state)["keys_lost"], 10, "it does not say so")

    without_keys()
    assert not has_secrets(centre.state)
    assert "lost its keys" in refused("centre", "invite", "--state", centre.state)
    assert "lost its keys" in refused("centre", "invite", "--second", "10.0.0.9", "--state", centre.state)
    assert any("lost its keys" in one for one in gather(centre.state, by_face=False).problems)
    with centre.store() as store:
        li = enrolled(store, "Li Na", 2)

    # Both begin anew once they are there.
    shutil.move(tmp_path / "kept", kept)
    for one in (centre.process, centre.broker):
        assert one.running.wait(10) == 0
        one.end()
    centre.broker.start()
    centre.process.start()
    wait_for(lambda: is_here(north, li), 40, "the gate hears its centre no more")
    assert secrets_of(centre.state) == ours
    assert "has its keys" in refused("centre", "new-keys", "--yes", "--state", centre.state)

    without_keys()
    assert command("centre", "new-keys", "--yes", "--state", centre.state)["gates"] == 1
    for one in (centre.process, centre.broker):
        assert one.running.wait(10) == 0
        one.end()
    assert secrets_of(centre.state) != ours
    centre.broker.start()
    centre.process.start()
    north.link.end()
    code = command("centre", "invite", "--state", centre.state)["code"]
    port = centre.centre["pairing_port"]
    command("join", "127.0.0.1", code, "--port", port, "--state", north.state, "--yes", FACEGATE_GATE="north")
    north.link.start()
    with centre.store() as store:
        zhao = enrolled(store, "Zhao Min", 3)
    wait_for(lambda: all(is_here(north, one) for one in (wang, li, zhao)), 40, "the gate has not all")


def test_a_centre_that_nobody_follows_draws_its_keys(tmp_path):
    assert first_secrets(tmp_path) == first_secrets(tmp_path) == secrets_of(tmp_path)
