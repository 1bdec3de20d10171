"""The console's pages about people: residents, one resident, receipts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.actors import Registrar
from api.auth import Actor, Permission, new_secret
from api.context import Context, Shared, Store
from api.drafts import OF_A_RESIDENT
from api.early_refusal import EarlyRefusal
from api.far_camera import places
from api.idempotency import answered_once
from api.pages.own_links import own_page_of
from api.pages.page import language_of, page_of_people, said_of
from api.pages.photo_links import link_of, photos_for
from api.pages.proposed import proposed_of, standing
from api.pages.told_once import then, told_once
from api.pages.ways_in import LACKING, held_of
from api.problems import HttpProblem
from api.telling import Done
from api.v1.residents import etag, found_resident, refuse_outdated
from gate.care import retention
from gate.errors import FacegateError, Sentence, together
from gate.names import clean_home, clean_name
from gate.store.compound import records
from gate.store.database import transaction
from gate.store.people import consents, corrections, credentials, erasure, finding, homes, templates
from gate.store.people.changes import OVER, Changes, change, is_over
from gate.store.people.homes import Home
from gate.store.people.residents import Resident
from gate.store.record.search import Search
from gate.store.site import areas, schedules

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_PEOPLE_SHOWN = 100
_LINES_SHOWN = 10
# Whose last day is nearer than this is marked.
_SOON = timedelta(days=30)
_Text = Annotated[str, Form(max_length=400)]
_Key = Annotated[str | None, Form(min_length=1, max_length=64)]
# Of a choice of hours or of an area: that of the group, else none. An empty field is what a form without one sends.
_NONE_OF_THEIR_OWN = "-"
_TEXTS = ("name", "unit", "group", "valid_from", "valid_until")


@router.get("/residents")
def show_residents(
    request: Request,
    connection: Store,
    context: Shared,
    actor: Registrar,
    search: Annotated[str, Query(max_length=200)] = "",
    lacking: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Everyone, a family on one card, by home; or those who are `lacking` ways in."""
    people, others = finding.search(connection, search), credentials.having(connection)
    meant = {key: [one for one in people if of.is_meant(one, others.get(one.id, ()))] for key, of in LACKING.items()}
    found = homes.grouped(meant.get(lacking, people))
    # Whoever was last on the page before may be gone from the list by now: the next one is where they would be.
    start = 0 if after is None else sum(homes.in_order(one.key) <= homes.in_order(after) for one in found)
    shown = _as_many_as_fit(found[start:])
    more, listed = start + len(shown) < len(found), [one.id for home in shown for one in home.people]
    return page_of_people(
        request, connection, actor, "residents", "residents.html", homes=shown, search=search,
        lacking=lacking if lacking in LACKING else "", others=others,
        lacks={key: (of.words, len(meant[key])) for key, of in LACKING.items()},
        total=sum(len(one.people) for one in found), next=shown[-1].key if more else None,
        fading=retention.fading(connection, context.settings.keep, context.today),
        proposed=standing(context, connection),
        **known_of_faces(connection, context, listed), **photos_for(context, connection, actor),
    )  # fmt: skip


def _as_many_as_fit(found: list[Home]) -> list[Home]:
    """The first homes, of so many people as a page shows, and one at least."""
    people = accumulate(len(one.people) for one in found)
    return found[: max(1, sum(count <= _PEOPLE_SHOWN for count in people))]


def known_of_faces(connection: sqlite3.Connection, context: Context, shown: Collection[str]) -> dict[str, Any]:
    """What a list of people, the `shown` by their ids, says beside each: whose face is of another model, damaged or
    unknown to the second look, and the day from which an end is near."""
    # Without it the first page of an api starts sooner.
    from gate.vision.promise import looks_again

    model = context.enroller.model_id()
    # Where nobody is looked at again, new photos would bring nothing.
    second = context.enroller.second_id() if looks_again(context.settings.vision) else None
    return {
        "outdated": templates.outdated(connection, model) if model else set(),
        "once_only": templates.outdated(connection, second) if second else set(),
        "damaged": templates.damaged(connection, shown),
        "soon": (context.today + _SOON).isoformat(),
    }


