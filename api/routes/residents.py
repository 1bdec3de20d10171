"""The people of the compound, their consents, and what their faces were enrolled from."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Form, Header, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Actor
from api.context import Context, Registrar, Shared, Store, record_look
from api.problems import RESPONSES, HttpProblem
from enroll import consent as texts
from enroll.people import add_without_face, clean_text, refuse_namesake
from gate.errors import Refusal
from gate.store import consents, requests, residents
from gate.store.consents import Way
from gate.store.residents import Receipt
from gate.store.residents import Resident as Stored

if TYPE_CHECKING:
    from enroll.enrolment import Enrolled

router = APIRouter(prefix="/api/v1", tags=["residents"], responses=RESPONSES)

_GIVEN = Literal["told", "paper", "screen"]
_MAX_PHOTOS = residents.MAX_TEMPLATES


class Resident(BaseModel):
    """Someone who lives here. A face is optional: `templates` may be 0."""

    id: str
    name: str
    unit: str | None
    group: str | None
    hours: str | None
    extended: bool
    valid_from: str | None = Field(description="Their first day, YYYY-MM-DD.")
    valid_until: str | None = Field(description="Their last one; the gate does not know them afterwards.")
    templates: int
    created_at: str


class Residents(BaseModel):
    """A page of people; `next` names the following one."""

    items: list[Resident]
    next: str | None


class NewResident(BaseModel):
    """Someone to add without a face."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=400)
    unit: str | None = Field(None, max_length=400)


class Change(BaseModel):
    """What to change; what is absent stays. An empty text takes away."""

    model_config = ConfigDict(extra="forbid")
    unit: str | None = Field(None, max_length=400)
    group: str | None = Field(None, max_length=60)
    schedule: str | None = Field(None, max_length=60)
    extended: bool | None = None
    valid_from: str | None = Field(None, max_length=10)
    valid_until: str | None = Field(None, max_length=10)


class Template(BaseModel):
    """What is known of a template, never its numbers."""

    id: str
    model: str
    source: str
    quality: dict[str, float]
    created_at: str


class Consent(BaseModel):
    """A consent as it was given."""

    id: str
    text: str
    language: str
    way: str
    guardian: str | None
    recorded_by: str
    given_at: str
    withdrawn_at: str | None


class Erasure(BaseModel):
    """A receipt: what was erased, and the line of the record that says so."""

    id: str
    at: str
    templates: int
    personal_fields: int


class Enrolment(BaseModel):
    """Who was enrolled, and whom they look so like that a person should check."""

    resident: Resident
    lookalikes: list[str]


class PhotoCheck(BaseModel):
    """Whether a photo will do, and if not, what to do about it."""

    fit: bool
    reason: str | None = None
    advice: str | None = None


class ConsentText(BaseModel):
    """A text that people agree to."""

    name: str
    language: str
    text: str


@router.get("/residents")
def list_residents(
    connection: Store, actor: Registrar, search: str = "", unit: str | None = None, group: str | None = None,
    after: str | None = None, count: int = 100,
) -> Residents:  # fmt: skip
    """People by name; `after` is the `next` of the page before."""
    found = [one for one in residents.every(connection) if _matches(one, search, unit, group)]
    start = next((at + 1 for at, one in enumerate(found) if one.id == after), 0)
    count = max(1, min(count, 500))
    items = found[start : start + count]
    record_look(connection, actor, "residents")
    more = start + count < len(found)
    return Residents(items=[_shown(one) for one in items], next=items[-1].id if more else None)


IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=200, description="The same request with the same key is done once.")
]


def _once(
    connection: Store, actor: Actor, key: str | None, asked: Iterable[bytes], act: Callable[[], Stored]
) -> Stored:
    """What `act` gives, or where the same was asked before with this key, the resident that came of it."""
    if key is None:
        return act()
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in asked)).hexdigest()
    before = requests.begin(connection, actor.label, key, digest, time.time())
    if before is not None:
        return found_resident(connection, before)
    try:
        resident = act()
    except BaseException:
        requests.failed(connection, actor.label, key)
        raise
    requests.done(connection, actor.label, key, resident.id)
    return resident


