"""What was done, told on the one page that follows it, and never again.

It goes by a cookie of a few seconds that this page takes away: an address could be sent to somebody by anybody, or be
loaded again when it is no longer so.
"""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request, Response

from api.context import Context, context_of

Answer = TypeVar("Answer", bound=Response)

# For a page that comes slowly; one that never came is not told of later.
_FOR_S = 20


def tell_once(response: Answer, context: Context, what: str) -> Answer:
    """The same answer, and whichever page asks `told_once` next is told `what`, a word of ours without a name."""
    response.set_cookie(
        _name(context), what, max_age=_FOR_S, path="/", secure=context.secure, httponly=True, samesite="lax"
    )
    return response


def told_once(request: Request) -> str:
    """What this page is told, empty for nothing. It may be anything: a browser sends what it likes."""
    request.state.told = True
    return request.cookies.get(_name(context_of(request)), "")


def forget_what_was_told(request: Request, response: Response) -> None:
    """Called for every page: takes away what it was told."""
    context = context_of(request)
    if getattr(request.state, "told", False) and _name(context) in request.cookies:
        response.delete_cookie(_name(context), path="/", secure=context.secure, httponly=True, samesite="lax")


def _name(context: Context) -> str:
    return f"{context.cookie}-told"
