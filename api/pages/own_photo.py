"""What a resident sees who opens their link on a phone: the text to agree to, then the photo, then how far it is.

Nobody is signed in here. A link's secret shows that somebody was sent it, and the first browser that agrees is the one
it is for; of whom it is for no more is told than they need to know that it is theirs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from api.actors import address_of
from api.auth import digest, new_secret
from api.context import Context, Shared, Store, context_of, store_of
from api.front.bodies import ANYBODYS, OWN_PHOTOS, Body
from api.front.slots import network_of
from api.own_photos import Sent
from api.pages.own_photo_steps import Held, Step, hint, step_of
from api.pages.page import language_of, page
from api.pages.photo_words import NOT_TAKEN
from api.throttle import Attempt
from enroll import consent as texts
from enroll.application import Application
from gate.errors import FacegateError, Refusal, Sentence, UsageError
from gate.store.people import photo_links, residents
from gate.store.people.consents import Way
from gate.store.people.photo_link import MOST_TRIES, MOST_TRIES_BY_CAMERA
from models.errors import PackError

if TYPE_CHECKING:
    from enroll.application import Photo

MOST_PHOTOS = 3
_THE_PHOTO = Sentence("The photo")
_FORGETFUL = Sentence(
    "This browser keeps nothing, so it cannot be told from others. Nothing was sent: copy the link into the browser"
    " that you use, with cookies allowed, and agree there."
)
_DAY_S = 24 * 3600
_ROOT = "/photo/"
_CONSENT, _CHECKS = "/consent", "/checks"


class LinkFirst(APIRoute):
    """A route for whoever holds a link: which it is is asked before the first byte of what they send."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's own handler, behind the question which link it is."""
        handle = super().get_route_handler()

        async def handle_asked(request: Request) -> Response:
            held = await run_in_threadpool(_asked, request)
            if held is None:
                return _over(request)
            request.state.held = held
            if request.method != "GET" and held.step is Step.ELSEWHERE:
                return _shown(request, held, status_code=403)
            # Their connection has a place among those we know.
            request.state.asker = f"link {held.link.id}"
            looks = self.endpoint in (check, send)
            if looks and held.step is not Step.PHOTO:
                # Of what is not to be looked at not a byte is read.
                return _not_now(request, held)
            body: Body | None = getattr(request.state, "body", None)
            refused = await _begin(request, body, looks=looks) if body is not None and body.comes else None
            return refused or await handle(request)

        return handle_asked


async def _begin(request: Request, body: Body, *, looks: bool) -> Response | None:
    """Give what comes its turn and count it, before its first byte; an answer where it is not heard."""
    held = _held(request)
    await body.open(OWN_PHOTOS if looks else ANYBODYS, request.state.asker, by_link=True)
    # It may have waited for its turn, for example behind the same photo: send was pressed twice.
    later = await run_in_threadpool(_asked, request)
    if later is None:
        return _over(request)
    request.state.held = later
    if looks and (later.step is not Step.PHOTO or not await run_in_threadpool(_counted, request, held)):
        return _not_now(request, later)
    return None


def _counted(request: Request, held: Held) -> bool:
    """Count a try, so that whoever drips or breaks off has had it too; whether there was one left."""
    most = MOST_TRIES_BY_CAMERA if _is_check(request) else MOST_TRIES
    with store_of(context_of(request)) as connection:
        return photo_links.count_try(connection, held.link, most)


def _is_check(request: Request) -> bool:
    return request.url.path.endswith(_CHECKS)


def _asked(request: Request) -> Held | None:
    """The link of a request, with whose it is; None: there is none."""
    context, secret = context_of(request), request.path_params["secret"]
    with store_of(context) as connection:
        link = photo_links.by_secret(connection, digest(secret), datetime.now(UTC))
        person = residents.get(connection, link.resident) if link is not None else None
    if link is None or person is None:
        return None
    device = _device_of(request)
    return Held(secret, link, person, step_of(link, digest(device) if device else None))


def _held(request: Request) -> Held:
    held: Held = request.state.held
    return held


Holder = Annotated[Held, Depends(_held)]
router = APIRouter(route_class=LinkFirst, include_in_schema=False, prefix=_ROOT + "{secret}")


@router.get("")
def show(request: Request, held: Holder) -> Response:
    """How far it is, and what to do now."""
    return _shown(request, held)


