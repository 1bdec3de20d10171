"""facegate join"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import Home, ask_for, counted, home, json_option, print_json, state_option
from commands.drop_root import as_owner, owner_of
from gate.errors import UsageError
from gate.scratch import kept_alive, new_scratch
from gate.store.compound import items, joining, proposals, requests, role, succession
from gate.store.compound.entries import RegisterKind
from gate.store.compound.joining import Decided
from gate.store.database import database_of, open_database
from gate.store.people import credentials, residents
from gate.store.people.residents import Resident

if TYPE_CHECKING:
    from centre.secrets import HandedOver
    from gate.fleet.joining import Paired

_CHOICES = {
    "same": "they are the same person: photos of here go to whom the centre names",
    "another": "they are two people: this one is proposed to the centre too",
    "here": "leave them at this gate alone",
}
_OTHERS = {"bring": "propose them to the centre, for all gates", "here": "leave them at this gate alone"}


@click.command()
@click.argument("address")
@click.argument("code")
@click.option("--port", type=click.IntRange(1, 65535), help="Its pairing port.  [default: centre.pairing_port]")
@click.option("--both", type=click.Choice([*_CHOICES]), help="What becomes of whoever is at the centre too, unasked.")
@click.option("--others", type=click.Choice([*_OTHERS]), help="What becomes of the others of this gate, unasked.")
@click.option("--yes", is_flag=True, help="Do not ask: who is not said of stays at this gate alone.")
@state_option
@json_option
def join(
    address: str, code: str, port: int | None, both: str | None, others: str | None, yes: bool, state: Path | None,
    config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Have this gate follow the centre at ADDRESS, by the CODE of its invitation.

    Whoever is on the centre's register comes in here too from then on. Where this gate has people already, each is
    looked for there by name, home and face first, and you say who is the same; until then nothing is changed. PINs and
    cards that this gate gave before open nothing any more: the doors of a compound know codes by one key.
    """
    ask_for("nats")
    from centre.secrets import centre_folder, handed_over
    from gate.fleet.joined import write_joined
    from gate.fleet.joining import pair
    from gate.fleet.pairing import code_of

    # As root: the door's key, the link's secrets and the database each belong to another.
    gate = home(state, config, part=None)
    address, typed, directory, by = _address(address), code_of(code), gate.state, gate.by
    here = as_owner(owner_of(directory), lambda: _looked(gate))
    former = here["former"]
    if here["codes"] and not (yes or former or here["follows"]):
        had = counted(here["codes"], "resident")
        click.confirm(f"Take PINs and cards from {had} of this gate?", abort=True, err=True)
    before = as_owner(owner_of(directory, "link"), lambda: _joined_before(directory))["seed"]
    paired = pair(
        address, port or gate.settings.centre.pairing_port, typed, here["id"], gate.settings.gate,
        None if before is None else bytes.fromhex(before),
    )  # fmt: skip
    if here["follows"]:
        again = as_owner(owner_of(directory), lambda: _joins_again(gate, paired))
        if not again["same"]:
            _tell_what_is_dropped(here, asks=not yes)
    found: dict[str, Any] = {"scratch": None, "people": []}
    second = handed_over(paired.second) if paired.second else None
    if here["people"] or former:
        click.echo("The centre's register is looked at; nothing is changed here yet.", err=True)
        found = as_owner(owner_of(directory), lambda: _compared(gate, paired, address))
    scratch = found["scratch"]
    try:
        # Whoever is asked may think about it.
        with nullcontext() if scratch is None else kept_alive(Path(scratch)):
            if former:
                # It was the register's own word, but for who agreed to one gate alone.
                both, others = both or "another", others or "bring"
            decided = _decided(found["people"], both, others, asks=not (yes or as_json))

            def kept() -> dict[str, Any]:
                write_joined(directory, paired.joined)
                return {}

            same_key = as_owner(owner_of(directory, "door"), lambda: _take_key(directory, paired.door_key))["same"]
            keeper = owner_of(directory, centre_folder(directory).name)
            as_owner(keeper, lambda: _take_over(directory, second))
            place = None if second is None else second.place
            done = as_owner(
                owner_of(directory),
                lambda: _followed(gate, paired, address, scratch, decided, by, place, same_key=same_key),
            )
            as_owner(owner_of(directory, "link"), kept)
    finally:
        if scratch is not None:
            as_owner(owner_of(directory), lambda: _dropped(scratch))
    told = done | {"second": place}
    _tell(here["id"], address, found["people"], decided, told, as_json=as_json)


def _address(said: str) -> str:
    from gate.fleet.joined import address_of

    try:
        return address_of(said)
    except ValueError as error:
        raise UsageError(
            f"{said!r} is no address of a centre, such as 10.0.0.2 or centre.local. Name another port than the usual"
            " one with --port."
        ) from error


def _looked(gate: Home) -> dict[str, Any]:
    with gate.store() as connection:
        former = succession.superseded(connection) is not None
        if not former:
            role.refuse_who_leads(connection)
        codes, people = len(credentials.having_any(connection)), len(residents.every(connection))
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


def _joined_before(state: Path) -> dict[str, Any]:
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


def _tell_what_is_dropped(here: dict[str, Any], *, asks: bool) -> None:
    """This gate followed the centre of another compound: that hears no more from it."""
    lost = [f"{counted(here['codes'], 'resident')} of this gate lose PIN and card" if here["codes"] else ""]
    if here["waiting"]:
        lost.append(f"{counted(here['waiting'], 'change')} made here and still to be sent there are not sent")
    if here["revoked"]:
        lost.append(
            f"{counted(here['revoked'], 'revocation')} made here and still to be sent there are not heard there:"
            " revoke them there too"
        )
    said = "; ".join(one for one in lost if one)
    click.echo(f"This gate followed the centre of another compound.{said and f' {said}.'}", err=True)
    if asks and said:
        click.confirm("Follow this one?", abort=True, err=True)


