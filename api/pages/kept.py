"""The page on which somebody goes on with what they had typed before they had to give their password."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from api.auth import ROLES, Actor
from api.drafts import Draft
from api.pages.page import page
from gate.errors import Sentence
from gate.store.site.accounts import User

# What the fields of forms are called by people; others are carried on unseen.
_CALLED: dict[str, Sentence] = {
    "name": Sentence("Name"), "unit": Sentence("Home"), "group": Sentence("Group"), "windows": Sentence("Hours"),
    "schedule": Sentence("Hours"), "hours": Sentence("Hours"), "valid_from": Sentence("First day"),
    "valid_until": Sentence("Last day"), "last_day": Sentence("Last day"), "first_day": Sentence("First day"),
    "url": Sentence("Address"), "role": Sentence("Role"),
}  # fmt: skip
_SECRET = Sentence("Password")


def kept_page(request: Request, draft: Draft, user: User) -> Response:
    """The draft, to be sent by its own user or left."""
    shown = [(_CALLED[name], value) for name, value in draft.fields if value and name in _CALLED]
    actor = Actor(f"user {user.id}", ROLES[user.role], user)
    return page(request, "kept.html", actor=actor, draft=draft, shown=shown, secret=_SECRET, back=draft.page)
