"""Users of the console, and the tokens of machines."""

from __future__ import annotations

import sqlite3
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.acting import acting
from api.actors import ConfirmedOwner, Owner
from api.auth import ROLES, Actor, Permission, digest, new_secret, refuse_more_than_own
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.passwords import LEAST_PASSWORD, MOST_PASSWORD
from api.problems import RESPONSES, HttpProblem
from api.v1.me import SignedIn, shown
from gate.names import clean_name
from gate.store.site import accounts, signed_in
from gate.store.site.accounts import Role

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["accounts"], responses=RESPONSES)

Id = Annotated[str, Path(max_length=64)]


class User(BaseModel):
    """Someone who may sign in."""

    id: str
    name: str
    role: Role
    created_at: str
    locked: bool = Field(description="Whether they cannot sign in until they are given a new password.")
    must_change_password: bool = Field(description="Whether their password was given to them, and is changed first.")


class NewUser(BaseModel):
    """Someone who shall be able to sign in."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=60)
    password: SecretStr = Field(min_length=LEAST_PASSWORD, max_length=MOST_PASSWORD)
    role: Role


class NewRole(BaseModel):
    """What a user is to be."""

    model_config = ConfigDict(extra="forbid")
    role: Role


class Password(BaseModel):
    """A new password, which the user changes when they sign in next."""

    model_config = ConfigDict(extra="forbid")
    password: SecretStr = Field(min_length=LEAST_PASSWORD, max_length=MOST_PASSWORD)


class Token(BaseModel):
    """A machine's way in, without its secret."""

    id: str
    name: str
    permissions: list[Permission]
    user: str
    created_at: str


