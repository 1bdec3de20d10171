"""What every page of the settings is made with, and how one answers after something was done on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Form, Request
from fastapi.responses import Response

from api.actors import ConfirmedOwner, Owner, Registrar
from api.auth import Actor
from api.context import Context, Shared, Store
from api.pages.page import page, said_of
from api.pages.told_once import then, told_once
from api.telling import Done
from gate.errors import FacegateError, Sentence

Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Desk:
    """Who is at the settings, and what their page is made of."""

    request: Request
    connection: sqlite3.Connection
    context: Context
    actor: Actor

    def page(self, name: str, *, problem: Sentence | None = None, **values: Any) -> Response:
        """The page `/settings/NAME`, with what was done before it, or the `problem` of what was sent; then 422."""
        done = told_once(self.request) if problem is None else Done(problem=problem)
        return page(
            self.request,
            f"settings/{name}.html",
            status_code=422 if problem else 200,
            # What a form was answered with is seen again on the page that it stands on.
            **{"back": f"/settings/{name}"} | said_of(self.request, done) | values,
            actor=self.actor,
            issued=done.issued,
        )

    def after(
        self, act: Callable[[], object], notice: Sentence, shown: Callable[..., Response],
        typed: Mapping[str, object] | None = None, name: str | None = None,
    ) -> Response:  # fmt: skip
        """On to the page `/settings/NAME`, which tells what was done; else the page that `shown` makes again, with why
        not and what was `typed`."""
        try:
            act()
        except FacegateError as error:
            return shown(self, problem=error.plain, **{"typed": typed} if typed else {})
        return self.done(Done(notice), name)

    def done(self, done: Done, name: str | None = None) -> Response:
        """On to the page `/settings/NAME`, without a name the one that the form stands on."""
        return then(self.request, f"/settings/{name or self.request.url.path.split('/')[2]}", done)


def _registrars(request: Request, connection: Store, context: Shared, actor: Registrar) -> Desk:
    return Desk(request, connection, context, actor)


def _owners(request: Request, connection: Store, context: Shared, actor: Owner) -> Desk:
    return Desk(request, connection, context, actor)


def _confirmed(request: Request, connection: Store, context: Shared, actor: ConfirmedOwner) -> Desk:
    return Desk(request, connection, context, actor)


RegistrarsDesk = Annotated[Desk, Depends(_registrars)]
OwnersDesk = Annotated[Desk, Depends(_owners)]
"""An owner who looks."""
ConfirmedDesk = Annotated[Desk, Depends(_confirmed)]
"""An owner who changes something, and gave their password just now."""
