"""The pages of users: who may sign in, as what, and where each is signed in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk, Text
from api.passwords import LEAST_PASSWORD
from api.v1 import accounts as account_routes
from api.v1.accounts import found_user
from gate.errors import Sentence
from gate.store.site import accounts, signed_in
from gate.store.site.accounts import Role

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/users")

# What each role may do, as `api.auth.ROLES` has it.
_MAY: dict[Role, Sentence] = {
    Role.OWNER: Sentence("everything, settings and users too"),
    Role.MANAGER: Sentence("residents, hours, the record, and the gate; neither users nor settings"),
    Role.AUDITOR: Sentence("reads the record, and nothing else"),
    Role.GUARD: Sentence("sees the gate and opens it, locks it down and holds it; no list of residents, no record"),
}


def _shown(desk: Desk, typed: dict[str, str] | None = None, **said: Any) -> Response:
    typed = {"name": "", "role": Role.MANAGER} | (typed or {})
    users = accounts.users(desk.connection)
    return desk.page("users", users=users, least=LEAST_PASSWORD, may=_MAY, typed=typed, **said)


@router.get("")
def show_users(desk: OwnersDesk) -> Response:
    """All users, and the form that adds one."""
    return _shown(desk)


@router.post("")
def add_user(desk: ConfirmedDesk, name: Text, role: Annotated[Role, Form()], password: Text) -> Response:
    """Add a user."""
    return desk.after(
        lambda: account_routes.add(desk.connection, desk.context, desk.actor, name, password, role),
        Sentence("{name} can sign in now, and chooses a password of their own first.", name=name.strip()), _shown,
        {"name": name, "role": role},
    )  # fmt: skip


@router.get("/{user}")
def show_user(desk: OwnersDesk, user: str) -> Response:
    """A user: what they are signed in by, and what may be changed of them."""
    found = found_user(desk.connection, user)
    return desk.page(
        "user", user=found, least=LEAST_PASSWORD, may=_MAY, back=f"/settings/users/{found.id}",
        sign_ins=signed_in.of(desk.connection, found.id),
        this=signed_in.shown(desk.actor.session) if desk.actor.session else None,
    )  # fmt: skip


@router.post("/{user}/password")
def change_password(desk: ConfirmedDesk, user: str, password: Text) -> Response:
    """Give a user another password."""
    found = found_user(desk.connection, user)
    return desk.after(
        lambda: account_routes.give_password(desk.connection, desk.context, desk.actor, found, password),
        Sentence("{name} has a new password and must sign in again.", name=found.name), _shown,
    )  # fmt: skip


@router.post("/{user}/role")
def change_role(desk: ConfirmedDesk, user: str, role: Annotated[Role, Form()]) -> Response:
    """Make a user something else."""
    found = found_user(desk.connection, user)
    return desk.after(
        lambda: account_routes.give_role(desk.connection, desk.actor, found, role),
        Sentence("{name} must sign in again.", name=found.name), _shown,
    )  # fmt: skip


@router.post("/{user}/sign-ins/end")
def end_sign_ins(desk: ConfirmedDesk, user: str, which: Annotated[str, Form(max_length=64)] = "") -> Response:
    """End one session or token of a user, or without its id all of them."""
    found = found_user(desk.connection, user)
    if which:
        signed_in.end_one_of(desk.connection, found.id, which, desk.actor.label)
    else:
        signed_in.end_all_of(desk.connection, found.id, desk.actor.label)
    return RedirectResponse(f"/settings/users/{found.id}", 303)


@router.post("/{user}/removal")
def remove_user(desk: ConfirmedDesk, user: str) -> Response:
    """Take a user away."""
    found = found_user(desk.connection, user)
    return desk.after(
        lambda: accounts.remove_user(desk.connection, found, desk.actor.label),
        Sentence("{name} can no longer sign in.", name=found.name), _shown,
    )  # fmt: skip
