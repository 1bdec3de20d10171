"""The console's pages to enrol on: the form, and whom its photos show before anything is saved."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api.acting import acting
from api.actors import Registrar, refuse_form_of_another
from api.auth import Actor
from api.context import Context, Shared, Store, context_of
from api.early_refusal import EarlyRefusal
from api.far_camera import FarCamera, known, places
from api.idempotency import digest_of
from api.pages.page import LOST, go_on, is_navigation, language_of, page_of_people, said_of
from api.pages.photo_links import add_with_link
from api.pages.told_once import then, told_once
from api.photo_links import new_key
from api.sittings import jpeg_of
from api.telling import Done
from api.v1.enrolments import Typed, application
from api.v1.residents import found_resident
from api.waiting import LASTS_S, Waiting
from enroll import consent as texts
from enroll.application import NO_CAMERA, Application, Photo, add_without_face
from enroll.duplicates import WHOSE_FACE, LooksLikeAnother
from gate.errors import FacegateError, Refusal, Sentence, together
from gate.store.people import residents
from gate.store.people.consents import Given, Way
from gate.store.people.residents import Resident
from gate.store.people.templates import Template
from gate.store.site import areas
from models.errors import PackError

if TYPE_CHECKING:
    from enroll.enrolment import Prepared
    from models.images import Image

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_Text = Annotated[str, Form(max_length=400)]
_OVER = Sentence(
    "Photos wait {minutes} minutes for somebody to look at them, and these no longer do. Choose them again."
)
_PHOTOS_CHOSEN = Sentence(
    "Photos are chosen here: press Enrol to use them, or remove them and add this person with a link."
)
_TOGETHER = Sentence("Photos of {gate}'s camera and others cannot be enrolled in one go: leave one kind of them out.")


@dataclass(frozen=True, slots=True)
class _Far:
    """Photos that another gate's camera took, by their numbers; none: nothing was taken there."""

    gate: str
    key: str
    numbers: tuple[int, ...]


def _far(
    gate: Annotated[str, Form(max_length=64)] = "",
    gate_key: Annotated[str, Form(max_length=64)] = "",
    gate_photo: Annotated[list[int] | None, Form(max_length=20)] = None,
) -> _Far | None:
    return _Far(gate, gate_key, tuple(gate_photo)) if gate and gate_photo else None


_FarPhotos = Annotated[_Far | None, Depends(_far)]


def _typed(name: _Text = "", unit: _Text = "", guardian: _Text = "", area: _Text = "") -> dict[str, str]:
    """What the form holds again where it is corrected; whether they agreed is asked anew."""
    return {"name": name, "unit": unit, "guardian": guardian, "area": area}


_Given = Annotated[dict[str, str], Depends(_typed)]


@router.get("/enrol")
def show_enrol(
    request: Request, connection: Store, context: Shared, actor: Registrar,
    resident: Annotated[str, Query(max_length=64)] = "", unit: Annotated[str, Query(max_length=400)] = "",
) -> Response:  # fmt: skip
    """Enrol someone, also of a given home, or give someone more photos, where there is a camera."""
    if resident and not places(context, connection):
        return RedirectResponse(f"/residents/{found_resident(connection, resident).id}", 303)
    return _form(request, connection, actor, resident, {"unit": unit})


