"""The register's messages on their way into this gate's tables: checked, opened, taken.

It knows no network: batches of messages go in, and what became of each comes out.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from gate.fleet import keys, messages
from gate.fleet.envelopes import NotGenuine
from gate.fleet.messages import Head, Header, Message
from gate.processes.fields import Malformed
from gate.store.compound import items, outbox, proposals, taken
from gate.store.compound.entries import Entry, RegisterKind
from gate.store.compound.taken import Taken
from gate.store.database import transaction

_log = logging.getLogger(__name__)


class Fate(Enum):
    """What is to be done with a message."""

    DONE = auto()
    """It is taken, or need not be: the broker may count it as read."""
    LATER = auto()
    """It is tried again in a moment: it names hours that are on their way, or its key is not here yet."""
    HELD = auto()
    """It waits until this gate is upgraded."""
    REFUSED = auto()
    """It is not the centre's, and is never looked at again."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What follows from a head. `whole`: the register is here as the centre has it; None: nobody can tell now."""

    whole: bool | None
    problem: str | None = None
    tick: int = 0
    """Which head it was."""
    orders: int = 0
    """The number of the newest order to the doors."""
    leads: bool = True
    """Whether who said it leads: it knows of no earlier epoch than is known here."""
    places: tuple[str, ...] = ()
    """Where else a centre is to be looked for."""
    gates: str | None = None
    """The digest of the centre's list of gates."""
    epoch: int = 0
    passages: bool = False
    """Whether the centre takes who passed, and tells it."""


_NOT_GENUINE = (
    "A message in the register is not the centre's: it is passed over. Somebody may have got at the broker; look at the"
    " machine of the centre."
)
_TOO_NEW = "The centre is newer than this gate. Upgrade this gate; until then it takes revocations alone."
_OLDER = (
    "The centre says an older epoch of the register than this gate knows, as after an old backup. Nothing"
    " of it is taken here: have each gate leave and join anew."
)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A message that is to be taken, opened."""

    header: Header
    entry: Entry


class Register:
    """The register as this gate holds it. Not thread-safe: its connection's owner calls."""

    def __init__(self, connection: sqlite3.Connection, centre: bytes) -> None:
        """`centre` is by what the centre's signatures are known."""
        self._connection = connection
        self._signer = keys.verifier(centre)
        self._last = (-1, -1)
        self._said: set[str] = set()
        self.problem: str | None = None

    def checked(self, batch: Sequence[bytes]) -> list[Message | None]:
        """The messages that these are, in their order; None for what is not the centre's."""
        return [self._checked(data) for data in batch]

    def missing_keys(self, batch: Sequence[Message | None]) -> list[str]:
        """The ids of the keys that are wanted to read these messages, as far as they are to be read."""
        wanted: dict[str, None] = {}
        for message in batch:
            if message is None or message.header.is_revocation or not message.header.is_readable:
                continue
            if not self._is_old(message) and not outbox.keys(self._connection, [message.header.key]):
                wanted[message.header.key] = None
        return list(wanted)

    def keep_keys(self, given: dict[str, bytes]) -> None:
        """Keys that were asked for."""
        with transaction(self._connection):
            taken.keep_keys(self._connection, given)

    def take(self, batch: Sequence[Message | None], unknown: frozenset[str] = frozenset()) -> list[Fate]:
        """Take messages in their order; residents in one transaction, since each costs the disk a moment. Of those
        whose keys are `unknown` to the centre nothing is to be had: they were erased. Raises sqlite3.Error."""
        opened = [self._opened(one, unknown) for one in batch]
        found = [one for one in opened if isinstance(one, _Opened)]
        # Of two that are about the same the later may take away what the earlier brings.
        twice = len({(one.header.kind, one.header.id) for one in found}) < len(found)
        if twice or any(taken.erases(self._connection, one.entry) for one in found):
            # To erase somebody is a transaction of its own, with what SQLite wrote beside it.
            return [self._take(one) for one in opened]
        with transaction(self._connection):
            return [self._take(one) for one in opened]

    def hear(self, data: bytes) -> Heard | None:
        """What the centre says of the register's end; None where it is not the centre's, or was said before."""
        try:
            head = messages.HEAD.of(data, self._signer)
        except (NotGenuine, Malformed) as error:
            self._say_once(f"What was said as the centre's is not: {error}.")
            return None
        if (head.epoch, head.tick) <= self._last:
            return None
        self._last = (head.epoch, head.tick)
        if head.recovery is not None:
            proposals.give_back(self._connection, head.recovery, head.epoch, head.had)
        items.sum_up(self._connection)
        found = self._compare(head)
        return replace(
            found, tick=head.tick, orders=head.orders, places=head.places, gates=head.gates, epoch=head.epoch,
            passages=head.passages,
        )  # fmt: skip

    def _compare(self, head: Head) -> Heard:
        known = items.epoch(self._connection)
        if head.epoch < known:
            self._say_once(_OLDER)
            return Heard(False, _OLDER, leads=False)
        if head.epoch > known:
            taken.begin_epoch(self._connection, head.epoch)
        problem = _TOO_NEW if head.min_reader > messages.READER else self.problem
        if head.state is None:
            return Heard(None, problem)
        if items.state(self._connection, head.epoch) != head.state or not self._has_passes(head):
            return Heard(False, problem)
        if head.epoch > known or items.has_older(self._connection, head.epoch):
            left = taken.sweep(self._connection, head.epoch)
            if left:
                _log.warning("%d people are not on the register any more; they are erased here.", len(left))
        return Heard(True, problem)

    def _has_passes(self, head: Head) -> bool:
        there = head.passes
        return there is None or items.open_passes(self._connection, head.epoch, there.at) == there

    def _checked(self, data: bytes) -> Message | None:
        try:
            return messages.checked(data, self._signer)
        except (NotGenuine, Malformed):
            self.problem = _NOT_GENUINE
            self._say_once(_NOT_GENUINE)
            return None

    def _is_old(self, message: Message) -> bool:
        known = items.version_of(self._connection, RegisterKind(message.header.kind), message.header.id)
        return known is not None and message.header.of <= known

    def _opened(self, message: Message | None, unknown: frozenset[str]) -> _Opened | Fate:
        if message is None:
            return Fate.REFUSED
        header = message.header
        if not header.is_readable:
            self.problem = _TOO_NEW
            self._say_once(_TOO_NEW)
            return Fate.HELD
        if self._is_old(message) or header.key in unknown:
            return Fate.DONE
        if header.epoch < items.epoch(self._connection) and not header.is_revocation:
            # A former centre's word, or this one's of before, which it says anew.
            return Fate.DONE
        key = outbox.keys(self._connection, [header.key]).get(header.key)
        try:
            return _Opened(header, messages.opened(message, key))
        except messages.WrongKey:
            taken.drop_key(self._connection, header.key)
            return Fate.LATER
        except Malformed as error:
            return self._held(header, error)

    def _take(self, one: _Opened | Fate) -> Fate:
        if isinstance(one, Fate):
            return one
        try:
            done = taken.take(self._connection, RegisterKind(one.header.kind), one.header.of, one.entry)
        except sqlite3.IntegrityError as error:
            return self._held(one.header, error)
        return Fate.LATER if done is Taken.EARLY else Fate.DONE

    def _held(self, header: Header, error: Exception) -> Fate:
        self._say_once(f"An entry of the register ({header.kind} {header.id}) makes no sense here: {error}.")
        self.problem = f"An entry of the register makes no sense here ({header.kind} {header.id}). Upgrade the gate."
        return Fate.HELD

    def _say_once(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            _log.error("%s", sentence)
