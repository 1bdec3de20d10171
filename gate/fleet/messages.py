"""Messages of the register, as they lie with the broker: pure, values in and bytes out.

A header says in clear what a message is about, and in which version; the body is sealed with a key that the broker
never sees, and the centre signs both. A message is: the signature (64 bytes), the header's length (2 bytes, big-
endian), the header (JSON), the body.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from gate.fleet import cameras, keys
from gate.fleet.state import GateState
from gate.processes.fields import Malformed, read, written
from gate.store.compound.carried import Carried
from gate.store.compound.door_orders import Answered, Offered
from gate.store.compound.entries import (
    COMMON,
    SUSPENDED,
    AreaEntry,
    Entry,
    GroupEntry,
    HolidayEntry,
    RegisterKind,
    ResidentEntry,
    RevocationEntry,
    ScheduleEntry,
    Version,
)
from gate.store.compound.forgotten import Forgotten
from gate.store.compound.gates import Gate
from gate.store.compound.items import State
from gate.store.compound.proposals import Answer, Because, Proposal

WRITER = 2
"""The newest form of messages that is written here."""
READER = 2
"""The newest form of messages that is understood here."""
LIMITED = 2
"""The form from which on an area is understood: who reads less would let in everywhere whom it limits."""
NONCE_BYTES = 12
_SIGNATURE_BYTES = 64
_LENGTH_BYTES = 2
# What is signed says what for: a head is no message, nor a request.
_MESSAGE, _HEAD, _REQUEST = b"facegate register message\n", b"facegate register head\n", b"facegate gate request\n"
_TOLD, _HELD = b"facegate record told\n", b"facegate record held\n"
_PROPOSED, _ANSWERED = b"facegate gate proposal\n", b"facegate centre answer\n"
# What is published under: a stolen gate may ask in any words.
_ID = re.compile(rf"[0-9A-Za-z-]{{1,64}}({SUSPENDED})?", re.ASCII)
_SAYING = b"facegate gate state\n"
_SECOND, _LISTED = b"facegate gates asked\n", b"facegate gates listed\n"
_ASKING, _ORDERING = b"facegate orders asked\n", b"facegate orders given\n"
_LOOKING, _LOOKED = b"facegate camera asked\n", b"facegate camera answered\n"
_ENTRIES: dict[RegisterKind, type[Any]] = {
    RegisterKind.RESIDENT: ResidentEntry,
    RegisterKind.SCHEDULE: ScheduleEntry,
    RegisterKind.AREA: AreaEntry,
    RegisterKind.GROUP: GroupEntry,
    RegisterKind.HOLIDAY: HolidayEntry,
    RegisterKind.REVOCATION: RevocationEntry,
}
Value = TypeVar("Value")


class NotGenuine(ValueError):
    """A message is not the centre's, or was altered on the way."""


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
        return self.id if self.kind == RegisterKind.RESIDENT else COMMON


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


@dataclass(frozen=True, slots=True)
class Request:
    """What a gate asks of the centre: that what was revoked there is revoked everywhere. `id` as in a revocation."""

    gate: str
    number: int
    id: str


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


