"""Gates and centres of several versions: what is newer than its reader is left or passed over, and never stands in the
way of a revocation."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from gate.fleet import keys, messages
from gate.fleet.messages import READER, Head, Header, Report, Request, Told
from gate.fleet.pairing import Challenge, Hello, Welcome
from gate.fleet.register import Fate, Register
from gate.processes.fields import read, written
from gate.store.compound import items, taken
from gate.store.compound.entries import (
    AreaEntry,
    GroupEntry,
    RegisterKind,
    ResidentEntry,
    RevocationEntry,
    ScheduleEntry,
    Version,
)
from gate.store.compound.proposals import Because, Proposal
from gate.store.compound.role import follow
from gate.store.database import open_database
from gate.store.people import residents

SEED, KEY = bytes(range(32)), b"k" * 32
CENTRE = keys.signer(SEED)
PUBLIC = keys.signer_public(SEED)
SIGNED_AS = {"message": b"facegate register message\n", "head": b"facegate register head\n"}


@pytest.fixture
def gate(state):
    """The store of a gate that follows, and its register."""
    with closing(open_database(state)) as store:
        follow(store, b"s" * 16, "10.0.0.2", by="test")
        taken.keep_keys(store, {"r1": KEY, "r2": KEY, "common": KEY})
        yield store, Register(store, PUBLIC)


def took(register, batch):
    return register.take(register.checked(batch))


def signed(what, said):
    return CENTRE.sign(SIGNED_AS[what] + said) + said


def person(identity, name, **more):
    entry = ResidentEntry(identity, name, None, "2026-01-01", False, None, None, None, None, None, (), (), ())
    return written(entry) | more


def message(kind, number, body, **header):
    """A message as another version of the centre writes it: with fields of its own, or without some of ours."""
    plain = json.dumps({"v": 1, "epoch": 1, "id": body["id"], "version": number, "kind": kind} | header).encode()
    said = json.dumps(body).encode()
    if kind != "revocation":
        said = b"n" * 12 + ChaCha20Poly1305(KEY).encrypt(b"n" * 12, said, plain)
    return signed("message", len(plain).to_bytes(2, "big") + plain + said)


def test_a_gate_leaves_what_is_too_new_for_it_says_so_and_takes_what_it_understands_and_every_revocation(gate):
    store, register = gate
    newer = message("resident", 1, person("r1", "Wang Fang"), v=9, min_reader=READER + 1)
    unknown = message("elevator", 1, {"id": "e1"}, v=9)
    plain = message("resident", 1, person("r2", "Li Na"), v=9, min_reader=READER)
    assert took(register, [newer, unknown, plain]) == [Fate.HELD, Fate.HELD, Fate.DONE]
    assert "Upgrade this gate" in register.problem
    assert [one.id for one in residents.every(store)] == ["r2"]
    gone = message("revocation", 1, {"id": "r2", "why": "moved"}, v=9, min_reader=READER + 8)
    assert took(register, [gone]) == [Fate.DONE]
    assert residents.every(store) == []
    # Upgraded, it reads what it left: the broker holds it still.
    assert took(register, [message("resident", 1, person("r1", "Wang Fang"), v=9)]) == [Fate.DONE]


def test_a_gate_passes_over_fields_that_it_does_not_know_and_takes_the_default_of_those_that_are_missing(gate):
    store, register = gate
    fuller = message("resident", 1, person("r1", "Wang Fang", floor=4, lifts=["a"]), v=2, written_by="0.9")
    assert took(register, [fuller]) == [Fate.DONE]
    head = {"epoch": 1, "tick": 1, "state": written(items.state(store, 1)) | {"size": 9}, "seen": [1]}
    heard = register.hear(signed("head", json.dumps(head).encode()))
    assert (heard.whole, heard.problem) == (True, None)
    older = message("revocation", 1, {"id": "r1"})
    assert took(register, [older]) == [Fate.DONE]
    assert residents.every(store) == []


def test_passes_are_compared_where_the_centre_says_something_of_them(gate):
    store, register = gate
    centre_of_before = {"epoch": 1, "tick": 1, "state": written(items.state(store, 1))}
    assert register.hear(signed("head", json.dumps(centre_of_before).encode())).whole
    at = "2026-01-01T00:00:00.000+00:00"
    here, more = items.open_passes(store, 1, at), items.OpenPasses(at, items.State(1, 1, "0" * 64))
    for tick, (there, whole) in enumerate(((here, True), (more, False)), 2):
        said = messages.HEAD.data(Head(1, tick, items.state(store, 1), passes=there), CENTRE)
        assert register.hear(said).whole is whole
        # A gate of before knows nothing of them, and takes the rest for all.
        assert items.state(store, 1) == messages.HEAD.of(said, CENTRE.public_key()).state


def test_a_head_that_is_too_new_is_told_and_what_comes_meanwhile_is_taken(gate):
    store, register = gate
    heard = register.hear(messages.HEAD.data(Head(1, 1, None, min_reader=READER + 1), CENTRE))
    assert "Upgrade this gate" in heard.problem
    assert took(register, [message("resident", 1, person("r1", "Wang Fang"))]) == [Fate.DONE]
    assert len(residents.every(store)) == 1


@pytest.mark.parametrize(
    "value",
    [
        Request("g1", 1, "r1"), Report(behind=False, entries=1, waiting=0), Told(), Head(1, 1, None),
        Header(1, 1, "r1", 1, "resident"), Hello("g1", "North", "U", b"b", b"s", b"n"), Challenge(b"s", b"n"),
        Welcome(1, b"s", b"b", b"x", b"w", b"p"), ScheduleEntry("s1"), RevocationEntry("r1"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_either_side_reads_what_a_later_version_of_the_other_says_in_more_words(value):
    said = json.loads(json.dumps(written(value) | {"later": {"x": [1]}, "and": None}))
    assert read(type(value), said) == value


def test_an_entry_that_was_written_here_is_read_by_whoever_asks_for_no_more_than_this_form():
    made = messages.sealed(RegisterKind.SCHEDULE, Version(1, 1), ScheduleEntry("s1"), KEY, b"n" * 12, CENTRE)
    header = messages.checked(made, CENTRE.public_key()).header
    assert (header.v, header.min_reader) == (messages.WRITER, 1)
    assert header.is_readable


def test_a_gate_of_the_form_before_areas_takes_nobody_whom_one_limits(gate, monkeypatch):
    store, register = gate
    area = AreaEntry("a1", "Tower A", {"g1": "North"})
    wang = replace(read(ResidentEntry, person("r1", "Wang Fang")), area="a1")
    said = [
        messages.sealed(kind, Version(1, 1), entry, KEY, b"n" * 12, CENTRE, limited=limited)
        for kind, entry, limited in (
            (RegisterKind.AREA, area, False), (RegisterKind.RESIDENT, wang, True),
            (RegisterKind.GROUP, GroupEntry("g1", "Cleaners", None, "a1"), True),
        )
    ]  # fmt: skip
    # What the earlier version has of the kinds is what it had then; of an area it knows nothing.
    monkeypatch.setattr(messages, "READER", 1)
    assert took(register, said[1:]) == [Fate.HELD, Fate.HELD]
    assert "Upgrade this gate" in register.problem
    assert residents.every(store) == []
    monkeypatch.setattr(messages, "READER", READER)
    assert took(register, said) == [Fate.DONE] * 3
    assert [one.gates for one in residents.every(store)] == [("g1",)]


@pytest.mark.parametrize("area", [None, "a1"])
def test_a_proposal_that_limits_somebody_asks_for_a_centre_that_knows_areas(monkeypatch, area):
    wang = replace(read(ResidentEntry, person("r1", "Wang Fang")), area=area)
    proposal = Proposal(1, RegisterKind.RESIDENT, None, True, wang)
    box, gate = keys.new_seed(), keys.signer(keys.new_seed())
    sent = messages.proposal_data("north", proposal, keys.box_public(box), gate)
    assert messages.proposal_of(sent, "north", box, gate.public_key()) == proposal
    monkeypatch.setattr(messages, "READER", 1)
    if area is None:
        assert messages.proposal_of(sent, "north", box, gate.public_key()).entry == wang
        return
    with pytest.raises(messages.NotUnderstood) as refused:
        messages.proposal_of(sent, "north", box, gate.public_key())
    assert refused.value.answer.because is Because.TOO_NEW
