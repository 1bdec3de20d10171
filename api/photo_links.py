"""Drawing links for residents' own photos, by a page and by the API: one for somebody, and one each for many."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request

from api.auth import Actor, digest, new_secret
from api.context import Context
from api.front.hosts import LOOPBACK, outward_addresses
from enroll.application import NO_CAMERA
from gate.errors import Refusal
from gate.store.database import transaction
from gate.store.people import photo_links, residents
from gate.store.people.residents import Resident


def new_key() -> str:
    """For a form that draws a link: sent twice, it draws one."""
    return secrets.token_urlsafe(9)


def draw(
    context: Context, connection: sqlite3.Connection, actor: Actor, people: Sequence[Resident], key: str, *, once: bool,
    discarding: str | None = None,
) -> None:  # fmt: skip
    """A new link for each, unless whoever asks with this `key` was given theirs already; `OwnPhotos.take` has them
    from then on, `once` each or for a while. All or none. Raises Refusal, also at a gate without a camera, and where a
    photo waits that did not come at `discarding`. Called in a turn of `OwnPhotos.drawing`."""
    if not context.by_face:
        raise Refusal(NO_CAMERA)
    now, days, drawn = datetime.now(UTC), context.settings.enrolment.link_days, {}
    with transaction(connection):
        for one in people:
            if not context.own_photos.was_drawn(key, one.id, actor.label):
                drawn[one.id] = new_secret()
                photo_links.draw(
                    connection, one, digest(drawn[one.id]), now, days, by=actor.label, discarding=discarding
                )
    for resident, secret in drawn.items():
        context.own_photos.show(key, secret, resident, actor.label, once=once)


def lacking(connection: sqlite3.Connection, people: Iterable[str]) -> list[Resident]:
    """Those with these ids who have neither a face nor a link that lasts."""
    having = photo_links.having(connection, datetime.now(UTC))
    found = (residents.get(connection, one) for one in dict.fromkeys(people) if one not in having)
    return [one for one in found if one is not None and not one.templates]


def end(
    context: Context, connection: sqlite3.Connection, actor: Actor, person: Resident, discarding: str | None
) -> None:
    """Somebody's link ends. Raises Refusal where they have none, and where a photo waits that did not come then."""
    now = datetime.now(UTC)
    link = photo_links.of_resident(connection, person.id, now)
    photo_links.end(connection, person, now, by=actor.label, discarding=discarding)
    if link is not None:
        context.own_photos.drop(link.id)


def address_for_phones(request: Request, context: Context) -> tuple[str, bool]:
    """The address by which this browser reaches the gate, and whether others reach it so.

    The gate's own browser asks on loopback: then it is that of the gate on its network, where the console listens
    there.
    """
    asked = urlsplit(f"//{request.headers['host']}")
    if asked.hostname not in LOOPBACK:
        # Without TLS of its own the gate is heard through a proxy, which has it.
        return f"https://{asked.netloc}", True
    port = f":{asked.port}" if asked.port else ""
    for address in outward_addresses():
        if address in context.hosts.names:
            return f"https://{f'[{address}]' if ':' in address else address}{port}", True
    return f"{'https' if context.secure else 'http'}://{asked.netloc}", False
