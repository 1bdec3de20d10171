"""Messages of the register, as they lie with the broker: pure, values in and bytes out.

A header says in clear what a message is about, and in which version; the body is sealed with a key that the broker
never sees, and the centre signs both. A message is: the signature (64 bytes), the header's length (2 bytes, big-
endian), the header (JSON), the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from gate.fleet import cameras
from gate.fleet.envelopes import NotGenuine, Sealed, Signed, genuine, json_of, signed, value_of
from gate.fleet.state import GateState
from gate.processes.fields import Malformed
from gate.store.compound.carried import Carried
from gate.store.compound.door_orders import Answered, Offered
from gate.store.compound.entries import (
    COMMON,
    OWN_KEYS,
    SUSPENDED,
    AreaEntry,
    Entry,
    GroupEntry,
    HolidayEntry,
    PassEntry,
    RegisterKind,
    ResidentEntry,
    RevocationEntry,
    ScheduleEntry,
    Version,
)
from gate.store.compound.forgotten import Forgotten
from gate.store.compound.gates import Gate
from gate.store.compound.items import OpenPasses, State
from gate.store.compound.proposals import Answer, Because, Proposal
from gate.store.people.elsewhere import Seen

WRITER = 2
"""The newest form of messages that is written here."""
READER = 2
"""The newest form of messages that is understood here."""
LIMITED = 2
"""The form from which on an area is understood: who reads less would let in everywhere whom it limits."""
NONCE_BYTES = 12
_LENGTH_BYTES = 2
_MESSAGE = b"facegate register message\n"
# What is published under: a stolen gate may ask in any words.
_ID = re.compile(rf"[0-9A-Za-z-]{{1,64}}({SUSPENDED})?", re.ASCII)
_ENTRIES: dict[RegisterKind, type[Any]] = {
    RegisterKind.RESIDENT: ResidentEntry,
    RegisterKind.SCHEDULE: ScheduleEntry,
    RegisterKind.AREA: AreaEntry,
    RegisterKind.GROUP: GroupEntry,
    RegisterKind.HOLIDAY: HolidayEntry,
    RegisterKind.PASS: PassEntry,
    RegisterKind.REVOCATION: RevocationEntry,
}


class NotUnderstood(ValueError):
    """A gate's proposal is its own, and no more of it is understood than what it is about; `answer` says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("it makes no sense here")
        self.answer = answer


class WrongKey(ValueError):
    """A body does not open with the key that was tried."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a message is about. Its fields are read before anything else is understood of it."""

    v: int
    epoch: int
    id: str
    version: int
    kind: str
    min_reader: int = 1
    """Whoever reads less than this form leaves it until it was upgraded; a revocation is always read."""

    @property
    def of(self) -> Version:
        """Which of two messages about the same is the newer one."""
        return Version(self.epoch, self.version)

    @property
    def is_revocation(self) -> bool:
        """Whether it takes something from somebody: in clear, and applied whatever else is not understood."""
        return self.kind == RegisterKind.REVOCATION

    @property
    def is_readable(self) -> bool:
        """Whether all that matters of it is understood here."""
        return self.is_revocation or (self.min_reader <= READER and self.kind in set(RegisterKind))

    @property
    def key(self) -> str:
        """The id of the key for its body."""
        return self.id if self.kind in OWN_KEYS else COMMON


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose signature was found good; `plain` is the header as it was signed."""

    header: Header
    plain: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where the register ends, as the centre says every few seconds: `tick` grows within an epoch; `state` is None
    while something is still on its way."""

    epoch: int
    tick: int
    state: State | None
    min_reader: int = 1
    orders: int = 0
    """The number of the newest order to the doors: a gate that has not asked since then asks."""
    recovery: str | None = None
    """The centre came back from a backup, or was promoted, that time: whoever follows it gives back what they have of
    the register."""
    had: State | None = None
    """All that it had then: whoever has just that has nothing to give back."""
    places: tuple[str, ...] = ()
    """Where a centre is to be looked for, beside where this is heard."""
    gates: str | None = None
    """The digest of the list of gates, by which a second centre knows whether it has it."""
    passes: OpenPasses | None = None
    """Where passes end, which a gate of an earlier version knows nothing of; None where `state` is."""
    passages: bool = False
    """Whether gates may share who passed: a centre of an earlier version lets none ask."""


