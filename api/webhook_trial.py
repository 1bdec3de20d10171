"""A webhook tried out: one signed message that tells of nothing, and what came back, for the owner who asked.

Elsewhere a page says of a receiver no more than that it did not answer with success. An owner who gave their password
just now, and named the address, is told the number of its status; what it says besides is not read.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from api.auth import Actor
from api.context import Context
from api.destinations import resolve
from api.webhooks import ANSWERED_WITHIN_S, PORTS, post, trusting
from gate.errors import FacegateError, Sentence
from gate.store.ids import new_id
from gate.store.record import audit
from gate.store.site.webhooks import Webhook
from gate.vocabulary import AuditEvent, Kind


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: the status of the answer, or why there was none; and after how long, seconds."""

    seconds: float
    status: int | None = None
    why: Sentence | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def sentence(self) -> Sentence:
        """In words."""
        seconds = f"{self.seconds:.1f}"
        if self.arrived:
            return Sentence("The test arrived: status {status} after {seconds} s.", status=self.status, seconds=seconds)
        if self.status is not None:
            pattern = "The receiver did not take the test: it answered with status {status} after {seconds} s."
            return Sentence(pattern, status=self.status, seconds=seconds)
        return Sentence("The test did not arrive: {why}", why=self.why or Sentence("Nobody answers there."))


def try_out(connection: sqlite3.Connection, context: Context, to: Webhook, actor: Actor) -> Trial:
    """Send a test, and wait for the answer. It is on record."""
    tried = _tried(context, to)
    details: dict[str, object] = {"webhook": to.id, "status": tried.status, "by": actor.label}
    audit.append(connection, AuditEvent(Kind.WEBHOOK_TESTED, details))
    return tried


def _tried(context: Context, to: Webhook) -> Trial:
    import httpx

    began, status, why = time.monotonic(), None, None
    try:
        status = _status(context, to)
    except FacegateError as error:
        why = error.sentence
    except (TimeoutError, httpx.TimeoutException):
        why = Sentence("It did not answer within {seconds} s.", seconds=round(ANSWERED_WITHIN_S))
    except (httpx.HTTPError, OSError, ValueError) as error:
        why = _trouble(error)
    return Trial(time.monotonic() - began, status, why)


def _status(context: Context, to: Webhook) -> int:
    """The status of the answer. Raises UsageError for an address that nothing is sent to, and httpx.HTTPError."""
    parts = urlsplit(to.url)
    address = resolve(parts.hostname or "", parts.port or PORTS[parts.scheme], context.webhooks)
    said = {"type": "facegate.test", "timestamp": datetime.now(UTC).isoformat(), "data": {"gate": context.gate}}

    trust = trusting()

    async def sent() -> int:
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            answer = await post(to, address, new_id(), json.dumps(said, ensure_ascii=False).encode(), trust)
            return answer.status_code

    return asyncio.run(sent())


def _trouble(error: BaseException) -> Sentence:
    """Why there was no answer, as far as it is the sender's to mend."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLError):
            return Sentence("Its certificate is not one that is trusted here, or it speaks no TLS.")
        below = below.__cause__ or below.__context__
    return Sentence("Nobody answers there.")
