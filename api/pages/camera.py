"""The gate's own camera: a look through it, and photos of someone who is being enrolled."""

from __future__ import annotations

import base64
import io
from contextlib import closing
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from api.asked_first import AskedFirst
from api.context import Context, Shared, Store, record_look
from api.pages.page import language_of
from api.problems import HttpProblem
from api.who_asks import Registrar, Watcher
from gate.errors import FacegateError
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown

router = APIRouter(route_class=AskedFirst)


@router.get("/camera.jpg")
def show_camera(
    context: Shared, connection: Store, actor: Watcher, first: Annotated[bool, Query()] = False
) -> Response:
    """What the camera sees now; the first look of a page is on record."""
    if first:
        record_look(connection, actor, "the camera")
    return Response(_picture(context), media_type="image/jpeg")


@router.get("/camera/checks")
def check_camera(
    request: Request, context: Shared, connection: Store, actor: Registrar, first: Annotated[bool, Query()] = False
) -> JSONResponse:
    """What the camera sees now, and whether it would do: {"jpeg", "fit", "advice", "yaw", "sharpness"}."""
    words = language_of(request)
    if first:
        record_look(connection, actor, "the camera")
    picture = _picture(context)
    said = {"jpeg": base64.b64encode(picture).decode("ascii"), "fit": False, "advice": "", "yaw": 0.0, "sharpness": 0.0}
    try:
        quality = context.enroller.check(context.enroller.photo(io.BytesIO(picture), words("The picture"))).quality
    except FacegateError as error:
        return JSONResponse(said | {"advice": words.error(error)})
    return JSONResponse(said | {"fit": True, "yaw": quality.yaw, "sharpness": quality.sharpness})


def _picture(context: Context) -> bytes:
    with closing(Client(socket_of(context.state, "vision"))) as client:
        try:
            seen = asking.preview(client)
        except LinkDown as error:
            raise HttpProblem(503, "Face recognition does not answer: nobody can come in by face.") from error
    if seen.jpeg is None:
        raise HttpProblem(503, "The camera gives no picture now.")
    return seen.jpeg
