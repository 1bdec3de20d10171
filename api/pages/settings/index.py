"""The first page of the settings: what there is to set."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import RegistrarsDesk

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings")


@router.get("")
def show_settings(desk: RegistrarsDesk) -> Response:
    """Hours; for owners users, tokens, webhooks and backups too."""
    return desk.page("index", back="/settings")