@router.post("/residents", status_code=201)
def add_resident(
    new: NewResident, connection: Store, actor: Registrar, response: Response, idempotency_key: IdempotencyKey = None
) -> Resident:
    """Add someone without a face: they use other ways in."""
    added = _once(
        connection, actor, idempotency_key, (b"resident", new.model_dump_json().encode()),
        lambda: add_without_face(connection, new.name, new.unit, by=actor.label),
    )  # fmt: skip
    response.headers["Location"] = f"/api/v1/residents/{added.id}"
    response.headers["ETag"] = etag(added)
    return _shown(added)


@router.get("/residents/{resident}")
def show_resident(resident: str, connection: Store, actor: Registrar, response: Response) -> Resident:
    """One resident."""
    found = found_resident(connection, resident)
    record_look(connection, actor, "a resident")
    response.headers["ETag"] = etag(found)
    return _shown(found)


@router.patch("/residents/{resident}")
def change_resident(
    resident: str, change: Change, connection: Store, actor: Registrar, response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> Resident:  # fmt: skip
    """Change how they are let in. With If-Match nothing is done when somebody else was quicker."""
    found = found_resident(connection, resident)
    refuse_outdated(found, if_match)
    unit = clean_text(change.unit, "unit") if change.unit else change.unit
    changed = residents.change(
        connection, found, extended=change.extended, schedule=change.schedule, group=change.group, unit=unit,
        valid_from=change.valid_from, valid_until=change.valid_until,
        by=actor.label,
    )  # fmt: skip
    response.headers["ETag"] = etag(changed)
    return _shown(changed)


@router.delete("/residents/{resident}")
def erase_resident(resident: str, connection: Store, actor: Registrar) -> Erasure:
    """Erase them: templates, and their name in the record. Answers with the receipt."""
    return _receipt(residents.remove(connection, found_resident(connection, resident), actor.label))


@router.post("/residents/{resident}/withdrawal")
def withdraw_consent(resident: str, connection: Store, actor: Registrar) -> Erasure:
    """Their consent ends: templates are erased, they live here as before. Answers with the receipt."""
    return _receipt(residents.withdraw(connection, found_resident(connection, resident), actor.label))


@router.get("/residents/{resident}/templates")
def list_templates(resident: str, connection: Store, actor: Registrar) -> list[Template]:
    """What their face was enrolled from, never the numbers."""
    found = found_resident(connection, resident)
    record_look(connection, actor, "templates")
    return [Template(**one) for one in residents.templates_of(connection, found.id)]


@router.get("/residents/{resident}/consents")
def list_consents(resident: str, connection: Store, actor: Registrar) -> list[Consent]:
    """What they agreed to, the oldest first."""
    found = found_resident(connection, resident)
    record_look(connection, actor, "consents")
    return [
        Consent(
            id=one.id, text=one.consent.text, language=one.consent.language, way=one.consent.way,
            guardian=one.consent.guardian, recorded_by=one.consent.recorded_by, given_at=one.given_at,
            withdrawn_at=one.withdrawn_at,
        )
        for one in consents.of(connection, found.id)
    ]  # fmt: skip


@router.get("/consent-texts/{language}")
def show_consent_text(language: str, _actor: Registrar) -> ConsentText:
    """The text that people agree to before they are enrolled."""
    if language not in texts.LANGUAGES:
        raise HttpProblem(404, "There is no consent text in this language.")
    return ConsentText(name=texts.CURRENT, language=language, text=texts.text(language))


@router.post("/photos/checks")
def check_photo(photo: UploadFile, context: Shared, _actor: Registrar) -> PhotoCheck:
    """Whether a photo would do for an enrolment. Nothing of it is kept."""
    try:
        context.enroller.check(photo.file, photo.filename or "photo")
    except Refusal as refused:
        return PhotoCheck(fit=False, reason=getattr(refused, "reason", None), advice=str(refused))
    return PhotoCheck(fit=True)


@router.post("/enrolments", status_code=201)
def enrol_resident(
    context: Shared,
    connection: Store,
    actor: Registrar,
    photos: list[UploadFile],
    way: Annotated[_GIVEN, Form(description="How they agreed to the consent text.")],
    name: Annotated[str | None, Form(max_length=400)] = None,
    unit: Annotated[str | None, Form(max_length=400)] = None,
    resident: Annotated[str | None, Form(description="Whom to give more templates; absent: a new resident.")] = None,
    language: Annotated[str, Form(description="In which language they read it.")] = "en",
    guardian: Annotated[str | None, Form(max_length=400, description="Who agreed for someone under 14.")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Enrolment:
    """Enrol someone from one to eight photos. No photo is kept."""
    lookalikes: list[str] = []

    def act() -> Stored:
        enrolled = enrol_uploads(
            context, connection, actor, photos, way=way, name=name, unit=unit, resident=resident, language=language,
            guardian=guardian,
        )  # fmt: skip
        lookalikes.extend(enrolled.lookalikes)
        return enrolled.resident

    fields = json.dumps([way, name, unit, resident, language, guardian]).encode()
    asked = (b"enrolment", fields, *(_content(photo) for photo in photos if idempotency_key))
    return Enrolment(resident=_shown(_once(connection, actor, idempotency_key, asked, act)), lookalikes=lookalikes)


def _content(photo: UploadFile) -> bytes:
    photo.file.seek(0)
    return hashlib.file_digest(photo.file, "sha256").digest()  # type: ignore[arg-type]


def enrol_uploads(
    context: Context, connection: Store, actor: Actor, photos: list[UploadFile], *, way: str, name: str | None,
    unit: str | None, resident: str | None, language: str, guardian: str | None,
) -> Enrolled:  # fmt: skip
    """Enrol from uploaded photos, for the API and the pages alike."""
    if language not in texts.LANGUAGES:
        raise HttpProblem(422, "There is no consent text in this language.")
    to = found_resident(connection, resident) if resident else None
    if to is None:
        if not name:
            raise HttpProblem(422, "Give a name, or the resident whose face this is.")
        refuse_namesake(connection, name, unit or None)
    called = to.name if to else name or ""
    guardian = clean_text(guardian, "guardian's name") if guardian else None
    agreed = texts.given(Way(way), actor.label, language, guardian)
    if len(photos) > _MAX_PHOTOS:
        raise HttpProblem(422, "Give between 1 and {most} photos.", most=_MAX_PHOTOS)
    files = [(upload.filename or "photo", upload.file) for upload in photos]
    return context.enroller.enrol(connection, called, files, unit or None, consent=agreed, to=to, by=actor.label)


def found_resident(connection: Store, identity: str) -> Stored:
    """One resident by id, or 404."""
    found = residents.get(connection, identity)
    if found is None:
        raise HttpProblem(404, "There is no such resident.")
    return found


def etag(resident: Stored) -> str:
    """Changes with every change of a resident."""
    return f'"{hashlib.sha256(repr(resident).encode()).hexdigest()[:32]}"'


def refuse_outdated(resident: Stored, if_match: str | None) -> None:
    """Raises 412 where somebody else changed them since."""
    if if_match is not None and if_match.strip() not in ("*", etag(resident)):
        raise HttpProblem(
            412, "{name} was changed by someone else in the meantime; look again before you change.", name=resident.name
        )


def _matches(one: Stored, search: str, unit: str | None, group: str | None) -> bool:
    words = search.casefold().split()
    text = f"{one.name} {one.unit or ''}".casefold()
    return (
        all(word in text for word in words)
        and (unit is None or one.unit == unit)
        and (group is None or one.group == group)
    )


def search_residents(connection: Store, search: str) -> list[Stored]:
    """Everyone whose name or unit holds all the words."""
    return [one for one in residents.every(connection) if _matches(one, search, None, None)]


def _shown(one: Stored) -> Resident:
    return Resident(
        id=one.id, name=one.name, unit=one.unit, group=one.group, hours=one.windows, extended=one.extended,
        valid_from=one.valid_from, valid_until=one.valid_until,
        templates=one.templates, created_at=one.created_at,
    )  # fmt: skip


def _receipt(receipt: Receipt) -> Erasure:
    return Erasure(id=receipt.id, at=receipt.at, templates=receipt.templates, personal_fields=receipt.personal_fields)
