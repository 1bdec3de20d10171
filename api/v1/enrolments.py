"""Enrolling over HTTP: photos looked at, people enrolled from them, and the texts they agree to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel

from api.acting import acting
from api.actors import Registrar
from api.auth import Actor
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import IdempotencyKey, once
from api.problems import RESPONSES, HttpProblem
from api.v1.residents import Identity, Resident, found_resident, shown_with_ways
from enroll import consent as texts
from enroll.application import Application, Photo
from gate.errors import Refusal
from gate.store.people import consents, namesakes
from gate.store.people.consents import Given

if TYPE_CHECKING:
    from enroll.enrolment import Enrolled

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["enrolments"], responses=RESPONSES)


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed who enrols from photos, by the API or in the console; None or empty: nothing.

    A key for doing a request once is bound to these in this order.
    """

    way: Given
    name: str | None
    unit: str | None
    resident: str | None
    """The id of whoever gets more templates."""
    language: str
    guardian: str | None
    another_than: tuple[str, ...] = ()
    """The ids of those whom the face is like, and of whom they said that it is another."""
    area: str = ""
    """The name of the area of a new resident."""

    def bound(self) -> bytes:
        """The same as bytes; as it was before there were the last two, where nothing is named there."""
        *before, another_than, area = astuple(self)
        later = [another_than, area] if area else [another_than] if another_than else []
        return json.dumps([*before, *later]).encode()


class PhotoLeftOut(BaseModel):
    """A photo that was not taken, and what to do about it; `reason` is null where the file is no photo."""

    photo: str
    reason: str | None
    advice: str


class Enrolment(BaseModel):
    """Who was enrolled, whom they look so like that somebody had to say that they are two people, and which photos
    were not taken."""

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
        context.enroller.check(context.enroller.photo(photo.file, photo.filename or "photo"))
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
    resident: Annotated[
        str | None, Form(max_length=64, description="Whom to give more templates; absent: a new resident.")
    ] = None,
    language: Annotated[
        str,
        Form(
            max_length=40,
            description="In which language they read it; absent: the setting enrolment.language, else en.",
        ),
    ] = "",
    guardian: Annotated[str | None, Form(max_length=400, description="Who agreed for someone under 14.")] = None,
    another_than: Annotated[
        list[Identity] | None,
        Form(description="The ids of residents whom they are like, when somebody looked: they are two people."),
    ] = None,
    area: Annotated[str, Form(max_length=60, description="The area of a new resident; absent: all gates.")] = "",
    idempotency_key: IdempotencyKey = None,
) -> Enrolment:
    """Enrol someone from one to eight photos, by the good ones among them. No photo is kept.

    A face that is somebody's already, or very like it, is refused with 409, the reason `looks_like_another` and the
    residents in `lookalikes`. Show them to a person; where these are two people, send the ids in `another_than`.
    """
    spoken = language or context.settings.enrolment.language_else()
    typed = Typed(way, name, unit, resident, spoken, guardian, tuple(another_than or ()), area)
    lookalikes: list[str] = []
    left_out: list[PhotoLeftOut] = []

    def act() -> str:
        enrolled = enrol_uploads(context, connection, actor, typed, photos)
        lookalikes.extend(one.resident.name for one in enrolled.lookalikes)
        left_out.extend(PhotoLeftOut(photo=one.photo, reason=one.reason, advice=one.why) for one in enrolled.left_out)
        return enrolled.resident.id

    asked = chain((b"enrolment", typed.bound()), (photo.file.read() for photo in photos))
    enrolled = found_resident(connection, once(connection, actor, idempotency_key, asked, act))
    return Enrolment(
        resident=shown_with_ways(connection, enrolled, context.today), lookalikes=lookalikes, left_out=left_out
    )


def enrol_uploads(
    context: Context, connection: sqlite3.Connection, actor: Actor, typed: Typed, photos: list[UploadFile]
) -> Enrolled:
    """Enrol from uploaded photos. Raises FacegateError, PackError."""
    sent = [context.enroller.photo(one.file, one.filename or "photo") for one in photos]
    asked = application(connection, typed, sent)
    return context.enroller.enrol(connection, asked, actor.label, acting(connection, actor))


def application(connection: sqlite3.Connection, typed: Typed, photos: Sequence[Photo]) -> Application:
    """What somebody asks who enrols from photos, by the API or in the console. Raises FacegateError."""
    whose = found_resident(connection, typed.resident) if typed.resident else None
    if whose is None and not typed.name:
        raise HttpProblem(422, "Give a name, or the resident whose face this is.")
    said = texts.agreed(typed.way, typed.language, typed.guardian or None)
    another, ended = frozenset(typed.another_than), consents.ended(connection)
    asked = Application.of(typed.name or "", typed.unit or None, photos, said, whose, another, ended, typed.area)
    if whose is None:
        namesakes.refuse(connection, asked.name, asked.unit)
    return asked
