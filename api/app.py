"""The HTTP application: the console's pages and the API, behind one shield."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import suppress
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import Match
from starlette.staticfiles import StaticFiles

from api.actors import actor_of, signed_in_or_open
from api.auth import Actor, Permission, digest
from api.context import Context, context_of, record_look, store_of
from api.drafts import draft_in
from api.front.bodies import MOST_FIELDS, MOST_FILES, MOST_OF_A_FIELD
from api.front.shield import Shield
from api.languages import Language
from api.pages import (
    account,
    camera,
    code,
    console,
    enrol,
    enrol_at_gate,
    first_hour,
    gate,
    gates,
    guard,
    held,
    homes,
    orders,
    own_links,
    own_page,
    own_photo,
    photo_links,
    proposed,
    receipts,
    screen,
    settings,
    sign_in,
    together,
    ways_in,
    whereabouts,
)
from api.pages import events as events_page
from api.pages import imports as imports_page
from api.pages import passes as passes_page
from api.pages import residents as residents_page
from api.pages.page import is_navigation, language_of, own_path, page, templates
from api.problems import (
    NO_MODELS,
    ConfirmationNeeded,
    HttpProblem,
    PasswordChangeNeeded,
    SignInNeeded,
    problem,
    problem_schemas,
)
from api.unreadable import said_of
from api.v1 import accounts, door, enrolments, events, health, imports, live, me, residents, schedules, site, webhooks
from api.v1 import credentials as credentials_api
from api.v1 import gates as gates_api
from api.v1 import own_pages as own_pages_api
from api.v1 import passes as passes_api
from api.v1 import photo_links as photo_links_api
from api.v1 import together as together_api
from api.v1 import whereabouts as whereabouts_api
from gate.errors import FacegateError, Refusal, Sentence
from gate.processes.client import LinkDown
from gate.store.troubles import NO_ROOM, StoreError, UnusableState
from models.errors import PackError

# What programs ask for and not people.
_MACHINES = ("/api/", "/metrics")


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The API's description of itself, with the schema of its refusals."""
        described = super().openapi()
        described["components"]["schemas"] |= problem_schemas()
        return described


def create_app(context: Context) -> FastAPI:
    """The application of one gate."""
    app = _Application(
        title="Facegate",
        version="1",
        summary="Residents, consents, the door and the record of one gate.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        form_limits={"max_files": MOST_FILES, "max_fields": MOST_FIELDS, "max_part_size": MOST_OF_A_FIELD},
    )
    app.state.context = context
    app.state.changes = live.Changes(context)
    app.state.templates = templates()
    for room in (
        health, imports, together_api, residents, credentials_api, passes_api, whereabouts_api, photo_links_api,
        own_pages_api,
        enrolments, events, door, gates_api, schedules, accounts, me, site, webhooks, live,
        sign_in, gate, gates, orders, guard, console, events_page, together, receipts, first_hour, residents_page,
        ways_in, passes_page, held, homes, whereabouts,
        enrol, enrol_at_gate, imports_page, photo_links, own_photo, own_links, own_page, proposed, code, camera, screen,
        settings, account,
    ):  # fmt: skip
        # As they are: included, the first request would build each a second time, which on a busy board takes seconds.
        app.router.routes.extend(room.router.routes)
    app.add_api_route(
        "/api/v1/openapi.json", _description, include_in_schema=False,
        dependencies=[Depends(signed_in_or_open("description"))],
    )  # fmt: skip
    app.mount("/static", StaticFiles(directory=str(resources.files("api") / "static")), name="static")
    app.add_exception_handler(SignInNeeded, _told_with_draft)
    app.add_exception_handler(ConfirmationNeeded, _told_with_draft)
    for kind in (HttpProblem, FacegateError, PackError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _told)
    # Behind the shield: what is said of a mistake of ours has the headers of every answer.
    app.add_middleware(ServerErrorMiddleware, handler=_bug)
    app.add_middleware(Shield, hosts=context.hosts, languages=context.languages)
    return app


def _description(request: Request) -> Response:
    """The API's description of itself. Not a function within `create_app`: the framework keeps those for good, and by
    them the application."""
    return JSONResponse(request.app.openapi())


async def _told_with_draft(request: Request, error: Exception) -> Response:
    """A page that asks for a password, and carries on what was typed by whoever has to give it."""
    user = _who_typed(request)
    draft = await draft_in(request) if user and not request.url.path.startswith(_MACHINES) else None
    sealed = context_of(request).drafts.sealed(draft, user) if draft and user else ""
    return await run_in_threadpool(_told, request, error, sealed)


def _who_typed(request: Request) -> str | None:
    """Whoever is signed in, or was by a session that this browser still shows; None: nobody we know."""
    context, actor = context_of(request), getattr(request.state, "actor", None)
    if actor is not None:
        return actor.user.id if actor.user else None
    session, mark = (request.cookies.get(name) for name in (context.cookie, context.who_cookie))
    return context.drafts.whose(mark, digest(session)) if session and mark else None


