"""The page of backups."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from api.asked_first import AskedFirst
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk
from api.v1.site import back_up, backups_of, name_of
from gate.errors import Sentence

router = APIRouter(route_class=AskedFirst, prefix="/settings/backups")


def _shown(desk: Desk, **said: Any) -> Response:
    context = desk.context
    return desk.page("backups", backups=[name_of(context, path) for path in backups_of(context)], **said)


@router.get("")
def show_backups(desk: OwnersDesk) -> Response:
    """Those that there are, the newest first."""
    return _shown(desk)


@router.post("")
def make_backup(desk: ConfirmedDesk) -> Response:
    """Make a backup now."""
    return desk.after(lambda: back_up(desk.context), Sentence("The backup is made and verified."), _shown)
