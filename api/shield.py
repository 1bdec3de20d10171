"""What stands before every request: limits on bodies, the same-origin rule for writes, and headers for browsers."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

MAX_BODY = 1 << 20
# Eight photos of the largest size would be more than a browser sends in one go.
MAX_UPLOAD = 100 << 20
_UPLOADS = ("/enrol", "/api/v1/enrolments", "/api/v1/photos", "/residents/")
_BODY_WITHIN_S = 30.0
_UPLOAD_WITHIN_S = 300.0
_SAFE = ("GET", "HEAD", "OPTIONS")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
        " media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class _TooLarge(Exception):
    pass


class _TooSlow(Exception):
    pass


class Shield:
    """An ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answered = False

        async def send_shielded(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                _add_headers(message, scope["path"])
            await send(message)

        if scope["method"] not in _SAFE and not _same_origin(headers, scope.get("scheme", "http")):
            refusal = problem(403, "This request came from another site; it was not carried out.")
            await refusal(scope, receive, send_shielded)
            return
        try:
            await self._app(scope, _limited(receive, scope["path"]), send_shielded)
        except (_TooLarge, _TooSlow) as error:
            if answered:
                raise
            too_large = isinstance(error, _TooLarge)
            said = "This is more than the gate takes at once." if too_large else "The request took too long to arrive."
            refusal = problem(413 if too_large else 408, said, headers={"Connection": "close"})
            await refusal(scope, receive, send_shielded)


def _limited(receive: Receive, path: str) -> Receive:
    upload = path.startswith(_UPLOADS)
    room, within_s = (MAX_UPLOAD, _UPLOAD_WITHIN_S) if upload else (MAX_BODY, _BODY_WITHIN_S)
    deadline = asyncio.get_running_loop().time() + within_s
    whole = False

    async def receive_limited() -> Message:
        nonlocal room, whole
        # After its body a request waits here for its end, however long that takes.
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise _TooSlow from error
        room -= len(message.get("body", b""))
        if room < 0:
            raise _TooLarge
        whole = not message.get("more_body", False)
        return message

    return receive_limited


def _same_origin(headers: Headers, scheme: str) -> bool:
    """Whether a write comes from our own pages, or from a machine that shows a token and has no browser's cookies."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is not None:
        given = urlsplit(origin)
        return given.scheme == scheme and given.netloc.lower() == headers.get("host", "").lower()
    return headers.get("authorization", "").lower().startswith("bearer ") and "cookie" not in headers


def _add_headers(message: MutableMapping[str, Any], path: str) -> None:
    headers = MutableHeaders(raw=message["headers"])
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    # What is said of people stays in no cache.
    if not path.startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
