"""The page of upgrades: what is on the stick that is plugged in, and what came of it."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from api import stick
from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk
from api.stick import Asked, Phase
from api.telling import Done
from gate.errors import Refusal
from gate.store.record import audit, upgrades
from gate.vocabulary import AuditEvent, Kind

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/upgrade")


def _shown(desk: Desk, name: str = "upgrade", **said: Any) -> Response:
    state = desk.context.state
    return desk.page(
        name, back="/settings/upgrade", possible=stick.is_possible(state), stick=stick.stands(state, time.time()),
        last=upgrades.last(desk.connection), **said,
    )  # fmt: skip


@router.get("")
def show_upgrade(desk: OwnersDesk, part: str = "") -> Response:
    """The last upgrade, and what is on the stick, where somebody looked."""
    return _shown(desk, "upgrade_live" if part == "live" else "upgrade")


@router.post("/look")
def look_at_stick(desk: ConfirmedDesk) -> Response:
    """Have the stick looked at; the page that follows shows what is on it as soon as that is known."""
    return _asked(desk, "look")


@router.post("/installation")
def install_from_stick(desk: ConfirmedDesk) -> Response:
    """Have that installed which was shown. It is on record who wanted it."""
    told = stick.stands(desk.context.state, time.time()).told
    if told is None or told.phase is not Phase.SHOWN:
        return _shown(desk, problem=Refusal("Look at the stick first.").plain)
    said: dict[str, object] = {"from": told.installed, "to": told.version, "by": desk.actor.label}
    audit.append(desk.connection, AuditEvent(Kind.UPGRADE_ASKED, said))
    return _asked(desk, "install")


def _asked(desk: Desk, what: Asked) -> Response:
    state = desk.context.state
    if not stick.is_possible(state):
        return _shown(desk, problem=Refusal("This gate was not installed from packages.").plain)
    if not stick.stands(state, time.time()).at_work:
        stick.ask(state, what)
    return desk.done(Done())
