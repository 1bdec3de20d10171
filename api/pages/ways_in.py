"""The console's pages of a resident's PIN, phone and cards: told once, added as they are shown, lost and found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from api import ways_in
from api.actors import Registrar
from api.auth import new_secret
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import answered_once
from api.languages import Language
from api.pages import code
from api.pages.page import language_of, page, page_of_people
from api.pages.qr_code import qr_code
from api.pages.told_once import then, told_once
from api.photo_links import address_for_phones
from api.problems import HttpProblem
from api.telling import Done
from api.v1.residents import found_resident
from api.ways_in import ShownCard
from enroll import codes
from enroll.codes import DrawnRolling
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.people import consents, credentials, whereabouts
from gate.store.people.credentials import Credential
from gate.store.people.residents import Resident
from gate.store.record import search
from gate.store.record.search import Search
from gate.vocabulary import Kind, Method

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_Text = Annotated[str, Form(max_length=200)]
_Key = Annotated[str | None, Form(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class Lacking:
    """Who has too few ways in, by what the page's address calls it."""

    words: Sentence
    is_meant: Callable[[Resident, Collection[Method]], bool]


LACKING: dict[str, Lacking] = {
    "face": Lacking(Sentence("With a face and nothing else"), lambda one, others: bool(one.templates) and not others),
    "none": Lacking(Sentence("Without any way in"), lambda one, others: not one.templates and not others),
}


def held_of(connection: sqlite3.Connection, resident: str) -> dict[str, Any]:
    """What `ways_in.html` needs, on the page of a resident."""
    held = credentials.of_resident(connection, resident)
    cards = [one for one in held if one.method is Method.CARD]
    until = credentials.trial_until(connection, resident)
    tried = search.page(connection, Search((resident,), (Kind.DURESS_TRIED,)), count=1)
    return {
        "trial": until.isoformat() if until is not None and until > datetime.now(UTC) else None,
        "tried": tried[0].at if tried else None,
        "pin": _one_in(held, Method.PIN),
        "rolling": _one_in(held, Method.ROLLING),
        "cards": cards,
        "passed": whereabouts.of_resident(connection, resident),
    }