def _compared(gate: Home, paired: Paired, address: str) -> dict[str, Any]:
    """The register of the centre, in a store beside this gate's own, and who of this gate is on it."""
    from gate.fleet.reading import read_all

    scratch = new_scratch(database_of(gate.state).parent)
    try:
        with kept_alive(scratch), closing(open_database(scratch)) as register, gate.store() as connection:
            role.follow(register, paired.salt, address, by=gate.by)
            read_all(paired.joined, register)
            people = _found_there(connection, register)
            if role.follows_already(connection, paired.salt):
                # Of whom it waits to hear the centre is asked still.
                people = [one for one in people if not proposals.waits(connection, RegisterKind.RESIDENT, one["id"])]
            return {"scratch": str(scratch), "people": people}
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


def _decided(people: Sequence[dict[str, Any]], both: str | None, others: str | None, *, asks: bool) -> Decided:
    """What becomes of each, as it was said or is asked for now."""
    said = {one["id"]: both or ("here" if not asks else _asked(one)) for one in people if one["there"] is not None}
    rest = [one["id"] for one in people if one["there"] is None]
    if rest and others is None and asks:
        how = click.Choice([*_OTHERS])
        told = "".join(f"\n  {choice}: {words}" for choice, words in _OTHERS.items())
        click.echo(f"{counted(len(rest), 'resident')} of this gate were not found at the centre.{told}", err=True)
        others = click.prompt("All of them", type=how, err=True)
    same = tuple((one["id"], one["there"]["id"]) for one in people if said.get(one["id"]) == "same")
    brought = [one["id"] for one in people if said.get(one["id"]) == "another"]
    return Decided(same, (*brought, *(rest if others == "bring" else ())))


def _asked(one: dict[str, Any]) -> str:
    there = one["there"]
    told = "".join(f"\n  {choice}: {words}" for choice, words in _CHOICES.items())
    click.echo(
        f"{_who(one)}: at the centre there is {_who(there)} (found by {' and '.join(there['by'])}).{told}", err=True
    )
    return str(click.prompt("They are", type=click.Choice([*_CHOICES]), err=True))


def _who(one: dict[str, Any]) -> str:
    return f"{one['name']}, {one['unit']}" if one["unit"] else str(one["name"])


def _followed(
    gate: Home, paired: Paired, address: str, scratch: str | None, decided: Decided, by: str, second: str | None, *,
    same_key: bool,
) -> dict[str, Any]:  # fmt: skip
    with gate.store() as connection, ExitStack() as stack:
        register = None if scratch is None else stack.enter_context(closing(open_database(Path(scratch))))
        former, kept = succession.superseded(connection) is not None, None
        if former and register is not None:
            kept = joining.not_passed_on(connection, register)
        had = role.follow(connection, paired.salt, address, by=by, former=former, same_key=same_key)
        if second is not None:
            succession.be_second(connection, second)
        if kept is not None and register is not None:
            joining.propose(connection, kept, register)
        if register is None:
            return {"people": had, "merged": []}
        joining.take_register(connection, register)
        return {"people": had, "merged": [asdict(one) for one in joining.decide(connection, decided, by=by)]}


def _take_over(state: Path, given: HandedOver | None) -> dict[str, Any]:
    """A second centre has the first one's keys, and a gate none of any centre."""
    from centre.secrets import forget_secrets, take_over

    if given is None:
        forget_secrets(state)
    else:
        take_over(state, given)
    return {}


def _dropped(scratch: str) -> dict[str, Any]:
    shutil.rmtree(scratch)
    return {}


def _tell(
    gate: str, address: str, people: Sequence[dict[str, Any]], decided: Decided, done: dict[str, Any], *, as_json: bool
) -> None:
    stay = len(people) - len(decided.same) - len(decided.brought)
    if as_json:
        counts = {"people": done["people"], "same": len(decided.same), "brought": len(decided.brought), "here": stay}
        told = {"gate": gate, "centre": address, "second": done["second"], "found": people, "merged": done["merged"]}
        print_json(told | counts)
        return
    for one in done["merged"]:
        lost = f"; {counted(one['dropped'], 'photo')} of here are not kept" if one["dropped"] else ""
        click.echo(f"{one['name']} is one with whom the centre names{lost}.")
    if decided.brought:
        click.echo(f"{counted(len(decided.brought), 'resident')} are proposed to the centre; the pages say who waits.")
    if stay:
        click.echo(
            f"{counted(stay, 'resident')} stay at this gate alone. A face that two residents have opens for neither."
        )
    if done["second"] is not None:
        click.echo(
            f"It is the second centre, reached at {done['second']}. Set enabled = true in the section [centre] of its"
            " settings now; where the first is lost: sudo facegate centre promote"
        )
    click.echo(f"This gate follows {address}. Restart it: sudo systemctl restart facegate.target")


def _take_key(state: Path, key: bytes) -> dict[str, Any]:
    from gate.door.code_key import key_file, shared_key, take_key

    try:
        same = key_file(state).exists() and shared_key(state) == key
        take_key(state, key)
    except OSError as error:
        raise UsageError(f"{key_file(state)} cannot be written ({error.strerror}). Say it with sudo.") from error
    return {"same": same}
