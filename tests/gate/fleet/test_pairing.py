"""Why a gate was not taken in, as its centre says it: in words that a catalogue knows, and with no more from a stranger
than a sentence."""

import json

import pytest

from gate.errors import Refusal
from gate.fleet.pairing import Refused
from gate.processes.fields import read, written


def over_the_wire(said):
    return read(Refused, json.loads(json.dumps(said))).sentence


def test_a_refusal_is_told_in_the_language_of_whoever_reads_it():
    refusal = Refusal("{known} has the id of this gate, which is called {name}.", known="North", name="南门")
    heard = over_the_wire(written(Refused.of(refusal.sentence)))
    assert heard == "North has the id of this gate, which is called 南门."
    assert (heard.pattern, heard.values) == (refusal.sentence.pattern, {"known": "North", "name": "南门"})


def test_a_centre_of_the_version_before_says_its_sentence_alone():
    assert over_the_wire({"why": "No gate is {invited} here now."}) == "No gate is {invited} here now."


@pytest.mark.parametrize(
    "pattern",
    [
        "{name:1000000000}",
        "{name.__class__}",
        "{name[0]}",
        "{name!r}",
        "{0}",
        "{}",
        "{name",
        "}{",
        "{{name}}",
        "{other}",
    ],
)
def test_a_stranger_says_no_more_than_a_sentence(pattern):
    heard = over_the_wire({"why": "No.", "pattern": pattern, "values": {"name": "x"}})
    assert heard == "No."
    assert heard.pattern == "{why}"