class NewToken(BaseModel):
    """A way in for a machine, with no more than its user may."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=60)
    permissions: list[Permission] = Field(min_length=1, max_length=len(Permission))


class IssuedToken(Token):
    """A token with its secret, which is shown this once."""

    secret: str


@router.get("/users")
def list_users(connection: Store, _actor: Owner) -> list[User]:
    """All users by name."""
    return [_shown(one) for one in accounts.users(connection)]


@router.post("/users", status_code=201)
def add_user(new: NewUser, connection: Store, context: Shared, actor: ConfirmedOwner) -> User:
    """Add a user, who changes the password when they sign in first."""
    return _shown(add(connection, context, actor, new.name, new.password.get_secret_value(), new.role))


@router.put("/users/{user}/password", status_code=204)
def change_password(user: Id, new: Password, connection: Store, context: Shared, actor: ConfirmedOwner) -> Response:
    """Give a user another password; their sessions and tokens end."""
    give_password(connection, context, actor, found_user(connection, user), new.password.get_secret_value())
    return Response(status_code=204)


@router.put("/users/{user}/role", status_code=204)
def change_role(user: Id, new: NewRole, connection: Store, actor: ConfirmedOwner) -> Response:
    """Make a user something else; their sessions and tokens end."""
    give_role(connection, actor, found_user(connection, user), new.role)
    return Response(status_code=204)


@router.get("/users/{user}/sign-ins")
def list_sign_ins(user: Id, connection: Store, actor: Owner) -> list[SignedIn]:
    """What a user is signed in by: sessions and tokens, and where each was used last."""
    return shown(signed_in.of(connection, found_user(connection, user).id), actor.session)


@router.delete("/users/{user}/sign-ins", status_code=204)
def end_sign_ins(user: Id, connection: Store, actor: ConfirmedOwner) -> Response:
    """End all of them."""
    signed_in.end_all_of(connection, found_user(connection, user).id, actor.label)
    return Response(status_code=204)


@router.delete("/users/{user}/sign-ins/{sign_in}", status_code=204)
def end_sign_in(user: Id, sign_in: Id, connection: Store, actor: ConfirmedOwner) -> Response:
    """End one of them."""
    if not signed_in.end_one_of(connection, found_user(connection, user).id, sign_in, actor.label):
        raise HttpProblem(404, "There is no such session or token.")
    return Response(status_code=204)


@router.delete("/users/{user}", status_code=204)
def remove_user(user: Id, connection: Store, actor: ConfirmedOwner) -> Response:
    """Take a user away, with sessions and tokens."""
    accounts.remove_user(connection, found_user(connection, user), actor.label)
    return Response(status_code=204)


@router.get("/tokens")
def list_tokens(connection: Store, _actor: Owner) -> list[Token]:
    """All tokens, without their secrets."""
    return [_token(one) for one in accounts.tokens(connection)]


@router.post("/tokens", status_code=201)
def add_token(new: NewToken, connection: Store, actor: ConfirmedOwner) -> IssuedToken:
    """Make a token. Its secret is in this answer and nowhere else. A token cannot make tokens."""
    made, secret = issue(connection, actor, new.name, new.permissions)
    return IssuedToken(**_token(made).model_dump(), secret=secret)


@router.delete("/tokens/{token}", status_code=204)
def revoke_token(token: Id, connection: Store, actor: ConfirmedOwner) -> Response:
    """Take a token away at once."""
    if not accounts.revoke_token(connection, token, actor.label):
        raise HttpProblem(404, "There is no such token.")
    return Response(status_code=204)


def add(
    connection: sqlite3.Connection, context: Context, actor: Actor, name: str, password: str, role: Role
) -> accounts.User:
    """Add a user, for the API and the pages alike. Raises UsageError, Refusal and HttpProblem."""
    refuse_more_than_own(actor, ROLES[role])
    clean = clean_user_name(name)
    hashed = context.passwords.hashed(password, clean)
    with acting(connection, actor):
        return accounts.add_user(connection, clean, hashed, role, actor.label, provisional=True)


def give_password(
    connection: sqlite3.Connection, context: Context, actor: Actor, user: accounts.User, password: str
) -> None:
    """Give a user a password that they change first. Raises UsageError and HttpProblem."""
    # Whoever knows somebody's password may do what they may.
    refuse_more_than_own(actor, ROLES[user.role])
    hashed = context.passwords.hashed(password, user.name)
    with acting(connection, actor):
        accounts.change_password(connection, user, hashed, actor.label, provisional=True)


def give_role(connection: sqlite3.Connection, actor: Actor, user: accounts.User, role: Role) -> None:
    """Make a user something else. Raises Refusal and HttpProblem."""
    refuse_more_than_own(actor, ROLES[role])
    with acting(connection, actor):
        accounts.change_role(connection, user, role, actor.label)


def issue(
    connection: sqlite3.Connection, actor: Actor, name: str, permissions: list[Permission]
) -> tuple[accounts.Token, str]:
    """A new token with its secret. Raises UsageError and HttpProblem."""
    refuse_more_than_own(actor, permissions)
    if actor.user is None:
        raise HttpProblem(403, "Only a person who is signed in can do this; a token cannot.")
    secret, clean = new_secret(), clean_user_name(name)
    known_by, given = digest(secret), tuple(dict.fromkeys(permissions))
    with acting(connection, actor):
        return accounts.add_token(connection, clean, known_by, given, actor.user, actor.label), secret


def clean_user_name(name: str) -> str:
    """A name for a user or a token. Raises UsageError."""
    return clean_name(name, most=60)


def found_user(connection: sqlite3.Connection, identity: str) -> accounts.User:
    """One user by id, or 404."""
    found = accounts.user(connection, identity)
    if found is None:
        raise HttpProblem(404, "There is no such user.")
    return found


def _shown(one: accounts.User) -> User:
    return User(
        id=one.id, name=one.name, role=one.role, created_at=one.created_at, locked=one.password == accounts.LOCKED,
        must_change_password=one.provisional,
    )  # fmt: skip


def _token(one: accounts.Token) -> Token:
    return Token(
        id=one.id, name=one.name, permissions=[Permission(permission) for permission in one.permissions],
        user=one.user, created_at=one.created_at,
    )  # fmt: skip
