"""A gate on its way to follow a centre: what `facegate join` does, and the console's errand of that name.

As root each step is done as whoever owns what it touches: the door's key, the link's secrets and the database each
belong to another.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.common import Home
from commands.drop_root import as_owner, owner_of
from gate.errors import UsageError
from gate.processes.fields import read, written
from gate.scratch import kept_alive, new_scratch
from gate.store.compound import items, joining, proposals, requests, role, succession
from gate.store.compound.entries import RegisterKind
from gate.store.compound.joining import Decided
from gate.store.database import database_of, open_database
from gate.store.people import credentials, erasure, residents
from gate.store.people.residents import Resident

if TYPE_CHECKING:
    from centre.secrets import HandedOver
    from gate.fleet.joining import Paired


class Following:
    """One gate that is to follow the centre at an address. Nothing of the gate is changed before `follow`."""

    def __init__(self, gate: Home, address: str) -> None:
        """Raises UsageError where the address is none, or gates follow this one."""
        self._gate, self._state = gate, gate.state
        self.address = _address(address)
        self._keeper = owner_of(self._state)
        here = as_owner(self._keeper, lambda: _looked(gate))
        self.codes: int = here["codes"]
        """How many residents of this gate have PINs or cards, which go."""
        self.former: bool = here["former"]
        """Whether it is a centre in whose place another leads, and has that one's codes already."""
        self.follows: bool = here["follows"]
        """Whether it follows a centre already."""
        self.waiting: int = here["waiting"]
        """How many changes that one was still to be told."""
        self.revoked: int = here["revoked"]
        """How many revocations it was still to be told."""
        self.same_compound = False
        """Once it is paired: whether the centre is that of the compound whose gate this is already."""
        self.gate_id: str = here["id"]
        self.has_people = bool(here["people"])
        """Whether there are people here, or were: then the register is read first."""
        self.people: list[dict[str, Any]] = []
        """Who is here and, by their id, not on the register; `there` is whom of it they are most likely."""
        self.second: str | None = None
        """Where it is reached as a second centre; None: it is none."""
        self.broker: str | None = None
        """Where the broker is reached that its machine is to have; None: it has none."""
        self.erased: list[dict[str, Any]] = []
        """Who is on the register and was erased here, so that the centre never heard of it."""
        self._paired: Paired | None = None
        self._given: HandedOver | None = None
        self._scratch: str | None = None

    def pair(self, code: str, port: int | None = None) -> None:
        """Be taken in by the centre, by the code of its invitation. Raises UsageError, Refusal."""
        from centre.secrets import handed_over
        from gate.fleet.joining import Paired, pair

        settings = self._gate.settings
        at = port or settings.centre.pairing_port
        # What answers there may be anybody: root decodes nothing of it.
        keeper = owner_of(self._state, "link")
        known_by = as_owner(keeper, lambda: _known_by(self._state))["seed"]
        before = None if known_by is None else bytes.fromhex(known_by)
        said = as_owner(keeper, lambda: written(pair(self.address, at, code, self.gate_id, settings.gate, before)))
        paired = read(Paired, said)
        given = handed_over(paired.second) if paired.second else None
        if given is not None and given.broker is not None:
            own = replace(given.broker, gate=self.gate_id, centre_at=self.address)
            self.broker, given = given.place, replace(given, broker=own)
        elif given is not None:
            self.second = given.place
        self._given, self._paired = given, paired
        again = as_owner(self._keeper, lambda: _joins_again(self._gate, paired))
        self.same_compound = again["same"]

    @contextmanager
    def compared(self) -> Iterator[None]:
        """For as long as the block lasts, the centre's register is beside this gate's own store, and `people` are
        found there, where it has people or was a centre itself. Raises UsageError."""
        if self._paired is None or not (self.has_people or self.former):
            yield
            return
        paired = self._paired
        found = as_owner(self._keeper, lambda: _compared(self._gate, paired, self.address))
        self._scratch, self.people, self.erased = found["scratch"], found["people"], found["erased"]
        try:
            # Whoever is asked may think about it.
            with nullcontext() if self._scratch is None else kept_alive(Path(self._scratch)):
                yield
        finally:
            scratch, self._scratch = self._scratch, None
            if scratch is not None:
                as_owner(self._keeper, lambda: _dropped(scratch))

    def follow(self, decided: Decided) -> dict[str, Any]:
        """Follow it from the next start of the services on; from how many residents codes went, and who became one with
        whom. Raises UsageError."""
        from centre.secrets import centre_folder
        from gate.fleet.joined import write_joined

        paired, given, state = self._paired, self._given, self._state
        if paired is None:
            raise UsageError("The centre has not taken this gate in.")

        def kept() -> dict[str, Any]:
            write_joined(state, paired.joined, self.broker)
            return {}

        same_key = as_owner(owner_of(state, "door"), lambda: _take_key(state, paired.door_key))["same"]
        as_owner(owner_of(state, centre_folder(state).name), lambda: _take_over(state, given))
        done = as_owner(
            self._keeper,
            lambda: _followed(self._gate, paired, self.address, self._scratch, decided, self.second, same_key=same_key),
        )
        as_owner(owner_of(state, "link"), kept)
        return done


def _address(said: str) -> str:
    from gate.fleet.joined import address_of

    try:
        return address_of(said)
    except ValueError as error:
        raise UsageError(
            "{said} is no address of a centre, such as 10.0.0.2 or centre.local. Name another port than the usual one"
            " with --port.",
            said=repr(said),
        ) from error


