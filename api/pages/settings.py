"""The settings page: hours and groups, users, tokens for machines, webhooks, backups."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.asked_first import AskedFirst
from api.auth import Actor, Permission
from api.context import Context, Shared, Store
from api.pages.page import language_of, page
from api.passwords import LEAST_PASSWORD
from api.v1 import accounts as account_routes
from api.v1 import webhooks as webhook_routes
from api.v1.accounts import found_user
from api.v1.site import back_up, backups_of, name_of
from api.who_asks import ConfirmedOwner, Owner, Registrar
from api.wording import KINDS
from gate.errors import FacegateError, Sentence
from gate.names import clean_text
from gate.store.record import search
from gate.store.site import accounts, schedules, signed_in, webhooks
from gate.store.site.accounts import Role

router = APIRouter(route_class=AskedFirst, prefix="/settings")

_Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class _Page:
    """The page as this actor sees it."""

    request: Request
    connection: sqlite3.Connection
    context: Context
    actor: Actor

    def shown(self, *, notice: str | None = None, problem: str | None = None, issued: str | None = None) -> Response:
        site = self.actor.may(Permission.SITE)
        return page(
            self.request,
            "settings.html",
            status_code=422 if problem else 200,
            actor=self.actor,
            users=accounts.users(self.connection) if site else [],
            schedules=schedules.every(self.connection),
            groups=schedules.groups(self.connection),
            tokens=accounts.tokens(self.connection) if site else [],
            webhooks=webhooks.every(self.connection) if site else [],
            backups=[name_of(self.context, path) for path in backups_of(self.context)] if site else [],
            least=LEAST_PASSWORD,
            notice=notice,
            problem=problem,
            issued=issued,
        )

    def after(self, act: Callable[[], object], notice: Sentence) -> Response:
        """The page again, with what was done or why not."""
        language = language_of(self.request)
        try:
            act()
        except FacegateError as error:
            return self.shown(problem=language.error(error))
        return self.shown(notice=language(notice))


def _registrars(request: Request, connection: Store, context: Shared, actor: Registrar) -> _Page:
    return _Page(request, connection, context, actor)


def _owners(request: Request, connection: Store, context: Shared, actor: ConfirmedOwner) -> _Page:
    return _Page(request, connection, context, actor)


_RegistrarsPage = Annotated[_Page, Depends(_registrars)]
_OwnersPage = Annotated[_Page, Depends(_owners)]


@router.get("")
def show_settings(page: _RegistrarsPage) -> Response:
    """Hours and groups; for owners users and tokens too."""
    return page.shown()


@router.post("/schedules")
def put_schedule(page: _RegistrarsPage, name: _Text, windows: _Text) -> Response:
    """Add a schedule or change it."""
    return page.after(
        lambda: schedules.put(page.connection, clean_text(name, "name"), windows, page.actor.label), Sentence("Saved.")
    )


@router.post("/schedules/removal")
def remove_schedule(page: _RegistrarsPage, name: _Text) -> Response:
    """Remove a schedule that nobody has."""
    return page.after(lambda: schedules.remove(page.connection, name, page.actor.label), Sentence("Removed."))


@router.post("/groups")
def put_group(page: _RegistrarsPage, name: _Text, schedule: Annotated[str, Form(max_length=60)] = "") -> Response:
    """Add a group or give it other hours."""
    return page.after(
        lambda: schedules.put_group(page.connection, clean_text(name, "name"), schedule or None, page.actor.label),
        Sentence("Saved."),
    )


@router.post("/users")
def add_user(page: _OwnersPage, name: _Text, role: Annotated[Role, Form()], password: _Text) -> Response:
    """Add a user."""
    return page.after(
        lambda: account_routes.add(page.connection, page.context, page.actor, name, password, role),
        Sentence("{name} can sign in now, and chooses a password of their own first.", name=name.strip()),
    )


@router.get("/users/{user}")
def show_user(request: Request, connection: Store, actor: Owner, user: str) -> Response:
    """A user: what they are signed in by, and what may be changed of them."""
    found = found_user(connection, user)
    return page(
        request, "user.html", actor=actor, user=found, least=LEAST_PASSWORD,
        sign_ins=signed_in.of(connection, found.id),
        this=signed_in.shown(actor.session) if actor.session else None,
    )  # fmt: skip


@router.post("/users/{user}/password")
def change_password(page: _OwnersPage, user: str, password: _Text) -> Response:
    """Give a user another password."""
    found = found_user(page.connection, user)
    return page.after(
        lambda: account_routes.give_password(page.connection, page.context, page.actor, found, password),
        Sentence("{name} has a new password and must sign in again.", name=found.name),
    )


@router.post("/users/{user}/role")
def change_role(page: _OwnersPage, user: str, role: Annotated[Role, Form()]) -> Response:
    """Make a user something else."""
    found = found_user(page.connection, user)
    return page.after(
        lambda: account_routes.give_role(page.connection, page.actor, found, role),
        Sentence("{name} must sign in again.", name=found.name),
    )


@router.post("/users/{user}/sign-ins/end")
def end_sign_ins(page: _OwnersPage, user: str, which: Annotated[str, Form(max_length=64)] = "") -> Response:
    """End one session or token of a user, or without its id all of them."""
    found = found_user(page.connection, user)
    if which:
        signed_in.end_one_of(page.connection, found.id, which, page.actor.label)
    else:
        signed_in.end_all_of(page.connection, found.id, page.actor.label)
    return RedirectResponse(f"/settings/users/{found.id}", 303)


@router.post("/users/{user}/removal")
def remove_user(page: _OwnersPage, user: str) -> Response:
    """Take a user away."""
    found = found_user(page.connection, user)
    return page.after(
        lambda: accounts.remove_user(page.connection, found, page.actor.label),
        Sentence("{name} can no longer sign in.", name=found.name),
    )


@router.post("/tokens")
def add_token(
    page: _OwnersPage, name: _Text, permissions: Annotated[list[Permission] | None, Form()] = None
) -> Response:
    """Make a token; its secret is shown this once."""
    language = language_of(page.request)
    if not permissions:
        return page.shown(problem=language("Say what the token may do."))
    try:
        _, secret = account_routes.issue(page.connection, page.actor, name, permissions)
    except FacegateError as error:
        return page.shown(problem=language.error(error))
    return page.shown(issued=secret)


@router.post("/tokens/{token}/removal")
def revoke_token(page: _OwnersPage, token: str) -> Response:
    """Take a token away at once."""
    return page.after(lambda: accounts.revoke_token(page.connection, token, page.actor.label), Sentence("Revoked."))


@router.post("/webhooks")
def add_webhook(page: _OwnersPage, url: _Text, what: Annotated[list[str] | None, Form()] = None) -> Response:
    """Send what happens to an address; its signing secret is shown this once."""
    kinds = [kind for key in what or [] if key in KINDS for kind in KINDS[key][1]]
    if not kinds:
        return page.shown(problem=language_of(page.request)(Sentence("Say what is to be sent.")))
    try:
        added = webhook_routes.add(page.connection, url, kinds, page.actor, page.context.webhooks)
    except FacegateError as error:
        return page.shown(problem=language_of(page.request).error(error))
    return page.shown(issued=added.secret)


@router.post("/webhooks/{webhook}/removal")
def remove_webhook(page: _OwnersPage, webhook: str) -> Response:
    """Send nothing more there."""
    found = webhook_routes.found_webhook(page.connection, webhook)
    return page.after(lambda: webhooks.remove(page.connection, found, page.actor.label), Sentence("Removed."))


@router.post("/webhooks/{webhook}/replay")
def replay_webhook(page: _OwnersPage, webhook: str) -> Response:
    """Send the last day again."""
    found = webhook_routes.found_webhook(page.connection, webhook)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="milliseconds")
    after = search.last_line_before(page.connection, yesterday)
    return page.after(
        lambda: webhooks.replay(page.connection, found, after, page.actor.label), Sentence("It is sent again.")
    )


@router.post("/backups")
def make_backup(page: _OwnersPage) -> Response:
    """Make a backup now."""
    return page.after(lambda: back_up(page.context), Sentence("A backup is made, and verified."))
