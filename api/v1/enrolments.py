"""Enrolling over HTTP: photos looked at, people enrolled from them, and the texts they agree to."""

from __future__ import annotations

import json
import sqlite3
from itertools import chain
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel

from api.acting import acting
from api.asked_first import AskedFirst
from api.auth import Actor
from api.context import Context, Shared, Store
from api.idempotency import IdempotencyKey, once
from api.problems import RESPONSES, HttpProblem
from api.v1.residents import Resident, found_resident, shown
from api.who_asks import Registrar
from enroll import consent as texts
from enroll.people import refuse_namesake
from gate.errors import Refusal
from gate.names import clean_text
from gate.store.people.consents import Given
from gate.store.people.templates import MAX_TEMPLATES

if TYPE_CHECKING:
    from enroll.enrolment import Enrolled

router = APIRouter(route_class=AskedFirst, prefix="/api/v1", tags=["enrolments"], responses=RESPONSES)


class PhotoLeftOut(BaseModel):
    """A photo that was not taken, and what to do about it; `reason` is null where the file is no photo."""

    photo: str
    reason: str | None
    advice: str


class Enrolment(BaseModel):
    """Who was enrolled, whom they look so like that a person should check, and which photos were not taken."""

    resident: Resident
    lookalikes: list[str]
    left_out: list[PhotoLeftOut] = []


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
    way: Annotated[Given, Form(description="How they agreed to the consent text.")],
    name: Annotated[str | None, Form(max_length=400)] = None,
    unit: Annotated[str | None, Form(max_length=400)] = None,
    resident: Annotated[str | None, Form(description="Whom to give more templates; absent: a new resident.")] = None,
    language: Annotated[str, Form(description="In which language they read it.")] = "en",
    guardian: Annotated[str | None, Form(max_length=400, description="Who agreed for someone under 14.")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Enrolment:
    """Enrol someone from one to eight photos, by the good ones among them. No photo is kept."""
    lookalikes: list[str] = []
    left_out: list[PhotoLeftOut] = []

    def act() -> str:
        enrolled = enrol_uploads(
            context, connection, actor, photos, way=way, name=name, unit=unit, resident=resident, language=language,
            guardian=guardian,
        )  # fmt: skip
        lookalikes.extend(enrolled.lookalikes)
        left_out.extend(PhotoLeftOut(photo=one.photo, reason=one.reason, advice=one.why) for one in enrolled.left_out)
        return enrolled.resident.id

    fields = json.dumps([way, name, unit, resident, language, guardian]).encode()
    asked = chain((b"enrolment", fields), (photo.file.read() for photo in photos))
    enrolled = found_resident(connection, once(connection, actor, idempotency_key, asked, act))
    return Enrolment(resident=shown(enrolled), lookalikes=lookalikes, left_out=left_out)


def enrol_uploads(
    context: Context, connection: sqlite3.Connection, actor: Actor, photos: list[UploadFile], *, way: Given,
    name: str | None, unit: str | None, resident: str | None, language: str, guardian: str | None,
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
    agreed = texts.given(way, actor.label, language, guardian)
    if len(photos) > MAX_TEMPLATES:
        raise HttpProblem(422, "Give between 1 and {most} photos.", most=MAX_TEMPLATES)
    files = [(upload.filename or "photo", upload.file) for upload in photos]
    return context.enroller.enrol(
        connection, called, files, unit or None, consent=agreed, to=to, by=actor.label,
        written_in=acting(connection, actor),
    )  # fmt: skip