@router.get("/residents/{resident}")
def show_resident(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """One person: how they are let in, their face, their consent, what they did lately."""
    return resident_page(request, connection, context, actor, resident)


@router.post("/residents/{resident}")
def change_resident(
    request: Request,
    connection: Store,
    context: Shared,
    actor: Registrar,
    resident: str,
    known_as: _Text,
    name: _Text = "",
    unit: _Text = "",
    group: _Text = "",
    valid_from: _Text = "",
    valid_until: _Text = "",
    extended: Annotated[bool, Form()] = False,
    schedule: _Text = "",
    area: _Text = "",
    shown: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Change how they are let in, unless somebody else was quicker: what was changed of what was `shown` stays."""
    found, language = found_resident(connection, resident), language_of(request)
    typed = {
        "name": name, "unit": unit, "group": group, "valid_from": valid_from, "valid_until": valid_until,
        "extended": extended, "schedule": schedule, "area": area,
    }  # fmt: skip
    try:
        with transaction(connection):
            found = found_resident(connection, resident)
            refuse_outdated(found, known_as)
            wanted = Changes(
                name=clean_name(name), unit=clean_home(unit, found.unit) if unit.strip() else "", extended=extended,
                group=group, valid_from=valid_from, valid_until=valid_until,
                schedule=_chosen(schedule), area=_chosen(area),
            )  # fmt: skip
            changed = change(connection, found, wanted, by=actor.label)
    except HttpProblem as outdated:
        before, now = _fields_in(shown), _fields_of(found)
        # A choice that its form did not offer is empty.
        offered = {one: value for one, value in typed.items() if value != "" or one in _TEXTS}
        typed = {one: value for one, value in offered.items() if value != before.get(one)}
        meanwhile = [OF_A_RESIDENT[one] for one in now if before.get(one, now[one]) != now[one]]
        told = language.error(outdated)
        if meanwhile:
            fields = language.comma.join(map(language, meanwhile))
            rest = Sentence("They changed: {fields}.", fields=fields)
            told = language(Sentence("{first} {rest}", first=told, rest=rest))
        return resident_page(request, connection, context, actor, resident, typed, problem=told)
    except FacegateError as error:
        return resident_page(request, connection, context, actor, resident, typed, problem=language.error(error))
    # The change is on record; where nothing is changed, it is a look.
    slipped = changed.valid_until != found.valid_until and is_over(changed.valid_until, context.today)
    said = together([Sentence("Saved."), *([OVER] if slipped else [])])
    return then(request, f"/residents/{found.id}", Done(said, on_record=changed != found))


def _fields_of(person: Resident) -> dict[str, str | bool]:
    """What the form says of them, by its fields."""
    choices = {one: getattr(person, one) or _NONE_OF_THEIR_OWN for one in ("schedule", "area")}
    return {one: getattr(person, one) or "" for one in _TEXTS} | {"extended": person.extended} | choices


def _fields_in(shown: str) -> dict[str, object]:
    """What a form says that it showed; nothing of one of an earlier version."""
    try:
        found = json.loads(shown)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _chosen(value: str) -> str | None:
    """A choice as a change: None stays as it is, an empty text takes away."""
    return None if not value else "" if value == _NONE_OF_THEIR_OWN else value


@router.post("/residents/{resident}/withdrawal")
def withdraw_consent(connection: Store, context: Shared, actor: Registrar, resident: str, key: _Key = None) -> Response:
    """Their consent ends, once however often it is sent; on to the receipt."""
    return _to_receipt(connection, context, actor, resident, key, erasure.withdraw)


@router.post("/residents/{resident}/erasure")
def erase_resident(connection: Store, context: Shared, actor: Registrar, resident: str, key: _Key = None) -> Response:
    """They are erased, once however often it is sent; on to the receipt."""
    return _to_receipt(connection, context, actor, resident, key, erasure.remove)


def _to_receipt(
    connection: Store, context: Context, actor: Actor, resident: str, key: str | None,
    erase: Callable[..., erasure.Receipt],
) -> Response:  # fmt: skip
    def erased() -> str:
        receipt = erase(connection, found_resident(connection, resident), by=actor.label)
        context.forget({resident})
        return receipt.id

    receipt = answered_once(connection, actor, key, (b"erasure", resident.encode()), erased)
    return RedirectResponse(f"/receipts/{receipt}", 303)


@router.post("/residents/{resident}/corrections")
def correct_opening(request: Request, connection: Store, actor: Registrar, resident: str, event: _Text) -> Response:
    """An opening in their name was somebody else."""
    corrections.correct(connection, found_resident(connection, resident), event, by=actor.label)
    said = Sentence("Noted. From now on the gate asks for a closer match before it takes somebody for them.")
    return then(request, f"/residents/{resident}", Done(said))


@router.post("/residents/{resident}/corrections/taken-back")
def take_correction_back(
    request: Request, connection: Store, actor: Registrar, resident: str, event: _Text
) -> Response:
    """It was them after all."""
    corrections.take_back(connection, found_resident(connection, resident), event, by=actor.label)
    return then(request, f"/residents/{resident}", Done(Sentence("The correction is taken back.")))


@router.post("/residents/{resident}/templates/erasure")
def erase_template(request: Request, connection: Store, actor: Registrar, resident: str, template: _Text) -> Response:
    """One template goes."""
    erasure.remove_template(connection, found_resident(connection, resident), template, by=actor.label)
    return then(request, f"/residents/{resident}", Done(Sentence("Template erased.")))


def resident_page(
    request: Request,
    connection: Store,
    context: Context,
    actor: Registrar,
    resident: str,
    typed: dict[str, Any] | None = None,
    **said: str,
) -> Response:
    """The page of one resident, with what was done to them before it, or a problem that is `said` and what was `typed`.

    It is a look, unless it tells of something that is on record itself.
    """
    person, done = found_resident(connection, resident), told_once(request)
    fading = retention.fading(connection, context.settings.keep, context.today)
    return page_of_people(
        request,
        connection,
        actor,
        None if done.notice and done.on_record else "a resident",
        "resident.html",
        status_code=422 if "problem" in said else 200,
        person=person,
        form=replace(person, **typed or {}),
        fading=[one for one in fading if one.resident == person.id],
        etag=etag(person),
        shown=json.dumps(_fields_of(person)),
        groups=schedules.groups(connection),
        schedules=schedules.every(connection),
        areas=areas.every(connection),
        none_of_their_own=_NONE_OF_THEIR_OWN,
        key=new_secret(),
        templates=templates.of(connection, person.id),
        takes_photos=bool(places(context, connection)),
        model=context.enroller.model_id(),
        once_only=person.id in known_of_faces(connection, context, ())["once_only"],
        agreed=consents.of(connection, person.id),
        may_withdraw=erasure.may_withdraw(connection, person.id),
        lines=records.page(connection, Search(residents=(person.id,)), count=_LINES_SHOWN).lines
        if actor.may(Permission.RECORD)
        else [],
        corrected={one.event: one for one in corrections.of(connection, person.id)},
        is_opening_by_face=corrections.is_opening_by_face,
        own_gate=records.own_gate(connection),
        gates=records.names_beside(connection, context.gate),
        **held_of(connection, person.id),
        **link_of(connection, person.id),
        **own_page_of(context, connection, person.id),
        **proposed_of(context, connection, person.id),
        **said_of(request, done) | said,
    )
