"""What the api does by itself: each night it erases what was kept long enough."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from datetime import UTC, datetime

from api.context import Context, store_of
from gate.care import backup, retention
from gate.clock import trusted_now, zone_of
from gate.errors import FacegateError

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 300.0
# The hour, in the gate's zone, from which a day's work is done: few people come then.
_HOUR = 3


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
        done = retention.tidy(connection, context.keep, now, zone, backup.own_folder(context.state))
    _log.info(
        "Erased: %d lines, %d unused faces, %d residents who moved out, %d old copies",
        done.lines, done.faces, done.people, done.copies,
    )  # fmt: skip
    return done
