"""The gate's own camera: a look through it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.actors import Watcher
from api.context import Context, Shared, Store, record_look_once
from api.early_refusal import EarlyRefusal
from api.problems import HttpProblem
from gate.processes.client import LinkDown

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)


@router.get("/camera.jpg")
def show_camera(
    context: Shared, connection: Store, actor: Watcher, first: Annotated[bool, Query()] = False
) -> Response:
    """What the camera sees now; each look is on record, also that of a page that does not say it is its `first`."""
    if not context.by_face:
        raise HttpProblem(404, "This gate has no camera.")
    record_look_once(connection, context, actor, "the camera", begins=first)
    return Response(picture_of(context), media_type="image/jpeg")


def picture_of(context: Context) -> bytes:
    """What the gate's camera sees now, as a JPEG. Raises HttpProblem."""
    try:
        seen = context.look()
    except LinkDown as error:
        raise HttpProblem(503, error.plain) from error
    if seen.jpeg is None:
        raise HttpProblem(503, "The camera gives no picture now.")
    return seen.jpeg
