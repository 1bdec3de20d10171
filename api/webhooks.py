"""Sends lines of the record to webhooks, signed after the Standard Webhooks specification (version 1).

A line is sent until it was answered with 2xx, in order, each webhook by itself. It may arrive twice (its id says so),
never not at all. It carries no name: what is erased here cannot be called back from elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets
import sqlite3
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.context import Context, store_of
from gate.errors import FacegateError, UsageError
from gate.store import webhooks
from gate.store.audit import Line
from gate.store.webhooks import Webhook

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_AT_ONCE = 50
_ANSWERED_WITHIN_S = 10.0
_LONGEST_URL = 2000
_PREFIX = "whsec_"


def new_signing_secret() -> str:
    """A secret as receivers are given it: 256 random bits in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def clean_url(url: str) -> str:
    """The address of a webhook. Raises UsageError for what cannot be one."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError("The address must begin with https:// or http:// and name a host.")
    if "@" in parts.netloc:
        raise UsageError("Leave user and password out of the address; what is sent is signed.")
    return url


def message(gate: str, line: Line) -> bytes:
    """What is sent of a line: {"type", "timestamp", "data"}; `data` without name and similarity."""
    data = {
        "sequence": line.sequence,
        "id": line.id,
        "gate": gate,
        "kind": line.kind,
        "clock_trusted": line.clock_trusted,
        "details": {name: value for name, value in line.details.items() if name != "similarity"},
        "resident": line.personal.get("resident"),
        "hash": line.hash,
    }
    said = {"type": f"facegate.{line.kind}", "timestamp": line.at, "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def headers(secret: str, identity: str, at: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows the sender; `at` is seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = hmac.new(key, f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode('ascii')}",
    }


async def send_for_ever(context: Context) -> None:
    """Send what there is to send, to all at once, as long as the api runs."""
    while True:
        try:
            due = await asyncio.to_thread(_due, context)
            if due:
                await _send_all(context, due)
        except (FacegateError, sqlite3.Error) as error:
            _log.error("The webhooks could not be looked up: %s", error)
        except Exception:
            # Whatever one receiver brings about, the others are owed their lines.
            _log.exception("The webhooks could not be sent")
        await asyncio.sleep(_LOOK_EVERY_S)


def _due(context: Context) -> list[tuple[Webhook, list[Line]]]:
    now = time.time()
    with store_of(context) as connection:
        found = [
            (one, webhooks.waiting(connection, one, _AT_ONCE))
            for one in webhooks.every(connection)
            if webhooks.due(one, now)
        ]
    return [(one, lines) for one, lines in found if lines]


async def _send_all(context: Context, due: list[tuple[Webhook, list[Line]]]) -> None:
    import httpx

    async with httpx.AsyncClient(timeout=_ANSWERED_WITHIN_S, follow_redirects=False, trust_env=False) as client:
        await asyncio.gather(*(_send(context, client, to, lines) for to, lines in due))


async def _send(context: Context, client: httpx.AsyncClient, to: Webhook, lines: list[Line]) -> None:
    """Some lines to one webhook, in order, until one fails."""
    arrived, problem = None, None
    for line in lines:
        problem = await _post(context, client, to, line)
        if problem is not None:
            break
        arrived = line.sequence
    await asyncio.to_thread(_note, context, to, arrived, problem)


async def _post(context: Context, client: httpx.AsyncClient, to: Webhook, line: Line) -> str | None:
    """Why it failed; None: it arrived."""
    import httpx

    body = message(context.gate, line)
    try:
        async with client.stream(
            "POST", to.url, content=body, headers=headers(to.secret, line.id, int(time.time()), body)
        ) as answer:
            # What is answered is not read: it may be endless.
            return None if answer.is_success else f"{answer.status_code} {answer.reason_phrase}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return str(error) or type(error).__name__


def _note(context: Context, to: Webhook, arrived: int | None, problem: str | None) -> None:
    with store_of(context) as connection:
        if arrived is not None:
            webhooks.delivered(connection, to, arrived)
        if problem is not None:
            webhooks.failed(connection, to, problem, time.time())
