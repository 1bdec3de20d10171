"""Passes of visitors. What opens the gate is told once, when a pass is made, and never again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import opens, ways_in
from api.actors import Registrar
from api.context import Shared, Store, record_look
from api.early_refusal import EarlyRefusal
from api.opens import Opens
from api.problems import RESPONSES, HttpProblem
from api.v1.events import Moment
from api.v1.paging import part_of
from api.v1.residents import found_resident
from gate.store.people import passes
from gate.store.people.passes import MOST_DAYS, MOST_USES, Phase, Wanted

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["ways in"], responses=RESPONSES)

_MOST_LISTED = 500


class Pass(BaseModel):
    """A pass, without what opens the gate. Times are ISO 8601, UTC."""

    id: str
    name: str = Field(description="Of the visitor.")
    host: str | None = Field(description="The id of the resident whom they visit.")
    host_name: str | None
    unit: str | None = Field(description="The home that they visit.")
    begins: str
    ends: str = Field(
        description="Exclusive; sooner than at first once it was used, where it lasts from then, and where their host"
        " moves out."
    )
    schedule: str | None = Field(description="The hours in which it opens; null: at any time.")
    uses: int
    uses_left: int
    first_used_at: str | None
    lasts_s: int | None = Field(description="From its first use, seconds; null: to its end.")
    made_at: str
    revoked_at: str | None = Field(description="When it was taken back.")
    phase: Phase
    opens: Opens | None = Field(
        description="Which gates of a compound it opens: every one, every one at which whom they visit is let in, this"
        " one alone, or this one now and the others once the centre took it; null where there is one gate alone, and"
        " for a pass that was taken back."
    )


class NewPass(BaseModel):
    """A pass for a visitor of a host, or of a home, or of neither. A time without a zone is taken as UTC."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=200, description="Of the visitor.")
    host: str | None = Field(None, max_length=64, description="A resident's id; the home is theirs then.")
    unit: str | None = Field(None, max_length=200, description="A home, where no host is named.")
    begins: Moment | None = Field(None, description="Null: now.")
    ends: Moment = Field(description=f"Exclusive; at most {MOST_DAYS} days after it begins.")
    uses: int = Field(1, description=f"How often it opens, at most {MOST_USES} times.")
    lasts_s: int | None = Field(None, description="From its first use, seconds; null: to its end.")
    schedule: str | None = Field(None, max_length=60, description="The hours in which it opens; null: at any time.")


class DrawnPass(BaseModel):
    """A pass that was made just now. Its codes are told this once and kept nowhere: send them to whoever it is for."""

    made: Pass
    code: str = Field(description="What its picture says: draw it as a QR code, dark on white, with white around it.")
    digits: str
    typed: str = Field(description="All the keys in their order, for who has no picture to show.")


@router.get("/passes")
def list_passes(
    request: Request, connection: Store, context: Shared, actor: Registrar, response: Response,
    after: Annotated[str | None, Query(max_length=64)] = None, count: int = _MOST_LISTED,
) -> list[Pass]:  # fmt: skip
    """All that are kept, those that end last first, at most 500 at once.

    Where there are more, the answer has the header `Link` with the address of the next ones (`rel="next"`); `after` is
    the id of the last one before them. 409 where that one is gone.
    """
    record_look(connection, actor, "passes")
    count = max(1, min(count, _MOST_LISTED))
    part, more = part_of(passes.every(connection), after, count)
    if more is not None:
        response.headers["Link"] = f'<{request.url.path}?{urlencode({"after": more, "count": count})}>; rel="next"'
    return [_shown(connection, one, context.now) for one in part]


@router.post("/passes", status_code=201)
def make_pass(new: NewPass, connection: Store, context: Shared, actor: Registrar, response: Response) -> DrawnPass:
    """Make a pass. Asked twice it makes two."""
    host, now = None if new.host is None else found_resident(connection, new.host), context.now
    if host is not None and new.unit is not None:
        raise HttpProblem(422, "Say a host or a home: of a host the home is theirs.")
    begins = now if new.begins is None else _with_zone(new.begins)
    wanted = Wanted(new.name, begins, _with_zone(new.ends), new.uses, new.lasts_s, new.schedule, host, new.unit)
    drawn = ways_in.draw_pass(context, connection, wanted, by=actor.label)
    response.headers["Location"] = f"/api/v1/passes/{drawn.made.id}"
    return DrawnPass(made=_shown(connection, drawn.made, now), code=drawn.code, digits=drawn.digits, typed=drawn.typed)


@router.get("/passes/{visit}")
def show_pass(visit: str, connection: Store, context: Shared, actor: Registrar) -> Pass:
    """One of them."""
    found = found_pass(connection, visit)
    record_look(connection, actor, "passes")
    return _shown(connection, found, context.now)


@router.delete("/passes/{visit}", status_code=204)
def take_pass_back(visit: str, connection: Store, actor: Registrar) -> None:
    """It opens nothing from now on; whoever holds it up is told so."""
    passes.revoke(connection, found_pass(connection, visit).id, datetime.now(UTC), by=actor.label)


def found_pass(connection: Store, visit: str) -> passes.Pass:
    """The pass with this id. Raises HttpProblem (404)."""
    found = passes.get(connection, visit)
    if found is None:
        raise HttpProblem(404, passes.NO_PASS)
    return found


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _shown(connection: Store, one: passes.Pass, now: datetime) -> Pass:
    """At this moment, in the gate's zone."""
    return Pass(
        id=one.id, name=one.name, host=one.host, host_name=one.host_name, unit=one.unit, begins=one.valid_from,
        ends=passes.text_of(one.ends_in(now.tzinfo or UTC)), schedule=one.schedule, uses=one.uses,
        uses_left=one.uses_left, first_used_at=one.first_used_at, lasts_s=one.lasts_s, made_at=one.made_at,
        revoked_at=one.revoked_at, phase=one.phase(now), opens=opens.opens(connection, one),
    )  # fmt: skip
