"""What a resident looks after on their own phone: their ways in, passes for their visitors, their consent.

Nobody is signed in here. The phone that opened the link is known by a cookie, and may what stands here in its own name;
of anybody else it is told nothing, and of the console it is shown nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from api import opens, ways_in
from api.actors import address_of
from api.auth import digest, new_secret
from api.context import Context, Shared, Store, context_of, store_of
from api.front.bodies import ANYBODYS, Body
from api.front.slots import network_of
from api.idempotency import answered_once
from api.own_pages import (
    LINKS,
    ROOT,
    Held,
    cookie_of,
    held_by,
    keep_phone,
    keeps_cookies,
    linked,
    offer_phone,
    open_here,
    phone_of,
)  # fmt: skip
from api.pages import code
from api.pages.own_photo_steps import hint
from api.pages.page import language_of, page
from api.pages.passes import SPANS, message_for
from api.pages.qr_code import qr_code, qr_files
from api.pages.told_once import then, then_again, told_once
from api.pages.ways_in import spaced
from api.telling import Done
from api.throttle import Attempt
from api.wording import METHODS
from enroll import consent as texts
from enroll.codes import DrawnPass, DrawnRolling
from gate.clock import zone_of
from gate.codes import flat_of
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.compound import records
from gate.store.compound.role import Part, part
from gate.store.people import consents, credentials, erasure, own_pages, passes
from gate.store.people.passes import Pass, Phase, Wanted
from gate.store.people.residents import Resident
from gate.store.record.search import Search
from gate.store.site import areas, schedules
from gate.vocabulary import ENTERED, Method

_SPANS = ("today", "day", "week")
_USES = (1, 2, 5, 10)
# Of passes that are over, and of times they were let in, so many are shown.
_FEW = 5
_NOT_YET = Sentence("Your first day is still to come: from then on you can make passes.")
_NONE_HERE = Sentence("Passes are made by the property office here.")
_NOT_THEIRS = Sentence("There is no such pass.")
_Text = Annotated[str, Form(max_length=200)]
_Short = Annotated[str, Form(max_length=60)]
_Key = Annotated[str | None, Form(min_length=1, max_length=64)]


class PhoneFirst(APIRoute):
    """A route for whoever holds a link or a page: which it is is asked before the first byte of what they send."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's own handler, behind the question whose page it is."""
        handle = super().get_route_handler()

        async def handle_asked(request: Request) -> Response:
            held = await run_in_threadpool(_asked, request)
            if held is None:
                return _over(request)
            request.state.held_page, request.state.actor = held, held.actor
            # Their connection has a place among those we know.
            request.state.asker = held.page.by
            if request.method != "GET":
                # Whoever has no more than the link takes no act from the phone that has the page.
                by_link = "secret" in request.path_params
                context_of(request).acts.take(f"{by_link} {held.page.id}", time.monotonic())
            body: Body | None = getattr(request.state, "body", None)
            if body is not None and body.comes:
                await body.open(ANYBODYS, request.state.asker, by_link=True)
            return await handle(request)

        return handle_asked


def _asked(request: Request) -> Held | None:
    """The page of a request, with whose it is; None: there is none, or another phone's."""
    context, secret = context_of(request), request.path_params.get("secret")
    with store_of(context) as connection:
        if secret is not None:
            return linked(context, connection, secret)
        return held_by(request, context, connection, request.path_params.get("own"))


def _held(request: Request) -> Held:
    held: Held = request.state.held_page
    return held


Holder = Annotated[Held, Depends(_held)]
router = APIRouter(route_class=PhoneFirst, include_in_schema=False)


@router.get(LINKS + "/{secret}")
def show_link(request: Request, context: Shared, held: Holder) -> Response:
    """Whose page it opens, as far as they need to know that it is theirs. Looking binds nothing: messengers look."""
    if (phone := phone_of(request, context, held)) is not None:
        return keep_phone(request, context, RedirectResponse(_at(held), 303), phone)
    opened = held.page.opened_at is not None
    response = page(
        request, "own_link.html", step="elsewhere" if opened else "hello", hint=hint(held.person.name),
        here=request.url.path, problem=None,
    )  # fmt: skip
    return response if opened else offer_phone(request, context, response)


