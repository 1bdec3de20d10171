"""Who did something, as the record names them, in words for people: a user or a token by its name, and no id."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

from api.languages import Language
from api.wording import ACTORS
from gate.errors import Sentence
from gate.store.compound import centre_orders
from gate.store.site import accounts

# Who ordered the door through a service is told without it.
_NAMED = re.compile(r"(?P<kind>user|token) (?P<id>\S+?)(?: through uid \d+)?")
_GONE = {"user": Sentence("a user who is gone"), "token": Sentence("a token that is gone")}
_THERE = {"user": Sentence("a user of that gate"), "token": Sentence("a token of that gate")}
_PAGE = re.compile(r"page [0-9a-f-]{36}")
_PROGRAM = re.compile(r"(?P<program>home assistant)(?: through uid \d+)?")
_AT_CENTRE = re.compile(r"(?P<who>(?P<kind>user|token) (?P<id>\S+) at the centre)(?: through uid \d+)?")
_COMMAND = re.compile(r"uid (?P<uid>\d+)")


def actors(language: Language, connection: sqlite3.Connection, *, there: bool = False) -> Callable[[str], str]:
    """A function that says of whoever the record names who that is; what it does not know stays as it is written.
    `there`: the record is another gate's, which has users of its own."""
    unknown = _THERE if there else _GONE
    users = {one.id: one.name for one in accounts.users(connection)}
    centres = centre_orders.names(connection)
    tokens = {one.id: language(Sentence("the token {name}", name=one.name)) for one in accounts.tokens(connection)}

    def called(by: str) -> str:
        if found := _NAMED.fullmatch(by):
            gone = unknown[found["kind"]]
            return (users | tokens).get(found["id"]) or language(gone)
        if found := _AT_CENTRE.fullmatch(by):
            # At the centre itself they are its own; at a gate the order came with what they are called.
            gone = _GONE[found["kind"]]
            name = (users | tokens).get(found["id"]) or centres.get(found["who"]) or language(gone)
            return language(Sentence("{name}, from the centre", name=name))
        if _PAGE.fullmatch(by):
            return language(Sentence("the resident, on their own page"))
        if found := _COMMAND.fullmatch(by):
            return language(Sentence("a command (user number {uid})", uid=found["uid"]))
        if found := _PROGRAM.fullmatch(by):
            said = ACTORS[found["program"]]
            return language(said)
        return language(ACTORS.get(by, by))

    return called
