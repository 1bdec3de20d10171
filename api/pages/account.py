"""The page about one's own account, and the password given again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.actors import Person
from api.auth import Actor
from api.context import Shared, Store
from api.drafts import MOST_SEALED
from api.early_refusal import EarlyRefusal
from api.pages.kept import kept_page, on_to_kept
from api.pages.page import language_of, own_path, page, said_of
from api.pages.told_once import tell_once, told_once
from api.passwords import LEAST_PASSWORD
from api.problems import HttpProblem
from api.signing_in import change_own_password, confirm
from api.telling import Done
from gate.errors import FacegateError, Sentence
from gate.store.site import signed_in

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_CHANGED = Sentence("Your password is changed. You are signed out everywhere else, and your tokens have ended.")
_Secret = Annotated[str, Form(max_length=400)]


@router.get("/account")
def show_account(request: Request, connection: Store, actor: Person) -> Response:
    """Who is signed in, by what, and the way to another password."""
    return _page(request, connection, actor)


@router.post("/account/password")
def change_password(
    request: Request, connection: Store, context: Shared, actor: Person, current: _Secret, password: _Secret
) -> Response:
    """Change one's own password; everything else one was signed in by ends."""
    response = RedirectResponse("/" if actor.must_change else "/account", 303)
    try:
        change_own_password(request, response, connection, context, actor, current, password)
    except FacegateError as error:
        return _page(request, connection, actor, error)
    return response if actor.must_change else tell_once(request, response, Done(_CHANGED))


@router.post("/account/sign-ins/end")
def end_sign_ins(connection: Store, actor: Person, which: Annotated[str, Form(max_length=64)] = "") -> Response:
    """End one session or token, or without its id all but this one."""
    if which:
        signed_in.end_one_of(connection, actor.user_id, which, actor.label)
    else:
        signed_in.end_all_of(connection, actor.user_id, actor.label, but=actor.session)
    return RedirectResponse("/account", 303)


@router.post("/confirm")
def give_password_again(
    request: Request, connection: Store, context: Shared, actor: Person, password: _Secret,
    back: Annotated[str, Form(max_length=200)] = "/settings", draft: Annotated[str, Form(max_length=MOST_SEALED)] = "",
) -> Response:  # fmt: skip
    """Give one's password again, and go on where it was asked for, with what was typed then."""
    # Only within the settings: where else it leads nobody can make it.
    way_back = back if back.startswith("/settings") else "/settings"
    try:
        confirm(request, connection, context, actor, password)
    except HttpProblem as error:
        said = language_of(request).error(error)
        return page(
            request, "confirm.html", status_code=error.status, actor=actor, problem=said, way_back=way_back, draft=draft
        )
    kept = context.drafts.taken(draft, actor.user_id) if draft else None
    return on_to_kept(request, kept, actor.label) if kept is not None else RedirectResponse(way_back, 303)


@router.get("/account/kept")
def show_kept(
    request: Request, actor: Person, form: Annotated[str, Query(alias="page", max_length=200)] = "/"
) -> Response:
    """What somebody had typed before they gave their password; once it was shown, the page of that form."""
    draft = told_once(request).draft
    return kept_page(request, draft, actor) if draft is not None else RedirectResponse(own_path(form), 303)


def _page(request: Request, connection: Store, actor: Actor, error: FacegateError | None = None) -> Response:
    problem = {"problem": language_of(request).error(error)} if error else {}
    return page(
        request,
        "account.html",
        status_code=getattr(error, "status", 422) if error else 200,
        actor=actor,
        least=LEAST_PASSWORD,
        sign_ins=signed_in.of(connection, actor.user_id),
        this=signed_in.shown(actor.session) if actor.session else None,
        **said_of(request, told_once(request)) | problem,
    )
