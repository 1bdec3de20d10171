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
from api.problems import HttpProblem
from api.throttle import Attempt
from enroll import consent as texts
from enroll.application import Application
from gate.errors import FacegateError, Refusal, Sentence, UsageError
from gate.store.people import photo_links, residents
from gate.store.people.consents import Way
from models.errors import PackError

if TYPE_CHECKING:
    from enroll.application import Photo

MOST_PHOTOS = 3
_THE_PHOTO = Sentence("The photo")
_DAY_S = 24 * 3600
_HEADERS = {
    # The address holds the secret: no page that is left from here is told it, and no list of pages may hold it. A form
    # still says from which site it comes, which "no-referrer" would keep from the gate too.
    "Referrer-Policy": "strict-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


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
            body: Body | None = getattr(request.state, "body", None)
            takes_photos = self.endpoint in (check, send)
            if takes_photos and held.step is not Step.PHOTO:
                # Of what is not to be looked at not a byte is read.
                return _not_now(request, held)
            if body is not None and body.comes:
                try:
                    bounds = OWN_PHOTOS if takes_photos else ANYBODYS
                    await body.open(bounds, request.state.asker, by_link=True)
                except HttpProblem as error:
                    return _shown(request, held, error.sentence, status_code=error.status)
                # It may have waited for its turn, for example behind the same photo: send was pressed twice.
                held = await run_in_threadpool(_asked, request)
                if held is None:
                    return _over(request)
                if takes_photos and held.step is not Step.PHOTO:
                    return _not_now(request, held)
                request.state.held = held
            response = await handle(request)
            response.headers.update(_HEADERS)
            return response

        return handle_asked


def _asked(request: Request) -> Held | None:
    """The link of a request, with whose it is; None: there is none."""
    context, secret = context_of(request), request.path_params["secret"]
    with store_of(context) as connection:
        link = photo_links.by_secret(connection, digest(secret), datetime.now(UTC))
        person = residents.get(connection, link.resident) if link is not None else None
    if link is None or person is None:
        return None
    device = request.cookies.get(_cookie(context))
    return Held(secret, link, person, step_of(link, digest(device) if device else None))


def _held(request: Request) -> Held:
    held: Held = request.state.held
    return held


Holder = Annotated[Held, Depends(_held)]
router = APIRouter(route_class=LinkFirst, prefix="/photo/{secret}")


@router.get("")
def show(request: Request, held: Holder) -> Response:
    """How far it is, and what to do now."""
    return _shown(request, held)


@router.post("/consent")
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
    device = request.cookies.get(_cookie(context)) or new_secret()
    try:
        if text != texts.CURRENT:
            raise Refusal("The text has changed since; read it again, please.")
        if held.step is Step.AGREE:
            said = texts.agreed(Way.PHONE, language, guardian.strip() or None).recorded(f"link {held.link.id}")
            photo_links.agree(connection, held.link, said, digest(device), datetime.now(UTC))
    except FacegateError as error:
        return _shown(request, held, error.sentence, guardian=guardian, status_code=422)
    response = RedirectResponse(_path(held), 303)
    # A link that is opened in a messenger comes from another site: a stricter cookie would not come along.
    response.set_cookie(
        _cookie(context), device, max_age=2 * context.settings.enrolment.link_days * _DAY_S,
        path="/", secure=context.secure, httponly=True, samesite="lax",
    )  # fmt: skip
    return response


@router.post("/checks")
def check(request: Request, connection: Store, context: Shared, held: Holder, photo: UploadFile) -> Response:
    """Whether a photo from the phone's camera will do, in words; nothing of it is kept."""
    words = language_of(request)
    if not photo_links.count_try(connection, held.link):
        return JSONResponse({"fit": False, "advice": words(_NO_MORE)})
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
_FULL = Sentence("Very many photos wait for the property office just now. Please send yours tomorrow.")


def _take(context: Context, connection: Store, held: Held, sent: list[UploadFile]) -> None:
    """Look the photos over and let them wait. Raises FacegateError with what to do, PackError."""
    if not 1 <= len(sent) <= MOST_PHOTOS:
        raise UsageError("Take a photo first; {most} is the most.", most=MOST_PHOTOS)
    if not photo_links.count_try(connection, held.link):
        raise Refusal(_NO_MORE)
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
    if request.url.path.endswith("/checks"):
        why = _NO_MORE if held.step is Step.USED_UP else photo_links.IN_USE
        response: Response = JSONResponse({"fit": False, "advice": language_of(request)(why)})
    else:
        response = RedirectResponse(_path(held), 303)
    response.headers.update(_HEADERS)
    return response


def _over(request: Request) -> Response:
    """The one answer to a secret of which there is no link: whether there ever was is not told."""
    context, now = context_of(request), time.monotonic()
    attempt = Attempt(digest(request.path_params["secret"]), network_of(address_of(request)), known=True)
    wait_s = context.link_throttle.wait_s(attempt, now)
    context.link_throttle.failed(attempt, now)
    response = page(request, "own_photo.html", 429 if wait_s else 404, step=Step.OVER, problems=[], here="/")
    response.headers.update(_HEADERS | ({"Retry-After": str(math.ceil(wait_s))} if wait_s else {}))
    return response


def _shown(request: Request, held: Held, *problems: Sentence, status_code: int = 200, guardian: str = "") -> Response:
    """The page of a link, with what is wrong above it."""
    words = language_of(request)
    spoken = words.tag if words.tag in texts.LANGUAGES else "en"
    refused = held.link.refused if held.step in (Step.PHOTO, Step.AGREE, Step.USED_UP) else None
    response = page(
        request, "own_photo.html", status_code, step=held.step, here=_path(held), hint=hint(held.person.name),
        problems=[words(one) for one in problems], notice=words(NOT_TAKEN[refused]) if refused else None,
        consent_text=_paragraphs(spoken), consent_language=spoken, consent_name=texts.CURRENT, guardian=guardian,
    )  # fmt: skip
    response.headers.update(_HEADERS)
    return response


def _paragraphs(language: str) -> list[str]:
    """The text to agree to, its lines as long as the phone has room: a language with blanks joins them with one."""
    between = "" if language.startswith("zh") else " "
    return [between.join(part.splitlines()) for part in texts.text(language).strip().split("\n\n")]


def _path(held: Held) -> str:
    return f"/photo/{held.secret}"


def _cookie(context: Context) -> str:
    """The name of the cookie by which a browser is known that agreed; one holds for all links of a family."""
    return "__Host-facegate-photo" if context.secure else "facegate-photo"
