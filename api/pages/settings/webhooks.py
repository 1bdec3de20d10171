"""The page of webhooks: where the gate sends what happens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk, Text
from api.telling import Done
from api.v1 import webhooks as webhook_routes
from api.webhook_trial import try_out
from api.wording import KINDS
from gate.errors import FacegateError, Sentence
from gate.store.record import search
from gate.store.site import webhooks

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/webhooks")


def _shown(desk: Desk, *, url: str = "", what: Collection[str] = (), **said: Any) -> Response:
    """The page, with what was typed where a webhook could not be added."""
    return desk.page("webhooks", webhooks=webhooks.every(desk.connection), typed={"url": url, "what": what}, **said)


@router.get("")
def show_webhooks(desk: OwnersDesk) -> Response:
    """All webhooks, and how each fares."""
    return _shown(desk)


@router.post("")
def add_webhook(desk: ConfirmedDesk, url: Text, what: Annotated[list[str] | None, Form()] = None) -> Response:
    """Send what happens to an address; the page that follows shows its signing secret, once."""
    kinds = [kind for key in what or [] if key in KINDS for kind in KINDS[key][1]]
    if not kinds:
        return _shown(desk, problem=Sentence("Choose what is to be sent."), url=url)
    try:
        added = webhook_routes.add(desk.connection, url, kinds, desk.actor, desk.context.webhooks)
    except FacegateError as error:
        return _shown(desk, problem=error.plain, url=url, what=what or ())
    return desk.done(Done(issued=added.secret))


@router.post("/{webhook}/removal")
def remove_webhook(desk: ConfirmedDesk, webhook: str) -> Response:
    """Send nothing more there."""
    found = webhook_routes.found_webhook(desk.connection, webhook)
    return desk.after(lambda: webhooks.remove(desk.connection, found, desk.actor.label), Sentence("Removed."), _shown)


@router.post("/{webhook}/replay")
def replay_webhook(desk: ConfirmedDesk, webhook: str) -> Response:
    """Send the last day again."""
    found = webhook_routes.found_webhook(desk.connection, webhook)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="milliseconds")
    after = search.last_line_before(desk.connection, yesterday)
    return desk.after(
        lambda: webhooks.replay(desk.connection, found, after, desk.actor.label),
        Sentence("It is being sent again."), _shown,
    )  # fmt: skip


@router.post("/{webhook}/test")
def try_webhook_out(desk: ConfirmedDesk, webhook: str) -> Response:
    """Send a test, and say what came back."""
    found = webhook_routes.found_webhook(desk.connection, webhook)
    tried = try_out(desk.connection, desk.context, found, desk.actor)
    return desk.done(Done(notice=tried.sentence) if tried.arrived else Done(problem=tried.sentence))
