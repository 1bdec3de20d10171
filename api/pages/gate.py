"""The console's page about the gate itself: health, live view, approach zone, what the settings mean, drill, doctor."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from api.actors import Owner, Watcher
from api.auth import Actor, Permission
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.pages.page import language_of, page, said_of
from api.pages.told_once import then, told_once
from api.problems import HttpProblem
from api.telling import Done
from api.v1.health import health_of
from gate.care.health import Health, gather
from gate.drill.sheet import kept
from gate.errors import FacegateError, Sentence
from gate.fleet.status import read_status
from gate.processes.camera_report import CameraReport
from gate.state_folder import centre_file
from gate.store.record import strangers
from gate.store.site import approach_zone
from gate.store.site.inherited import inherited
from gate.vision.liveness_packs import liveness_packs
from gate.vision.liveness_proofs import Proof, proofs
from models.errors import PackError

if TYPE_CHECKING:
    from gate.care.doctor.finding import Finding
    from gate.care.forecast import Forecast
    from gate.vision.settings import VisionSettings

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/door")

_Percent = Annotated[float, Field(ge=0, le=100)]
# The sheet is whole in itself, styles and all, and runs nothing.
_SHEET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


class DrawnZone(BaseModel):
    """Where a face counts, in percent of the picture's width and height, as drawn on it."""

    left: _Percent
    top: _Percent
    right: _Percent
    bottom: _Percent


@dataclass(frozen=True, slots=True)
class _Page:
    """The page, for whoever asked."""

    request: Request
    connection: sqlite3.Connection
    context: Context
    actor: Actor

    def shown(self, *, problem: Sentence | None = None, findings: Sequence[Finding] | None = None) -> Response:
        """The page; `findings` are the doctor's, where it was just asked."""
        done, found = told_once(self.request) if problem is None else Done(problem=problem), self._health()
        zone = approach_zone.drawn(self.connection)
        return page(
            self.request,
            "gate.html",
            status_code=422 if problem else 200,
            actor=self.actor,
            health=health_of(self.context.gate, found),
            problems=found.problems,
            cameras={name: self._said_of(one) for name, one in (found.vision.cameras.items() if found.vision else ())},
            settings=self.context.settings,
            level=self._vision().level,
            zone=zone or self._zone_of_settings(),
            drawn=zone is not None,
            sheet=next(iter(kept(self.context.state / "drills")), None),
            findings=findings,
            forecast=self._forecast(),
            strangers=strangers.a_day(self.connection, datetime.now(UTC)),
            proofs=self._proofs(),
            follows=os.path.exists(centre_file(self.context.state)),
            link=read_status(self.context.state),
            **said_of(self.request, done),
        )

    def saved(self) -> Response:
        """On to the page, which says so."""
        return then(self.request, "/door", Done(Sentence("Saved.")))

    def _health(self) -> Health:
        return gather(self.context.state, by_face=self.context.by_face, plain=not self.actor.may(Permission.SITE))

    def _said_of(self, camera: CameraReport) -> Sentence:
        """What a camera gives or what is wrong with it; how it is mended is for owners."""
        hidden = camera.fault is not None and not self.actor.may(Permission.SITE)
        return camera.fault.plain if camera.fault is not None and hidden else camera.sentence

    def _zone_of_settings(self) -> tuple[float, ...]:
        zone = self.context.settings.vision.zone
        return zone.left, zone.top, zone.right, zone.bottom

    def _vision(self) -> VisionSettings:
        return self.context.settings.vision.as_before(inherited(self.connection))

    def _proofs(self) -> list[Proof]:
        """The liveness checks in use; none without a camera, or where a pack is missing, which the doctor names."""
        if not self.context.by_face:
            return []
        models_dir, settings, vision = self.context.enroller.models_dir, self.context.settings, self._vision()
        packs = liveness_packs(models_dir, vision, settings.models.liveness)
        try:
            return proofs(models_dir, packs, vision.level, infrared=settings.infrared is not None)
        except PackError:
            return []

    def _forecast(self) -> Forecast | None:
        """What the promise costs; None without a camera, or where models are missing, which the doctor names."""
        if not self.context.by_face:
            return None
        from gate.care.forecast import forecast_of

        models_dir, settings = self.context.enroller.models_dir, self.context.settings
        try:
            return forecast_of(self.connection, models_dir, settings.models.pack, settings.vision)
        except PackError:
            return None


def _watchers(request: Request, connection: Store, context: Shared, actor: Watcher) -> _Page:
    return _Page(request, connection, context, actor)


def _owners(request: Request, connection: Store, context: Shared, actor: Owner) -> _Page:
    return _Page(request, connection, context, actor)


_WatchersPage = Annotated[_Page, Depends(_watchers)]
_OwnersPage = Annotated[_Page, Depends(_owners)]


@router.get("")
def show_gate(page: _WatchersPage) -> Response:
    """How the gate is."""
    return page.shown()


@router.post("/zone")
def draw_zone(page: _OwnersPage, zone: Annotated[DrawnZone, Form()]) -> Response:
    """Where a face counts, as drawn on the picture."""
    corners = (zone.left / 100, zone.top / 100, zone.right / 100, zone.bottom / 100)
    try:
        approach_zone.draw(page.connection, corners, page.actor.label)
    except FacegateError as error:
        return page.shown(problem=error.plain)
    return page.saved()


@router.post("/zone/removal")
def forget_zone(page: _OwnersPage) -> Response:
    """The zone of the settings again."""
    approach_zone.draw(page.connection, None, page.actor.label)
    return page.saved()


@router.post("/examination")
def examine(page: _OwnersPage) -> Response:
    """What the doctor finds, as `facegate doctor` does."""
    examining = page.context.examining
    if not examining.acquire(blocking=False):
        return page.shown(problem=Sentence("The installation is being examined; the findings are here in a minute."))
    try:
        findings = _examined(page.context)
    except FacegateError as error:
        return page.shown(problem=error.plain)
    finally:
        examining.release()
    return page.shown(findings=findings)


def _examined(context: Context) -> list[Finding]:
    """The doctor's findings. Raises UsageError where the configuration cannot be read."""
    # What it looks with is heavy, and most of its life an api examines nothing.
    from gate.care import doctor
    from gate.care.doctor.site import site_of
    from gate.config import load_settings

    enroller = context.enroller
    return doctor.examine(site_of(context.state, load_settings(context.config), enroller.models_dir, enroller.turn))


@router.get("/drill")
def show_drill(request: Request, context: Shared, _actor: Watcher) -> HTMLResponse:
    """The sheet of the last drill at the gate itself, before any that was simulated."""
    sheets = kept(context.state / "drills")
    if not sheets:
        raise HttpProblem(404, "There was no acceptance test yet.")
    page = sheets[0].page_in(language_of(request).tag)
    return HTMLResponse(page.read_text("utf-8"), headers={"Content-Security-Policy": _SHEET_POLICY})
