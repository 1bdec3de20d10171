"""The first start, signing in and out, and the choice of a language."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.actors import MaybeActor, address_of
from api.context import Context, Shared, Store, context_of
from api.drafts import MOST_SEALED, marked_user
from api.early_refusal import EarlyRefusal
from api.front.slots import network_of
from api.languages import LANGUAGE_COOKIE
from api.pages.kept import on_to_kept
from api.pages.page import language_of, own_path, page
from api.passwords import LEAST_PASSWORD
from api.problems import HttpProblem
from api.signing_in import TOO_MANY, begin_session
from api.throttle import Attempt
from api.v1.accounts import clean_user_name
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.record import audit
from gate.store.site import accounts, signed_in
from gate.store.site.accounts import User
from gate.vocabulary import AuditEvent, Kind

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_Name = Annotated[str, Form(max_length=400)]
_Secret = Annotated[str, Form(max_length=400)]
_Sealed = Annotated[str, Form(max_length=MOST_SEALED)]
# What attempts at the first start's code are counted under.
_FIRST_START = "the first start"
# The pages of the forms that send files.
_WITH_FILES = ("/enrol", "/import")
_UNDONE = Sentence(
    "Your login ended meanwhile, and nothing was done. Sign in, and do it again on the page that follows."
)
_FILES_UNDONE = Sentence(
    "Your login ended meanwhile, and nothing was done. Sign in, and choose the files again: what you had typed is still"
    " there."
)
_YEAR_S = 365 * 24 * 3600


@router.get("/owner")
def show_first_start(request: Request, connection: Store) -> Response:
    """The page that makes the owner; once there is one, it leads on."""
    if accounts.has_owner(connection):
        return _to("/sign-in")
    return _first_start(request)


@router.post("/owner")
def make_owner(
    request: Request, connection: Store, context: Shared, code: _Secret, name: _Name, password: _Secret
) -> Response:
    """Make the owner, by the code that the machine printed."""
    language = language_of(request)
    if accounts.has_owner(connection):
        return _to("/sign-in")
    address, now = address_of(request), time.monotonic()
    # Sixty bits are not guessed from many networks either: nobody else's guesses keep the owner waiting.
    attempt = Attempt.at(_FIRST_START, address, known=True)
    wait_s = context.throttle.wait_s(attempt, now)
    if wait_s > 0:
        said = language(TOO_MANY, seconds=math.ceil(wait_s))
        return _first_start(request, name, said)
    if not context.owner_code.right(code):
        context.throttle.failed(attempt, now)
        audit.append(connection, AuditEvent(Kind.SIGN_IN_FAILED, {"why": "owner code", "from": address}))
        return _first_start(
            request,
            name,
            language("This is not the code that the machine printed at its last start."),
        )
    try:
        clean = clean_user_name(name)
        hashed = context.passwords.hashed(password, clean)
    except FacegateError as error:
        return _first_start(request, name, language.error(error), code)
    owner = accounts.add_owner(connection, clean, hashed)
    if owner is None:
        return _to("/sign-in")
    context.owner_code_file.unlink(missing_ok=True)
    return _signed_in(request, connection, context, owner)


@router.get("/sign-in")
def show_sign_in(
    request: Request,
    connection: Store,
    actor: MaybeActor,
    back: Annotated[str, Query(max_length=2000)] = "/",
    undone: Annotated[bool, Query()] = False,
) -> Response:
    """The page to sign in; from it on to `back`. `undone` says that what was sent from there was not carried out."""
    if not accounts.has_owner(connection):
        return _to("/owner")
    if actor:
        return _to("/")
    return page(
        request, "sign_in.html", name="", draft="", way_back=own_path(back), undone=_undone(back) if undone else None
    )


@router.post("/sign-in")
def sign_in(
    request: Request,
    connection: Store,
    context: Shared,
    name: _Name,
    password: _Secret,
    draft: _Sealed = "",
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Sign in; who fails must wait longer each time, and nobody else. A sealed draft is carried on until then."""
    language, address, now = language_of(request), address_of(request), time.monotonic()
    again = partial(page, request, "sign_in.html", name=name, draft=draft, way_back=own_path(back), undone=None)
    user = accounts.user_named(connection, name)
    known = user is not None and signed_in.known_from(connection, user.id, network_of(address))
    attempt = Attempt.at(name, address, exists=user is not None, known=known)
    wait_s = context.throttle.wait_s(attempt, now)
    if wait_s > 0:
        said = language(TOO_MANY, seconds=math.ceil(wait_s))
        return again(status_code=429, problem=said)
    # Counted before it is known to be wrong: attempts at once must not slip through together.
    context.throttle.failed(attempt, now)
    try:
        right = context.passwords.right(user, password, known=known)
    except HttpProblem as error:
        context.throttle.taken_back(attempt)
        return again(status_code=error.status, problem=language.error(error))
    if user is None or not right:
        audit.append(connection, AuditEvent(Kind.SIGN_IN_FAILED, {"user": user.id if user else None, "from": address}))
        return again(
            status_code=401,
            problem=language("Name or password is wrong."),
        )
    context.throttle.succeeded(attempt)
    try:
        return _signed_in(request, connection, context, user, draft, back)
    except Refusal as refused:
        # Their password was changed while this one was judged, or they are gone.
        return again(status_code=409, problem=language.error(refused))


@router.post("/sign-out")
def sign_out(connection: Store, context: Shared, actor: MaybeActor) -> Response:
    """End the session."""
    if actor is not None and actor.session is not None:
        accounts.end_session(connection, actor.session)
    response = _to("/sign-in")
    for name in (context.cookie, context.who_cookie):
        response.delete_cookie(name, path="/", secure=context.secure, httponly=True, samesite="lax")
    return response


@router.post("/language")
def choose_language(
    context: Shared, language: Annotated[str, Form(max_length=20)], back: Annotated[str, Form(max_length=2000)] = "/"
) -> Response:
    """Remember a language in this browser."""
    response = _to(own_path(back))
    known = {one.tag for one in context.languages.all}
    if language in known:
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=_YEAR_S, path="/", secure=context.secure, httponly=True, samesite="lax"
        )
    return response


def _undone(back: str) -> Sentence:
    """What is said of a form that was sent when the login had ended, by the page that it stands on."""
    return _FILES_UNDONE if own_path(back).partition("?")[0] in _WITH_FILES else _UNDONE


def _first_start(request: Request, name: str = "", problem: str | None = None, code: str = "") -> Response:
    """The page to become the owner; a `code` that was right stays in it."""
    return page(
        request,
        "owner.html",
        status_code=422 if problem else 200,
        name=name,
        code=code,
        least=LEAST_PASSWORD,
        code_file=context_of(request).owner_code_file,
        problem=problem,
    )


def _signed_in(
    request: Request, connection: Store, context: Context, user: User, draft: str = "", back: str = "/"
) -> Response:
    """On to the first page, or to what they had asked for or typed when their login had ended."""
    kept = context.drafts.taken(draft, user.id) if draft else None
    # Whoever signed out left no mark; another user than the marked one begins at the beginning.
    again = marked_user(request.cookies.get(context.who_cookie, "")) in ("", user.id)
    response: Response = _to(own_path(back) if again else "/")
    if kept is not None and not user.provisional:
        response = on_to_kept(request, kept, f"user {user.id}")
    begin_session(request, response, connection, context, user)
    return response


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)
