"""Messages of the register: what is sealed comes out again, and nothing else is ever believed."""

import json
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import UsageError
from gate.fleet import keys, messages, pairing
from gate.fleet.envelopes import NotGenuine
from gate.fleet.messages import Asking, Head, Held, Ordering, Report, Request, Saying, Told
from gate.fleet.pairing import Challenge, Hello, Welcome
from gate.fleet.state import GateState
from gate.processes.fields import Malformed
from gate.store.compound.door_orders import Answered, DoorOrder, Offered
from gate.store.compound.entries import (
    AreaEntry,
    CredentialEntry,
    RegisterKind,
    ResidentEntry,
    RevocationEntry,
    ScheduleEntry,
    TemplateEntry,
    Version,
)
from gate.store.compound.forgotten import Forgotten
from gate.store.compound.items import State
from gate.store.compound.proposals import Answer, Because, Proposal

CENTRE = keys.signer(bytes(range(32)))
PUBLIC = CENTRE.public_key()
OTHER = keys.signer(bytes(32))
KEY, NONCE = b"k" * 32, b"n" * 12

texts = st.text(max_size=20)
versions = st.builds(Version, st.integers(0, 2**40), st.integers(0, 2**40))
schedules = st.builds(ScheduleEntry, texts, texts, st.none() | texts)
residents = st.builds(
    ResidentEntry, texts, texts, st.none() | texts, texts, st.booleans(), st.none() | texts, st.none(), st.none(),
    st.none(), st.none(), st.just(()),
    st.lists(
        st.builds(TemplateEntry, texts, texts, texts, texts, st.binary(max_size=16), texts), max_size=2
    ).map(tuple),
    st.lists(
        st.builds(
            CredentialEntry, texts, texts, st.binary(max_size=16), st.booleans(), st.none(), st.none(), texts, st.none()
        ), max_size=2,
    ).map(tuple), st.none() | texts,
)  # fmt: skip
areas = st.builds(AreaEntry, texts, st.none() | texts, st.dictionaries(texts, texts, max_size=3))
entries = st.one_of(
    st.tuples(st.just(RegisterKind.AREA), areas),
    st.tuples(st.just(RegisterKind.SCHEDULE), schedules),
    st.tuples(st.just(RegisterKind.RESIDENT), residents),
    st.tuples(st.just(RegisterKind.REVOCATION), st.builds(RevocationEntry, texts, st.booleans())),
)


def sealed(kind, version, entry, signer=CENTRE, key=KEY):
    return messages.sealed(kind, version, entry, None if kind is RegisterKind.REVOCATION else key, NONCE, signer)


def altered_header(data, **changed):
    """The same with another header, signed by somebody else."""
    (length,) = struct.unpack(">H", data[64:66])
    header = json.loads(data[66 : 66 + length]) | changed
    plain = json.dumps(header).encode()
    said = struct.pack(">H", len(plain)) + plain + data[66 + length :]
    return plain, said


@given(entries, versions)
def test_what_is_sealed_comes_out_again(what, version):
    kind, entry = what
    message = messages.checked(sealed(kind, version, entry), PUBLIC)
    assert (message.header.of, message.header.id, message.header.kind) == (version, entry.id, kind)
    assert messages.opened(message, KEY) == entry


