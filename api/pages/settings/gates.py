"""The page of the gates that follow this centre: how one is invited, and taking one away."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.early_refusal import EarlyRefusal
from api.pages.gates import refuse_where_no_centre
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk
from gate.errors import Refusal, Sentence
from gate.store.compound import gates, site_map
from gate.store.compound.site_map import Place

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/gates")


def _shown(desk: Desk, **said: Any) -> Response:
    doors = gates.doors(desk.connection, desk.context.gate)
    kept, grid = site_map.kept(desk.connection), {"rows": site_map.ROWS, "columns": site_map.COLUMNS}
    return desk.page("gates", gates=gates.every(desk.connection), doors=doors, places=kept, grid=grid, **said)


@router.get("")
def show_gates(desk: OwnersDesk) -> Response:
    """All that follow, and how another is invited."""
    refuse_where_no_centre(desk.context)
    return _shown(desk)


@router.post("/{gate}/place")
def place_gate(
    desk: OwnersDesk, gate: str, row: Annotated[int | None, Form()] = None,
    column: Annotated[int | None, Form()] = None,
) -> Response:  # fmt: skip
    """Where a gate stands on the map; without a row or a column, wherever there is room."""
    refuse_where_no_centre(desk.context)
    place = None if row is None or column is None else Place(row, column)

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
        found = gates.get(desk.connection, gate)
        if found is None:
            raise Refusal("No such gate follows this centre any more.")
        gates.remove(desk.connection, found, by=desk.actor.label)

    return desk.after(remove, Sentence("Removed: it follows no more, and may connect no more."), _shown)
