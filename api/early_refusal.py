"""Who asks is known from a request's headers, before the first byte of what they send."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.actors import actor_of
from api.auth import Actor
from api.context import context_of, store_of
from api.front.bodies import Body, bounds_at


class EarlyRefusal(APIRoute):
    """A route of the console or the API.

    A framework reads the whole body, to the disk where it is large, and then finds out that nobody may send it. Here
    what the route asks of an `actor` is asked before, and again afterwards, since an upload may outlast a login.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's own handler, behind the question who asks."""
        handle, askers = super().get_route_handler(), tuple(_askers(self.dependant))

        async def handle_asked(request: Request) -> Response:
            body: Body | None = getattr(request.state, "body", None)
            if askers and body is not None and body.comes:
                actor = await run_in_threadpool(_asked, request, askers)
                if actor is not None:
                    request.state.asker = actor.label
                    await body.open(bounds_at(request.url.path), actor.label)
            return await handle(request)

        return handle_asked


def _askers(dependant: Dependant) -> Iterator[Dependant]:
    """What a route wants to know of who asks, wherever it wants it."""
    for inner in dependant.dependencies:
        if _is_asker(inner):
            yield inner
        else:
            yield from _askers(inner)


def _is_asker(dependant: Dependant) -> bool:
    """Whether it takes an `actor` and nothing else, and so on down to who asks."""
    if dependant.call is actor_of:
        return True
    alone = [one.name for one in dependant.dependencies] == ["actor"] and not (
        dependant.path_params
        or dependant.query_params
        or dependant.header_params
        or dependant.body_params
        or dependant.request_param_name
    )
    return alone and _is_asker(dependant.dependencies[0])


def _asked(request: Request, askers: tuple[Dependant, ...]) -> Actor | None:
    """Who may send this; None where the route takes what anybody sends. Raises HttpProblem as the route would."""
    context = context_of(request)
    with store_of(context) as connection:
        actor = actor_of(request, context, connection)
    answers = [_answer(one, actor) for one in askers if one.call is not actor_of]
    return answers[0] if answers else None


def _answer(asker: Dependant, actor: Actor | None) -> Actor | None:
    if asker.call is actor_of or asker.call is None:
        return actor
    found: Actor | None = asker.call(_answer(asker.dependencies[0], actor))
    return found