@router.post(_CONSENT)
def agree(
    request: Request,
    connection: Store,
    context: Shared,
    held: Holder,
    language: Annotated[str, Form(max_length=20)],
    text: Annotated[str, Form(max_length=20)],
    guardian: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """They agree, before any photo: it is written down, and the link is this browser's from now on."""
    device = _device_of(request)
    try:
        if text != texts.CURRENT:
            raise Refusal("The text has changed since; read it again, please.")
        if held.step is Step.AGREE:
            # The browser of a messenger may keep nothing: the link would be its own, and nobody could go on by it.
            if device is None:
                raise Refusal(_FORGETFUL)
            said = texts.agreed(Way.PHONE, language, guardian.strip() or None).recorded(f"link {held.link.id}")
            photo_links.agree(connection, held.link, said, digest(device), datetime.now(UTC))
    except FacegateError as error:
        return _shown(request, held, error.sentence, guardian=guardian, status_code=422)
    return _known_by(device or new_secret(), context, RedirectResponse(_path(held), 303))


@router.post(_CHECKS)
def check(request: Request, context: Shared, photo: UploadFile) -> Response:
    """Whether a photo from the phone's camera will do, in words; nothing of it is kept."""
    words = language_of(request)
    try:
        context.enroller.check(context.enroller.photo(photo.file, _THE_PHOTO))
    except (FacegateError, PackError) as refused:
        return JSONResponse({"fit": False, "advice": words.error(refused)})
    return JSONResponse({"fit": True, "advice": ""})


@router.post("")
def send(
    request: Request, connection: Store, context: Shared, held: Holder, photos: list[UploadFile] | None = None
) -> Response:
    """A photo, looked over at once: a poor one may be taken again, a good one waits for somebody to confirm it."""
    try:
        _take(context, connection, held, [one for one in photos or [] if one.filename or one.size])
    except (FacegateError, PackError) as error:
        # It may have been the last try: then the page says so too.
        return _shown(request, _asked(request) or held, *_sentences(error), status_code=422)
    return RedirectResponse(_path(held), 303)


_NO_MORE = Sentence("Too many photos were tried with this link. Ask the property office for a new one, or go there.")
_NO_MORE_CHECKS = Sentence("Photos were checked here very often. Choose the best one above and send it.")
_UNREADABLE = Sentence("Something was left out or is too long. Fill it in and send it again.")
_NO_PHOTO = Sentence("Take a photo first; {most} is the most.", most=MOST_PHOTOS)
_FULL = Sentence("Very many photos wait for the property office just now. Please send yours tomorrow.")


def _take(context: Context, connection: Store, held: Held, sent: list[UploadFile]) -> None:
    """Look the photos over and let them wait. Raises FacegateError with what to do, PackError."""
    if not 1 <= len(sent) <= MOST_PHOTOS:
        raise UsageError(_NO_PHOTO)
    asked = _application(context, held, sent)
    found = context.enroller.prepare_unnamed(connection, asked)
    now = datetime.now(UTC)
    link = photo_links.note_sent(connection, held.link, held.person, now, context.settings.enrolment.link_days)
    if not context.own_photos.hold(Sent(link.id, held.person.id, link.sent_at or "", found)):
        photo_links.take_back(connection, link)
        raise Refusal(_FULL)


def _application(context: Context, held: Held, sent: list[UploadFile]) -> Application:
    names = [_THE_PHOTO] if len(sent) == 1 else [Sentence("Photo {number}", number=at + 1) for at in range(len(sent))]
    photos = [_as_own(context.enroller.photo(one.file, name)) for one, name in zip(sent, names, strict=True)]
    consent = held.link.consent
    if consent is None:
        raise Refusal("Agree first: without that no photo is taken.")
    said = texts.agreed(Way.PHONE, consent.language, consent.guardian)
    return Application.of(held.person.name, None, photos, said, held.person)


def _as_own(photo: Photo) -> Photo:
    return replace(photo, source="own phone")


def _sentences(error: Exception) -> list[Sentence]:
    """What an error says, for each photo by itself."""
    if not isinstance(error, FacegateError):
        return [Sentence("Something went wrong in the gate's own program; it is in its log.")]
    return [error.sentence]


def _not_now(request: Request, held: Held) -> Response:
    """The answer to a photo of whoever has not agreed, or whose photo is there: the page says how far it is."""
    if not _is_check(request):
        return RedirectResponse(_path(held), 303)
    why = {Step.USED_UP: _NO_MORE, Step.PHOTO: _NO_MORE_CHECKS}.get(held.step, photo_links.IN_USE)
    return _advice(language_of(request)(why))


def _advice(sentence: str, status_code: int = 200) -> Response:
    return JSONResponse({"fit": False, "advice": sentence}, status_code)


def is_of_link(request: Request) -> bool:
    """Whether somebody asks who has a link, or says so."""
    return request.url.path.startswith(_ROOT)


def told(request: Request, error: Exception, status: int, sentence: str) -> Response:
    """An error as whoever has a link reads it: on the link's own page, from where they can go on."""
    words, held = language_of(request), getattr(request.state, "held", None)
    body: Body | None = getattr(request.state, "body", None)
    cut = body.take_refusal() if body is not None else None
    if cut is not None:
        status, sentence = cut.status, words.error(cut)
    elif isinstance(error, RequestValidationError):
        sentence = words(_UNREADABLE if request.url.path.endswith(_CONSENT) else _NO_PHOTO)
    if held is None:
        return _strayed(request, status, sentence)
    return _advice(sentence, status) if _is_check(request) else _shown(request, held, sentence, status_code=status)


def _strayed(request: Request, status: int, sentence: str) -> Response:
    """The page of an address that is no link's own, with the way back to the one it begins with."""
    here = _ROOT + request.url.path.removeprefix(_ROOT).partition("/")[0]
    return page(request, "own_photo.html", status, step=Step.STRAYED, problems=[sentence], here=here)


def _over(request: Request) -> Response:
    """The one answer to a secret of which there is no link: whether there ever was is not told."""
    context, now = context_of(request), time.monotonic()
    attempt = Attempt(digest(request.path_params["secret"]), network_of(address_of(request)), known=True)
    wait_s = context.link_throttle.wait_s(attempt, now)
    context.link_throttle.failed(attempt, now)
    response = page(request, "own_photo.html", 429 if wait_s else 404, step=Step.OVER, problems=[], here="/")
    if wait_s:
        response.headers["Retry-After"] = str(math.ceil(wait_s))
    return response


def _shown(request: Request, held: Held, *problems: str, status_code: int = 200, guardian: str = "") -> Response:
    """The page of a link, with what is wrong above it."""
    words = language_of(request)
    spoken = words.tag if words.tag in texts.LANGUAGES else "en"
    refused = held.link.refused if held.step in (Step.PHOTO, Step.AGREE, Step.USED_UP) else None
    response = page(
        request, "own_photo.html", status_code, step=held.step, here=_path(held), hint=hint(held.person.name),
        problems=[words(one) for one in problems], notice=words(NOT_TAKEN[refused]) if refused else None,
        consent_text=_paragraphs(spoken), consent_language=spoken, consent_name=texts.CURRENT, guardian=guardian,
        most_bytes=OWN_PHOTOS.room, too_large=words(OWN_PHOTOS.too_large),
    )  # fmt: skip
    if held.step is not Step.AGREE:
        return response
    # Before they agree, so that it is seen by then whether this browser keeps it.
    return _known_by(_device_of(request) or new_secret(), context_of(request), response)


def _paragraphs(language: str) -> list[str]:
    """The text to agree to, its lines as long as the phone has room: a language with blanks joins them with one."""
    between = "" if language.startswith("zh") else " "
    return [between.join(part.splitlines()) for part in texts.text(language).strip().split("\n\n")]


def _path(held: Held) -> str:
    return _ROOT + held.secret


def _device_of(request: Request) -> str | None:
    """What the browser that asks is known by; None: it brings nothing."""
    return request.cookies.get(_cookie(context_of(request)))


def _known_by(device: str, context: Context, response: Response) -> Response:
    """The same answer, by which the browser is known for twice as long as a link holds."""
    # A link that is opened in a messenger comes from another site: a stricter cookie would not come along.
    response.set_cookie(
        _cookie(context), device, max_age=2 * context.settings.enrolment.link_days * _DAY_S,
        path="/", secure=context.secure, httponly=True, samesite="lax",
    )  # fmt: skip
    return response


def _cookie(context: Context) -> str:
    """The name of the cookie by which a browser is known; one holds for all links of a family."""
    return "__Host-facegate-photo" if context.secure else "facegate-photo"
