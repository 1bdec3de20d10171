"""The console's page about the gate itself: health, live view, approach zone, what the settings mean, drill, doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from api.asked_first import AskedFirst
from api.auth import Actor
from api.context import Context, Owner, Shared, Store, Watcher
from api.pages.page import language_of, page
from api.problems import HttpProblem
from api.v1.health import health_of
from gate.care.health import gather
from gate.errors import FacegateError, Sentence
from gate.store.site import approach_zone
from gate.vision.proofs import Proof, proofs
from gate.vision.settings import VisionSettings
from gate.vocabulary import Level
from models.errors import PackError

if TYPE_CHECKING:
    from gate.care.doctor.finding import Finding
    from gate.care.forecast import Forecast

router = APIRouter(route_class=AskedFirst, prefix="/door")

_Percent = Annotated[float, Form(ge=0, le=100)]
# The sheet is whole in itself, styles and all, and runs nothing.
_SHEET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


@router.get("")
def show_gate(request: Request, connection: Store, context: Shared, actor: Watcher) -> Response:
    """How the gate is."""
    return _page(request, connection, context, actor)


@router.post("/zone")
def draw_zone(
    request: Request, connection: Store, context: Shared, actor: Owner, left: _Percent, top: _Percent, right: _Percent,
    bottom: _Percent,
) -> Response:  # fmt: skip
    """Where a face counts, as drawn on the picture."""
    try:
        approach_zone.draw(connection, (left / 100, top / 100, right / 100, bottom / 100), actor.label)
    except FacegateError as error:
        return _page(request, connection, context, actor, problem=language_of(request).error(error))
    return _page(request, connection, context, actor, notice=language_of(request)(Sentence("Saved.")))


@router.post("/zone/removal")
def forget_zone(request: Request, connection: Store, context: Shared, actor: Owner) -> Response:
    """The zone of the settings again."""
    approach_zone.draw(connection, None, actor.label)
    return _page(request, connection, context, actor, notice=language_of(request)(Sentence("Saved.")))


@router.post("/examination")
def examine(request: Request, connection: Store, context: Shared, actor: Owner) -> Response:
    """What the doctor finds, as `facegate doctor` does."""
    if not context.examining.acquire(blocking=False):
        said = language_of(request)(Sentence("An examination is under way; its findings are here in a minute."))
        return _page(request, connection, context, actor, problem=said)
    try:
        findings = _examined(context)
    except FacegateError as error:
        return _page(request, connection, context, actor, problem=language_of(request).error(error))
    finally:
        context.examining.release()
    return _page(request, connection, context, actor, findings=findings)


def _examined(context: Context) -> list[Finding]:
    """The doctor's findings. Raises UsageError where the configuration cannot be read."""
    # What it looks with is heavy, and most of its life an api examines nothing.
    from gate.care import doctor
    from gate.care.doctor.site import site_of
    from gate.config import load_settings

    enroller = context.enroller
    return doctor.examine(site_of(context.state, load_settings(context.config), enroller.models_dir, enroller.turn))


@router.get("/drill")
def show_drill(context: Shared, _actor: Watcher) -> HTMLResponse:
    """The sheet of the last drill."""
    sheets = sorted((context.state / "drills").glob("drill-*.html"))
    if not sheets:
        raise HttpProblem(404, "There was no drill yet: sudo facegate drill")
    return HTMLResponse(sheets[-1].read_text("utf-8"), headers={"Content-Security-Policy": _SHEET_POLICY})


def _page(
    request: Request, connection: Store, context: Context, actor: Actor, *, notice: str | None = None,
    problem: str | None = None, findings: list[Finding] | None = None,
) -> Response:  # fmt: skip
    found = gather(context.state)
    vision = context.settings.get("vision", {})
    zone = approach_zone.drawn(connection)
    return page(
        request,
        "gate.html",
        status_code=422 if problem else 200,
        actor=actor,
        health=health_of(context.gate, found),
        problems=found.problems,
        cameras={name: report.sentence for name, report in (found.vision.cameras.items() if found.vision else ())},
        settings=context.settings,
        zone=zone or tuple(vision.get("zone", {}).values()) or (0.0, 0.0, 1.0, 1.0),
        drawn=zone is not None,
        drilled=any((context.state / "drills").glob("drill-*.html")),
        findings=findings,
        forecast=_forecast(connection, context),
        proofs=_proofs(context),
        notice=notice,
        problem=problem,
    )


def _proofs(context: Context) -> list[Proof]:
    """The liveness checks in use; none where a pack is missing, which the doctor names."""
    settings = context.settings
    try:
        level, infrared = Level(settings["vision"]["liveness"]), settings["infrared"] is not None
        return proofs(context.enroller.models_dir, settings["models"]["liveness"], level, infrared=infrared)
    except (KeyError, PackError):
        return []


def _forecast(connection: Store, context: Context) -> Forecast | None:
    """What the promise costs; None where the models that say so are missing, which the doctor names."""
    from gate.care.forecast import forecast_of

    try:
        vision = VisionSettings.model_validate(context.settings["vision"])
        return forecast_of(connection, context.enroller.models_dir, context.settings["models"]["pack"], vision)
    except (KeyError, ValueError, PackError):
        return None
