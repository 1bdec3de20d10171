"""What the api does by itself: it forgets faces that nobody waits for any more, and erases each night what was kept
long enough."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from datetime import UTC, datetime
from functools import partial

from api.context import Context, store_of
from gate.care import backup, retention
from gate.clock import trusted_now, zone_of
from gate.errors import FacegateError
from gate.store import write_ahead_log
from gate.store.people import consents, photo_links, residents

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 300.0
_FORGET_EVERY_S = 60.0
# The hour, in the gate's zone, from which a day's work is done: few people come then.
_HOUR = 3


async def forget_faces(context: Context) -> None:
    """Every minute, for ever: keep nothing in memory of enrolments that are over, or of links that have ended."""
    while True:
        await asyncio.sleep(_FORGET_EVERY_S)
        try:
            await asyncio.to_thread(forget_what_is_over, context, datetime.now(UTC))
        except (FacegateError, sqlite3.Error) as error:
            _log.error("Faces that wait could not be looked through: %s", error)


def forget_what_is_over(context: Context, now: datetime) -> None:
    """Keep nothing of enrolments that nobody came back to, of what came by links that have ended, and of whoever was
    erased or withdrew elsewhere, by a command or at night; nor in the database's log of whoever was erased while
    somebody read it. Raises StoreError."""
    context.waiting.forget_old()
    context.at_gate.forget_old()
    context.far_photos.forget_old()
    context.telling.forget_old()
    context.importer.end_old(time.monotonic())
    with store_of(context) as connection:
        write_ahead_log.empty_where_marked(connection)
        context.own_photos.keep_only(photo_links.lasting(connection, now))
        context.waiting.forget_ended(partial(consents.ended_since, connection))
        known = context.waiting.people() | context.far_photos.people()
        known |= context.own_photos.people() | context.telling.people()
        context.forget({one for one in known if residents.get(connection, one) is None})


async def tidy_each_night(context: Context) -> None:
    """Every few minutes, for ever: do the night's work where it is due. What fails is logged and tried anew."""
    while True:
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
        # A day that is yet to come was that of a clock that ran ahead: nothing waits until then.
        if last is not None and datetime.fromisoformat(last).astimezone(zone).date() == local.date():
            return None
        done = retention.tidy(connection, context.settings.keep, now, zone, backup.own_folder(context.state))
    if done.not_before is not None:
        _log.warning(
            "Nothing that was kept long enough is erased before %s: this gate was off for more than two weeks, or its"
            " clock was set. Look whether its day and year are right.", done.not_before,
        )  # fmt: skip
        return done
    _log.info(
        "Erased: %d lines, %d unused faces, %d residents who moved out, %d old passes, %d old copies",
        done.lines, done.faces, done.people, done.passes, done.copies,
    )  # fmt: skip
    return done
