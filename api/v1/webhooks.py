"""Webhooks: where the gate sends what happens, signed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.acting import acting
from api.actors import ConfirmedOwner, Owner
from api.auth import Actor
from api.context import Shared, Store
from api.destinations import Allowed, NotFound, resolve
from api.early_refusal import EarlyRefusal
from api.problems import RESPONSES, HttpProblem
from api.webhook_trial import try_out
from api.webhooks import PORTS, clean_url, new_signing_secret
from api.wording import EVENTS
from gate.errors import Refusal
from gate.store.site import webhooks
from gate.vocabulary import Kind

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1/webhooks", tags=["webhooks"], responses=RESPONSES)

Id = Annotated[str, Path(max_length=64)]
# What a kind was called here before it had the record's own name.
_ONCE_CALLED = {"pulse": Kind.RELAY_PULSE}
_MOST = 50


class Webhook(BaseModel):
    """An address that gets each event of some kinds, until it answers 2xx. Without its secret."""

    id: str
    url: str
    kinds: list[str]
    created_at: str
    cursor: int = Field(description="The sequence of the last event that arrived.")
    failures: int = Field(description="Attempts that failed since the last that did not.")
    problem: str | None
    delivered_at: str | None


class IssuedWebhook(Webhook):
    """A new webhook with its signing secret, which is shown this once."""

    secret: str


class NewWebhook(BaseModel):
    """Where to send what."""

    model_config = ConfigDict(extra="forbid")
    url: str = Field(max_length=2000)
    kinds: list[Annotated[str, Field(max_length=40)]] = Field(
        min_length=1, max_length=200, description="Kinds of event, as in the record."
    )


class Replay(BaseModel):
    """From where to send again."""

    model_config = ConfigDict(extra="forbid")
    after: int = Field(ge=0, le=2**62, description="The sequence of the last event that need not be sent again.")


class Tried(BaseModel):
    """What came of a test."""

    arrived: bool
    status: int | None = Field(description="The status of the answer; null: there was none.")
    seconds: float
    problem: str | None


@router.get("")
def list_webhooks(connection: Store, _actor: Owner) -> list[Webhook]:
    """All webhooks, and whether what is sent arrives."""
    return [_shown(one) for one in webhooks.every(connection)]


@router.post("", status_code=201)
def add_webhook(new: NewWebhook, context: Shared, connection: Store, actor: ConfirmedOwner) -> IssuedWebhook:
    """Send what happens from now on. Signed after the Standard Webhooks specification."""
    added = add(connection, new.url, new.kinds, actor, context.webhooks)
    return IssuedWebhook(**_shown(added).model_dump(), secret=added.secret)


@router.delete("/{webhook}", status_code=204)
def remove_webhook(webhook: Id, connection: Store, actor: ConfirmedOwner) -> Response:
    """Send nothing more there."""
    webhooks.remove(connection, found_webhook(connection, webhook), actor.label)
    return Response(status_code=204)


@router.post("/{webhook}/replay", status_code=204)
def replay_webhook(webhook: Id, again: Replay, connection: Store, actor: ConfirmedOwner) -> Response:
    """Send what came after an event again: to a receiver that lost it."""
    webhooks.replay(connection, found_webhook(connection, webhook), again.after, actor.label)
    return Response(status_code=204)


@router.post("/{webhook}/test")
def try_webhook_out(webhook: Id, context: Shared, connection: Store, actor: ConfirmedOwner) -> Tried:
    """Send a message of type `facegate.test`, signed, and tell what came back. It is on record."""
    tried = try_out(connection, context, found_webhook(connection, webhook), actor)
    return Tried(arrived=tried.arrived, status=tried.status, seconds=round(tried.seconds, 3), problem=tried.why)


def add(
    connection: sqlite3.Connection, url: str, kinds: Iterable[str], actor: Actor, allowed: Allowed
) -> webhooks.Webhook:
    """Add one, for the API and the pages alike. Raises UsageError, Refusal and HttpProblem."""
    wanted = dict.fromkeys(_ONCE_CALLED.get(kind, kind) for kind in kinds)
    unknown = next((kind for kind in wanted if kind not in EVENTS), None)
    if unknown is not None:
        raise HttpProblem(422, "There are no events of the kind {kind}.", kind=unknown)
    if len(webhooks.every(connection)) >= _MOST:
        raise Refusal("There are {most} webhooks, which is the most; remove one first.", most=_MOST)
    url = clean_url(url)
    _refuse_forbidden(url, allowed)
    with acting(connection, actor):
        return webhooks.add(connection, url, new_signing_secret(), tuple(wanted), actor.label)


def _refuse_forbidden(url: str, allowed: Allowed) -> None:
    """Raises UsageError. It is looked up again whenever something is sent: a receiver may come into being later."""
    parts = urlsplit(url)
    try:
        resolve(parts.hostname or "", parts.port or PORTS[parts.scheme], allowed)
    except NotFound:
        return


def found_webhook(connection: sqlite3.Connection, identity: str) -> webhooks.Webhook:
    """One webhook by id, or 404."""
    found = webhooks.get(connection, identity)
    if found is None:
        raise HttpProblem(404, "There is no such webhook.")
    return found


def _shown(one: webhooks.Webhook) -> Webhook:
    return Webhook(
        id=one.id, url=one.url, kinds=list(one.kinds), created_at=one.created_at, cursor=one.cursor,
        failures=one.failures, problem=one.problem, delivered_at=one.delivered_at,
    )  # fmt: skip