def _told(request: Request, error: Exception, draft: str = "") -> Response:
    """An error as the asker reads it: a problem for machines, a page in their language for people."""
    error = _on_record(request, error)
    status, headers = _status(error), getattr(error, "headers", None)
    if status == 405:
        headers = {"Allow": ", ".join(sorted(_methods_at(request, request.url.path)))}
    machine = request.url.path.startswith(_MACHINES)
    detail = _detail(error, language_of(request), machine=machine)
    hint = _hint(request, error)
    if machine:
        reason, lookalikes = getattr(error, "reason", None), getattr(error, "lookalikes", ())
        return problem(status, detail, reason, headers, lookalikes, hint)
    if isinstance(error, SignInNeeded) and draft:
        return page(request, "sign_in.html", status_code=401, name="", draft=draft, way_back="/", undone=None)
    if isinstance(error, SignInNeeded):
        return Response(status_code=303, headers={"Location": _sign_in_for(request)})
    if isinstance(error, PasswordChangeNeeded):
        return Response(status_code=303, headers={"Location": "/account"})
    if isinstance(error, ConfirmationNeeded):
        back = _settings_page(request)
        return page(request, "confirm.html", status_code=status, problem=detail, way_back=back, draft=draft)
    response = _error_page(request, error, status, detail, hint)
    response.headers.update(headers or {})
    return response


def _error_page(request: Request, error: Exception, status: int, sentence: str, hint: str | None = None) -> Response:
    """What went wrong, for people: whoever has a link is led back to it, and not to where others sign in."""
    if own_photo.is_of_link(request):
        return own_photo.told(request, error, status, sentence)
    if own_page.is_of_phone(request):
        return own_page.told(request, status, sentence)
    return page(
        request, "error.html", status_code=status, status=status, sentence=sentence, hint=hint,
        residents=getattr(error, "residents", None),
    )  # fmt: skip


def _on_record(request: Request, error: Exception) -> Exception:
    """An error whose reader is shown something of a resident, once that look is on record; if it cannot be, why not."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None or not isinstance(error, FacegateError) or error.tells is None:
        return error
    try:
        with store_of(context_of(request)) as connection:
            record_look(connection, actor, error.tells)
    except FacegateError as trouble:
        return trouble
    return error


def _sign_in_for(request: Request) -> str:
    """Where somebody signs in: from there on to the page that they asked for when their login had ended.

    A form that is not carried on was not carried out: they are told so there, and led back to the page it stands on.
    """
    if not is_navigation(request):
        return "/sign-in"
    if request.method != "GET":
        return _sign_in(_page_before(request), undone="1")
    known = context_of(request).who_cookie in request.cookies
    return _sign_in(own_path(str(request.url.replace(scheme="", netloc=""))) if known else "/")


def _sign_in(back: str, **said: str) -> str:
    """The address to sign in at, with where that leads, unless it is the first page, and what is `said` there."""
    asked = ({} if back == "/" else {"back": back}) | said
    return f"/sign-in?{urlencode(asked)}" if asked else "/sign-in"


def _page_before(request: Request) -> str:
    """The page that a form was sent from; the first where that page was itself what a form was answered with."""
    back = own_path(request.headers.get("referer", ""))
    return back if "GET" in _methods_at(request, back.partition("?")[0]) else "/"


def _hint(request: Request, error: Exception) -> str | None:
    """What whoever mends the machine needs to know besides, where it is more than people are told; for owners alone."""
    actor = _whoever_asks(request)
    if actor is None or not actor.may(Permission.SITE):
        return None
    if isinstance(error, FacegateError):
        return language_of(request)(error.sentence) if error.plain != error.sentence else None
    return str(error) if isinstance(error, PackError) else None


def _whoever_asks(request: Request) -> Actor | None:
    """Who is signed in, on a page too that nobody answers for; None where that cannot be told."""
    if not hasattr(request.state, "actor"):
        request.state.actor = None
        context = context_of(request)
        with suppress(FacegateError, sqlite3.Error), store_of(context) as connection:
            actor_of(request, context, connection)
    found: Actor | None = request.state.actor
    return found


def _settings_page(request: Request) -> str:
    """The page of the settings on which somebody wanted to change something."""
    return "/".join(request.url.path.split("/")[:3])


# What the library says of a request that none of ours answers.
_STATUSES = {
    404: Sentence("There is no such page."),
    405: Sentence("That cannot be done here."),
}


def _methods_at(request: Request, path: str) -> set[str]:
    """What may be asked of a path: each route knows only its own."""
    # Matching looks at the method last: a route of another one matches in part.
    found = set[str]()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope = dict(request.scope) | {"method": method, "path": path}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found.add(method)
    return found


def _status(error: Exception) -> int:
    match error:
        case HttpProblem():
            return error.status
        case HTTPException():
            return 507 if _disk_is_full(error) else error.status_code
        case StoreError() | UnusableState() | LinkDown() | PackError():
            return 503
        case Refusal():
            return 409
        case _:
            return 422


def _disk_is_full(error: Exception) -> bool:
    """Whether an upload was cut off because there is no room for it."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENOSPC


def _detail(error: Exception, language: Language, *, machine: bool) -> str:
    if isinstance(error, RequestValidationError):
        return said_of(error, language, machine=machine)
    if isinstance(error.__context__, MultiPartException):
        return language(Sentence("The form arrived incomplete, or is too large. Go back and try again."))
    if isinstance(error, HTTPException):
        return language(NO_ROOM if _disk_is_full(error) else _STATUSES.get(error.status_code, str(error.detail)))
    return language(NO_MODELS) if isinstance(error, PackError) else language.error(error)


def _bug(request: Request, error: Exception) -> Response:
    sentence = language_of(request)(Sentence("Something went wrong in the gate's own program; it is in its log."))
    if request.url.path.startswith(_MACHINES):
        return problem(500, sentence)
    return _error_page(request, error, 500, sentence)
