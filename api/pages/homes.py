"""The page of one home: who lives there, and what they did lately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.actors import Registrar
from api.auth import Actor, Permission, new_secret
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import answered_once
from api.pages.page import language_of, page_of_people
from api.pages.residents import known_of_faces
from api.pages.together import CHANGED, COUNT, digest_of
from api.problems import HttpProblem
from gate.errors import Refusal
from gate.store.compound import records
from gate.store.people import credentials, erasure, homes, residents
from gate.store.people.homes import Home
from gate.store.people.residents import Resident
from gate.store.people.together import FEW, Count, Deed
from gate.store.record.search import Search
from gate.vocabulary import ENTERED, Kind

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_LINES_SHOWN = 20
_LATELY = (*ENTERED, Kind.DENIED)


@router.get("/homes/{written}")
def show_home(request: Request, connection: Store, context: Shared, actor: Registrar, written: str) -> Response:
    """A family: everyone of one home, and their last passages for whoever may read the record."""
    home = found_home(connection, written)
    if home.key != written:
        return RedirectResponse(request.url_for("show_home", written=home.key).path, 303)
    return _home_page(request, connection, context, actor, home)


@router.post("/homes/{written}/erasure")
def erase_home(
    request: Request, connection: Store, context: Shared, actor: Registrar, written: str,
    resident: Annotated[list[str] | None, Form()] = None,
    known_as: Annotated[str | None, Form(max_length=64)] = None,
    key: Annotated[str | None, Form(min_length=1, max_length=64)] = None,
    count: Annotated[str | None, Form(max_length=10)] = None,
) -> Response:  # fmt: skip
    """A family moved out: those of them who are ticked are erased, once however often it is sent; on to the receipt.

    Nobody is, where the home is another by then than the one that was shown. More than a few are counted by whoever
    does it, as on the page for several.
    """
    ticked = tuple(dict.fromkeys(resident or ()))

    def erased() -> str:
        with context.together.taken():
            leaving = _leaving(found_home(connection, written), ticked, known_as)
            Count(COUNT, count).refuse(Deed.MOVED_OUT, len(leaving))
            receipt = erasure.remove_together(connection, leaving, by=actor.label)
        context.forget({one.id for one in leaving})
        return receipt.id

    asked = (b"home", written.encode(), *(one.encode() for one in ticked))
    try:
        receipt = answered_once(connection, actor, key, asked, erased)
    except Refusal as error:
        home, said = found_home(connection, written), language_of(request).error(error)
        return _home_page(request, connection, context, actor, home, ticked=ticked, problem=said)
    return RedirectResponse(f"/receipts/{receipt}", 303)


def _leaving(home: Home, ticked: Sequence[str], known_as: str | None) -> list[Resident]:
    """Those of a home who are ticked. Raises Refusal where nobody is, and where it is not the home that was shown."""
    found = [one for one in home.people if one.id in ticked]
    if not ticked:
        raise Refusal("Tick somebody: nobody was ticked, and nobody was erased.")
    if len(found) != len(ticked) or (known_as is not None and digest_of(home.people) != known_as):
        raise Refusal(CHANGED)
    return found


def _home_page(
    request: Request, connection: Store, context: Context, actor: Actor, home: Home, **said: Any
) -> Response:  # fmt: skip
    """The page, with a problem that is `said` and who was `ticked` before it."""
    asked = Search(residents=tuple(one.id for one in home.people), kinds=_LATELY)
    lines = records.page(connection, asked, count=_LINES_SHOWN).lines if actor.may(Permission.RECORD) else ()
    return page_of_people(
        request, connection, actor, "residents", "home.html", home=home, lines=lines, key=new_secret(),
        gates=records.names_beside(connection, context.gate),
        known_as=digest_of(home.people),
        counted=len(home.people) > FEW, status_code=422 if "problem" in said else 200,
        **known_of_faces(connection, context, [one.id for one in home.people]),
        others=credentials.having(connection), **said,
    )  # fmt: skip


def found_home(connection: Store, written: str) -> Home:
    """The one home of this key or writing, or 404."""
    found = [one for one in homes.grouped(residents.every(connection)) if one.name]
    meant = homes.meant(written, {one.key for one in found}) if written not in {one.key for one in found} else {written}
    chosen = [one for one in found if one.key in meant]
    if len(chosen) != 1:
        raise HttpProblem(
            404, "Nobody is enrolled in this home; look for it in the list of residents.",
            residents=f"/residents?{urlencode({'search': written})}",
        )  # fmt: skip
    return chosen[0]