def _looked(gate: Home) -> dict[str, Any]:
    with gate.store() as connection:
        former = succession.superseded(connection) is not None
        if not former:
            role.refuse_who_leads(connection)
        codes = len(credentials.having_any(connection))
        people = len(residents.every(connection)) + len(erasure.erased(connection))
        follows = role.part(connection) is role.Part.GATE
        return {
            "codes": codes,
            "people": people,
            "former": former,
            "follows": follows,
            "waiting": proposals.count(connection) if follows else 0,
            "revoked": requests.count(connection) if follows else 0,
            "id": connection.execute("SELECT id FROM gate").fetchone()[0],
        }


def _known_by(state: Path) -> dict[str, Any]:
    """By what a centre knows this gate since it joined last."""
    from gate.fleet.joined import read_joined

    joined = None
    # What is damaged is written anew.
    with suppress(UsageError):
        joined = read_joined(state)
    return {"seed": None if joined is None else joined.signer_seed.hex()}


def _joins_again(gate: Home, paired: Paired) -> dict[str, Any]:
    with gate.store() as connection:
        return {"same": role.follows_already(connection, paired.salt)}


def _compared(gate: Home, paired: Paired, address: str) -> dict[str, Any]:
    """The register of the centre, in a store beside this gate's own, and who of this gate is on it."""
    from gate.fleet.reading import read_all

    scratch = new_scratch(database_of(gate.state).parent)
    # Whoever asked holds it alive, also where that is root without root's power over files.
    scratch.chmod(0o750)
    try:
        with kept_alive(scratch), closing(open_database(scratch)) as register, gate.store() as connection:
            role.follow(register, paired.salt, address, by=gate.by)
            read_all(paired.joined, register)
            people = _found_there(connection, register)
            if role.follows_already(connection, paired.salt):
                # Of whom it waits to hear the centre is asked still.
                people = [one for one in people if not proposals.waits(connection, RegisterKind.RESIDENT, one["id"])]
            # What a former centre erased is told with all that it has and did not pass on.
            former = succession.superseded(connection) is not None
            gone = [] if former else joining.erased_here(connection, register)
            erased = [{"id": one.id, "name": one.name, "unit": one.unit} for one in gone]
            return {"scratch": str(scratch), "people": people, "erased": erased}
    except BaseException:
        _dropped(str(scratch))
        raise


def _found_there(connection: sqlite3.Connection, register: sqlite3.Connection) -> list[dict[str, Any]]:
    from enroll.known_there import alike

    named = items.residents(register)
    there = {one.id: one for one in residents.every(register) if one.id in named}
    own = joining.own_people(connection, register)
    faces = alike(connection, [one.id for one in own], register, there.keys())
    return [_told(one, _likest(one, [*there.values()], faces.get(one.id, [])), there) for one in own]


def _likest(one: Resident, there: Sequence[Resident], faces: Sequence[str]) -> tuple[str, list[str]] | None:
    """Whom of the register they are most likely, and by what."""
    names = [other.id for other in joining.namesakes_of(one, [*there])]
    for other in (*(both for both in faces if both in names), *faces, *names):
        by = [what for what, some in (("name and home", names), ("face", faces)) if other in some]
        return other, by
    return None


def _told(one: Resident, found: tuple[str, list[str]] | None, there: dict[str, Resident]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": one.id, "name": one.name, "unit": one.unit, "there": None}
    if found is not None:
        other = there[found[0]]
        told["there"] = {"id": other.id, "name": other.name, "unit": other.unit, "by": found[1]}
    return told


def _followed(
    gate: Home, paired: Paired, address: str, scratch: str | None, decided: Decided, second: str | None, *,
    same_key: bool,
) -> dict[str, Any]:  # fmt: skip
    with gate.store() as connection, ExitStack() as stack:
        register = None if scratch is None else stack.enter_context(closing(open_database(Path(scratch))))
        former, kept = succession.superseded(connection) is not None, None
        if former and register is not None:
            kept = joining.not_passed_on(connection, register)
        had = role.follow(connection, paired.salt, address, by=gate.by, former=former, same_key=same_key)
        if second is not None:
            succession.be_second(connection, second)
        if kept is not None and register is not None:
            joining.propose(connection, kept, register)
        if register is None:
            return {"people": had, "merged": []}
        joining.settle_erased(connection, register, decided)
        joining.take_register(connection, register)
        return {"people": had, "merged": [asdict(one) for one in joining.decide(connection, decided, by=gate.by)]}


def _take_over(state: Path, given: HandedOver | None) -> dict[str, Any]:
    """A second centre has the first one's keys, whose machine has a broker what that needs, and a gate nothing of any
    centre."""
    from centre.broker import forget_broker
    from centre.secrets import forget_secrets, take_over

    # What a broker here was told and kept is of another time.
    forget_broker(state)
    if given is None:
        forget_secrets(state)
    else:
        take_over(state, given)
    return {}


def _dropped(scratch: str) -> dict[str, Any]:
    shutil.rmtree(scratch)
    return {}


def _take_key(state: Path, key: bytes) -> dict[str, Any]:
    from gate.door.code_key import key_file, shared_key, take_key

    try:
        same = key_file(state).exists() and shared_key(state) == key
        take_key(state, key)
    except OSError as error:
        raise UsageError(f"{key_file(state)} cannot be written ({error.strerror}). Say it with sudo.") from error
    return {"same": same}
