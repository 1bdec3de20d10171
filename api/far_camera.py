"""The cameras of the gates that follow this centre, for whoever enrols from here."""

from __future__ import annotations

import io
import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from api.auth import Actor
from api.context import Context
from api.far_photos import FarPhoto, Held
from api.gates import leads_gates
from enroll.duplicates import Likeness, Lookalike
from gate.errors import FacegateError, Refusal, Sentence
from gate.fleet.cameras import SILENT, Alike, Answer, Asks, AtGate, Not, Photographed, Question
from gate.fleet.centre_status import GateStatus, read_status
from gate.fleet.state import SILENT_AFTER_S
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.processes.fields import Malformed, read, written
from gate.store.compound import gates
from gate.store.people import erasure, residents
from gate.store.people.templates import MAX_TEMPLATES, Template, is_whole
from gate.store.record.details import object_of
from gate.vision.jpegs import size_of

_log = logging.getLogger(__name__)

_MOST_PIXELS, _MOST_OF_A_FACE = 2048, 256
_MOST_BYTES, _MOST_NAME, _MOST_MEASURES = 1 << 16, 200, 20

_NOT_REACHED = Sentence("{gate} is not reached now.")
_OLD = Sentence("{gate} has an earlier version: upgrade it, and you can enrol at its camera from here.")
_WHY_NOT: dict[Not, Sentence] = {
    Not.OVER: Sentence("This is over: begin again."),
    Not.NO_CAMERA: Sentence("{gate} has no camera."),
    Not.NOT_THEIRS: Sentence("The face at {gate} is not that of the resident whose photos these should be."),
    Not.UNFIT: Sentence("Nothing could be made of the photos that {gate} took. Begin again."),
    Not.FAILED: Sentence("{gate} cannot enrol anybody now; its log says why. Whoever installed it must look at it."),
    Not.SILENT: Sentence("{gate} does not answer. It is asked again; nothing is taken meanwhile."),
}
_TAKEN = Sentence("{who} is enrolling somebody at {gate}; wait until they are done.")
_KNOWN_THERE = Sentence(
    "This is the face of somebody whom {gate} alone knows. Bring them to the centre from there, or erase them there"
    " first."
)


class Away(Refusal):
    """A gate does not answer now."""


@dataclass(frozen=True, slots=True)
class Place:
    """A gate with a camera at which somebody can be enrolled; `problem` is why not now. Without an id it is here."""

    id: str
    name: str
    problem: Sentence | None = None


def places(context: Context, connection: sqlite3.Connection) -> list[Place]:
    """Where somebody can be enrolled at a camera: here, and at the gates that follow."""
    found = [Place("", context.gate)] if context.by_face else []
    if leads_gates(context):
        status = read_status(context.state)
        heard = {} if status is None else status.gates
        found += [
            Place(one.id, one.name, _problem(one.name, heard.get(one.id), datetime.now(UTC)))
            for one in gates.every(connection)
            if _may_have_camera(heard.get(one.id))
        ]
    return found


def _may_have_camera(status: GateStatus | None) -> bool:
    return status is None or status.state is None or status.state.camera is not False


def _problem(name: str, status: GateStatus | None, now: datetime) -> Sentence | None:
    state, at = (None, None) if status is None else (status.state, status.state_at)
    # Where a gate's own console does not run its link says so, and knows no version.
    if state is None or not state.version or at is None or _age_s(at, now) > SILENT_AFTER_S:
        return Sentence(_NOT_REACHED.pattern, gate=name)
    return Sentence(_OLD.pattern, gate=name) if state.camera is None else None


def _age_s(at: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(at)).total_seconds()


