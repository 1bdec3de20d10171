"""What stands before every request: limits on bodies, the same-origin rule for writes, and headers for browsers."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.front.bodies import Body, Cut, Uploads
from api.front.hosts import Hosts
from api.front.slots import Place, is_passed_on
from api.languages import Languages
from api.problems import HttpProblem, problem

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
# The address of a resident's link holds its secret, whatever is answered there: no page that is left from there is told
# it, and no list of pages may hold it. A form still says from which site it comes, which "no-referrer" would keep from
# the gate too.
_LINKS = ("/photo/", "/own/", "/mine")
_OF_LINKS = _HEADERS | {"Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex, nofollow"}


class Shield:
    """An ASGI middleware: refuses what no route need hear, and puts our headers on every answer."""

    def __init__(self, app: ASGIApp, hosts: Hosts, languages: Languages) -> None:
        self._app = app
        self._hosts = hosts
        self._languages = languages
        self._uploads = Uploads()
        self._by_links = Uploads.by_links()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, state = Headers(scope=scope), scope.setdefault("state", {})
        place: Place | None = state.get("place")
        if place is not None and is_passed_on(headers):
            place.passed_on()

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message, scope["path"])
                if place is not None and "asker" in state:
                    place.known_as(state["asker"])
            await send(message)

        body = state["body"] = Body(receive, headers, self._uploads, self._by_links)
        refusal = self._refusal(scope, headers, body)
        if refusal is not None:
            await self._said(scope, refusal)(scope, receive, send_shielded)
            return
        try:
            await self._with_limits(scope, body, send_shielded)
        finally:
            body.close()

    def _refusal(self, scope: Scope, headers: Headers, body: Body) -> HttpProblem | None:
        """Why this request is not even heard."""
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy in front may go by the other of the two, and take what follows for another's request.
            return HttpProblem(400, "A request tells its length in one way only.", headers={"Connection": "close"})
        if not self._hosts.answers_to(headers.get("host"), (scope.get("server") or ("",))[0]):
            return HttpProblem(
                421, "The gate is not known by this name. Use its address, or add the name to the setting api.hosts."
            )
        if scope["method"] not in _SAFE and not _same_origin(headers, scope.get("scheme", "http")):
            return HttpProblem(403, "This request came from another site; it was not carried out.")
        if scope["method"] in _SAFE and body.comes and not body.is_small:
            return HttpProblem(413, "This is too large to be sent at once.")
        return None

    async def _with_limits(self, scope: Scope, body: Body, send: Send) -> None:
        answered = False

        async def send_unless_cut(message: Message) -> None:
            nonlocal answered
            # What the application makes of a body that was cut is not said.
            if body.refusal is None or answered:
                answered = True
                await send(message)

        try:
            # What is asked for its head alone is answered as ever; the server leaves the body out.
            as_ever = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._app(as_ever, body.receive, send_unless_cut)
        except Cut:
            if answered:
                raise
        if body.refusal is not None and not answered:
            await self._said(scope, body.refusal)(scope, body.receive, send)

    def _said(self, scope: Scope, refusal: HttpProblem) -> JSONResponse:
        """The refusal in the reader's language, and nothing else of the gate."""
        language = self._languages.of(Request(scope))
        return problem(refusal.status, language.error(refusal), headers=refusal.headers)


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
    for name, value in (_OF_LINKS if path.startswith(_LINKS) else _HEADERS).items():
        headers.setdefault(name, value)
    # What is said of people stays in no cache.
    if not path.startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