@router.post("/enrol", dependencies=[Depends(refuse_form_of_another)])
def enrol(
    request: Request, connection: Store, context: Shared, actor: Registrar, given: _Given, far: _FarPhotos,
    photos: list[UploadFile] | None = None, resident: _Text = "", way: Annotated[Given, Form()] = Way.SCREEN,
    language: _Text = "en", agreed: Annotated[bool, Form()] = False, seen: Annotated[bool, Form()] = False,
    link: Annotated[str, Form(max_length=64)] = "", key: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    """Enrol, once somebody has `seen` whom the photos show; what is wrong is said on the same page, and nothing typed
    is lost. The same form of one page, known by its `key`, enrols once however often it is sent."""
    words, name, unit, area = language_of(request), given["name"], given["unit"], given["area"]
    # A browser sends an empty part where no file was chosen.
    sent = [one for one in photos or [] if one.filename or one.size]
    try:
        if (sent or link) and not context.by_face:
            raise Refusal(NO_CAMERA)
        if (sent or far) and link:
            raise Refusal(_PHOTOS_CHOSEN)
        camera = FarCamera(context, connection, actor, far.gate) if far else None
        if sent and camera is not None:
            raise Refusal(_TOGETHER.pattern, gate=camera.name)
        if not sent and camera is None:
            home = unit.strip() or None
            if link:
                return RedirectResponse(add_with_link(context, connection, actor, name, home, link, area), 303)
            person = add_without_face(connection, name, home, area, by=actor.label)
            return then(request, "/enrol", _added(person, agreed=agreed, by_face=context.by_face))
        if not agreed:
            said = words("Without consent no face is kept: tick that they agreed, or leave the photos out.")
            return _form(request, connection, actor, resident, given, problem=said, warning=words(LOST))
        typed = Typed(way, name, unit.strip(), resident, language, given["guardian"], area=area)
        with context.waiting.beginning:
            waiting = _begun(context, connection, actor, typed, sent, key, camera, far)
            if seen and not waiting.found.lookalikes:
                _enrol_or_ask(context, connection, actor, waiting)
    except (FacegateError, PackError) as error:
        tells = getattr(error, "tells", None)
        shown_anew = {"warning": words(LOST)} if sent else {}
        return _form(request, connection, actor, resident, given, tells, problem=words.error(error), **shown_anew)
    if not is_navigation(request):
        return go_on(request, f"/enrol/seen?key={waiting.key}")
    return _told(request, connection, actor, waiting)


@router.get("/enrol/seen")
def show_seen(
    request: Request, connection: Store, context: Shared, actor: Registrar, key: Annotated[str, Query(max_length=64)]
) -> Response:
    """Whom photos show that a script sent, or what came of them."""
    waiting = context.waiting.of(key, actor.label)
    if waiting is None:
        return _over(request, connection, actor)
    return _told(request, connection, actor, waiting)


@router.post("/enrol/seen")
def enrol_seen(
    request: Request,
    connection: Store,
    context: Shared,
    actor: Registrar,
    key: _Text,
    given: _Given,
    resident: _Text = "",
    photo: Annotated[list[int] | None, Form()] = None,
    another_than: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Enrol from those of the photos that somebody saw and kept; they are `another_than` those who were named there."""
    waiting, words = context.waiting.of(key, actor.label), language_of(request)
    if waiting is None:
        return _over(request, connection, actor, resident, given)
    kept = [made for number, made in enumerate(waiting.found.templates) if number in (photo or [])]
    if not kept and waiting.enrolled is None:
        return _look(request, connection, actor, waiting, words("Keep at least one photo, or cancel."))
    said = (waiting.asked.another_than or frozenset()) | frozenset(another_than or ())
    waiting.asked = replace(waiting.asked, another_than=said)
    try:
        _enrol_or_ask(context, connection, actor, waiting, kept)
    except (FacegateError, PackError) as error:
        return _look(request, connection, actor, waiting, words.error(error))
    return _told(request, connection, actor, waiting)


@router.post("/enrol/cancelled")
def cancel(
    request: Request, context: Shared, actor: Registrar, key: _Text, given: _Given, resident: _Text = ""
) -> Response:
    """Keep nothing of it; what was typed is in the form again."""
    context.waiting.drop(key, actor.label)
    where = f"/enrol?{urlencode({'resident': resident})}" if resident else "/enrol"
    return then(request, where, Done(given=given, about=resident or None))


@router.post("/photos/checks")
def check_photo(request: Request, photo: UploadFile, context: Shared, _actor: Registrar) -> Response:
    """Whether a photo will do, in words, and the face that would be taken out of it: {"fit", "advice", "portrait"}.

    Nothing of it is kept.
    """
    words = language_of(request)
    try:
        portrait = context.enroller.check(context.enroller.photo(photo.file, photo.filename or words("The photo")))
    except FacegateError as error:
        return JSONResponse({"fit": False, "advice": words.error(error), "portrait": None})
    return JSONResponse({"fit": True, "advice": "", "portrait": portrait_of(portrait.aligned)})


def _begun(
    context: Context, connection: sqlite3.Connection, actor: Actor, typed: Typed, sent: list[UploadFile], key: str,
    camera: FarCamera | None, far: _Far | None,
) -> Waiting:  # fmt: skip
    """What waits of a form: one, however often it is sent. Raises FacegateError, PackError."""
    there = repr(far).encode() if far else b""
    request = digest_of(chain((key.encode(), typed.bound() + there), (one.file.read() for one in sent)))
    before = context.waiting.begun(request, actor.label)
    if before is not None and _still_so(connection, before):
        return before
    if camera is not None and far is not None:
        asked, found = _asked_far(context, connection, typed, camera, far)
    else:
        photos = [context.enroller.photo(one.file, one.filename or "photo") for one in sent]
        asked = application(connection, typed, photos)
        found = context.enroller.prepare(connection, asked)
    waiting = context.waiting.hold(asked, found, actor.label, request, far=camera is not None)
    if camera is not None and far is not None:
        context.far_photos.drop(camera.id, far.key, actor.label)
    return waiting


def _asked_far(
    context: Context, connection: sqlite3.Connection, typed: Typed, camera: FarCamera, far: _Far
) -> tuple[Application, Prepared]:
    """The same from photos that another gate's camera took. Raises FacegateError."""
    held = camera.take(far.key, typed.resident or "")
    taken = [one for one in held.photos if one.number in far.numbers]
    found = context.enroller.prepare_far(
        taken, known(connection, (like for one in taken for like in one.alike), held.gate, typed.resident or "")
    )
    portraits = zip(taken, found.portraits, strict=True)
    photos = [Photo(f"gate camera {one.number}", partial(_same, face)) for one, face in portraits]
    return application(connection, typed, photos), found


def _same(portrait: Image) -> Image:
    return portrait


def _added(person: Resident, *, agreed: bool, by_face: bool) -> Done:
    """What is said of somebody who was added without a face: a warning where they `agreed` to one."""
    if not by_face:
        said = Sentence("{name} is added. Draw a PIN or add a card on their page.", name=person.name)
    elif agreed:
        said = Sentence("{name} is added, but has no face: they agreed, and no photo was chosen.", name=person.name)
    else:
        said = Sentence("{name} is added, without a face.", name=person.name)
    told = Done(given=_next_of(person), about=person.id)
    return replace(told, warning=said) if agreed else replace(told, notice=said)


def _still_so(connection: sqlite3.Connection, waiting: Waiting) -> bool:
    """Whether it waits, or what came of it is there as it was: what was erased since may be enrolled anew."""
    if waiting.enrolled is None:
        return True
    now = residents.get(connection, waiting.enrolled.id)
    return now is not None and now.templates >= waiting.enrolled.templates


def _enrol_or_ask(
    context: Context, connection: sqlite3.Connection, actor: Actor, waiting: Waiting,
    made: Sequence[Template] | None = None,
) -> None:  # fmt: skip
    """Enrol who waits, unless that was done already, by these templates or by all there are. Where somebody whom they
    are like was enrolled in the meantime, they wait for that to be answered."""
    with waiting.turn:
        if waiting.enrolled is not None:
            return
        templates = waiting.found.templates if made is None else made
        try:
            enrolled = _enrolled(context, connection, actor, waiting, templates)
        except LooksLikeAnother as error:
            waiting.found = replace(waiting.found, lookalikes=error.lookalikes)
        else:
            waiting.end(enrolled)


def _enrolled(
    context: Context, connection: sqlite3.Connection, actor: Actor, waiting: Waiting, made: Sequence[Template]
) -> Resident:
    asked, written_in = waiting.asked, acting(connection, actor)
    if waiting.far:
        like = waiting.found.lookalikes
        return context.enroller.enrol_far(connection, asked, made, like, actor.label, written_in)
    return context.enroller.enrol_seen(connection, asked, made, actor.label, written_in)


def _told(request: Request, connection: sqlite3.Connection, actor: Actor, waiting: Waiting) -> Response:
    """The question whether it is them, or what is said of somebody who was enrolled."""
    if waiting.enrolled is None:
        return _look(request, connection, actor, waiting)
    return _done(request, waiting, waiting.enrolled)


def _over(
    request: Request,
    connection: sqlite3.Connection,
    actor: Actor,
    resident: str = "",
    given: dict[str, str] | None = None,
) -> Response:
    """What is said of photos that do not wait any more."""
    said = language_of(request)(_OVER, minutes=round(LASTS_S / 60))
    return _form(request, connection, actor, resident, given, problem=said)


def _done(request: Request, waiting: Waiting, enrolled: Resident) -> Response:
    """What is said of somebody who was enrolled: on their own page, or above the form for the next of their home."""
    left_out = (Sentence("Left out: {why}", why=one.why) for one in waiting.found.left_out)
    notice = together([Sentence("{name} is enrolled.", name=enrolled.name), *left_out])
    if waiting.asked.whose is not None:
        return then(request, f"/residents/{enrolled.id}", Done(notice, about=enrolled.id))
    return then(request, "/enrol", Done(notice, given=_next_of(enrolled), about=enrolled.id))


def _next_of(person: Resident) -> dict[str, str]:
    """What the form holds for the next of a family."""
    return {"name": "", "unit": person.unit or "", "guardian": "", "area": person.area or "", "before": person.id}


def _look(
    request: Request, connection: sqlite3.Connection, actor: Actor, waiting: Waiting, problem: str | None = None
) -> Response:
    """The page that shows whom the photos show, and asks."""
    faces = [portrait_of(portrait) for portrait in waiting.found.portraits]
    known = WHOSE_FACE if waiting.found.lookalikes else "a resident" if waiting.asked.whose else None
    return page_of_people(
        request, connection, actor, known, "enrol_look.html", status_code=422 if problem else 200, waiting=waiting,
        faces=faces, problem=problem, minutes=round(LASTS_S / 60),
    )  # fmt: skip


def portrait_of(portrait: Image) -> str:
    """A portrait ((H, W, 3) uint8 BGR) as a JPEG in base64."""
    return base64.b64encode(jpeg_of(portrait)).decode("ascii")


def _form(
    request: Request, connection: sqlite3.Connection, actor: Actor, resident: str,
    given: dict[str, str] | None = None, look: str | None = None, **said: str,
) -> Response:  # fmt: skip
    """The page to enrol on, with what is `given` in its form and `said` above it: a notice, a warning or a problem,
    which may be a `look` at somebody, as the record calls it."""
    language = language_of(request).tag
    spoken = language if language in texts.LANGUAGES else "en"
    person, done = found_resident(connection, resident) if resident else None, told_once(request)
    found = places(context_of(request), connection)
    # Where people are enrolled first: here, else at the first gate that is there.
    found.sort(key=lambda one: (bool(one.id), one.problem is not None))
    return page_of_people(
        request,
        connection,
        actor,
        look or ("a resident" if person is not None else None),
        "enrol.html",
        status_code=422 if "problem" in said else 200,
        person=person,
        given={"name": "", "unit": "", "guardian": "", "area": "", "before": ""} | (given or {}) | dict(done.given),
        consent_text=texts.text(spoken),
        consent_language=spoken,
        link_key=new_key(),
        areas=areas.every(connection),
        places=found,
        **said_of(request, done) | said,
    )