@given(entries, versions, st.data())
def test_a_single_bit_that_was_altered_makes_it_nobodys(what, version, data):
    good = bytearray(sealed(what[0], version, what[1]))
    at = data.draw(st.integers(0, 8 * len(good) - 1))
    good[at // 8] ^= 1 << at % 8
    with pytest.raises(NotGenuine):
        messages.checked(bytes(good), PUBLIC)


@given(st.binary(max_size=300))
def test_whatever_else_comes_is_refused_in_one_of_two_words(data):
    for read in (messages.checked, messages.HEAD.of, messages.request_of):
        with pytest.raises((NotGenuine, Malformed)):
            read(data, PUBLIC)


@given(st.binary(max_size=200))
def test_what_the_centre_signed_and_is_no_message_is_malformed(said):
    data = CENTRE.sign(b"facegate register message\n" + said) + said
    with pytest.raises((Malformed, messages.WrongKey)):
        messages.opened(messages.checked(data, PUBLIC), KEY)


def test_a_message_in_another_name_under_another_version_or_with_another_key_is_not_believed():
    entry = ScheduleEntry("s1", "Cleaners", "Mon 08:00-12:00")
    good = sealed(RegisterKind.SCHEDULE, Version(1, 1), entry)
    with pytest.raises(NotGenuine):
        messages.checked(sealed(RegisterKind.SCHEDULE, Version(1, 1), entry, OTHER), PUBLIC)
    # Even where the centre's own key signed another header, the body does not go with it.
    _, said = altered_header(good, version=2)
    forged = CENTRE.sign(b"facegate register message\n" + said) + said
    with pytest.raises(messages.WrongKey):
        messages.opened(messages.checked(forged, PUBLIC), KEY)
    with pytest.raises(messages.WrongKey):
        messages.opened(messages.checked(good, PUBLIC), b"x" * 32)
    with pytest.raises(messages.WrongKey):
        messages.opened(messages.checked(good, PUBLIC), None)
    # What is signed for one purpose is of no use for another.
    head = messages.HEAD.data(Head(1, 1, State(1, 0, "0")), CENTRE)
    with pytest.raises(NotGenuine):
        messages.checked(head, PUBLIC)
    with pytest.raises(NotGenuine):
        messages.request_of(good, PUBLIC)


def test_the_broker_sees_neither_a_name_nor_a_home_nor_a_face():
    face = TemplateEntry("t1", "m", "photo", "{}", b"\x01\x02\x03\x04" * 16, "2026-01-01")
    entry = ResidentEntry(
        "r1", "Wang Fang", "3-1-502", "2026-01-01", False, None, None, None, None, None, (), (face,), ()
    )
    data = sealed(RegisterKind.RESIDENT, Version(1, 1), entry)
    assert b"r1" in data
    for secret in (b"Wang", b"3-1-502", b"AQIDBAECAwQ", face.vector):
        assert secret not in data
    assert "Wang" not in messages.subject(RegisterKind.RESIDENT, entry.id)


def test_a_form_that_is_too_new_is_left_but_a_revocation_is_read():
    message = messages.checked(sealed(RegisterKind.REVOCATION, Version(1, 1), RevocationEntry("r1")), PUBLIC)
    assert message.header.is_readable
    newer = messages.Header(9, 1, "r1", 2, "resident", min_reader=messages.READER + 1)
    assert not newer.is_readable
    assert not messages.Header(9, 1, "x", 1, "elevator").is_readable
    assert messages.Header(9, 1, "r1", 2, "revocation", min_reader=9).is_readable


def test_heads_requests_and_reports_come_out_again():
    head = Head(3, 7, None)
    assert messages.HEAD.of(messages.HEAD.data(head, CENTRE), PUBLIC) == head
    asked = Request("g1", 4, "card/suspended")
    assert messages.request_of(messages.REQUEST.data(asked, OTHER), OTHER.public_key()) == asked
    with pytest.raises(NotGenuine):
        messages.request_of(messages.REQUEST.data(asked, OTHER), PUBLIC)
    for none in ("", "*", "a b", "a.b", "r1/suspended/suspended", "x" * 65):
        with pytest.raises(Malformed):
            messages.request_of(messages.REQUEST.data(replace(asked, id=none), OTHER), OTHER.public_key())
    report = Report(behind=True, entries=4, waiting=2, again=True, problem="x")
    assert messages.report_of(messages.report_data(report)) == report


def test_what_a_gate_tells_of_its_record_is_its_own_and_for_the_centre_alone():
    told, seed = Told((), (Forgotten("r1", 4, "h"),)), b"b" * 32
    data = messages.TOLD.data(told, keys.box_public(seed), OTHER)
    assert messages.TOLD.of(data, seed, OTHER.public_key()) == told
    with pytest.raises(NotGenuine):
        messages.TOLD.of(data, seed, PUBLIC)
    with pytest.raises(keys.NotForUs):
        messages.TOLD.of(data, b"x" * 32, OTHER.public_key())
    held = Held("g1", 4, "h")
    assert messages.HELD.of(messages.HELD.data(held, CENTRE), PUBLIC) == held
    with pytest.raises(NotGenuine):
        messages.HELD.of(messages.HELD.data(held, OTHER), PUBLIC)


def test_an_order_is_the_centres_own_for_one_gate_and_one_question():
    seed, answers = b"b" * 32, (Answered("o0", "done"),)
    asking = Asking("g1", NONCE, answers)
    assert messages.ASKING.of(messages.ASKING.data(asking, OTHER), OTHER.public_key()) == asking
    with pytest.raises(NotGenuine):
        messages.ASKING.of(messages.ASKING.data(asking, OTHER), PUBLIC)
    ordering = Ordering("g1", NONCE, (Offered("o1", DoorOrder.LOCKDOWN, "user x", "Li", "2026-05-04", waited=True),))
    data = messages.ORDERING.data(ordering, keys.box_public(seed), CENTRE)
    assert messages.ORDERING.of(data, seed, PUBLIC) == ordering
    assert b"Li" not in data
    with pytest.raises(keys.NotForUs):
        messages.ORDERING.of(data, b"x" * 32, PUBLIC)
    with pytest.raises(NotGenuine):
        messages.ORDERING.of(messages.ORDERING.data(ordering, keys.box_public(seed), OTHER), seed, PUBLIC)


def test_a_gate_says_how_it_is_and_one_of_a_later_version_is_understood():
    saying = Saying("g1", 7, GateState(version="1", mode="lockdown", standing=("lockdown",), troubles=("disk",)))
    data = messages.SAYING.data(saying, OTHER)
    assert messages.SAYING.of(data, OTHER.public_key()) == saying
    with pytest.raises(NotGenuine):
        messages.SAYING.of(data, PUBLIC)
    later = json.loads(data[64:])
    later["state"] |= {"mode": "hovering", "wind": 3}
    said = json.dumps(later).encode()
    again = messages.SAYING.of(OTHER.sign(b"facegate gate state\n" + said) + said, OTHER.public_key())
    assert again.state.mode == "hovering"


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_what_is_sealed_to_a_gate_opens_there_and_nowhere_else(plain, seed, other):
    data = keys.seal_to(keys.box_public(seed), plain)
    assert keys.open_sealed(seed, data) == plain
    if keys.box_public(other) != keys.box_public(seed):
        with pytest.raises(keys.NotForUs):
            keys.open_sealed(other, data)
    with pytest.raises(keys.NotForUs):
        keys.open_sealed(seed, data[:-1])


def test_a_code_proves_and_unwraps_and_another_does_neither():
    code = pairing.draw_code()
    assert pairing.code_of(pairing.shown(code).lower()) == code
    for wrong in ("", "ABCD", "ABCD-EFGH-JKL1", "ABCD-EFGH-JKLMN"):
        with pytest.raises(UsageError, match="twelve letters"):
            pairing.code_of(wrong)
    salt = b"s" * pairing.SALT_BYTES
    made, other = pairing.keys_of(code, salt), pairing.keys_of("ABCDEFGHJKLM", salt)
    hello = Hello("g1", "North", "U", b"b", b"s", b"n")
    challenge = Challenge(salt, b"m")
    proof = pairing.gate_proof(made.prove, b"certificate", hello, challenge)
    assert proof != pairing.gate_proof(other.prove, b"certificate", hello, challenge)
    assert proof != pairing.gate_proof(made.prove, b"another", hello, challenge)
    assert proof != pairing.gate_proof(made.prove, b"certificate", replace(hello, gate="g2"), challenge)  # fmt: skip
    welcome = Welcome(1, b"s", b"b", b"x", pairing.wrapped(made.wrap, KEY), b"")
    assert proof != pairing.centre_proof(made.prove, b"certificate", hello, challenge, welcome)
    assert pairing.unwrapped(made.wrap, welcome.wrapped) == KEY
    with pytest.raises(UsageError, match="new invitation"):
        pairing.unwrapped(other.wrap, welcome.wrapped)


proposals = st.builds(
    lambda number, made_on, fields, entry, back: Proposal(
        number, entry[0], made_on, fields, replace(entry[1], id="r-1"), back
    ),
    st.integers(0, 2**40), st.none() | versions, st.booleans(),
    entries.filter(lambda one: one[0] is not RegisterKind.REVOCATION), st.booleans(),
)  # fmt: skip


@given(proposals, st.none() | st.sampled_from(Because), st.none() | versions)
def test_what_a_gate_proposes_and_the_centre_answers_comes_out_again_for_them_alone(proposal, because, version):
    box, gate_box = b"b" * 32, b"g" * 32
    said = messages.proposal_data("north", proposal, keys.box_public(box), OTHER)
    assert messages.proposal_of(said, "north", box, OTHER.public_key()) == proposal
    for gate, signer in (("east", OTHER.public_key()), ("north", PUBLIC)):
        with pytest.raises(NotGenuine):
            messages.proposal_of(said, gate, box, signer)
    with pytest.raises(keys.NotForUs):
        messages.proposal_of(said, "north", gate_box, OTHER.public_key())
    answer = Answer(proposal.number, proposal.kind, proposal.entry.id, because, version, proposal.entry)
    told = messages.answer_data("north", answer, keys.box_public(gate_box), CENTRE)
    assert messages.answer_of(told, "north", gate_box, PUBLIC) == answer
    with pytest.raises(NotGenuine):
        messages.answer_of(told, "east", gate_box, PUBLIC)


def test_of_a_newer_gates_proposal_what_it_is_about_is_understood_and_answered(monkeypatch):
    box = b"b" * 32
    entry = ScheduleEntry("s", "Cleaners", "Mon 08:00-09:00")
    proposal = Proposal(3, RegisterKind.SCHEDULE, None, True, entry)
    monkeypatch.setattr(messages, "READER", 0)
    said = messages.proposal_data("north", proposal, keys.box_public(box), OTHER)
    with pytest.raises(messages.NotUnderstood) as raised:
        messages.proposal_of(said, "north", box, OTHER.public_key())
    assert raised.value.answer == Answer(3, RegisterKind.SCHEDULE, "s", Because.TOO_NEW, None, None)
