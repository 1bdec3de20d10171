"""Residents' own pages on their phones: a link drawn, which is told once, and the page ended."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.actors import Registrar
from api.context import Shared, Store, record_look
from api.early_refusal import EarlyRefusal
from api.own_pages import draw, url_of
from api.problems import RESPONSES, HttpProblem
from api.v1.residents import found_resident
from gate.errors import Sentence
from gate.store.people import own_pages

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["own pages"], responses=RESPONSES)

_NONE = Sentence("This resident has no page of their own.")


class OwnPage(BaseModel):
    """A resident's page of their own, without its link. Times are ISO 8601, UTC."""

    resident: str
    made_by: str
    made_at: str
    open_by: str = Field(description="Until when its link can be opened.")
    opened_at: str | None = Field(description="Since when a phone has it; null: its link was not opened yet.")


class DrawnLink(BaseModel):
    """A link that was drawn just now. It is told this once and kept nowhere: whoever opens it first has the page."""

    url: str
    open_by: str
    reachable: bool = Field(
        description="Whether phones reach the gate by the address of this link: false where it was asked for on the"
        " gate's own machine, as by 127.0.0.1."
    )


@router.get("/residents/{resident}/own-page")
def show_own_page(resident: str, connection: Store, actor: Registrar) -> OwnPage:
    """How far it is: whether the link was opened, and when. 404 where there is none."""
    person = found_resident(connection, resident)
    found = own_pages.of_resident(connection, person.id, datetime.now(UTC))
    if found is None:
        raise HttpProblem(404, _NONE)
    record_look(connection, actor, "a resident")
    return OwnPage(
        resident=person.id, made_by=found.made_by, made_at=found.made_at, open_by=found.open_by,
        opened_at=found.opened_at,
    )  # fmt: skip


@router.post("/residents/{resident}/own-page", status_code=201)
def draw_own_page(resident: str, request: Request, connection: Store, context: Shared, actor: Registrar) -> DrawnLink:
    """Draw a link to a resident's own page. The page that they had ends, also on their phone."""
    drawn = draw(context, connection, found_resident(connection, resident), by=actor.label)
    url, reachable = url_of(request, context, drawn.secret)
    return DrawnLink(url=url, open_by=drawn.page.open_by, reachable=reachable)


@router.delete("/residents/{resident}/own-page", status_code=204)
def end_own_page(resident: str, connection: Store, actor: Registrar) -> None:
    """Their page ends, with its link and on their phone. 409 where there is none."""
    own_pages.end(connection, found_resident(connection, resident), by=actor.label)
