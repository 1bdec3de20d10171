"""Links by which residents send photos of their own: drawn, listed and ended. Each is told whoever drew it alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from api.actors import Registrar
from api.auth import digest
from api.context import Shared, Store, record_look
from api.early_refusal import EarlyRefusal
from api.photo_links import address_for_phones, draw, end, new_key
from api.problems import RESPONSES
from api.v1.residents import Identity, found_resident
from api.v1.together import MOST
from gate.store.people import photo_links

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["photo links"], responses=RESPONSES)


# No new link is drawn for somebody whose link is younger: each is two lines that the record keeps.
_NOT_AGAIN = timedelta(minutes=1)
_Key = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="The same key is told the same links again, for ten minutes."),
]


class Wanted(BaseModel):
    """For whom links are to be drawn."""

    model_config = ConfigDict(extra="forbid")
    residents: list[Identity] = Field(min_length=1, max_length=MOST, description="Their ids.")
    again: bool = Field(
        False,
        description="Also for those who have one that lasts, for a minute or longer, and by which no photo waits to be"
        " looked at: it ends. To give up a photo that waits, end its link first.",
    )


class Drawn(BaseModel):
    """A link that was drawn just now. It is told again for ten minutes to whoever asks with the same key, and never
    afterwards: whoever has it can send a photo in this name."""

    resident: str
    url: str
    ends_at: str


class Links(BaseModel):
    """The links that were drawn, and the ids of those who have one already."""

    links: list[Drawn]
    passed_over: list[str]
    reachable: bool = Field(
        description="Whether phones reach the gate by the address of these links: false where they were asked for on"
        " the gate's own machine, as by 127.0.0.1. Ask by the gate's address on its network then."
    )


class PhotoLink(BaseModel):
    """A link that lasts, without its secret. Times are ISO 8601, UTC; null: it did not come to that."""

    resident: str
    made_by: str
    made_at: str
    ends_at: str
    agreed_at: str | None
    sent_at: str | None = Field(description="When the photo came that waits for somebody to look at it.")
    refused: str | None = Field(description="Why the last photo was not taken.")
    done_at: str | None


@router.get("/photo-links")
def list_links(connection: Store, actor: Registrar) -> list[PhotoLink]:
    """All links that have not ended, the oldest first."""
    record_look(connection, actor, "photos")
    return [
        PhotoLink(
            resident=one.resident, made_by=one.made_by, made_at=one.made_at, ends_at=one.ends_at,
            agreed_at=one.agreed_at, sent_at=one.sent_at, refused=one.refused, done_at=one.done_at,
        )
        for one in photo_links.every(connection, datetime.now(UTC))
    ]  # fmt: skip


@router.post("/photo-links", status_code=201)
def draw_links(
    wanted: Wanted, request: Request, connection: Store, context: Shared, actor: Registrar,
    idempotency_key: _Key = None,
) -> Links:  # fmt: skip
    """Draw a link for one resident, or one for each of many: for all of them or for nobody.

    Who has a link that lasts is passed over: a new one would end what they were sent. Where it is asked for `again`,
    those alone whose link is younger than a minute, or whose photo waits to be looked at. One is drawn at a time: 503
    where several wait already.
    """
    key, (at, reachable) = f"api {idempotency_key or new_key()}", address_for_phones(request, context)
    with context.own_photos.drawing.taken():
        people = [found_resident(connection, one) for one in dict.fromkeys(wanted.residents)]
        having = _passed_over(connection, wanted.again)
        drawn = [one.id for one in people if context.own_photos.was_drawn(key, one.id, actor.label)]
        given = [one for one in people if one.id in drawn or one.id not in having]
        draw(context, connection, actor, given, key, once=False)
        links = [_drawn(context, connection, actor.label, one.id, key, at) for one in given]
    passed_over = [one.id for one in people if one not in given]
    told = [one for one in links if one is not None]
    return Links(links=told, passed_over=passed_over, reachable=reachable)


@router.delete("/residents/{resident}/photo-link", status_code=204)
def end_link(resident: str, connection: Store, context: Shared, actor: Registrar) -> None:
    """Their link ends, and what waits of it: a photo that nobody has looked at is discarded."""
    person = found_resident(connection, resident)
    link = photo_links.of_resident(connection, resident, datetime.now(UTC))
    end(context, connection, actor, person, link.sent_at if link else None)


def _passed_over(connection: Store, again: bool) -> set[str]:
    now = datetime.now(UTC)
    if not again:
        return photo_links.having(connection, now)
    waiting = {one.resident for one in photo_links.waiting(connection, now)}
    return photo_links.drawn_since(connection, now - _NOT_AGAIN) | waiting


def _drawn(context: Shared, connection: Store, by: str, resident: str, key: str, at: str) -> Drawn | None:
    """The link that was drawn for a resident; None: it has ended since."""
    secret = context.own_photos.take(key, resident, by)
    link = photo_links.of_resident(connection, resident, datetime.now(UTC))
    if secret is None or link is None or link.secret_sha256 != digest(secret):
        return None
    return Drawn(resident=resident, url=f"{at}/photo/{secret}", ends_at=link.ends_at)
