"""The settings: an index, and a page of its own for each kind of thing that is set, with its routes beside it."""

from __future__ import annotations

from fastapi import APIRouter

from api.pages.settings import (
    areas,
    backups,
    centre,
    free_access,
    gates,
    holidays,
    hours,
    index,
    tokens,
    upgrade,
    users,
    webhooks,
)

router = APIRouter()
for _room in (index, hours, holidays, free_access, areas, users, tokens, webhooks, backups, upgrade, gates, centre):
    router.routes.extend(_room.router.routes)
