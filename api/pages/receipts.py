"""Receipts of what was erased, each at an address of its own, for whoever may read the record."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.actors import Reader
from api.context import Store
from api.early_refusal import EarlyRefusal
from api.pages.actor_words import actors
from api.pages.page import language_of, page
from api.problems import HttpProblem
from gate.store.people import receipts

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/receipts")

_SHOWN = 50


@router.get("")
def show_receipts(
    request: Request, connection: Store, actor: Reader,
    before: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> Response:  # fmt: skip
    """All receipts, the newest first."""
    found = receipts.newest(connection, before, _SHOWN)
    return page(
        request, "receipts.html", actor=actor, receipts=found, called=actors(language_of(request), connection),
        next=found[-1].first if len(found) == _SHOWN else None,
    )  # fmt: skip


@router.get("/{event}")
def show_receipt(request: Request, connection: Store, actor: Reader, event: str) -> Response:
    """One receipt, to be kept or printed."""
    found = receipts.found(connection, event)
    if found is None:
        raise HttpProblem(404, "There is no such receipt; the record keeps them as long as its other lines.")
    return page(request, "receipt.html", actor=actor, one=found, called=actors(language_of(request), connection))
