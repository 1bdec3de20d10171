"""The page on which somebody goes on with what they had typed before they had to give their password."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from api.auth import ROLES, Actor
from api.drafts import Draft, kind_of
from api.pages.page import page
from api.wording import KINDS
from gate.errors import Sentence
from gate.store.site.accounts import User

# What is chosen in a form, in words; what was typed is shown as it is.
_CHOSEN: dict[tuple[str, str], Sentence] = {
    ("permissions", "live"): Sentence("see what the gate does"),
    ("permissions", "door"): Sentence("open and lock down"),
    ("permissions", "people"): Sentence("residents and enrolment"),
    ("permissions", "record"): Sentence("read the record"),
    ("permissions", "site"): Sentence("users and settings"),
    ("new_group", "1"): Sentence("yes"),
    ("extended", "1"): Sentence("yes"),
    ("schedule", "-"): Sentence("as their group, else at any time"),
} | {("what", key): name for key, (name, _) in KINDS.items()}
_SECRET, _NOTHING = Sentence("Password"), Sentence("none")


def kept_page(request: Request, draft: Draft, user: User) -> Response:
    """The draft with what it does and every field of it, to be sent by its own user or left."""
    kind = kind_of(draft.path)
    shown = [
        (kind.fields[name], _CHOSEN.get((name, value)), value)
        for name, value in draft.fields
        if kind and name in kind.fields
    ]
    actor = Actor(f"user {user.id}", ROLES[user.role], user)
    return page(
        request, "kept.html", actor=actor, draft=draft, does=kind and kind.does, shown=shown, secret=_SECRET,
        nothing=_NOTHING, back=draft.page,
    )  # fmt: skip