HEAD = Signed(b"facegate register head\n", Head)
"""By the centre, to all."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a gate asks of the centre: that what was revoked there is revoked everywhere. `id` as in a revocation."""

    gate: str
    number: int
    id: str


REQUEST = Signed(b"facegate gate request\n", Request)
"""By the gate; `request_of` reads it."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a gate stands. `again`: what the broker holds for it came wholly, and the register here is another than the
    centre's, so that all is asked for once more."""

    behind: bool
    entries: int
    waiting: int
    again: bool = False
    problem: str | None = None
    gave_back: str | None = None
    """For which time of the centre's recovery all is given back."""
    run: str = ""
    """Which start of the link this is: two machines that call themselves one gate are told by it."""
    unheard: bool = False
    """It has heard no head on this line yet, and waits for one."""
    gates: str | None = None
    """The digest of the list of gates that a second centre has."""
    reader: int = 1
    """The newest form of messages that it understands."""
    epoch: int = 0
    """The epoch that it heard last."""
    through: Mapping[str, int] = field(default_factory=dict)
    """Up to which message of the stream, as of that epoch, all is taken of what each of its consumers is for."""
    unanswered: bool = False
    """One of its consumers is at no broker, as where that which had it died."""


@dataclass(frozen=True, slots=True)
class Told:
    """Lines of a gate's record, in their order, and what it took away by the centre's word; nothing: it asks what the
    centre has."""

    lines: tuple[Carried, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()
    begins: bool = False
    """The record is another than what the centre has of it, and begins with the first of these lines."""


TOLD = Sealed(b"facegate record told\n", Told)
"""By the gate, sealed to the centre, since there are names in it."""


@dataclass(frozen=True, slots=True)
class Held:
    """The last line that the centre has of a gate, 0 and no hash where none; `flaw` is what is wrong with the next."""

    gate: str
    sequence: int
    hash: str
    flaw: str | None = None


HELD = Signed(b"facegate record held\n", Held)
"""By the centre."""


@dataclass(frozen=True, slots=True)
class Saying:
    """How a gate is, as it says it. `tick` is that of the last head that it heard: so the centre knows by its own clock
    how old the saying is at most, whoever held it back on the way."""

    gate: str
    tick: int
    state: GateState


SAYING = Signed(b"facegate gate state\n", Saying)
"""By the gate."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A gate asks what is ordered of its door, and answers what was. `nonce` was drawn for this one question: what is
    answered to it is not older than that."""

    gate: str
    nonce: bytes
    answers: tuple[Answered, ...] = ()


ASKING = Signed(b"facegate orders asked\n", Asking)
"""By the gate."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a gate is to do and has not answered, to the question of this nonce."""

    gate: str
    nonce: bytes
    orders: tuple[Offered, ...] = ()


ORDERING = Sealed(b"facegate orders given\n", Ordering)
"""By the centre, sealed to the gate, since it names who gave the orders."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """A gate tells who passed there, and asks who passed at the others since the centre had the number `heard`. `tick`
    and `nonce` as in `Looking`, of the head that it heard last."""

    gate: str
    tick: int
    nonce: bytes
    heard: int
    seen: tuple[Seen, ...] = ()
    waits: bool = False
    """Whether the answer may come when there is one, within `SHARING_WAITS_S`."""


SHARING_WAITS_S = 8.0
SHARING = Sealed(b"facegate passages told\n", Sharing)
"""By the gate, sealed to the centre, since it says who came and went."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Who passed at other gates, to the question of this nonce; up to which number of the centre that is all."""

    gate: str
    nonce: bytes
    through: int
    seen: tuple[Seen, ...] = ()


SHARED = Sealed(b"facegate passages heard\n", Shared)
"""By the centre, sealed to the gate."""


@dataclass(frozen=True, slots=True)
class AskingGates:
    """A second centre asks for the list of gates; `nonce` as in `Asking`."""

    gate: str
    nonce: bytes


ASKING_GATES = Signed(b"facegate gates asked\n", AskingGates)
"""By the second centre."""


@dataclass(frozen=True, slots=True)
class Listed:
    """All gates of the compound, to the question of this nonce."""

    gate: str
    nonce: bytes
    gates: tuple[Gate, ...]


LISTED = Sealed(b"facegate gates listed\n", Listed)
"""By the centre, sealed to the second one."""


@dataclass(frozen=True, slots=True)
class Looking:
    """The centre asks something of a gate's camera. `tick` is that of the last head that it said, and `nonce` was drawn
    for this one question: what is held back on the way, or said twice, is known by them."""

    gate: str
    tick: int
    nonce: bytes
    question: cameras.Question


LOOKING = Sealed(b"facegate camera asked\n", Looking)
"""By the centre, sealed to the gate, since it names who asks."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a gate answers to the question of this nonce."""

    gate: str
    nonce: bytes
    answer: cameras.Answer


LOOKED = Sealed(b"facegate camera answered\n", Looked)
"""By the gate, sealed to the centre, since there are faces in it."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal on its way; `entry` is JSON. Its first fields are read before anything else is understood of it."""

    gate: str
    number: int
    kind: str
    id: str
    made_on: tuple[int, int] | None
    fields: bool
    back: bool
    entry: bytes = field(repr=False)
    min_reader: int = 1
    reader: int = 1
    """The newest form that the gate itself understands."""


_PROPOSED = Sealed(b"facegate gate proposal\n", Proposed)


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer on its way; `entry` is JSON. A reason that is not known here is nonsense."""

    gate: str
    number: int
    kind: str
    id: str
    because: str | None
    version: tuple[int, int] | None
    entry: bytes | None = field(repr=False)


_ANSWERED = Sealed(b"facegate centre answer\n", Judged)


def proposal_data(gate: str, proposal: Proposal, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """A proposal as it is sent: signed by the gate, and sealed to the centre, since there are faces in it."""
    made_on = proposal.made_on
    said = Proposed(
        gate, proposal.number, proposal.kind.value, proposal.entry.id,
        None if made_on is None else (made_on.epoch, made_on.number), proposal.fields, proposal.back,
        json_of(proposal.entry), LIMITED if has_area(proposal.entry) else 1, READER,
    )  # fmt: skip
    return _PROPOSED.data(said, box, signer)


def proposal_of(data: bytes, gate: str, box_seed: bytes, signer: Ed25519PublicKey) -> Proposal:
    """What this gate proposed. Raises keys.NotForUs, NotGenuine, Malformed, NotUnderstood."""
    said = _PROPOSED.of(data, box_seed, signer)
    kind = _kind(said.kind)
    if said.gate != gate:
        raise NotGenuine("it is another gate's")
    if said.min_reader > READER:
        raise NotUnderstood(Answer(said.number, kind, said.id, Because.TOO_NEW, None, None))
    try:
        entry: Entry = value_of(_ENTRIES[kind], said.entry)
    except Malformed as error:
        raise NotUnderstood(Answer(said.number, kind, said.id, Because.NONSENSE, None, None)) from error
    if entry.id != said.id or kind is RegisterKind.REVOCATION or not _ID.fullmatch(said.id):
        raise Malformed("id is another than the entry's, or none")
    made_on = None if said.made_on is None else Version(*said.made_on)
    return Proposal(said.number, kind, made_on, said.fields, entry, said.back, reads_areas=said.reader >= LIMITED)


def answer_data(gate: str, answer: Answer, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """An answer as it is sent: signed by the centre, and sealed to the gate that proposed."""
    version = answer.version
    said = Judged(
        gate, answer.number, answer.kind.value, answer.id, answer.because,
        None if version is None else (version.epoch, version.number),
        None if answer.entry is None else json_of(answer.entry),
    )  # fmt: skip
    return _ANSWERED.data(said, box, signer)


def answer_of(data: bytes, gate: str, box_seed: bytes, signer: Ed25519PublicKey) -> Answer:
    """What this centre answered this gate. Raises keys.NotForUs, NotGenuine, Malformed."""
    said = _ANSWERED.of(data, box_seed, signer)
    if said.gate != gate:
        raise NotGenuine("it is another gate's")
    kind = _kind(said.kind)
    entry: Entry | None = None if said.entry is None else value_of(_ENTRIES[kind], said.entry)
    if entry is not None and entry.id != said.id:
        raise Malformed("id is another than the entry's")
    because = None
    if said.because is not None:
        because = Because(said.because) if said.because in set(Because) else Because.NONSENSE
    version = None if said.version is None else Version(*said.version)
    return Answer(said.number, kind, said.id, because, version, entry)


def has_area(entry: Entry) -> bool:
    """Whether an entry names an area, or is one."""
    return isinstance(entry, AreaEntry) or getattr(entry, "area", None) is not None


def _kind(said: str) -> RegisterKind:
    if said not in set(RegisterKind):
        raise Malformed("kind is none")
    return RegisterKind(said)


def report_data(report: Report) -> bytes:
    """A report as it is sent; the broker vouches for whose it is."""
    return json_of(report)


def report_of(data: bytes) -> Report:
    """A report that a gate sent. Raises Malformed."""
    return value_of(Report, data)


def subject(kind: RegisterKind, identity: str) -> str:
    """Under which subject an entry lies with the broker: one, whose newest message counts."""
    return f"register.{kind.value}.{identity.replace('/', '_')}"


def sealed(
    kind: RegisterKind, version: Version, entry: Entry, key: bytes | None, nonce: bytes, signer: Ed25519PrivateKey,
    *, limited: bool = False,
) -> bytes:  # fmt: skip
    """An entry as a message: its body under `key`, but for a revocation's, which is in clear. `limited` as in `Due`."""
    header = Header(WRITER, version.epoch, entry.id, version.number, kind.value, LIMITED if limited else 1)
    plain, body = json_of(header), json_of(entry)
    if key is not None:
        body = nonce + ChaCha20Poly1305(key).encrypt(nonce, body, plain)
    return signed(_MESSAGE, len(plain).to_bytes(_LENGTH_BYTES, "big") + plain + body, signer)


def checked(data: bytes, signer: Ed25519PublicKey) -> Message:
    """A message of this centre. Raises NotGenuine, or Malformed where the centre signed what is none."""
    said = genuine(_MESSAGE, data, signer)
    length = int.from_bytes(said[:_LENGTH_BYTES], "big")
    plain, body = said[_LENGTH_BYTES : _LENGTH_BYTES + length], said[_LENGTH_BYTES + length :]
    return Message(value_of(Header, plain), plain, body)


def opened(message: Message, key: bytes | None) -> Entry:
    """What a message says. Raises WrongKey, Malformed; `key` is passed over for a revocation, which is in clear."""
    body = message.body
    if not message.header.is_revocation:
        if key is None:
            raise WrongKey(message.header.key)
        try:
            body = ChaCha20Poly1305(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], message.plain)
        except (InvalidTag, ValueError) as error:
            raise WrongKey(message.header.key) from error
    entry: Entry = value_of(_ENTRIES[RegisterKind(message.header.kind)], body)
    if entry.id != message.header.id:
        raise Malformed("id is another than the header's")
    return entry


def request_of(data: bytes, signer: Ed25519PublicKey) -> Request:
    """A request that this gate made. Raises NotGenuine, Malformed."""
    asked = REQUEST.of(data, signer)
    if not _ID.fullmatch(asked.id):
        raise Malformed("id is none")
    return asked
