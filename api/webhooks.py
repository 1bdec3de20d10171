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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.context import Context, store_of
from api.destinations import resolve
from gate.errors import FacegateError, Sentence, UsageError
from gate.store.record.audit import Anchor, Line, anchor
from gate.store.record.details import without_scores
from gate.store.site import webhooks
from gate.store.site.webhooks import Webhook

if TYPE_CHECKING:
    import ssl

    import httpx

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_AT_ONCE = 50
# From the look-up of the name to the end of the answer's headers: one that drips them is cut off too.
ANSWERED_WITHIN_S = 10.0
_RECEIVERS_AT_ONCE = 16
_NAMES_AT_ONCE = 4
PORTS = {"http": 80, "https": 443}
_LONGEST_URL = 2000
_PREFIX = "whsec_"
# All that a page tells of an answer: the gate is no means to look at others' services. The journal has the whole.
NO_SUCCESS = Sentence("It answered with an error.")


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


def message(gate: str, line: Line, head: Anchor) -> bytes:
    """What is sent of a line: {"type", "timestamp", "data"}; `data` without name and similarity.

    `head` is the record's last line now: whoever keeps it can prove later that the record was not written anew.
    """
    data = {
        "sequence": line.sequence,
        "id": line.id,
        "gate": gate,
        "kind": line.kind,
        "clock_trusted": line.clock_trusted,
        "details": without_scores(line.details),
        "resident": line.personal.get("resident"),
        "visit": line.personal.get("pass"),
        "hash": line.hash,
        "head": asdict(head),
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
    """Send what there is to send as long as the api runs; a receiver that takes its time delays no other."""
    at_work: dict[str, asyncio.Task[None]] = {}
    room, names = asyncio.Semaphore(_RECEIVERS_AT_ONCE), ThreadPoolExecutor(_NAMES_AT_ONCE, "names")
    sender: _Sender | None = None
    said = ""
    try:
        while True:
            try:
                for to, lines in await asyncio.to_thread(_due, context, frozenset(at_work)):
                    sender = sender or _Sender(context, room, names, await asyncio.to_thread(trusting))
                    at_work[to.id] = asyncio.create_task(sender.send(to, lines))
                said = ""
            except (FacegateError, sqlite3.Error) as error:
                if str(error) != said:
                    _log.error("The webhooks could not be looked up: %s", error)
                said = str(error)
            except Exception:
                # Whatever one receiver brings about, the others are owed their lines.
                _log.exception("The webhooks could not be looked up")
            await asyncio.sleep(_LOOK_EVERY_S)
            at_work = {identity: task for identity, task in at_work.items() if not task.done()}
    finally:
        for task in at_work.values():
            task.cancel()
        await asyncio.gather(*at_work.values(), return_exceptions=True)
        names.shutdown(wait=False, cancel_futures=True)


def _due(context: Context, at_work: frozenset[str]) -> list[tuple[Webhook, list[Line]]]:
    now = time.time()
    with store_of(context) as connection:
        found = [
            (one, webhooks.waiting(connection, one, _AT_ONCE))
            for one in webhooks.every(connection)
            if one.id not in at_work and webhooks.due(one, now)
        ]
    return [(one, lines) for one, lines in found if lines]


@dataclass(frozen=True, slots=True)
class _Sender:
    context: Context
    room: asyncio.Semaphore
    names: ThreadPoolExecutor
    """Looks names up: where nobody answers that lasts, and must not hold up what else waits for a thread."""
    trust: ssl.SSLContext

    async def send(self, to: Webhook, lines: list[Line]) -> None:
        """Some lines to one webhook, in order, until one fails."""
        arrived, problem = None, None
        try:
            head = await asyncio.to_thread(_head, self.context, lines[-1])
            for line in lines:
                # Room is given back between two lines: many slow receivers take turns with the others.
                async with self.room:
                    # A receiver may take its time over each, and be removed meanwhile.
                    if not await asyncio.to_thread(_is_there, self.context, to):
                        return
                    problem = await self._post(to, line, head)
                if problem is not None:
                    break
                arrived = line.sequence
            await asyncio.to_thread(_note, self.context, to, arrived, problem)
        except (FacegateError, sqlite3.Error) as error:
            _log.error("What became of a webhook's lines could not be written: %s", error)
        except Exception:
            _log.exception("A webhook could not be served")

    async def _post(self, to: Webhook, line: Line, head: Anchor) -> str | None:
        """Why it failed, in words that tell nothing of who answers there; None: it arrived."""
        import httpx

        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                problem = await self._answer(to, line, head)
        except FacegateError as error:
            return str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            problem = str(error) or type(error).__name__
        if problem is None:
            return None
        if not to.failures:
            _log.warning("The webhook %s could not be served: %s", to.id, problem)
        return NO_SUCCESS

    async def _answer(self, to: Webhook, line: Line, head: Anchor) -> str | None:
        """Send a line under the name that was written to the address that was judged; the status of no success."""
        import httpx

        url, body = httpx.URL(to.url), message(self.context.gate, line, head)
        looked_up = partial(resolve, url.host, url.port or PORTS[url.scheme], self.context.webhooks)
        address = await asyncio.get_running_loop().run_in_executor(self.names, looked_up)
        answer = await post(to, address, line.id, body, self.trust)
        return None if answer.is_success else f"{answer.status_code} {answer.reason_phrase}"


def trusting() -> ssl.SSLContext:
    """The authorities whose certificates are believed. To read them takes longer than to send, and blocks."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


async def post(to: Webhook, address: str, identity: str, body: bytes, trust: ssl.SSLContext) -> httpx.Response:
    """Send `body`, signed, to `address`, which is what the name of the webhook's URL was judged to mean.

    Answers without what the receiver says, which is not read: it may be endless. Raises httpx.HTTPError.
    """
    import httpx

    url = httpx.URL(to.url)
    said = headers(to.secret, identity, int(time.time()), body) | {"host": url.netloc.decode("ascii")}
    async with (
        httpx.AsyncClient(timeout=ANSWERED_WITHIN_S, follow_redirects=False, trust_env=False, verify=trust) as client,
        client.stream(
            "POST", url.copy_with(host=address), content=body, headers=said, extensions={"sni_hostname": url.host}
        ) as answer,
    ):
        return answer


def _head(context: Context, line: Line) -> Anchor:
    """The record's last line, which `line` is where there is no later one."""
    with store_of(context) as connection:
        return anchor(connection) or Anchor(line.sequence, line.hash)


def _is_there(context: Context, to: Webhook) -> bool:
    with store_of(context) as connection:
        return webhooks.get(connection, to.id) is not None


def _note(context: Context, to: Webhook, arrived: int | None, problem: str | None) -> None:
    with store_of(context) as connection:
        if arrived is not None:
            webhooks.delivered(connection, to, arrived)
        if problem is not None:
            webhooks.failed(connection, to, problem, time.time())
