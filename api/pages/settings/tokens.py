"""The page of tokens, by which machines come in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.auth import Permission
from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk, Text
from api.telling import Done
from api.v1 import accounts as account_routes
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.site import accounts

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/tokens")


def _shown(desk: Desk, *, name: str = "", permissions: Collection[Permission] = (), **said: Any) -> Response:
    """The page, with what was typed where a token could not be made."""
    typed = {"name": name, "permissions": permissions}
    return desk.page("tokens", tokens=accounts.tokens(desk.connection), typed=typed, **said)


@router.get("")
def show_tokens(desk: OwnersDesk) -> Response:
    """All tokens, without their secrets."""
    return _shown(desk)


@router.post("")
def add_token(
    desk: ConfirmedDesk, name: Text, permissions: Annotated[list[Permission] | None, Form()] = None
) -> Response:
    """Make a token; the page that follows shows its secret, once."""
    if not permissions:
        return _shown(desk, problem=Sentence("Choose what the token may do."), name=name)
    try:
        _, secret = account_routes.issue(desk.connection, desk.actor, name, permissions)
    except FacegateError as error:
        return _shown(desk, problem=error.plain, name=name, permissions=permissions)
    return desk.done(Done(issued=secret))


@router.post("/{token}/removal")
def revoke_token(desk: ConfirmedDesk, token: str) -> Response:
    """Take a token away at once."""

    def revoke() -> None:
        if not accounts.revoke_token(desk.connection, token, desk.actor.label):
            raise Refusal("There is no such token.")

    return desk.after(revoke, Sentence("Revoked."), _shown)