@router.post(LINKS + "/{secret}")
def open_link(request: Request, connection: Store, context: Shared, held: Holder) -> Response:
    """The page is this phone's from now on, and the link opens nothing more."""
    if (phone := phone_of(request, context, held)) is not None:
        return keep_phone(request, context, RedirectResponse(_at(held), 303), phone)
    # The browser of a messenger may keep nothing: it would use the link up, and know of no page a moment later.
    if held.page.opened_at is None and not keeps_cookies(request, context):
        return page(request, "own_link.html", 403, step="forgetful", hint="", here=request.url.path)
    try:
        phone = open_here(request, context, connection, held)
    except Refusal:
        return page(request, "own_link.html", 403, step="elsewhere", hint="", here=request.url.path)
    return keep_phone(request, context, RedirectResponse(_at(held), 303), phone)


@router.get(ROOT)
def show_own(held: Holder) -> Response:
    """On to the page that this phone opened last."""
    return RedirectResponse(_at(held), 303)


@router.get(ROOT + "/{own}")
def show(request: Request, connection: Store, context: Shared, held: Holder) -> Response:
    """All of it."""
    response = _home(request, connection, context, held)
    phone = phone_of(request, context, held)
    return response if phone is None else keep_phone(request, context, response, phone)


@router.post(ROOT + "/{own}/cards/lost")
def report_lost(request: Request, connection: Store, held: Holder, card: _Text) -> Response:
    """A card of theirs opens nothing until somebody of the staff says that it was found."""
    credentials.suspend_card(connection, held.person, card, by=held.page.by)
    return _back(request, held, Sentence("The card is reported lost: it opens nothing any more."))


@router.post(ROOT + "/{own}/passes")
def make_pass(
    request: Request, connection: Store, context: Shared, held: Holder, name: _Text = "", span: _Short = "today",
    uses: _Short = "1", key: _Key = None,
) -> Response:  # fmt: skip
    """Make a pass for a visitor, once however often it is sent; its picture is on the page that follows."""
    typed, drawn = {"name": name, "span": span, "uses": uses}, list[DrawnPass]()

    def make() -> str:
        asked = _wanted(context, connection, held, typed)
        drawn.append(ways_in.draw_pass(context, connection, asked, by=held.page.by))
        return drawn[0].made.id

    try:
        known_by = (b"own pass", *(one.encode() for one in typed.values()))
        made = answered_once(connection, held.actor, key, known_by, make)
    except FacegateError as error:
        said = language_of(request).error(error)
        return _home(request, connection, context, held, typed, status_code=422, problem=said)
    to = f"{_at(held)}/passes/{made}"
    if not drawn:
        return then_again(request, to, Done())
    return then(request, to, Done(issued=f"{drawn[0].code} {drawn[0].typed}", about=held.person.id))


@router.get(ROOT + "/{own}/passes/{visit}")
def show_pass(request: Request, connection: Store, context: Shared, held: Holder, visit: str) -> Response:
    """A pass of a visitor of theirs; just after it was made also its picture and its number."""
    one, done = _pass(connection, held, visit), told_once(request)
    said, _, typed = (done.issued or "").partition(" ")
    told: dict[str, Any] = {}
    if said:
        spoken = language_of(request)
        told = {"qr": qr_code(said), "files": qr_files(said), "message": message_for(context, connection, spoken, one)}
    return page(
        request, "own_pass.html", here=_at(held), one=one, typed=typed, told=told, phase=one.phase(context.now),
        ends_at=passes.text_of(one.ends_in(zone_of(context.zone))), opens=opens.said(context.state, connection, one),
    )  # fmt: skip


@router.post(ROOT + "/{own}/passes/{visit}/removal")
def take_back(request: Request, connection: Store, held: Holder, visit: str) -> Response:
    """It opens nothing from now on."""
    one = passes.revoke(connection, _pass(connection, held, visit).id, datetime.now(UTC), by=held.page.by)
    said = Sentence("The pass of {name} is taken back: it opens nothing any more.", name=one.name)
    return _back(request, held, said)


