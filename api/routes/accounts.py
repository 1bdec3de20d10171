"""Users of the console, and the tokens of machines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.asked_first import AskedFirst
from api.auth import Permission, digest, new_secret
from api.context import Owner, Shared, Store
from api.passwords import LEAST_PASSWORD, MOST_PASSWORD
from api.problems import RESPONSES, HttpProblem
from gate.names import clean_text
from gate.store import accounts
from gate.store.accounts import Role

router = APIRouter(route_class=AskedFirst, prefix="/api/v1", tags=["accounts"], responses=RESPONSES)

Id = Annotated[str, Path(max_length=64)]


class User(BaseModel):
    """Someone who may sign in."""

    id: str
    name: str
    role: Role
    created_at: str


class NewUser(BaseModel):
    """Someone who shall be able to sign in."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=60)
    password: SecretStr = Field(min_length=LEAST_PASSWORD, max_length=MOST_PASSWORD)
    role: Role


class Password(BaseModel):
    """A new password."""

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
def add_user(new: NewUser, connection: Store, context: Shared, actor: Owner) -> User:
    """Add a user."""
    name = clean_user_name(new.name)
    hashed = context.passwords.hashed(new.password.get_secret_value(), name)
    return _shown(accounts.add_user(connection, name, hashed, new.role, actor.label))


@router.put("/users/{user}/password", status_code=204)
def change_password(user: Id, new: Password, connection: Store, context: Shared, actor: Owner) -> Response:
    """Give a user another password; their sessions end."""
    found = found_user(connection, user)
    accounts.change_password(
        connection, found, context.passwords.hashed(new.password.get_secret_value(), found.name), actor.label
    )
    return Response(status_code=204)


@router.delete("/users/{user}", status_code=204)
def remove_user(user: Id, connection: Store, actor: Owner) -> Response:
    """Take a user away, with sessions and tokens."""
    accounts.remove_user(connection, found_user(connection, user), actor.label)
    return Response(status_code=204)


@router.get("/tokens")
def list_tokens(connection: Store, _actor: Owner) -> list[Token]:
    """All tokens, without their secrets."""
    return [_token(one) for one in accounts.tokens(connection)]


@router.post("/tokens", status_code=201)
def add_token(new: NewToken, connection: Store, actor: Owner) -> IssuedToken:
    """Make a token. Its secret is in this answer and nowhere else. A token cannot make tokens."""
    if actor.user is None:
        raise HttpProblem(403, "Only a person who is signed in can make a token.")
    secret, name = new_secret(), clean_user_name(new.name)
    made = accounts.add_token(
        connection, name, digest(secret), tuple(dict.fromkeys(new.permissions)), actor.user, actor.label
    )
    return IssuedToken(**_token(made).model_dump(), secret=secret)


@router.delete("/tokens/{token}", status_code=204)
def revoke_token(token: Id, connection: Store, actor: Owner) -> Response:
    """Take a token away at once."""
    if not accounts.revoke_token(connection, token, actor.label):
        raise HttpProblem(404, "There is no such token.")
    return Response(status_code=204)


def clean_user_name(name: str) -> str:
    """A name for a user or a token. Raises UsageError."""
    return clean_text(name, "name", most=60)


def found_user(connection: Store, identity: str) -> accounts.User:
    """One user by id, or 404."""
    found = accounts.user(connection, identity)
    if found is None:
        raise HttpProblem(404, "There is no such user.")
    return found


def _shown(one: accounts.User) -> User:
    return User(id=one.id, name=one.name, role=one.role, created_at=one.created_at)


def _token(one: accounts.Token) -> Token:
    return Token(
        id=one.id, name=one.name, permissions=[Permission(permission) for permission in one.permissions],
        user=one.user, created_at=one.created_at,
    )  # fmt: skip
