"""`facegate readers`: a reader that gets its key, and beginning anew where the door's is lost."""

import subprocess
import sys

import pytest

from gate.errors import UsageError
from gate.readers.keys_file import keys_of, read_keys
from gate.store.compound import role
from gate.store.people import credentials, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from tests.codes import new_pin
from tests.conftest import command_environment
from tests.door import door_process, events
from tests.osdp_reader import cable, reader

pytestmark = pytest.mark.whole


def test_a_reader_in_install_mode_is_paired_and_its_key_kept_for_its_owner_alone(facegate, state):
    with cable() as wire, reader(wire, address=3):
        done = facegate("readers", "pair", "3", "--port", wire.path, "--json")
        assert (done.code, done.answer.get("paired")) == (0, 3), done.err
        file = state / "osdp-keys"
        assert file.stat().st_mode & 0o077 == 0
        (key,) = read_keys(file).values()
        assert key.hex() not in done.out
    with cable() as wire, reader(wire, b"x" * 16):
        again = facegate("readers", "pair", "0", "--port", wire.path, "--seconds", "2")
        assert (again.code, "install mode" in again.err) == (2, True)
    assert list(read_keys(file)) == [3]


def test_where_its_key_could_not_be_kept_a_reader_is_given_none(facegate, models_dir, state):
    with cable() as wire, reader(wire, address=3):
        pair = ("readers", "pair", "3", "--port", wire.path, "--seconds", "5")
        refused = subprocess.run(
            ["prlimit", "--fsize=0", sys.executable, "-m", "commands.cli", *pair],
            env=command_environment(models_dir, state), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert (refused.returncode, "osdp-keys cannot be written" in refused.stderr) == (2, True), refused.stderr
        done = facegate(*pair, "--json")
        assert (done.code, done.answer.get("paired")) == (0, 3), done.err


def test_without_a_line_and_at_no_address_it_says_so(facegate, state):
    assert "Set readers.osdp_port" in facegate("readers", "pair", "0").err
    assert facegate("readers", "pair", "127").code == 2


@pytest.mark.parametrize("text", ["0 12", "0 " + "0" * 32 + "\n0 " + "1" * 32, "200 " + "0" * 32, "key"])
def test_what_is_no_key_is_named_by_its_line_and_not_told(text):
    with pytest.raises(UsageError, match="Line [12] of the readers' keys") as refused:
        keys_of(text)
    assert "1" * 32 not in str(refused.value)


def test_where_the_doors_key_is_lost_everybody_begins_anew(facegate, state, store):
    wang = residents.enrol(store, "Wang Fang", "502", [Template("m", "s", {}, b"")], NO_PERSON)
    with door_process(state) as (_, client):
        new_pin(store, client, wang)
    (state / "door" / "code.key").unlink()
    with door_process(state) as (_, client):
        assert client.ask({"do": "seal", "digests": ["AA" * 21 + "A="]})["granted"] is False
        assert client.ask({"do": "status"})["code_fault"] == "is missing"
        done = facegate("readers", "new-key", "--yes", "--json")
        assert done.answer == {"people": 1}
        assert credentials.of_resident(store, wang.id) == []
        new_pin(store, client, wang)
        assert client.ask({"do": "status"})["code_fault"] is None
    assert "codes_removed" in [line.kind for line in events(state)]
    assert facegate("readers", "new-key", "--yes", "--json").answer == {"people": 1}


def test_at_a_gate_that_follows_a_centre_nobodys_codes_are_taken_away_at_every_gate(facegate, state, store):
    role.follow(store, b"s" * 16, "centre", by="test")
    wang = residents.enrol(store, "Wang Fang", "502", (), by="test")
    credentials.add_card(store, wang, None, b"c" * 32, by="test")
    said = facegate("readers", "new-key", "--yes", "--json")
    assert (said.code, "sudo facegate join" in said.answer["error"]) == (1, True)
    assert len(credentials.of_resident(store, wang.id)) == 1