@router.post(ROOT + "/{own}/phone")
def draw_rolling(request: Request, connection: Store, context: Shared, held: Holder) -> Response:
    """Set up the codes of their phone; what it needs for that is told on the page that follows, once."""
    try:
        drawn = ways_in.draw_rolling(context, connection, held.person, by=held.page.by)
    except FacegateError as error:
        said = language_of(request).error(error)
        return _home(request, connection, context, held, status_code=422, problem=said)
    return then(request, f"{_at(held)}/phone", Done(issued=drawn.fragment, about=held.person.id))


@router.get(ROOT + "/{own}/phone")
def show_rolling(request: Request, connection: Store, context: Shared, held: Holder) -> Response:
    """What a phone needs for its codes, just after it was asked for."""
    has = [one for one in credentials.of_resident(connection, held.person.id) if one.method is Method.ROLLING]
    fragment = told_once(request).issued if has else None
    shown: dict[str, Any] = {"address": None}
    if fragment is not None:
        drawn = DrawnRolling.of_fragment(has[0].flat or "", fragment)
        address = drawn.address(context.gate, held.person.name)
        shown = {"address": address, "qr": qr_code(address), "key": spaced(drawn.key), "flat": drawn.flat}
        shown |= {"picture": f"{code.PATH}#{fragment}" if context.by_face else None}
    return page(request, "own_phone.html", here=_at(held), **shown)


@router.post(ROOT + "/{own}/phone/removal")
def remove_rolling(request: Request, connection: Store, held: Holder) -> Response:
    """The codes of their phone open nothing any more."""
    credentials.remove_rolling(connection, held.person, by=held.page.by)
    return _back(request, held, Sentence("The code on the phone is removed: it opens nothing any more."))


@router.post(ROOT + "/{own}/withdrawal")
def withdraw(request: Request, connection: Store, context: Shared, held: Holder) -> Response:
    """Their consent ends, and their face is erased; they live here as before."""
    if erasure.may_withdraw(connection, held.person.id):
        erasure.withdraw(connection, held.person, by=held.page.by)
        context.forget({held.person.id})
    return _back(request, held, Sentence("Your consent is ended, and your face is erased."))


@router.post(ROOT + "/{own}/end")
def end(connection: Store, held: Holder) -> Response:
    """The page ends, as where the phone is given away."""
    own_pages.end(connection, held.person, by=held.page.by)
    return RedirectResponse(ROOT, 303)


def is_of_phone(request: Request) -> bool:
    """Whether somebody asks who holds such a page or a link, or says so."""
    return request.url.path.startswith((f"{ROOT}/", f"{LINKS}/")) or request.url.path == ROOT


def told(request: Request, status: int, sentence: str) -> Response:
    """An error as whoever holds a page reads it, with the way back."""
    held: Held | None = getattr(request.state, "held_page", None)
    here = ROOT if held is None else _at(held)
    return page(request, "own_link.html", status, step="said", hint="", here=here, problem=sentence)


def _over(request: Request) -> Response:
    """The one answer to a link that is none and to a phone that holds no page: whether there was one is not told."""
    context, now = context_of(request), time.monotonic()
    shown = request.path_params.get("secret") or request.cookies.get(cookie_of(context), "")
    attempt = Attempt(digest(shown), network_of(address_of(request)), known=True)
    wait_s = context.link_throttle.wait_s(attempt, now)
    context.link_throttle.failed(attempt, now)
    response = page(request, "own_link.html", 429 if wait_s else 404, step="over", hint="", here=ROOT)
    if wait_s:
        response.headers["Retry-After"] = str(math.ceil(wait_s))
    return response


def _at(held: Held) -> str:
    return f"{ROOT}/{held.page.id}"


def _back(request: Request, held: Held, said: Sentence) -> Response:
    return then(request, _at(held), Done(said, about=held.person.id))


