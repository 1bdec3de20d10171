"""The settings: an index, and a page of its own for each kind of thing that is set, with its routes beside it."""

from __future__ import annotations

from fastapi import APIRouter

from api.pages.settings import backups, hours, index, tokens, users, webhooks

router = APIRouter()
for _room in (index, hours, users, tokens, webhooks, backups):
    router.include_router(_room.router)
