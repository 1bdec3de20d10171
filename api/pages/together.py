"""What is done to many residents at once: chosen, looked at once more, and then done to all of them or to nobody."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.actors import Registrar
from api.auth import Actor, Permission, new_secret
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import answered_once
from api.pages.page import language_of, page_of_people
from api.pages.told_once import then, told_once
from api.telling import Done
from api.v1.residents import etag
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.people import finding, homes, residents, together
from gate.store.people.changes import OVER
from gate.store.people.residents import Resident
from gate.store.people.together import ERASING, FEW, Count, Deed
from gate.store.site import schedules

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/residents/together")

# A form has a hundred fields at most.
_SHOWN = 80
_NAMED = 200
# What the field is called in which somebody says how many they erase.
COUNT = Sentence("Type how many they are")
_NOTHING: dict[str, Any] = {"deed": "", "group": "", "hours": "", "last_day": "", "everyone": False, "chosen": ()}
# What is remembered of a form that was done, and told once on the page that follows.
_DONE = "changed-"
_IS_DONE = re.compile(r"changed-[0-9]{1,6}")
# In which field of the form stands what a deed gives.
_GIVEN = {Deed.GROUP: "group", Deed.HOURS: "hours", Deed.LAST_DAY: "last_day"}
CHANGED = Sentence("Somebody else changed one of them in the meantime; look again, and then go on.")


DEEDS: dict[Deed, Sentence] = {
    Deed.GROUP: Sentence("Give them a group"),
    Deed.HOURS: Sentence("Give them hours of their own"),
    Deed.LAST_DAY: Sentence("Set their last day"),
    Deed.WITHDRAW: Sentence("Withdraw their consent and erase their faces"),
    Deed.MOVED_OUT: Sentence("Moved out: erase them"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom somebody chose, and what is to be done to them with which value."""

    deed: Deed
    group: str
    hours: str
    last_day: str
    chosen: tuple[str, ...]
    everyone: bool
    """Whether all that the search finds are meant, beside those who are ticked."""
    search: str
    of_home: str
    of_group: str

    @property
    def value(self) -> str:
        """The group, the schedule or the day; empty: none."""
        return str(getattr(self, _GIVEN[self.deed])) if self.deed in _GIVEN else ""

    @property
    def found_by(self) -> dict[str, str]:
        """What was searched for, by the names that the page's address has for it."""
        return {"search": self.search, "unit": self.of_home, "group": self.of_group}

    def people(self, connection: sqlite3.Connection) -> list[Resident]:
        """Who is meant, by name. Raises Refusal for nobody."""
        found = {one.id: one for one in _known(connection, self.chosen)}
        if self.everyone:
            of_search = finding.search(connection, self.search, self.of_home or None, self.of_group or None)
            found |= {one.id: one for one in of_search}
        return together.meant(connection, self.deed, found.values())


def _wanted(
    deed: Annotated[Deed, Form()],
    group: Annotated[str, Form(max_length=60)] = "",
    hours: Annotated[str, Form(max_length=60)] = "",
    last_day: Annotated[str, Form(max_length=10)] = "",
    resident: Annotated[list[str] | None, Form(max_length=_SHOWN)] = None,
    everyone: Annotated[bool, Form()] = False,
    search: Annotated[str, Form(max_length=200)] = "",
    of_home: Annotated[str, Form(max_length=400)] = "",
    of_group: Annotated[str, Form(max_length=60)] = "",
) -> Wanted:
    return Wanted(deed, group, hours, last_day, tuple(resident or ()), everyone, search, of_home, of_group)


_Form = Annotated[Wanted, Depends(_wanted)]


@router.get("")
def choose(
    request: Request, connection: Store, actor: Registrar,
    search: Annotated[str, Query(max_length=200)] = "", unit: Annotated[str, Query(max_length=400)] = "",
    group: Annotated[str, Query(max_length=60)] = "",
    deed: Annotated[str, Query(max_length=20)] = "", give: Annotated[str, Query(max_length=60)] = "",
    everyone: bool = False, resident: Annotated[list[str] | None, Query(max_length=_SHOWN)] = None,
) -> Response:  # fmt: skip
    """Whom, and what is to be done to them; of one home where its page leads here. What was chosen already is said
    where an answer to the form stands as the form."""
    language, done = language_of(request), told_once(request).count
    notice = language.many("{count} person is changed.", "{count} people are changed.", done) if done else None
    typed = {"deed": deed, "everyone": everyone, "chosen": tuple(resident or ())}
    typed |= {field: give for one, field in _GIVEN.items() if one == deed}
    return _choice(request, connection, actor, search, unit, group, typed, notice=notice)


@router.post("/search")
def search_on(
    request: Request, connection: Store, actor: Registrar,
    find: Annotated[str, Form(max_length=200)] = "", find_group: Annotated[str, Form(max_length=60)] = "",
    deed: Annotated[str, Form(max_length=20)] = "", group: Annotated[str, Form(max_length=60)] = "",
    hours: Annotated[str, Form(max_length=60)] = "", last_day: Annotated[str, Form(max_length=10)] = "",
    resident: Annotated[list[str] | None, Form(max_length=_SHOWN)] = None,
) -> Response:  # fmt: skip
    """Look for more people: who is ticked stays so, and what was filled in."""
    typed = {"deed": deed, "group": group, "hours": hours, "last_day": last_day, "chosen": tuple(resident or ())}
    return _choice(request, connection, actor, find, "", find_group, typed)


