"""Where a centre is, as it is typed, kept and read again."""

import pytest
from click.testing import CliRunner

from commands.cli import facegate
from gate.fleet.joined import Place, address_of, place_of


@pytest.mark.parametrize(
    "typed", ["10.0.0.2", "fd00::2", "[fd00::2]", "fe80::1%eth0", "centre.local", "centre_1", " 10.0.0.2 "]
)
def test_whatever_a_gate_joins_by_is_a_place_that_it_reads_again(typed):
    place = Place(address_of(typed), 7422)
    assert place_of(str(place)) == place


@pytest.mark.parametrize("typed", ["10.0.0.2:7423", "门.local", "a b", "a/b", "x@y", "", "fe80::1%"])
def test_what_could_not_be_read_again_is_refused_before_anybody_is_asked(state, typed):
    done = CliRunner().invoke(facegate, ["join", typed, "ABCD-EFGH-JKLM", "--yes", "--state", str(state)])
    assert "is no address of a centre" in str(done.exception)
