"""What every request of one api process shares: the gate's parts and settings, its store, and what the door says."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request

from api.acts import Acts
from api.at_gate import AtGate
from api.auth import Actor, OwnerCode
from api.card_handles import CardHandles
from api.chains import Chains
from api.destinations import Allowed
from api.drafts import Drafts
from api.enroller import Enroller
from api.far_photos import FarPhotos
from api.front.hosts import Hosts
from api.importer import Importer
from api.languages import Languages
from api.looks import Looks
from api.own_photos import OwnPhotos
from api.passwords import Passwords
from api.telling import Telling
from api.throttle import Throttle
from api.turns import Turns
from api.waiting import WaitingRoom
from gate.clock import zone_of
from gate.config import Settings
from gate.processes import asking
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.client import Client, LinkDown
from gate.processes.requests import Do, Preview, Reply
from gate.processes.status import DoorStatus
from gate.store.database import database_of, open_database, sentences
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

# Whoever gives an order waits three seconds for an answer, of which the door may take the second half.
_ON_ITS_WAY_S = 1.5
# Clocks of browsers are rounded, and set by little.
_ROUNDED_S = 1.0


@dataclass(frozen=True, slots=True)
class Context:
    """Made once, by `api.bootstrap`."""

    state: Path
    settings: Settings
    """All settings in effect, but for what a camera's address says of a password."""
    enroller: Enroller
    importer: Importer
    languages: Languages
    secure: bool
    """Whether the pages come over TLS."""
    hosts: Hosts = field(default_factory=Hosts)
    """What the gate may be called."""
    webhooks: Allowed = field(default_factory=Allowed)
    """What webhooks may be sent to beyond the rules."""
    config: Path | None = None
    """The file the settings came from."""
    passwords: Passwords = field(default_factory=Passwords)
    throttle: Throttle = field(default_factory=Throttle)
    link_throttle: Throttle = field(default_factory=Throttle)
    """Counts links that are none: whoever opens an old one is not kept from signing in."""
    own_photos: OwnPhotos = field(default_factory=OwnPhotos)
    chains: Chains = field(default_factory=Chains)
    """How far the lines that gates carried to this centre are verified."""
    acts: Acts = field(default_factory=Acts)
    """Counts what is done on residents' own pages."""
    owner_code: OwnerCode = field(default_factory=OwnerCode)
    card_handles: CardHandles = field(default_factory=CardHandles)
    """What clients call a card by that was just shown and is nobody's."""
    at_gate: AtGate = field(default_factory=AtGate)
    """The enrolment at the gate's own camera."""
    far_photos: FarPhotos = field(default_factory=FarPhotos)
    """What other gates' cameras took for whoever enrols at this centre."""
    waiting: WaitingRoom = field(default_factory=WaitingRoom)
    """Enrolments that wait for somebody to look at them."""
    looks: Looks = field(default_factory=Looks)
    """Who looks through the camera, and since when."""
    drafts: Drafts = field(default_factory=Drafts)
    """Seals what was typed by whose login had ended."""
    telling: Telling = field(default_factory=Telling)
    """What was done, until the page that follows has told it."""
    together: Turns = field(default_factory=Turns)
    """Taken by whatever is done to many residents at once."""
    examining: threading.Lock = field(default_factory=threading.Lock)
    """Held while the doctor looks: once at a time, in the thread of the request that asked."""

    @property
    def gate(self) -> str:
        """The gate's name."""
        return self.settings.gate

    @property
    def zone(self) -> str | None:
        """The gate's time zone; None: the machine's own."""
        return self.settings.door.zone

    @property
    def now(self) -> datetime:
        """The moment, in the gate's zone."""
        return datetime.now(zone_of(self.zone))

    @property
    def today(self) -> date:
        """The day that it is at the gate."""
        return self.now.date()

    @property
    def by_face(self) -> bool:
        """Whether there is a camera, and so people come in by face."""
        return self.settings.camera.wanted

    @property
    def can_hold(self) -> bool:
        """Whether there is a relay that keeps the gate open."""
        return self.settings.door.hold_pin is not None

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; the prefix makes browsers hold it to this host and to TLS."""
        return "__Host-facegate" if self.secure else "facegate"

    @property
    def who_cookie(self) -> str:
        """The name of the cookie that says who was signed in here last, with a mark of ours. It lets nobody in."""
        return f"{self.cookie}-who"

    @property
    def owner_code_file(self) -> Path:
        """Where the code of the first start is kept for whoever administers the machine."""
        return runtime_directory(self.state, "api") / "owner-code"

    def forget(self, people: Collection[str]) -> None:
        """Keep nothing in memory of those with these ids, face or name: they are erased, or agree no longer."""
        self.telling.forget(people)
        self.waiting.forget(people)
        self.far_photos.forget(people)
        self.own_photos.forget(people)
        self.importer.forget_revoked()

    def door_status(self) -> DoorStatus:
        """What the door says of itself. Raises LinkDown."""
        with closing(Client(socket_of(self.state, "door"))) as client:
            return asking.door_status(client)

    def order_door(self, order: Do, actor: Actor, given_mono: float | None = None) -> Reply:
        """Give the door an order for somebody, who gave it then (monotonic seconds; None: now). Raises LinkDown."""
        asked_mono = None if given_mono is None else _asked(given_mono, time.monotonic())
        with closing(Client(socket_of(self.state, "door"))) as client:
            return asking.order(client, order, actor.label, asked_mono)

    def look(self) -> Preview:
        """What the gate's camera sees now. Raises LinkDown."""
        with closing(Client(socket_of(self.state, "vision"))) as client:
            return asking.preview(client)

    def ring(self, actor: Actor | None) -> Reply:
        """Ring the door's bell for whoever touches the screen at the gate; `actor` is whose screen it is, None: one on
        this machine. Raises LinkDown."""
        with closing(Client(socket_of(self.state, "door"))) as client:
            return asking.order(client, Do.RING, actor.label if actor else None)