@router.post("/residents/{resident}/pin")
def draw_pin(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """Draw a PIN; it is told on the page that follows, once."""
    person = found_resident(connection, resident)
    drawn = ways_in.draw_pin(context, connection, person, by=actor.label)
    return _told(request, connection, person, Method.PIN, drawn.pin, "pin")


@router.get("/residents/{resident}/pin")
def show_pin(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """The PIN that was just drawn, to whoever drew it, as a slip for whom it is for."""
    person = found_resident(connection, resident)
    held, told = _drawn(request, connection, person, Method.PIN)
    return page_of_people(
        request, connection, actor, None if told else "a resident", "pin.html", person=person, told=told,
        flat=held.flat if held is not None else None, theirs=_language_for(request, connection, context, person),
    )  # fmt: skip


@router.post("/residents/{resident}/pin/removal")
def remove_pin(request: Request, connection: Store, actor: Registrar, resident: str) -> Response:
    """Their PIN opens nothing any more."""
    person = found_resident(connection, resident)
    removed = credentials.remove_pin(connection, person, by=actor.label)
    return _back(request, person, Sentence("The PIN is removed: it opens nothing any more."), on_record=removed)


@router.post("/residents/{resident}/pin/duress-trial")
def begin_trial(request: Request, connection: Store, actor: Registrar, resident: str) -> Response:
    """For ten minutes their PIN under duress is tried out, and is no alarm."""
    person = found_resident(connection, resident)
    credentials.begin_trial(connection, person, datetime.now(UTC), by=actor.label)
    return _back(request, person, Sentence("The trial has begun: see below what to do."))


@router.post("/residents/{resident}/rolling-code")
def draw_rolling(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """Set up a phone; what it scans is told on the page that follows, once."""
    person = found_resident(connection, resident)
    drawn = ways_in.draw_rolling(context, connection, person, by=actor.label)
    return _told(request, connection, person, Method.ROLLING, drawn.fragment, "rolling-code")


@router.get("/residents/{resident}/rolling-code")
def show_rolling(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """What a phone scans, to whoever just asked for it."""
    person = found_resident(connection, resident)
    held, told = _drawn(request, connection, person, Method.ROLLING)
    shown: dict[str, Any] = {"qr": None}
    if told is not None and held is not None:
        drawn = DrawnRolling.of_fragment(held.flat or "", told)
        at, reachable = address_for_phones(request, context)
        shown = {
            "qr": qr_code(drawn.address(context.gate, person.name)), "key": spaced(drawn.key), "flat": drawn.flat,
            "picture": qr_code(f"{at}{code.PATH}#{drawn.fragment}") if context.by_face else None,
            "reachable": reachable,
        }  # fmt: skip
    return page_of_people(
        request, connection, actor, None if shown["qr"] else "a resident", "rolling_code.html", person=person,
        theirs=_language_for(request, connection, context, person), **shown,
    )  # fmt: skip


@router.post("/residents/{resident}/rolling-code/removal")
def remove_rolling(request: Request, connection: Store, actor: Registrar, resident: str) -> Response:
    """Their phone opens nothing any more."""
    person = found_resident(connection, resident)
    removed = credentials.remove_rolling(connection, person, by=actor.label)
    said = Sentence("The code on the phone is removed: it opens nothing any more.")
    return _back(request, person, said, on_record=removed)


@router.get("/residents/{resident}/cards")
def show_cards(
    request: Request, connection: Store, context: Shared, actor: Registrar, resident: str, part: str = ""
) -> Response:
    """Where a card is added: those that were just shown to a reader, to press one; or its number."""
    if part == "live":
        return HTMLResponse(bytes(page(request, "cards_live.html", actor=actor, **_shown(request, context)).body))
    return _cards_page(request, connection, context, actor, found_resident(connection, resident))


@router.post("/residents/{resident}/cards")
def add_card(
    request: Request, connection: Store, context: Shared, actor: Registrar, resident: str, label: _Text = "",
    number: _Text = "", shown: _Text = "", key: _Key = None,
) -> Response:  # fmt: skip
    """Add the card that was pressed, or the one of this number: once, however often it is sent."""
    person = found_resident(connection, resident)

    try:
        finder = b"" if shown else ways_in.finder_of(context, number)

        def add() -> str:
            if shown:
                return ways_in.add_shown(context, connection, person, shown, label, by=actor.label)
            return codes.card_as_found(connection, person, finder, label, by=actor.label)

        asked = (*(one.encode() for one in ("card", resident, label, shown)), finder)
        card = answered_once(connection, actor, key, asked, add)
        if all(one.id != card for one in credentials.of_resident(connection, person.id)):
            # An old page that is sent again.
            raise Refusal(credentials.NO_CARD)
    except FacegateError as error:
        typed = {"label": label, "number": number}
        said = language_of(request).error(error)
        return _cards_page(request, connection, context, actor, person, typed, problem=said)
    return _back(request, person, Sentence("The card is added: it opens from now on."))


@router.post("/residents/{resident}/cards/lost")
def report_lost(request: Request, connection: Store, actor: Registrar, resident: str, card: _Text) -> Response:
    """A card opens nothing until it is found again."""
    person = found_resident(connection, resident)
    credentials.suspend_card(connection, person, card, by=actor.label)
    return _back(request, person, Sentence("The card is reported lost: it opens nothing until it is found again."))


@router.post("/residents/{resident}/cards/found")
def report_found(request: Request, connection: Store, actor: Registrar, resident: str, card: _Text) -> Response:
    """A card opens as before."""
    person = found_resident(connection, resident)
    credentials.resume_card(connection, person, card, by=actor.label)
    return _back(request, person, Sentence("The card opens again."))


@router.post("/residents/{resident}/cards/removal")
def remove_card(request: Request, connection: Store, actor: Registrar, resident: str, card: _Text) -> Response:
    """A card is nobody's any more."""
    person = found_resident(connection, resident)
    credentials.remove_card(connection, person, card, by=actor.label)
    return _back(request, person, Sentence("The card is removed."))


def _back(request: Request, person: Resident, said: Sentence, *, on_record: bool = True) -> Response:
    return then(request, f"/residents/{person.id}", Done(said, about=person.id, on_record=on_record))


def _cards_page(
    request: Request, connection: sqlite3.Connection, context: Context, actor: Registrar, person: Resident,
    typed: dict[str, str] | None = None, **said: str,
) -> Response:  # fmt: skip
    return page_of_people(
        request, connection, actor, "a resident", "cards.html", status_code=422 if said else 200, person=person,
        form={"label": "", "number": ""} | (typed or {}), key=new_secret(), **_shown(request, context), **said,
    )  # fmt: skip


def _shown(request: Request, context: Context) -> dict[str, Any]:
    """The cards that were just shown, or why nobody can tell."""
    silent, found = None, list[ShownCard]()
    try:
        found = ways_in.shown_cards(context)
    except HttpProblem as problem:
        silent = language_of(request).error(problem)
    return {"shown": found, "silent": silent}


def spaced(key: str) -> str:
    """A key in groups of four, as it is typed."""
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def _one_in(held: Sequence[Credential], method: Method) -> Credential | None:
    return next((one for one in held if one.method is method), None)


def _told(
    request: Request, connection: sqlite3.Connection, person: Resident, method: Method, secret: str, page: str
) -> Response:
    """On to the page that tells what was just drawn."""
    held = _one_in(credentials.of_resident(connection, person.id), method)
    of = {"drawn": held.id} if held is not None else {}
    return then(request, f"/residents/{person.id}/{page}", Done(issued=secret, given=of, about=person.id))


def _drawn(
    request: Request, connection: sqlite3.Connection, person: Resident, method: Method
) -> tuple[Credential | None, str | None]:
    """What they have of this kind, and its secret where it was just drawn by whoever asks."""
    held, done = _one_in(credentials.of_resident(connection, person.id), method), told_once(request)
    # Where two were drawn at once, the earlier one opens nothing.
    return held, done.issued if held is not None and done.given.get("drawn") == held.id else None


def _language_for(request: Request, connection: sqlite3.Connection, context: Context, person: Resident) -> Language:
    """The language in which somebody agreed last; else the site's, else the reader's."""
    agreed = [one.consent.language for one in consents.of(connection, person.id)]
    spoken = agreed[-1] if agreed else context.settings.enrolment.language_else(language_of(request).tag)
    return context.languages.chosen(spoken, "")
