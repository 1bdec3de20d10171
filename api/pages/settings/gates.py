"""The page of the gates that follow this centre: how one is invited, and taking one away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from api.early_refusal import EarlyRefusal
from api.pages.gates import refuse_where_no_centre
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk
from gate.errors import Refusal, Sentence
from gate.store.compound import gates

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/gates")


def _shown(desk: Desk, **said: Any) -> Response:
    return desk.page("gates", gates=gates.every(desk.connection), **said)


@router.get("")
def show_gates(desk: OwnersDesk) -> Response:
    """All that follow, and how another is invited."""
    refuse_where_no_centre(desk.context)
    return _shown(desk)


@router.post("/{gate}/removal")
def remove_gate(desk: ConfirmedDesk, gate: str) -> Response:
    """Take a gate away from the register: it is cut off at once."""
    refuse_where_no_centre(desk.context)

    def remove() -> None:
        found = gates.get(desk.connection, gate)
        if found is None:
            raise Refusal("No such gate follows this centre any more.")
        gates.remove(desk.connection, found, by=desk.actor.label)

    return desk.after(remove, Sentence("Removed: it follows no more, and may connect no more."), _shown)
