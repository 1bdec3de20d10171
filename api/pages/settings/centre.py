"""The page of a gate's centre: following one, what becomes of the people whom this gate had before, and leaving it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.context import record_look_once
from api.early_refusal import EarlyRefusal
from api.gates import leads_gates
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk
from api.telling import Done
from gate.errors import FacegateError, Refusal, UsageError
from gate.fleet import errands
from gate.fleet.errands import Becomes, Decision, Deed, Errand, Phase
from gate.fleet.joined import place_typed
from gate.fleet.pairing import code_of
from gate.fleet.status import read_status
from gate.state_folder import centre_file
from gate.store.people import credentials

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/centre")

# So many are asked of one by one; of more what is said of all holds.
_ASKED_OF = 400


def _shown(desk: Desk, name: str = "centre", **said: Any) -> Response:
    state, leads = desk.context.state, leads_gates(desk.context)
    standing, follows = errands.stands(state, time.monotonic()), os.path.exists(centre_file(state))
    told = standing.done(Deed.JOIN, Deed.LEAVE)
    if told is not None and told.known and standing.at_work:
        record_look_once(desk.connection, desk.context, desk.actor, "who is at the centre too", begins=name == "centre")
    values: dict[str, Any] = {
        "follows": follows, "link": read_status(state), "leads": leads, "standing": standing, "told": told,
        "codes": len(credentials.having_any(desk.connection)), "asked_of": _ASKED_OF,
        "with_form": not (follows or leads or standing.at_work), "typed": {"address": "", "code": ""},
    }  # fmt: skip
    return desk.page(name, **{"back": "/settings/centre"} | values | said)


@router.get("")
def show_centre(desk: OwnersDesk, part: str = "", form: bool = False) -> Response:
    """Whom this gate follows, and how far an errand is; `form` where the page has the form beside that part."""
    return _shown(desk, "centre_live", with_form=form) if part == "live" else _shown(desk)


@router.post("")
def follow_centre(
    desk: ConfirmedDesk,
    address: Annotated[str, Form(max_length=255)] = "",
    code: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Have this gate follow the centre there, by the code of its invitation."""

    def typed() -> Errand:
        if os.path.exists(centre_file(desk.context.state)):
            raise Refusal("This gate follows a centre already. Leave that one first.")
        if leads_gates(desk.context):
            raise Refusal("This machine is a centre itself.")
        try:
            place = place_typed(address, desk.context.settings.centre.pairing_port)
        except ValueError as error:
            raise UsageError("That is no address of a centre. It is one such as 10.0.0.2 or centre.local.") from error
        said = code_of(code)
        return errands.errand(Deed.JOIN, desk.actor.label, address=place.address, port=place.port, code=said)

    try:
        return _sent(desk, typed())
    except FacegateError as error:
        return _shown(desk, problem=error.plain, typed={"address": address, "code": code})


@router.post("/decision")
def decide(
    desk: ConfirmedDesk,
    both: Annotated[Becomes, Form()] = Becomes.HERE,
    others: Annotated[Literal["bring", "here"], Form()] = "here",
    becomes: Annotated[list[Annotated[str, Form(max_length=60)]], Form(max_length=_ASKED_OF)] = [],  # noqa: B006 - never changed
) -> Response:
    """What becomes of the people whom this gate had; `becomes` says of one of them "same ID", or another word."""
    return _decided(desk, both=both, bring=others == "bring", each=_each(becomes))


@router.post("/decision/removal")
def give_up(desk: ConfirmedDesk) -> Response:
    """Nothing is to come of it."""
    return _decided(desk, given_up=True)


@router.post("/removal")
def leave_centre(desk: ConfirmedDesk, forget: Annotated[Literal["", "yes"], Form()] = "") -> Response:
    """Follow the centre no more; with `forget` whoever is on its register is erased here."""
    if not os.path.exists(centre_file(desk.context.state)):
        return _shown(desk, problem=Refusal("This gate follows no centre.").plain)
    return _sent(desk, errands.errand(Deed.LEAVE, desk.actor.label, forget=forget == "yes"))


def _sent(desk: Desk, asked: Errand) -> Response:
    """Pressed twice, it is asked once."""
    if not errands.stands(desk.context.state, time.monotonic()).at_work:
        errands.ask(desk.context.state, asked)
    return desk.done(Done())


def _decided(desk: Desk, **said: Any) -> Response:
    told = errands.stands(desk.context.state, time.monotonic()).done(Deed.JOIN)
    if told is None or told.phase is not Phase.ASKS:
        return _shown(desk, problem=Refusal("There is nothing to decide any more.").plain)
    errands.decide(desk.context.state, Decision(told.errand, **said))
    return desk.done(Done())


def _each(said: Sequence[str]) -> dict[str, Becomes]:
    found = {}
    for one in said:
        what, _, identity = one.partition(" ")
        # Of whom nothing is said, what is said of all holds.
        with suppress(ValueError):
            found[identity] = Becomes(what)
    return found
