"""The guided first hour of an owner: what a new gate needs, one thing after the other, left and taken up at will."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.actors import Owner
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.pages.page import page
from gate.care.health import gather
from gate.errors import Sentence
from gate.store.site import first_hour
from gate.store.site.first_hour import FirstHour
from gate.store.site.inherited import inherited
from gate.vision.liveness_packs import FREE, liveness_packs
from gate.vision.liveness_proofs import proofs
from gate.vocabulary import Level
from models.errors import PackError
from models.installed import read_installed

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/first-hour")

LEVELS: dict[Level, tuple[Sentence, Sentence]] = {
    Level.OFF: (
        Sentence("Off"),
        Sentence("Nobody is refused by it, and it costs no time. A photo held up before the camera can open the gate."),
    ),
    Level.STANDARD: (
        Sentence("Standard"),
        Sentence(
            "Whoever raises a doubt, by edges or looks of a photo or a screen, is asked to turn the head; masks are not"
            " noticed. Whoever walks up does not wait for it."
        ),
    ),
    Level.STRICT: (
        Sentence("Strict"),
        Sentence(
            "More people raise a doubt, many of them residents, and are asked to turn the head twice. It takes about a"
            " second longer."
        ),
    ),
}  # fmt: skip


@router.get("")
def show_first_hour(request: Request, connection: Store, context: Shared, actor: Owner) -> Response:
    """What is done, by looking at the things themselves, and what comes next."""
    hour, level = first_hour.how_far(connection), _level(connection, context)
    camera = gather(context.state, by_face=context.by_face).vision
    seen = camera.cameras.get("camera") if camera else None
    sees = seen is not None and seen.fault is None
    steps = _steps(hour, level, sees=sees) if context.by_face else _steps_without_camera(hour)
    return page(
        request, "first_hour.html", actor=actor, hour=hour, steps=steps, levels=LEVELS, level=level,
        next=next((name for name, done in steps.items() if not done), None),
        camera=seen.sentence if seen is not None else None, sees=sees, rates=_rates(context) if context.by_face else {},
        file=context.config or Sentence("its configuration"), lacking=_lacking(context) if context.by_face else [],
    )  # fmt: skip


def _steps(hour: FirstHour, level: Level, *, sees: bool) -> dict[str, bool]:
    """Each step, and whether it is done."""
    return {
        "owner": True,
        "camera": hour.looked and sees,
        "liveness": hour.liveness == level,
        "resident": hour.face,
        "drill": hour.drill is not None and hour.drill.proves,
    }


def _steps_without_camera(hour: FirstHour) -> dict[str, bool]:
    return {"owner": True, "resident": hour.code, "drill": hour.drill is not None and hour.drill.proves}


@router.post("/liveness")
def be_content(connection: Store, context: Shared, _actor: Owner) -> Response:
    """The level stays as it is set."""
    first_hour.be_content(connection, _level(connection, context))
    return RedirectResponse("/first-hour", 303)


@router.post("/end")
def end(connection: Store, _actor: Owner) -> Response:
    """It is over, or put aside."""
    first_hour.end(connection)
    return RedirectResponse("/", 303)


@router.post("/taken-up")
def take_up(connection: Store, _actor: Owner) -> Response:
    """It goes on."""
    first_hour.take_up(connection)
    return RedirectResponse("/first-hour", 303)


def _level(connection: Store, context: Context) -> Level:
    return context.settings.vision.as_before(inherited(connection)).level


def _lacking(context: Context) -> list[str]:
    """The packs that liveness needs and that are not installed."""
    return [one for one in _packs(context) or (FREE,) if not _is_installed(context.enroller.models_dir, one)]


def _packs(context: Context) -> tuple[str, ...]:
    """The packs that are used where liveness is asked for."""
    asked = context.settings.vision.model_copy(update={"liveness": None})
    return liveness_packs(context.enroller.models_dir, asked, context.settings.models.liveness)


def _is_installed(models_dir: Path, pack: str) -> bool:
    try:
        read_installed(models_dir, pack)
    except PackError:
        return False
    return True


def _rates(context: Context) -> dict[Level, Any]:
    """What was measured of each level with the packs in use; nothing where one is missing."""
    packs, infrared = _packs(context), context.settings.infrared is not None
    try:
        found = {
            level: proofs(context.enroller.models_dir, packs, level, infrared=infrared)
            for level in (Level.STANDARD, Level.STRICT)
        }
    except PackError:
        return {}
    return {level: checks[-1] for level, checks in found.items() if checks}
