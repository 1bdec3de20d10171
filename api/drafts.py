"""What somebody had typed when their login had ended, or their password was wanted again.

The page that asks for the password carries it on, sealed: nobody can read or change it on the way, and it is opened
once, for the user alone who typed it. Only forms in which somebody types much are kept, by a closed list: whatever
takes away, erases, gives a role or moves the gate is never done by a request of before. Passwords and files are never
in it.
"""

from __future__ import annotations

import hmac
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request

from gate.errors import Sentence

MOST_SEALED = 64 << 10
# A draft is kept for so long, seconds; a form that is larger, in bytes, is not.
_KEPT_S = 3600
_MOST = 16 << 10
_TYPED_AGAIN = frozenset({"password"})
# What a form says of the state it was made from; it is carried on unseen.
_MADE_FROM = frozenset({"known_as", "shown"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A form that is kept: what it does, on which page it stands, and what its fields are called by people."""

    does: Sentence
    page: str
    """Empty: the form's own address."""
    fields: Mapping[str, Sentence]
    empty: Mapping[str, Sentence] = field(default_factory=dict)
    """What it means where nothing was chosen or typed, as the form says; without a word here: none."""


_NAME, _HOURS, _FIRST, _LAST = Sentence("Name"), Sentence("Hours"), Sentence("First day"), Sentence("Last day")
_AREA = Sentence("Area")
_KINDS: dict[str, Kind] = {
    "/settings/schedules": Kind(
        Sentence("These weekly hours are saved."), "/settings/hours",
        {"name": _NAME, "windows": _HOURS, "group": Sentence("Give these hours to"),
         "new_group": Sentence("A new group of the same name")},
    ),
    "/settings/groups": Kind(
        Sentence("This group is saved."), "/settings/hours", {"name": _NAME, "schedule": _HOURS, "area": _AREA},
        {"schedule": Sentence("at any time"), "area": Sentence("all gates")},
    ),
    "/settings/holidays": Kind(
        Sentence("This holiday is added."), "",
        {"name": _NAME, "first_day": _FIRST, "last_day": _LAST, "schedule": Sentence("For which hours"),
         "hours": _HOURS},
        {"last_day": Sentence("the same day"), "schedule": Sentence("all hours"), "hours": Sentence("closed")},
    ),
    "/settings/users": Kind(Sentence("This user is added."), "", {"name": _NAME, "role": Sentence("Role")}),
    "/settings/tokens": Kind(
        Sentence("This token is made."), "", {"name": _NAME, "permissions": Sentence("What it may do")}
    ),
    "/settings/webhooks": Kind(
        Sentence("This webhook is added."), "", {"url": Sentence("Address"), "what": Sentence("What is sent")}
    ),
}  # fmt: skip
OF_A_RESIDENT: Mapping[str, Sentence] = {
    "name": _NAME,
    "unit": Sentence("Home"),
    "group": Sentence("Group"),
    "valid_from": _FIRST,
    "valid_until": _LAST,
    "extended": Sentence("Needs the gate open for longer"),
    "schedule": _HOURS,
    "area": _AREA,
}
"""What the fields of the form on a resident's page are called."""
_RESIDENT = Kind(
    Sentence("What is said of this resident is changed."),
    "",
    OF_A_RESIDENT,
    {
        "schedule": Sentence("as their group, else at any time"),
        "area": Sentence("as their group, else all gates"),
    },
)
_OF_A_RESIDENT = re.compile(r"/residents/[0-9a-f-]{36}")


def kind_of(path: str) -> Kind | None:
    """The form that is sent to this address; None where what is sent there is not kept."""
    return _RESIDENT if _OF_A_RESIDENT.fullmatch(path) else _KINDS.get(path)


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was sent: where to, on which page it stands, and what was in its fields."""

    path: str
    page: str
    fields: list[tuple[str, str]]
    secrets: list[str]
    """The fields that are typed again, because they are never kept."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """Seals drafts and opens them, with a key that ends with the process."""

    key: bytes = field(default_factory=Fernet.generate_key, repr=False)
    _taken: dict[str, float] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def mark(self, user: str, session: str) -> str:
        """What a browser shows of whose session this was, by its hash: nobody else can make it."""
        return f"{user}.{hmac.digest(self.key, f'{user} {session}'.encode(), 'sha256').hex()}"

    def whose(self, mark: str, session: str) -> str | None:
        """The user of a session that was, by the mark that this process gave with it; None where it gave none such."""
        user = marked_user(mark)
        return user if hmac.compare_digest(self.mark(user, session).encode(), mark.encode()) else None

    def sealed(self, draft: Draft, user: str) -> str:
        """The draft of a user, to be carried by their browser."""
        return Fernet(self.key).encrypt(json.dumps({"user": user} | asdict(draft)).encode()).decode()

    def taken(self, sealed: str, user: str) -> Draft | None:
        """As `opened`, once: nobody is told a second time that nothing was done with it yet."""
        draft, now = self.opened(sealed, user), time.monotonic()
        with self._lock:
            for old in [one for one, at in self._taken.items() if now - at > _KEPT_S]:
                del self._taken[old]
            if draft is None or sealed in self._taken:
                return None
            self._taken[sealed] = now
        return draft

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
    path, sort = request.url.path, request.headers.get("content-type", "")
    kind = kind_of(path)
    length = request.headers.get("content-length", "")
    is_form = sort.startswith("application/x-www-form-urlencoded") and length.isdecimal() and 0 < int(length) <= _MOST
    if request.method != "POST" or not is_form or kind is None:
        return None
    sent = [(name, value) for name, value in (await request.form()).multi_items() if isinstance(value, str)]
    return Draft(
        path, kind.page or path,
        [(name, value) for name, value in sent if name in kind.fields or name in _MADE_FROM],
        [name for name, _ in sent if name in _TYPED_AGAIN],
    )  # fmt: skip


def marked_user(mark: str) -> str:
    """Whose mark it says it is; anybody can write that."""
    return mark.partition(".")[0]