@dataclass(frozen=True, slots=True)
class Told:
    """Lines of a gate's record, in their order, and what it took away by the centre's word; nothing: it asks what the
    centre has."""

    lines: tuple[Carried, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The last line that the centre has of a gate, 0 and no hash where none; `flaw` is what is wrong with the next."""

    gate: str
    sequence: int
    hash: str
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class Saying:
    """How a gate is, as it says it. `tick` is that of the last head that it heard: so the centre knows by its own clock
    how old the saying is at most, whoever held it back on the way."""

    gate: str
    tick: int
    state: GateState


def saying_data(saying: Saying, signer: Ed25519PrivateKey) -> bytes:
    """How a gate is, signed by it."""
    return _signed(_SAYING, _json(saying), signer)


def saying_of(data: bytes, signer: Ed25519PublicKey) -> Saying:
    """How this gate says that it is. Raises NotGenuine, Malformed."""
    return _read(Saying, _genuine(_SAYING, data, signer))


@dataclass(frozen=True, slots=True)
class Asking:
    """A gate asks what is ordered of its door, and answers what was. `nonce` was drawn for this one question: what is
    answered to it is not older than that."""

    gate: str
    nonce: bytes
    answers: tuple[Answered, ...] = ()


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a gate is to do and has not answered, to the question of this nonce."""

    gate: str
    nonce: bytes
    orders: tuple[Offered, ...] = ()


def asking_data(asking: Asking, signer: Ed25519PrivateKey) -> bytes:
    """A gate's question, signed by it."""
    return _signed(_ASKING, _json(asking), signer)


def asking_of(data: bytes, signer: Ed25519PublicKey) -> Asking:
    """What this gate asks. Raises NotGenuine, Malformed."""
    return _read(Asking, _genuine(_ASKING, data, signer))


def ordering_data(ordering: Ordering, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """Orders as they are given: signed by the centre, and sealed to the gate, since they name who gave them."""
    return keys.seal_to(box, _signed(_ORDERING, _json(ordering), signer))


def ordering_of(data: bytes, box_seed: bytes, signer: Ed25519PublicKey) -> Ordering:
    """What this centre orders. Raises keys.NotForUs, NotGenuine, Malformed."""
    return _read(Ordering, _genuine(_ORDERING, keys.open_sealed(box_seed, data), signer))


@dataclass(frozen=True, slots=True)
class AskingGates:
    """A second centre asks for the list of gates; `nonce` as in `Asking`."""

    gate: str
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """All gates of the compound, to the question of this nonce."""

    gate: str
    nonce: bytes
    gates: tuple[Gate, ...]


def asking_gates_data(asking: AskingGates, signer: Ed25519PrivateKey) -> bytes:
    """The question of a second centre, signed by it."""
    return _signed(_SECOND, _json(asking), signer)


def asking_gates_of(data: bytes, signer: Ed25519PublicKey) -> AskingGates:
    """What this second centre asks. Raises NotGenuine, Malformed."""
    return _read(AskingGates, _genuine(_SECOND, data, signer))


def listed_data(listed: Listed, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """The list as it is given: signed by the centre, and sealed to the second one."""
    return keys.seal_to(box, _signed(_LISTED, _json(listed), signer))


def listed_of(data: bytes, box_seed: bytes, signer: Ed25519PublicKey) -> Listed:
    """What this centre listed. Raises keys.NotForUs, NotGenuine, Malformed."""
    return _read(Listed, _genuine(_LISTED, keys.open_sealed(box_seed, data), signer))


@dataclass(frozen=True, slots=True)
class Looking:
    """The centre asks something of a gate's camera. `tick` is that of the last head that it said, and `nonce` was drawn
    for this one question: what is held back on the way, or said twice, is known by them."""

    gate: str
    tick: int
    nonce: bytes
    question: cameras.Question


@dataclass(frozen=True, slots=True)
class Looked:
    """What a gate answers to the question of this nonce."""

    gate: str
    nonce: bytes
    answer: cameras.Answer


def looking_data(looking: Looking, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """A question to a gate's camera: signed by the centre, and sealed to the gate, since it names who asks."""
    return keys.seal_to(box, _signed(_LOOKING, _json(looking), signer))


def looking_of(data: bytes, box_seed: bytes, signer: Ed25519PublicKey) -> Looking:
    """What this centre asks. Raises keys.NotForUs, NotGenuine, Malformed."""
    return _read(Looking, _genuine(_LOOKING, keys.open_sealed(box_seed, data), signer))


def looked_data(looked: Looked, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """An answer as it is sent: signed by the gate, and sealed to the centre, since there are faces in it."""
    return keys.seal_to(box, _signed(_LOOKED, _json(looked), signer))


def looked_of(data: bytes, box_seed: bytes, signer: Ed25519PublicKey) -> Looked:
    """What this gate answers. Raises keys.NotForUs, NotGenuine, Malformed."""
    return _read(Looked, _genuine(_LOOKED, keys.open_sealed(box_seed, data), signer))


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


def told_data(told: Told, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """Lines as they are told: signed by the gate, and sealed to the centre, since there are names in them."""
    return keys.seal_to(box, _signed(_TOLD, _json(told), signer))


def told_of(data: bytes, box_seed: bytes, signer: Ed25519PublicKey) -> Told:
    """What this gate told the centre. Raises keys.NotForUs, NotGenuine, Malformed."""
    return _read(Told, _genuine(_TOLD, keys.open_sealed(box_seed, data), signer))


def held_data(held: Held, signer: Ed25519PrivateKey) -> bytes:
    """What the centre has, as it says it."""
    return _signed(_HELD, _json(held), signer)


def held_of(data: bytes, signer: Ed25519PublicKey) -> Held:
    """What this centre says that it has. Raises NotGenuine, Malformed."""
    return _read(Held, _genuine(_HELD, data, signer))


def proposal_data(gate: str, proposal: Proposal, box: bytes, signer: Ed25519PrivateKey) -> bytes:
    """A proposal as it is sent: signed by the gate, and sealed to the centre, since there are faces in it."""
    made_on = proposal.made_on
    said = Proposed(
        gate, proposal.number, proposal.kind.value, proposal.entry.id,
        None if made_on is None else (made_on.epoch, made_on.number), proposal.fields, proposal.back,
        _json(proposal.entry), LIMITED if has_area(proposal.entry) else 1, READER,
    )  # fmt: skip
    return keys.seal_to(box, _signed(_PROPOSED, _json(said), signer))


def proposal_of(data: bytes, gate: str, box_seed: bytes, signer: Ed25519PublicKey) -> Proposal:
    """What this gate proposed. Raises keys.NotForUs, NotGenuine, Malformed, NotUnderstood."""
    said = _read(Proposed, _genuine(_PROPOSED, keys.open_sealed(box_seed, data), signer))
    kind = _kind(said.kind)
    if said.gate != gate:
        raise NotGenuine("it is another gate's")
    if said.min_reader > READER:
        raise NotUnderstood(Answer(said.number, kind, said.id, Because.TOO_NEW, None, None))
    try:
        entry: Entry = _read(_ENTRIES[kind], said.entry)
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
        None if answer.entry is None else _json(answer.entry),
    )  # fmt: skip
    return keys.seal_to(box, _signed(_ANSWERED, _json(said), signer))


def answer_of(data: bytes, gate: str, box_seed: bytes, signer: Ed25519PublicKey) -> Answer:
    """What this centre answered this gate. Raises keys.NotForUs, NotGenuine, Malformed."""
    said = _read(Judged, _genuine(_ANSWERED, keys.open_sealed(box_seed, data), signer))
    if said.gate != gate:
        raise NotGenuine("it is another gate's")
    kind = _kind(said.kind)
    entry: Entry | None = None if said.entry is None else _read(_ENTRIES[kind], said.entry)
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
    return _json(report)


def report_of(data: bytes) -> Report:
    """A report that a gate sent. Raises Malformed."""
    return _read(Report, data)


def subject(kind: RegisterKind, identity: str) -> str:
    """Under which subject an entry lies with the broker: one, whose newest message counts."""
    return f"register.{kind.value}.{identity.replace('/', '_')}"


def sealed(
    kind: RegisterKind, version: Version, entry: Entry, key: bytes | None, nonce: bytes, signer: Ed25519PrivateKey,
    *, limited: bool = False,
) -> bytes:  # fmt: skip
    """An entry as a message: its body under `key`, but for a revocation's, which is in clear. `limited` as in `Due`."""
    header = Header(WRITER, version.epoch, entry.id, version.number, kind.value, LIMITED if limited else 1)
    plain, body = _json(header), _json(entry)
    if key is not None:
        body = nonce + ChaCha20Poly1305(key).encrypt(nonce, body, plain)
    return _signed(_MESSAGE, len(plain).to_bytes(_LENGTH_BYTES, "big") + plain + body, signer)


def checked(data: bytes, signer: Ed25519PublicKey) -> Message:
    """A message of this centre. Raises NotGenuine, or Malformed where the centre signed what is none."""
    said = _genuine(_MESSAGE, data, signer)
    length = int.from_bytes(said[:_LENGTH_BYTES], "big")
    plain, body = said[_LENGTH_BYTES : _LENGTH_BYTES + length], said[_LENGTH_BYTES + length :]
    return Message(_read(Header, plain), plain, body)


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
    entry: Entry = _read(_ENTRIES[RegisterKind(message.header.kind)], body)
    if entry.id != message.header.id:
        raise Malformed("id is another than the header's")
    return entry


def head_data(head: Head, signer: Ed25519PrivateKey) -> bytes:
    """A head as it is said."""
    return _signed(_HEAD, _json(head), signer)


def head_of(data: bytes, signer: Ed25519PublicKey) -> Head:
    """A head that this centre said. Raises NotGenuine, Malformed."""
    return _read(Head, _genuine(_HEAD, data, signer))


def request_data(request: Request, signer: Ed25519PrivateKey) -> bytes:
    """A gate's request as it is sent."""
    return _signed(_REQUEST, _json(request), signer)


def request_of(data: bytes, signer: Ed25519PublicKey) -> Request:
    """A request that this gate made. Raises NotGenuine, Malformed."""
    asked = _read(Request, _genuine(_REQUEST, data, signer))
    if not _ID.fullmatch(asked.id):
        raise Malformed("id is none")
    return asked


def _signed(what: bytes, said: bytes, signer: Ed25519PrivateKey) -> bytes:
    return signer.sign(what + said) + said


def _genuine(what: bytes, data: bytes, signer: Ed25519PublicKey) -> bytes:
    signature, said = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
    try:
        signer.verify(signature, what + said)
    except InvalidSignature as error:
        raise NotGenuine("the signature is not that of the centre") from error
    return said


def _json(value: object) -> bytes:
    return json.dumps(written(value), separators=(",", ":"), ensure_ascii=False).encode()


def _read(kind: type[Value], said: bytes) -> Value:
    try:
        return read(kind, json.loads(said))
    except (ValueError, RecursionError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"{kind.__name__} is no JSON") from error