def _pass(connection: Store, held: Held, visit: str) -> Pass:
    """A pass of a visitor of theirs. Raises Refusal for any other."""
    found = passes.get(connection, visit)
    if found is None or found.host != held.person.id:
        raise Refusal(_NOT_THEIRS)
    return found


def _most_open(context: Context, person: Resident) -> int:
    """How many passes they may have open at once; a pass needs no escort, so whoever needs one makes none."""
    escorted = context.settings.door.escorted_group
    return 0 if escorted is not None and person.group == escorted else context.settings.enrolment.own_passes


def _wanted(context: Context, connection: Store, held: Held, typed: dict[str, str]) -> Wanted:
    """What the form asks for, over with their last day at the latest and in their own hours: whoever is let in by day
    lets in nobody by night. Raises Refusal where they may make none."""
    person, zone, most = held.person, zone_of(context.zone), _most_open(context, held.person)
    if not most:
        raise Refusal(_NONE_HERE)
    if person.valid_from and person.valid_from > context.today.isoformat():
        raise Refusal(_NOT_YET)
    begins = datetime.now(zone)
    ends = SPANS[typed["span"] if typed["span"] in _SPANS else _SPANS[0]].end(begins)
    if person.valid_until:
        last = datetime.combine(datetime.fromisoformat(person.valid_until), time_of_day(), zone)
        ends = min(ends, last + timedelta(days=1))
    uses = int(typed["uses"]) if typed["uses"] in map(str, _USES) else _USES[0]
    hours = schedules.of_resident(connection, person.id)
    return Wanted(typed["name"], begins, ends, uses, schedule=hours, host=person, most_open=most)


def _home(
    request: Request, connection: Store, context: Context, held: Held, typed: dict[str, str] | None = None,
    status_code: int = 200, **said: str,
) -> Response:  # fmt: skip
    person, done, now = held.person, told_once(request), context.now
    if done.notice is not None:
        said = {"notice": language_of(request)(done.notice)} | said
    ways = {one.method: one for one in credentials.of_resident(connection, person.id)}
    visits = passes.of_host(connection, person.id)
    lines = records.page(connection, Search((person.id,), ENTERED), count=_FEW).lines
    agreed = [one for one in consents.of(connection, person.id) if one.withdrawn_at is None]
    return page(
        request, "own_page.html", status_code, here=_at(held), held=held, person=person,
        pin=ways.get(Method.PIN), rolling=ways.get(Method.ROLLING),
        cards=[one for one in credentials.of_resident(connection, person.id) if one.method is Method.CARD],
        has_phone=flat_of(person.unit) is not None, may_withdraw=erasure.may_withdraw(connection, person.id),
        agreed=agreed[-1] if agreed else None, consent_text=_paragraphs(agreed[-1:]),
        shown=[one for one in visits if one.phase(now) is not Phase.OVER],
        over=[one for one in visits if one.phase(now) is Phase.OVER][:_FEW],
        most=_most_open(context, person),
        end_of=lambda one: passes.text_of(one.ends_in(zone_of(context.zone))),
        spent=opens.SPENT if opens.is_of_several(connection) else None,
        spans={value: SPANS[value].words for value in _SPANS}, uses=_USES, METHODS=METHODS,
        typed={"name": "", "span": "today", "uses": "1"} | (typed or {}), key=new_secret(),
        areas=areas.every(connection), gates=records.names_beside(connection, context.gate),
        follows=part(connection) is Part.GATE,
        lines=[one for one in lines if one.personal.get("resident") == person.id], **said,
    )  # fmt: skip


def _paragraphs(agreed: list[consents.RecordedConsent]) -> list[str]:
    """The text that they agreed to, in the language in which they did."""
    if not agreed:
        return []
    given = agreed[-1].consent
    try:
        words = texts.text(given.language, given.text)
    except FacegateError:
        # A face of before consents were recorded: there was no text.
        return []
    between = "" if given.language.startswith("zh") else " "
    return [between.join(part.splitlines()) for part in words.strip().split("\n\n")]
