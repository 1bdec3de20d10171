"""What stands before every request: limits on bodies, the same-origin rule for writes, and headers for browsers."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.hosts import Hosts
from api.pages import language_of
from api.problems import HttpProblem, problem

MAX_BODY = 1 << 20
# Eight photos of the largest size would be more than a browser sends in one go.
MAX_UPLOAD = 100 << 20
# Three photos each of two thousand people.
MAX_IMPORT = 2 << 30
_LARGE = (("/enrol", "/photos", "/api/v1/enrolments", "/api/v1/photos"), MAX_UPLOAD, 300.0)
_LARGEST = (("/import", "/api/v1/imports"), MAX_IMPORT, 3600.0)
_BODY_WITHIN_S = 30.0
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


class _Cut(Exception):
    """The body is refused; the application must not go on with a part of it."""


class Shield:
    """An ASGI middleware."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message, path)
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _said(scope, refusal)(scope, receive, send_shielded)
            return
        await self._with_limits(scope, receive, send_shielded)

    def _refusal(self, scope: Scope, headers: Headers) -> HttpProblem | None:
        """Why this request is not even heard."""
        if not self._hosts.answers_to(headers.get("host"), (scope.get("server") or ("",))[0]):
            return HttpProblem(
                421, "This gate is not called that. Ask it by its address, or add the name to the setting api.hosts."
            )
        if scope["method"] not in _SAFE and not _same_origin(headers, scope.get("scheme", "http")):
            return HttpProblem(403, "This request came from another site; it was not carried out.")
        return None

    async def _with_limits(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(receive, scope["path"])
        answered = False

        async def send_unless_cut(message: Message) -> None:
            nonlocal answered
            # What the application makes of a body that was cut is not said.
            if body.refusal is None or answered:
                answered = True
                await send(message)

        try:
            await self._app(scope, body.receive, send_unless_cut)
        except _Cut:
            if answered:
                raise
        if body.refusal is not None and not answered:
            status, said = body.refusal
            await problem(status, said, headers={"Connection": "close"})(scope, receive, send)


class _Body:
    """A request's body under limits of size and time."""

    def __init__(self, receive: Receive, path: str) -> None:
        self._receive = receive
        self._room, within_s = next(
            ((room, within_s) for paths, room, within_s in (_LARGE, _LARGEST) if path.startswith(paths)),
            (MAX_BODY, _BODY_WITHIN_S),
        )
        self._deadline = asyncio.get_running_loop().time() + within_s
        self._whole = False
        self.refusal: tuple[int, str] | None = None

    async def receive(self) -> Message:
        """The next part. Raises _Cut, once `refusal` says why."""
        # After its body a request waits here for its end, however long that takes.
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError as error:
            self.refusal = (408, "The request took too long to arrive.")
            raise _Cut from error
        self._room -= len(message.get("body", b""))
        if self._room < 0:
            self.refusal = (413, "This is more than the gate takes at once.")
            raise _Cut
        self._whole = not message.get("more_body", False)
        return message


def _said(scope: Scope, refusal: HttpProblem) -> JSONResponse:
    """The refusal in the reader's language, and nothing else of the gate."""
    return problem(refusal.status, language_of(Request(scope)).error(refusal), headers=refusal.headers)


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