def _asked(given_mono: float, now: float) -> float:
    """When the door takes an order as asked: it refuses what is old, and what is told of a time that is yet to come,
    which was counted from another start of the machine."""
    return given_mono if given_mono > now + _ROUNDED_S else min(given_mono + _ON_ITS_WAY_S, now)


def context_of(request: Request) -> Context:
    """The context of a request."""
    context: Context = request.app.state.context
    return context


@contextmanager
def store_of(context: Context) -> Iterator[sqlite3.Connection]:
    """The store, with SQLite's errors in words."""
    with closing(open_database(context.state)) as connection, sentences(database_of(context.state)):
        yield connection


def _store(request: Request) -> Iterator[sqlite3.Connection]:
    with store_of(context_of(request)) as connection:
        yield connection


Shared = Annotated[Context, Depends(context_of)]
Store = Annotated[sqlite3.Connection, Depends(_store)]


def record_look(connection: sqlite3.Connection, actor: Actor, what: str, **details: Any) -> None:
    """Put on record that somebody looked at personal data."""
    audit.append(connection, AuditEvent(Kind.LOOKED_AT, {"what": what, "by": actor.label, **details}))


def record_look_once(
    connection: sqlite3.Connection, context: Context, actor: Actor, what: str, *, begins: bool = False, of: str = ""
) -> None:
    """Put a look at what is fetched again and again on record: once while it goes on, and where it `begins`.

    A look at one thing goes on with none at another `of` its kind.
    """
    context.looks.note(
        f"{what} {of}", actor.label, time.monotonic(), lambda: record_look(connection, actor, what), begins=begins
    )


def is_on_record(
    connection: sqlite3.Connection, context: Context, actor: Actor, what: str, *, begins: bool = False
) -> bool:
    """The same for a page that works the door as well: whether the look is on record. Where nothing can be written, as
    on a full disk, the page is to show the door and its buttons, and nobody who came."""
    try:
        record_look_once(connection, context, actor, what, begins=begins)
    except sqlite3.Error:
        return False
    return True


def door_status(context: Context) -> DoorStatus | None:
    """What the door says of itself; None where it does not answer."""
    try:
        return context.door_status()
    except LinkDown:
        return None