@router.post("")
def look(request: Request, connection: Store, context: Shared, actor: Registrar, wanted: _Form) -> Response:
    """What would be done to whom, before it is done."""
    try:
        people = wanted.people(connection)
    except FacegateError as error:
        said = language_of(request).error(error)
        return _anew(request, connection, actor, wanted, problem=said)
    over = together.is_last_day_over(wanted.deed, wanted.value, context.today)
    return page_of_people(
        request, connection, actor, "residents", "together_look.html", wanted=wanted, people=people,
        shown=_by_home(people)[:_NAMED], counted=(over or wanted.deed in ERASING) and len(people) > FEW,
        said=OVER if over else None,
        deeds=DEEDS, erasing=wanted.deed in ERASING, known_as=digest_of(people), key=new_secret(),
        templates=sum(one.templates for one in people), back="/residents/together",
        stands_at=_address(wanted.found_by, asdict(wanted)),
    )  # fmt: skip


@router.post("/done")
def do(
    request: Request, connection: Store, context: Shared, actor: Registrar, wanted: _Form,
    known_as: Annotated[str, Form(max_length=64)], key: Annotated[str, Form(min_length=1, max_length=64)],
    count: Annotated[str | None, Form(max_length=10)] = None,
) -> Response:  # fmt: skip
    """Do it, once however often it is sent; to all of them or to nobody."""
    asked = (b"together", known_as.encode(), wanted.deed.encode(), wanted.value.encode())

    def done() -> str:
        return _done(connection, context, actor, wanted, known_as, count)

    try:
        came = answered_once(connection, actor, key, asked, done)
    except FacegateError as error:
        said = language_of(request).error(error)
        return _anew(request, connection, actor, wanted, problem=said)
    if not _IS_DONE.fullmatch(came):
        return RedirectResponse(came, 303)
    return then(request, _back_to(wanted), Done(count=int(came.removeprefix(_DONE))))


def _back_to(wanted: Wanted) -> str:
    """Where it was chosen, with what was searched for; of those who are erased nobody is searched for any more."""
    said = {} if wanted.deed in ERASING else wanted.found_by
    found_by = urlencode({name: value for name, value in said.items() if value})
    return f"/residents/together?{found_by}" if found_by else "/residents/together"


def _done(
    connection: sqlite3.Connection,
    context: Context,
    actor: Actor,
    wanted: Wanted,
    known_as: str,
    count: str | None,
) -> str:
    """Where what was done is told, or how many they were, without a word on whom. Raises Refusal."""
    with context.together.taken():
        people = wanted.people(connection)
        if digest_of(people) != known_as:
            raise Refusal(CHANGED)
        receipt = together.do(
            connection, wanted.deed, wanted.value, people, Count(COUNT, count), by=actor.label, today=context.today
        )
    if receipt is not None:
        context.forget({one.id for one in people})
    if receipt is not None and actor.may(Permission.RECORD):
        return f"/receipts/{receipt.id}"
    return f"{_DONE}{len(people)}"


def digest_of(people: Sequence[Resident]) -> str:
    """What they were shown as (`known_as`): changes with every change of one of them, and with whom they are."""
    return hashlib.sha256("".join(sorted(etag(one) for one in people)).encode()).hexdigest()


def _anew(request: Request, connection: Store, actor: Actor, wanted: Wanted, **said: Any) -> Response:
    """The choice as it was sent."""
    return _choice(request, connection, actor, wanted.search, wanted.of_home, wanted.of_group, asdict(wanted), **said)


def _choice(
    request: Request, connection: Store, actor: Actor, search: str, unit: str, group: str,
    typed: Mapping[str, Any] | None = None, **said: Any,
) -> Response:  # fmt: skip
    """The page, with what is `typed` in its form; who is chosen already and not found stands first."""
    typed = _NOTHING | dict(typed or {})
    found = _by_home(finding.search(connection, search, unit or None, group or None))
    shown = {one.id for one in found[:_SHOWN]}
    return page_of_people(
        request, connection, actor, "residents", "together.html", people=found[:_SHOWN], total=len(found),
        kept=[one for one in _by_home(_known(connection, typed["chosen"])) if one.id not in shown], typed=typed,
        search=search, unit=unit, group=group, groups=schedules.groups(connection),
        schedules=schedules.every(connection), deeds=DEEDS,
        status_code=422 if "problem" in said else 200, back="/residents/together",
        stands_at=_address({"search": search, "unit": unit, "group": group}, typed),
        **said,
    )  # fmt: skip


def _address(found_by: Mapping[str, str], typed: Mapping[str, Any]) -> str:
    """Where the form stands with what is chosen in it: an answer to it cannot be had again."""
    give = next((typed[field] for deed, field in _GIVEN.items() if deed == typed["deed"]), "")
    said = {**found_by, "deed": typed["deed"], "give": give, "everyone": "1" if typed["everyone"] else ""}
    asked = [(name, value) for name, value in said.items() if value]
    return f"/residents/together?{urlencode(asked + [('resident', one) for one in typed['chosen']])}"


def _known(connection: sqlite3.Connection, chosen: Sequence[str]) -> list[Resident]:
    """Those of the chosen who are there."""
    found = (residents.get(connection, one) for one in dict.fromkeys(chosen))
    return [one for one in found if one is not None]


def _by_home(people: Sequence[Resident]) -> list[Resident]:
    return [one for home in homes.grouped(people) for one in home.people]
