"""Whoever asks, themselves: what they may, their password, and what they are signed in by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.actors import AnyActor, Person
from api.auth import Permission
from api.context import Shared, Store
from api.early_refusal import EarlyRefusal
from api.passwords import LEAST_PASSWORD, MOST_PASSWORD
from api.problems import RESPONSES, HttpProblem
from api.signing_in import change_own_password, confirm
from gate.store.site import signed_in
from gate.store.site.accounts import Role

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["accounts"], responses=RESPONSES)


class Me(BaseModel):
    """Who asks."""

    id: str | None = Field(description="The user; null: a token.")
    name: str | None
    role: Role | None
    permissions: list[Permission]
    confirmed: bool = Field(description="Whether the password was given just now, as changes of accounts ask for.")
    must_change_password: bool


class OwnPassword(BaseModel):
    """The password that holds, and a new one."""

    model_config = ConfigDict(extra="forbid")
    current: SecretStr = Field(max_length=MOST_PASSWORD)
    password: SecretStr = Field(min_length=LEAST_PASSWORD, max_length=MOST_PASSWORD)


class Confirmation(BaseModel):
    """The password, once more."""

    model_config = ConfigDict(extra="forbid")
    password: SecretStr = Field(max_length=MOST_PASSWORD)


class SignedIn(BaseModel):
    """A session of a browser, or a token of a machine."""

    id: str
    token: str | None = Field(description="What the token is called; null: a session.")
    permissions: list[Permission] | None
    began_at: datetime
    used_at: datetime | None
    address: str = Field(description="From where it was used last; empty where that is not known.")
    this: bool = Field(description="Whether it is the one that asks.")


@router.get("/me")
def show_me(actor: AnyActor) -> Me:
    """Who asks, and what they may."""
    user = actor.user
    return Me(
        id=user.id if user else None, name=user.name if user else None, role=user.role if user else None,
        permissions=sorted(actor.permissions), confirmed=actor.confirmed, must_change_password=actor.must_change,
    )  # fmt: skip


@router.put("/me/password", status_code=204)
def change_my_password(
    new: OwnPassword, request: Request, connection: Store, context: Shared, actor: Person
) -> Response:
    """Change one's own password. Everything one was signed in by ends; this session goes on under a new cookie."""
    response, current = Response(status_code=204), new.current.get_secret_value()
    change_own_password(request, response, connection, context, actor, current, new.password.get_secret_value())
    return response


@router.post("/me/confirmation", status_code=204)
def confirm_me(given: Confirmation, request: Request, connection: Store, context: Shared, actor: Person) -> Response:
    """Give the password again: for ten minutes accounts, tokens, webhooks and backups can be changed."""
    confirm(request, connection, context, actor, given.password.get_secret_value())
    return Response(status_code=204)


@router.get("/me/sign-ins")
def list_my_sign_ins(connection: Store, actor: Person) -> list[SignedIn]:
    """What one is signed in by."""
    return shown(signed_in.of(connection, actor.user_id), actor.session)


@router.delete("/me/sign-ins", status_code=204)
def end_my_other_sign_ins(connection: Store, actor: Person) -> Response:
    """End all but the one that asks, tokens too."""
    signed_in.end_all_of(connection, actor.user_id, actor.label, but=actor.session)
    return Response(status_code=204)


@router.delete("/me/sign-ins/{sign_in}", status_code=204)
def end_my_sign_in(sign_in: Annotated[str, Path(max_length=64)], connection: Store, actor: Person) -> Response:
    """End one of them."""
    if not signed_in.end_one_of(connection, actor.user_id, sign_in, actor.label):
        raise HttpProblem(404, "There is no such session or token.")
    return Response(status_code=204)


def shown(found: list[signed_in.SignedIn], own: str | None) -> list[SignedIn]:
    """As the API shows them; `own` is the hash of the session that asks."""
    return [
        SignedIn(
            id=one.id, token=one.name,
            permissions=None if one.permissions is None else [Permission(each) for each in one.permissions],
            began_at=datetime.fromtimestamp(one.began_at, UTC),
            used_at=None if one.used_at is None else datetime.fromtimestamp(one.used_at, UTC),
            address=one.address, this=own is not None and one.id == signed_in.shown(own),
        )
        for one in found
    ]  # fmt: skip
