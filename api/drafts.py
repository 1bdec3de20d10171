"""What somebody had typed when their login had ended, or their password was wanted again.

The page that asks for the password carries it on, sealed: nobody can read or change it on the way, and it is opened for
the user alone who typed it. Passwords and files are never in it, nor what moves the gate: an order that is old is none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request

MOST_SEALED = 64 << 10
# A draft is kept for so long, seconds; a form that is larger, in bytes, is not.
_KEPT_S = 3600
_MOST = 16 << 10
_FORMS = ("/settings/", "/residents/")
_ORDERS = ("/settings/free-access/",)
_SECRETS = frozenset({"password", "current", "code"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was sent: where to, from which page, and what was in its fields."""

    path: str
    page: str
    fields: list[tuple[str, str]]
    secrets: list[str]
    """The fields that are typed again, because they are never kept."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """Seals drafts and opens them, with a key that ends with the process."""

    key: bytes = field(default_factory=Fernet.generate_key, repr=False)

    def sealed(self, draft: Draft, user: str) -> str:
        """The draft of a user, to be carried by their browser."""
        return Fernet(self.key).encrypt(json.dumps({"user": user} | asdict(draft)).encode()).decode()

    def opened(self, sealed: str, user: str) -> Draft | None:
        """The draft, for whose it is; None for anybody else, and for what was not sealed here or long ago."""
        try:
            said = json.loads(Fernet(self.key).decrypt(sealed.encode(), ttl=_KEPT_S))
        except InvalidToken:
            return None
        if said.pop("user") != user:
            return None
        return Draft(said["path"], said["page"], [(name, value) for name, value in said["fields"]], said["secrets"])


async def draft_in(request: Request) -> Draft | None:
    """The form that a request sends; None where it sends none that may be kept."""
    path, kind = request.url.path, request.headers.get("content-type", "")
    length = request.headers.get("content-length", "")
    is_form = kind.startswith("application/x-www-form-urlencoded") and length.isdecimal() and 0 < int(length) <= _MOST
    if request.method != "POST" or not is_form or not path.startswith(_FORMS) or path.startswith(_ORDERS):
        return None
    sent = [(name, value) for name, value in (await request.form()).multi_items() if isinstance(value, str)]
    return Draft(
        path, _page_of(request, path),
        [(name, value) for name, value in sent if name not in _SECRETS],
        [name for name, _ in sent if name in _SECRETS],
    )  # fmt: skip


def _page_of(request: Request, path: str) -> str:
    """The page on which the form stood, as far as the browser says."""
    came = urlsplit(request.headers.get("referer", ""))
    known = came.netloc == request.headers.get("host") and came.path.startswith("/") and not came.path.startswith("//")
    return came.path if known and came.path != "/sign-in" else path
