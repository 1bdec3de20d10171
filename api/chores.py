"""What the api does by itself: it forgets photos whose links have ended, and erases each night what was kept long
enough."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from datetime import UTC, datetime

from api.context import Context, store_of
from gate.care import backup, retention
from gate.clock import trusted_now, zone_of
from gate.errors import FacegateError
from gate.store.people import photo_links

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 300.0
_FORGET_EVERY_S = 60.0
# The hour, in the gate's zone, from which a day's work is done: few people come then.
_HOUR = 3


async def forget_photos(context: Context) -> None:
    """Every minute, for ever: keep nothing of what residents sent by links that have ended, or who were erased."""
    while True:
        await asyncio.sleep(_FORGET_EVERY_S)
        try:
            await asyncio.to_thread(forget_ended_photos, context, datetime.now(UTC))
        except (FacegateError, sqlite3.Error) as error:
            _log.error("Photos that residents sent could not be looked through: %s", error)


def forget_ended_photos(context: Context, now: datetime) -> None:
    """Keep nothing of what came by links that have ended. Raises StoreError."""
    with store_of(context) as connection:
        context.own_photos.keep_only(photo_links.lasting(connection, now))


async def tidy_each_night(context: Context) -> None:
    """Every few minutes, for ever: do the night's work where it is due. What fails is logged and tried anew."""
    while True:
        context.waiting.forget_old()
        context.at_gate.forget_old()
        try:
            await asyncio.to_thread(tidy_where_due, context, datetime.now(UTC), trusted=trusted_now())
        except (FacegateError, sqlite3.Error) as error:
            _log.error("What was kept long enough could not be erased: %s", error)
        except Exception:
            _log.exception("What was kept long enough could not be erased")
        await asyncio.sleep(_LOOK_EVERY_S)


def tidy_where_due(context: Context, now: datetime, *, trusted: bool) -> retention.Tidied | None:
    """Do the night's work where it is not done yet and the clock is to be trusted; None: nothing was to do."""
    zone = zone_of(context.zone)
    local = now.astimezone(zone)
    if local.hour < _HOUR or not trusted:
        return None
    with store_of(context) as connection:
        last = retention.last_tidied_at(connection)
        if last is not None and datetime.fromisoformat(last).astimezone(zone).date() >= local.date():
            return None
        done = retention.tidy(connection, context.settings.keep, now, zone, backup.own_folder(context.state))
    _log.info(
        "Erased: %d lines, %d unused faces, %d residents who moved out, %d old copies",
        done.lines, done.faces, done.people, done.copies,
    )  # fmt: skip
    return done
