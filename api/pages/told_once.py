"""What was done, told on the one page that follows it, and never again.

It goes by a cookie of a few seconds that this page takes away: an address could be sent to somebody by anybody, or be
loaded again when it is no longer so.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.context import Context, context_of
from api.telling import Done

Answer = TypeVar("Answer", bound=Response)

# For a page that comes slowly; of one that never came nothing is told later.
_FOR_S = 20
# A secret cannot be had again.
_SECRET_FOR_S = 300


def then(request: Request, to: str, done: Done) -> RedirectResponse:
    """On to another page, which tells what was done: loaded again, it does nothing."""
    return tell_once(request, RedirectResponse(to, 303), done)


def then_again(request: Request, to: str, done: Done) -> RedirectResponse:
    """The same for a form that was sent before: what that was to tell, and did not since its answer was lost, is told
    now; else what is done."""
    return then(request, to, context_of(request).telling.untold(urlsplit(to).path, _asker(request)) or done)


def tell_once(request: Request, response: Answer, done: Done, by: str | None = None) -> Answer:
    """The same answer, which leads to another page: there whoever asked is told what was done; who it was done `by`,
    where they are signed in by this answer alone."""
    context, for_s = context_of(request), _SECRET_FOR_S if done.issued else _FOR_S
    key = context.telling.keep(done, urlsplit(response.headers["location"]).path, by or _asker(request), for_s)
    response.set_cookie(
        _name(context), key, max_age=for_s, path="/", secure=context.secure, httponly=True, samesite="lax"
    )
    return response


def told_once(request: Request) -> Done:
    """What this page is told of what was done before it; an empty one for nothing."""
    context = context_of(request)
    key = request.cookies.get(_name(context), "")
    found = context.telling.take(key, request.url.path, _asker(request)) if request.method == "GET" else None
    request.state.told = found is not None
    request.state.shows_secret = found is not None and found.issued is not None
    return found or Done()


def forget_what_was_told(request: Request, response: Response) -> None:
    """Called for every page: takes away the cookie of what it was told."""
    context = context_of(request)
    if getattr(request.state, "told", False):
        response.delete_cookie(_name(context), path="/", secure=context.secure, httponly=True, samesite="lax")


def _asker(request: Request) -> str:
    """As the record calls them; empty for nobody who is signed in."""
    actor = getattr(request.state, "actor", None)
    return actor.label if actor is not None else ""


def _name(context: Context) -> str:
    return f"{context.cookie}-told"