class FarCamera:
    """The camera of one gate, for one who enrols."""

    def __init__(self, context: Context, connection: sqlite3.Connection, actor: Actor, gate: str) -> None:
        """Raises Refusal where there is no such gate."""
        found = gates.get(connection, gate) if leads_gates(context) else None
        if found is None:
            raise Refusal("This gate does not follow the centre any more. Load the page again.")
        self.id, self.name = found.id, found.name
        self._context, self._connection, self._actor = context, connection, actor

    def begin(self) -> str:
        """Begin, and return the key of it. Raises Refusal."""
        offered = next((one for one in places(self._context, self._connection) if one.id == self.id), None)
        if offered is not None and offered.problem is not None:
            raise Refusal(offered.problem)
        return self._ask(Asks.BEGIN).key

    def look(self, key: str, have: int, resident: str) -> Answer:
        """One more look, as `gate.fleet.cameras` says; what is no picture is left out. Raises Away, Refusal."""
        seen = self._ask(Asks.LOOK, key=key, number=have, resident=resident)
        if not all(is_picture(one) for one in _pictures(seen)):
            _log.error("What %s sends as a picture is none.", self.name)
            raise self._away()
        return seen

    def remove(self, key: str, number: int) -> None:
        """Without one of its photos. Raises Refusal."""
        self._ask(Asks.REMOVE, key=key, number=number)

    def end(self, key: str, *, sent: bool) -> None:
        """End it. Whether the gate hears it or not: it ends by itself."""
        if not sent:
            self._context.far_photos.drop(self.id, key, self._actor.label)
        _asked(self._context, AtGate(self.id, self._question(Asks.END, key=key, sent=sent)))

    def take(self, key: str, resident: str) -> Held:
        """What was made of the photos, held here from then on. Raises Away, Refusal."""
        held = self._context.far_photos.of(self.id, key, self._actor.label)
        if held is None:
            made = self._made(self._ask(Asks.TAKE, key=key, resident=resident))
            self._context.far_photos.hold((self.id, self.name), key, resident, made, self._actor.label)
            held = self._context.far_photos.of(self.id, key, self._actor.label)
        if held is None or held.resident != resident:
            raise Refusal(_WHY_NOT[Not.OVER])
        return held

    def _made(self, answer: Answer) -> list[FarPhoto]:
        try:
            made = [_photo(self._context, one) for one in answer.photos]
        except (ValueError, FacegateError) as error:
            _log.error("What %s sends of photos makes no sense: %s", self.name, error)
            raise self._away() from error
        if not 0 < len(made) <= MAX_TEMPLATES:
            raise self._refused(Not.UNFIT)
        return made

    def _question(
        self, asks: Asks, *, key: str = "", number: int = 0, resident: str = "", sent: bool = False
    ) -> Question:
        name = self._actor.user.name if self._actor.user is not None else self._actor.label
        return Question(asks, self._actor.label, name, key, number, resident, sent)

    def _ask(self, asks: Asks, *, key: str = "", number: int = 0, resident: str = "") -> Answer:
        question = self._question(asks, key=key, number=number, resident=resident)
        answer = _asked(self._context, AtGate(self.id, question))
        match answer.why_not:
            case None:
                return answer
            case Not.SILENT:
                raise self._away()
            case Not.TAKEN:
                raise Refusal(_TAKEN.pattern, gate=self.name, who=answer.who[:_MOST_NAME])
        raise self._refused(answer.why_not)

    def _refused(self, why: Not) -> Refusal:
        return Refusal(_WHY_NOT[why].pattern, gate=self.name)

    def _away(self) -> Away:
        return Away(_WHY_NOT[Not.SILENT].pattern, gate=self.name)


def known(
    connection: sqlite3.Connection, alike: Iterable[Alike], gate: str, whose: str
) -> tuple[Lookalike, ...]:  # fmt: skip
    """Who is on the register whom a gate found a face to be like. Raises Refusal where it is the face of somebody whom
    that gate alone knows: a face that two residents have would open it for neither."""
    found: dict[str, Lookalike] = {}
    for one in alike:
        if one.resident == whose or one.likeness not in set(Likeness):
            continue
        resident, likeness = residents.get(connection, one.resident), Likeness(one.likeness)
        if resident is not None:
            found[resident.id] = Lookalike(resident, likeness)
        elif likeness is Likeness.SAME and not erasure.was_erased(connection, one.resident):
            raise Refusal(_KNOWN_THERE.pattern, gate=gate)
    return tuple(found.values())


def is_picture(jpeg: bytes) -> bool:
    """Whether it is a JPEG of a size that a gate's picture has: nothing else reaches a browser."""
    size = size_of(jpeg) if jpeg.startswith(b"\xff\xd8\xff") else None
    return size is not None and min(size) > 0 and max(size) <= _MOST_PIXELS


def _pictures(answer: Answer) -> list[bytes]:
    return [one for one in (answer.jpeg, *(one.portrait for one in answer.photos)) if one is not None]


def _asked(context: Context, asked: AtGate) -> Answer:
    with closing(Client(socket_of(context.state, "centre"), timeout_s=asked.question.in_all_s)) as client:
        try:
            return read(Answer, client.ask(written(asked)))
        except (LinkDown, Malformed) as error:
            _log.warning("The centre's own program does not say what a gate's camera sees: %s", error)
            return SILENT


def _photo(context: Context, one: Photographed) -> FarPhoto:
    """What a gate sent of a photo. Raises ValueError, FacegateError."""
    sent = one.template
    if sent is None or not sent.model or max(len(sent.model), len(sent.second_model or "")) > _MOST_NAME:
        raise ValueError("a photo without a template")
    if max(len(sent.vector), len(sent.second_vector or b""), len(one.portrait)) > _MOST_BYTES:
        raise ValueError("a template that is too long")
    if not is_whole(sent.vector) or not is_whole(sent.second_vector):
        raise ValueError("a template that is none")
    quality = _quality(sent.quality)
    image = context.enroller.photo(io.BytesIO(one.portrait), "portrait").read()
    if max(image.shape[:2]) > _MOST_OF_A_FACE:
        raise ValueError("a face that is too large")
    name = f"photo gate camera {one.number}"
    template = Template(sent.model, name, quality, sent.vector, sent.second_model, sent.second_vector)
    return FarPhoto(one.number, one.portrait, template, one.alike)


def _quality(said: str) -> dict[str, float]:
    found = object_of(said)
    if not 0 < len(found) <= _MOST_MEASURES or not all(type(one) in (int, float) for one in found.values()):
        raise ValueError("a quality that is none")
    return found
