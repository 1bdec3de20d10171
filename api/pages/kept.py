"""The page on which somebody goes on with what they had typed before they had to give their password: seen once, since
from then on it may have been done."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.auth import Actor
from api.drafts import Draft, kind_of
from api.pages.page import page
from api.pages.told_once import tell_once
from api.telling import Done
from api.wording import KINDS, PERMISSIONS
from gate.errors import Sentence

# What is chosen in a form, in words; what was typed is shown as it is.
_CHOSEN: dict[tuple[str, str], Sentence] = (
    {("new_group", "1"): Sentence("yes"), ("extended", "1"): Sentence("yes")}
    | {("what", key): name for key, (name, _) in KINDS.items()}
    | {("permissions", key): name for key, name in PERMISSIONS.items()}
)
_SECRET, _NOTHING = Sentence("Password"), Sentence("none")


def on_to_kept(request: Request, draft: Draft, by: str) -> Response:
    """On to the page that shows it, `by` whom it was typed; whoever comes to that again comes to the form's own."""
    where = f"/account/kept?{urlencode({'page': draft.page})}"
    return tell_once(request, RedirectResponse(where, 303), Done(draft=draft), by)


def _typed(value: str) -> str:
    """What was typed or chosen, empty where a choice says that there is none."""
    return "" if value == "-" else value


def kept_page(request: Request, draft: Draft, actor: Actor) -> Response:
    """The draft with what it does and every field of it, to be sent by its own user or left."""
    kind = kind_of(draft.path)
    shown = [
        (kind.fields[name], _CHOSEN.get((name, value)), _typed(value), kind.empty.get(name, _NOTHING))
        for name, value in draft.fields
        if kind and name in kind.fields
    ]
    return page(
        request, "kept.html", actor=actor, draft=draft, does=kind and kind.does, shown=shown, secret=_SECRET,
        back=draft.page,
    )  # fmt: skip
