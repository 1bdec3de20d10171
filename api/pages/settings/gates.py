"""The page of the gates that follow this centre: how one is taken in, and taking one away."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.early_refusal import EarlyRefusal
from api.front.hosts import outward_addresses
from api.pages.gates import refuse_where_no_centre
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk
from api.telling import Done
from gate.centre_settings import CentreSettings
from gate.errors import Refusal, Sentence
from gate.fleet import errands
from gate.fleet.centre_status import CentreStatus, read_status
from gate.fleet.errands import Deed, Phase, Told
from gate.fleet.joined import Place
from gate.store.compound import gates, site_map, succession

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/gates")

# The centre writes how it is every two seconds.
_KNOWN_AFTER_S = 6.0
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was drawn here, as it is shown."""

    code: str
    ends_at: str
    holds: bool
    joined: tuple[str, ...]
    """The names of the gates that used it."""
    wrong: int
    """How often it was tried wrongly."""


def _shown(desk: Desk, name: str = "gates", **said: Any) -> Response:
    standing = errands.stands(desk.context.state, time.monotonic())
    told, settings = standing.done(Deed.INVITE), desk.context.settings.centre
    joined = tuple(gates.joined_since_invited(desk.connection)) if told is not None else ()
    status = read_status(desk.context.state)
    return desk.page(
        name, back="/settings/gates", gates=gates.every(desk.connection), standing=standing, told=told,
        doors=gates.doors(desk.connection, desk.context.gate), places=site_map.kept(desk.connection),
        grid={"rows": site_map.ROWS, "columns": site_map.COLUMNS},
        invitation=_invitation(told, joined, status), on_page=settings.invite_on_page,
        addresses=_addresses(settings, desk.request.url.hostname), **said,
    )  # fmt: skip


def _invitation(told: Told | None, joined: tuple[str, ...], status: CentreStatus | None) -> Invitation | None:
    if told is None or told.phase is not Phase.INVITED:
        return None
    lies = None if status is None else status.invited
    if time.monotonic() - told.at_mono < _KNOWN_AFTER_S and not joined:
        return Invitation(told.code, told.ends_at, True, joined, 0)
    # Another one may have been drawn since, by the command.
    if lies is None or lies.ends_at != told.ends_at:
        return Invitation(told.code, told.ends_at, False, joined, 0)
    ends_in_s = (datetime.fromisoformat(told.ends_at) - datetime.now(UTC)).total_seconds()
    holds = lies.tries_left > 0 and 0 < ends_in_s <= errands.INVITED_FOR_S
    return Invitation(told.code, told.ends_at, holds, joined, _TRIES - lies.tries_left)


def _addresses(settings: CentreSettings, asked_at: str | None) -> list[str]:
    """At which addresses a gate reaches this centre, as they are typed there."""
    anywhere = settings.listen in ("0.0.0.0", "::")  # noqa: S104 - it is asked for
    found = (outward_addresses() or [asked_at or ""]) if anywhere else [settings.listen]
    usual = settings.pairing_port == CentreSettings().pairing_port
    return [one if usual else str(Place(one, settings.pairing_port)) for one in found]


@router.get("")
def show_gates(desk: OwnersDesk, part: str = "") -> Response:
    """All that follow, and how another is taken in."""
    refuse_where_no_centre(desk.context)
    return _shown(desk, "gates_invited" if part == "live" else "gates")


@router.post("/invitation")
def invite_gate(desk: ConfirmedDesk) -> Response:
    """Have an invitation drawn, in the place of the one before; the page that follows shows it as soon as it is there.
    Pressed twice, one is drawn."""
    refuse_where_no_centre(desk.context)
    if not desk.context.settings.centre.invite_on_page:
        return _shown(desk, problem=Refusal("Gates are not taken in from this page here.").plain)
    state = desk.context.state
    if not errands.stands(state, time.monotonic()).at_work:
        errands.ask(state, errands.errand(Deed.INVITE, desk.actor.label))
    return desk.done(Done())


@router.post("/{gate}/place")
def place_gate(
    desk: OwnersDesk, gate: str, row: Annotated[int | None, Form()] = None,
    column: Annotated[int | None, Form()] = None,
) -> Response:  # fmt: skip
    """Where a gate stands on the map; without a row or a column, wherever there is room."""
    refuse_where_no_centre(desk.context)
    place = None if row is None or column is None else site_map.Place(row, column)

    def put() -> None:
        if gate not in gates.doors(desk.connection, desk.context.gate):
            raise Refusal("No such gate follows this centre any more.")
        site_map.put(desk.connection, gate, place)

    return desk.after(put, Sentence("Saved."), _shown)


@router.post("/{gate}/removal")
def remove_gate(desk: ConfirmedDesk, gate: str) -> Response:
    """Take a gate away from the register: it is cut off at once."""
    refuse_where_no_centre(desk.context)

    def remove() -> None:
        succession.refuse_who_does_not_lead(desk.connection)
        found = gates.get(desk.connection, gate)
        if found is None:
            raise Refusal("No such gate follows this centre any more.")
        gates.remove(desk.connection, found, by=desk.actor.label)

    return desk.after(remove, Sentence("Removed: it follows no more, and may connect no more."), _shown)
