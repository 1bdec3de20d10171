"""Pages rendered on the server, in the reader's language."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from api import wording
from api.auth import Actor
from api.context import context_of, record_look
from api.languages import Language
from api.languages.hours import hours_in
from api.pages.door_words import door_words
from api.pages.told_once import forget_what_was_told
from api.telling import Done
from gate.clock import zone_of
from gate.config import is_centre
from gate.errors import Sentence
from gate.store.people.homes import home_key
from gate.store.people.residents import Resident, home_in

LOST = Sentence("Choose the files again: a browser forgets them with the page.")
"""Said above a form that is shown anew after it came with files."""


def language_of(request: Request) -> Language:
    """The language of who asks."""
    return context_of(request).languages.of(request)


def _way_back(request: Request) -> str:
    """Where this page can be seen again; what a form was answered with cannot."""
    if request.method != "GET":
        return "/"
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def is_navigation(request: Request) -> bool:
    """Whether a browser asks for the page that it will show, and no script of one."""
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"


def go_on(request: Request, where: str) -> Response:
    """On to another page; a script that sent a form is told where, and leads there."""
    if is_navigation(request):
        return RedirectResponse(where, 303)
    return Response(status_code=204, headers={"Location": where})


def own_path(asked: str) -> str:
    """The path and query of a page of this console, out of what a browser gave; "/" for what is none.

    >>> own_path("/residents?search=Li"), own_path("//elsewhere.example/x"), own_path("https://elsewhere.example/x")
    ('/residents?search=Li', '/', '/x')
    """
    target = urlsplit(asked)
    # Two slashes would be another host.
    path = target.path if target.path.startswith("/") and not target.path.startswith(("//", "/\\")) else "/"
    return f"{path}?{target.query}" if target.query else path


@cache
def templates() -> Environment:
    """The console's templates, compiled once for all applications: of a request nothing stays in them."""
    environment = Environment(
        loader=PackageLoader("api", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {name: getattr(wording, name) for name in dir(wording) if name.isupper()}
    environment.globals |= {"home_key": home_key, "home_in": home_in, "door_words": door_words}
    environment.globals |= {"reason_of": wording.reason_of}
    return environment


@dataclass(frozen=True, slots=True)
class _Times:
    """How moments are written on a page: in the reader's language, in the gate's time zone."""

    language: Language
    zone: tzinfo

    now: datetime

    @property
    def offset_s(self) -> int:
        """How far the gate's clock is before UTC now, seconds."""
        offset = self.now.astimezone(self.zone).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    @property
    def this_day(self) -> str:
        """The day that it is at the gate, as the store writes days."""
        return self.now.astimezone(self.zone).date().isoformat()

    def on_day(self, day: str) -> str:
        """A day as the store has it, YYYY-MM-DD."""
        return self.language.short_day(date.fromisoformat(day))

    def let_in(self, one: Resident) -> str:
        """When and where somebody is let in now: by their hours and area, unless their first day is to come or their
        last one is over."""
        if one.valid_until and one.valid_until < self.this_day:
            return self.language("no longer: the last day was {day}", day=self.on_day(one.valid_until))
        said = [hours_in(self.language, one.windows) if one.windows else self.language("at any time")]
        if one.valid_from and one.valid_from > self.this_day:
            said.insert(0, self.language("not before {day}", day=self.on_day(one.valid_from)))
        if one.gates is not None:
            gates = self.language.comma.join(one.gate_names)
            said.append(self.language("at {gates}", gates=gates) if gates else self.language("at no gate"))
        return self.language.comma.join(said)

    def clock(self, moment: str) -> str:
        """The time of day of a moment in ISO 8601."""
        return self.language.time(datetime.fromisoformat(moment), self.zone)

    def day_and_time(self, moment: str) -> str:
        """Day and time of a moment in ISO 8601."""
        return self.language.date_time(datetime.fromisoformat(moment), self.zone, self.now)

    def day_and_time_of(self, seconds: float) -> str:
        """Day and time of a moment in seconds since 1970, UTC."""
        return self.language.date_time(datetime.fromtimestamp(seconds, UTC), self.zone, self.now)

    def stamp(self, moment: str) -> str:
        """Day and time of a moment in ISO 8601, for what is kept or printed."""
        return self.language.stamp(datetime.fromisoformat(moment), self.zone)


def page(request: Request, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
    """One page. `_` is the reader's language, `actor` who is signed in (None: nobody)."""
    known: dict[str, Any] = {
        **_said_in(request),
        "gate": context_of(request).gate,
        "by_face": context_of(request).by_face,
        "many_gates": is_centre(context_of(request).settings, context_of(request).state),
        "path": request.url.path,
        "back": _way_back(request),
        "stands_at": None,
        # Told once: in another language it would be gone.
        "shows_secret": getattr(request.state, "shows_secret", False),
        "refused": request.method != "GET" and status_code >= 400,
        "gate_now": gate_clock()["Gate-Now"],
        "json": json.dumps,
        # Whoever is signed in finds the way to every page from every page, one that tells of an error too.
        "actor": getattr(request.state, "actor", None),
        "notice": None,
        "warning": None,
        "problem": None,
    }
    made: Environment = request.app.state.templates
    response = HTMLResponse(made.get_template(template).render(known | values), status_code)
    forget_what_was_told(request, response)
    return response


def _said_in(request: Request) -> dict[str, Any]:
    """How a page says things: the reader's language, and the gate's times in it."""
    context, language = context_of(request), language_of(request)
    times = _Times(language, zone_of(context.zone), datetime.now(UTC))
    return {
        "_": language,
        "many": language.many,
        "language": language,
        "languages": context.languages.all,
        "clock": times.clock,
        "day_and_time": times.day_and_time,
        "day_and_time_of": times.day_and_time_of,
        "day_of": language.day,
        "short_day": language.short_day,
        "this_day": times.this_day,
        "on_day": times.on_day,
        "let_in": times.let_in,
        "hours_in": partial(hours_in, language),
        "stamp": times.stamp,
        "offset_s": times.offset_s,
    }


def said_of(request: Request, done: Done) -> dict[str, str]:
    """What is said above the page that tells what was done, in the reader's language."""
    said = {"notice": done.notice, "warning": done.warning, "problem": done.problem}
    return {name: language_of(request)(sentence) for name, sentence in said.items() if sentence is not None}


def gate_clock() -> dict[str, str]:
    """The header that tells a page the seconds of the gate's clock, by which an order says when it was given."""
    return {"Gate-Now": f"{time.monotonic():.3f}"}


def page_of_people(
    request: Request, connection: sqlite3.Connection, actor: Actor, look: str | None, template: str,
    status_code: int = 200, **values: Any,
) -> HTMLResponse:  # fmt: skip
    """One page with somebody's personal data on it: whoever makes it puts the `look` on record, as it is called there.

    None: it shows nobody, or says that a deed is done which is on record itself.
    """
    if look is not None:
        record_look(connection, actor, look)
    return page(request, template, status_code, actor=actor, **values)
