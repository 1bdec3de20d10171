"""facegate centre"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from commands.common import Home, counted, home, json_option, print_json, print_table, record_look, state_option
from commands.drop_root import as_owner, owner_of
from commands.inviting import KEYS_LOST
from commands.run import run_gate
from gate.errors import Refusal, UsageError
from gate.fleet import status as link_status
from gate.fleet.centre_status import GateStatus, read_status, trouble_of_brokers
from gate.processes.fields import written
from gate.store.compound import carried, forgotten, outbox, proposed, recovery, role, succession
from gate.store.compound import gates as store
from gate.store.compound.forgotten import Standing
from gate.store.compound.gates import Gate
from gate.store.compound.role import Part
from gate.store.database import transaction
from gate.store.people import credentials, passes
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

_RECOVERS = (
    "This centre came back from a backup, or was promoted, and publishes nobody new until its gates gave back what it"
    " has not, or somebody says: facegate centre go-on. Still to come:"
)


_AFTER_A_THEFT = (
    "Whoever has its machine can find out the PINs and codes on the phone of {pins} residents and the numbers of the"
    " cards of {cards}, and has the faces that were on it. The register's keys were drawn anew, and what is given from"
    " now on cannot be found by what was stolen."
)
_LOOKED_BACK = timedelta(days=30)
_ENROLLED_THERE = (
    "Whoever has it could also enrol people by its word until now. Look at these, who were enrolled or changed there"
    " in the last {days} days, and remove whom nobody here knows: {names}."
)
_PINS_STAY = "Draw their PINs and codes anew; to take all of them away at once, say the same again with --end-pins."
_TAKE_AWAY = "Take {} away from the register?"


_SUPERSEDED = (
    "Another centre leads in the place of this one, which publishes nothing any more. Invite this machine there"
    " (facegate centre invite; with --second it follows as the second), and join: sudo facegate join ADDRESS CODE"
)
_FOLLOWS = (
    "This machine follows a centre, which alone hears its gates; how they stand is said there. Known here is who they"
    " are, where this is a second centre or has a broker."
)
_MAY_BE_LOST = (
    "Lost, until the first comes back and joins, is what it took and neither this machine nor a gate has; who agreed to"
    " its own gate alone is known there alone; a lockdown that a gate was still to be told is to be ordered anew."
)
_HAS_THE_KEYS = (
    "Its machine has this centre's keys: have it forget them (sudo facegate leave there). Where somebody else has it,"
    " begin with new keys: docs/many-gates.md, A second centre."
)
_HAS_A_BROKERS_KEY = (
    "Its machine has the key by which gates know a broker: have it forget that (sudo facegate leave there). Whoever"
    " else has it can keep messages from gates in this network, and neither read nor forge one; to end that too, begin"
    " with new keys: facegate centre new-keys"
)
# A centre that runs says every two seconds how it is.
_CENTRE_QUIET = timedelta(seconds=10)
# The link says every few seconds how it is.
_LINK_QUIET = timedelta(seconds=60)


@click.group()
def centre() -> None:
    """Many gates, one register: this machine is their centre."""


@centre.command("run")
@state_option
@click.option("--source", help="The camera, as of facegate run; empty: there is none.")
def run_centre(state: Path | None, config: Path | None, source: str | None) -> int:
    """Run the centre: the register's broker, what publishes it, and a whole gate whose console is that of the centre.

    On an installed gate set centre.enabled instead, and restart facegate.target.
    """
    overrides: dict[str, Any] = {"centre": {"enabled": True}}
    if source is not None:
        overrides["camera"] = {"source": source}
    return run_gate(home(state, config, **overrides))


@centre.command()
@click.option("--second", "second_at", metavar="ADDRESS", help="For a second centre, reached at ADDRESS[:PORT].")
@click.option(
    "--broker", "broker_at", metavar="ADDRESS", help="For a gate whose machine has a broker too, at ADDRESS[:PORT]."
)
@state_option
@json_option
def invite(
    second_at: str | None, broker_at: str | None, state: Path | None, config: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Print a code with which one gate may join, within ten minutes.

    Type it at that gate: sudo facegate join ADDRESS CODE. With --second whoever joins is the second centre: it is
    handed this one's keys, follows it, and takes its place by facegate centre promote. With --broker it is a gate whose
    machine carries messages beside: once two gates do, they and the centre are a cluster of three brokers, of which any
    one may be lost.
    """
    from centre.invitation import LASTS_S
    from commands.inviting import draw_invitation

    gate = home(state, config, part=None)
    if second_at is not None and broker_at is not None:
        raise UsageError("A second centre has a broker of its own. Say --second or --broker.")
    settings = gate.settings.centre
    place, broker = _place(second_at, settings.port), _place(broker_at, settings.port)
    if broker is not None and settings.cluster_port in (gate.settings.api.port, settings.port, settings.pairing_port):
        raise UsageError(f"The brokers need port {settings.cluster_port}, which is another's. Set centre.cluster_port.")
    code = draw_invitation(gate, place, broker).code
    if as_json:
        print_json({"code": code, "seconds": LASTS_S})
    else:
        where = "at one gate" if place is None else "at the second centre's machine"
        where = where if broker is None else "at the gate whose machine is to have a broker"
        click.echo(f"{code}\nWithin ten minutes, {where}: sudo facegate join ADDRESS CODE")


def _place(said: str | None, usual: int) -> str | None:
    """Where a second centre or a broker is reached, as it is kept."""
    from gate.fleet.joined import place_of

    if said is None:
        return None
    try:
        return str(place_of(said, usual))
    except ValueError as error:
        raise UsageError(f"{error}. Name the machine by its address.") from error


@centre.command("gates")
@state_option
@json_option
def list_gates(state: Path | None, config: Path | None, as_json: bool) -> None:
    """The gates that follow this centre, and how each stands."""
    gate = home(state, config)
    with gate.store() as connection:
        found = store.every(connection)
        other, follows = succession.superseded(connection) is not None, role.part(connection) is Part.GATE
    status = read_status(gate.state)
    heard, lost = ({}, False) if status is None else (status.gates, status.keys_lost)
    if as_json:
        told = [_told(one, heard.get(one.id)) for one in found]
        clustered = status is not None and status.clustered
        away = [] if status is None else list(status.brokers_away)
        print_json(
            {"gates": told, "superseded": other, "keys_lost": lost, "clustered": clustered, "brokers_away": away}
            | {"own_broker_away": status is not None and status.own_broker_away}
        )
        return
    if follows:
        click.echo(f"{_FOLLOWS}\n", err=True)
    if other:
        click.echo(f"{_SUPERSEDED}\n", err=True)
    if lost:
        click.echo(f"{KEYS_LOST}\n", err=True)
    if status is not None and status.missing:
        click.echo(f"{_RECOVERS} {', '.join(status.missing)}.\n", err=True)
    trouble = trouble_of_brokers([one.name for one in store.with_brokers(found)], status)
    if trouble is not None:
        click.echo(f"{trouble}\n", err=True)
    rows = [(_named(one), *_words(heard.get(one.id)), one.id) for one in found]
    empty = "No gate is known here." if follows else "No gate follows this centre. Invite one: facegate centre invite"
    print_table(("gate", "heard", "register", "id"), rows, empty)


def _told(gate: Gate, status: GateStatus | None) -> dict[str, Any]:
    said = written(status) if status is not None else dict.fromkeys(one.name for one in fields(GateStatus))
    return {"id": gate.id, "name": gate.name, "joined_at": gate.joined_at} | {
        "second_at": gate.second_at, "broker_at": gate.broker_at,
    } | said  # fmt: skip


def _named(gate: Gate) -> str:
    if gate.second_at is not None:
        return f"{gate.name} (second centre, {gate.second_at})"
    return gate.name if gate.broker_at is None else f"{gate.name} (broker, {gate.broker_at})"


def _words(status: GateStatus | None) -> tuple[str, str]:
    if status is None:
        return "not since the centre was started", ""
    return status.heard_at, status.problem or ("behind" if status.behind else f"whole, {status.entries} entries")


@centre.command("go-on")
@state_option
@json_option
def go_on(state: Path | None, config: Path | None, as_json: bool) -> None:
    """Publish again after the centre came back from a backup, without the gates that gave nothing back yet.

    What such a gate alone knows it gives back when it comes; until then the others do not know of it.
    """
    here = home(state, config)
    with here.store() as connection:
        succession.refuse_who_does_not_lead(connection)
        if not recovery.waits(connection):
            raise Refusal("This centre waits for no gate.")
        recovery.end(connection)
    if as_json:
        print_json({"recovering": False})
    else:
        click.echo("The centre publishes again.")


@centre.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def promote(yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Have this second centre lead in the place of the first, which is lost.

    Its gates find it by themselves, give back what they have and it has not, and all is published from here. A first
    centre that comes back hears that this one leads, and publishes nothing any more.
    """
    from centre.broker import forget_store
    from centre.secrets import centre_folder, has_secrets
    from gate.fleet.joined import forget_joined

    # As root: the centre's secrets, the link's and the database each belong to another.
    gate = home(state, config, part=None)
    directory, by = gate.state, gate.by
    keeper = owner_of(directory, centre_folder(directory).name)
    here = as_owner(owner_of(directory), lambda: _may_be_promoted(gate))
    if not as_owner(keeper, lambda: {"has": has_secrets(directory)})["has"]:
        raise UsageError(f"{centre_folder(directory)} has not the keys of the first centre. Bring them back first.")
    if not yes:
        click.echo(f"{_had(here)} {_MAY_BE_LOST}", err=True)
        click.confirm("Have this machine lead from now on?", abort=True, err=True)

    def ready() -> dict[str, Any]:
        forget_store(directory)
        return {}

    def follows_no_more() -> dict[str, Any]:
        forget_joined(directory)
        return {}

    def leads() -> dict[str, Any]:
        with gate.store() as connection:
            return {"epoch": succession.promote(connection, by=by)}

    as_owner(keeper, ready)
    as_owner(owner_of(directory, "link"), follows_no_more)
    done = as_owner(owner_of(directory), leads)
    if as_json:
        print_json({"promoted": True} | here | done)
        return
    if not gate.settings.centre.enabled:
        click.echo("Set enabled = true in the section [centre] of its settings.")
    click.echo(
        "This machine leads. Restart it: sudo systemctl restart facegate.target. It publishes nobody new until its"
        " gates gave back what they have; for which it waits: facegate centre gates. Its console knows the accounts of"
        " this machine alone."
    )


def _may_be_promoted(gate: Home) -> dict[str, Any]:
    """When the first centre was heard last, and whether all of it is here. Raises Refusal where it is not to be."""
    with gate.store() as connection:
        former = succession.superseded(connection) is not None
        if not former and not succession.is_second(connection):
            leads = role.part(connection) is Part.CENTRE
            raise Refusal(
                "This centre leads already." if leads else
                "This machine is no second centre. At the first: facegate centre invite --second ADDRESS"
            )  # fmt: skip
    link = link_status.read_status(gate.state)
    if former or link is None:
        return {"heard_at": None, "behind": former}
    quiet = datetime.now(UTC) - datetime.fromisoformat(link.at)
    if not link.cut_off and abs(quiet) < _LINK_QUIET:
        raise Refusal(
            f"The centre that leads was heard at {link.heard_at or link.at}. Stop it first (sudo systemctl stop"
            " facegate.target there), wait half a minute, and say this again."
        )
    return {"heard_at": link.heard_at, "behind": link.behind}


def _had(here: Mapping[str, Any]) -> str:
    if here["heard_at"] is None:
        return "When the other centre was heard last is not known here."
    had = "not all of its register was here" if here["behind"] else "all of its register was here"
    return f"The first centre was heard last at {here['heard_at']}, and {had}."


@centre.command("new-keys")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def new_keys(yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Begin with new keys, where those of this centre are lost or somebody else has them.

    Every gate goes on by itself, and hears nothing from here, until it joined again; a second centre too.
    """
    from centre.broker import forget_store
    from centre.secrets import centre_folder, draw_anew

    # As root: the centre's secrets and the database each belong to another.
    here = home(state, config, part=None)
    directory, by = here.state, here.by
    keeper = owner_of(directory, centre_folder(directory).name)

    def checked() -> dict[str, Any]:
        with here.store() as connection:
            if role.part(connection) is not Part.CENTRE:
                raise Refusal("This machine is no centre.")
            followed = len(store.every(connection))
        status = read_status(directory)
        lost = status is not None and status.keys_lost
        if status is not None and not lost and datetime.now(UTC) - datetime.fromisoformat(status.at) < _CENTRE_QUIET:
            raise Refusal("This centre runs, and has its keys. Stop it first: sudo systemctl stop facegate.target")
        return {"gates": followed}

    followed = as_owner(owner_of(directory), checked)["gates"]
    if not yes:
        click.confirm(f"Draw new keys? {counted(followed, 'gate')} must join again.", abort=True, err=True)

    def drawn() -> dict[str, Any]:
        forget_store(directory)
        draw_anew(directory)
        return {}

    def recorded() -> dict[str, Any]:
        with here.store() as connection, transaction(connection):
            store.forget_brokers(connection)
            audit.append(connection, AuditEvent(Kind.CENTRE_KEYS_DRAWN, {"by": by}))
        return {}

    as_owner(owner_of(directory), recorded)
    as_owner(keeper, drawn)
    if as_json:
        print_json({"gates": followed})
    else:
        click.echo(
            f"New keys are drawn. Start the centre (sudo systemctl start facegate.target), and invite each gate anew"
            f" (facegate centre invite): {counted(followed, 'gate')}."
        )


@centre.command("events")
@click.option("--gate", "gate_name", help="Of this one alone, by its name or id.")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many lines.")
@state_option
@json_option
def list_events(gate_name: str | None, last: int, state: Path | None, config: Path | None, as_json: bool) -> None:
    """The newest lines of the records of all gates that follow this centre."""
    here = home(state, config)
    with here.store() as connection:
        names = {one.id: one.name for one in store.every(connection)}
        wanted = None if gate_name is None else store.find(connection, gate_name).id
        found = carried.last(connection, last, wanted)
        record_look(connection, "the records of the gates", here.by)
    if as_json:
        print_json({"lines": [asdict(one) | {"gate": names.get(one.gate_id, one.gate_id)} for one in found]})
        return
    rows = [(one.at, names.get(one.gate_id, one.gate_id), one.kind, one.named or "") for one in found]
    print_table(("at", "gate", "what", "who"), rows, "No gate has told a line of its record yet.")


@centre.command("forgotten")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many residents.")
@state_option
@json_option
def list_forgotten(last: int, state: Path | None, config: Path | None, as_json: bool) -> int:
    """Who was erased, by their ids, and at which gates that is proved by a line of the gate's own record.

    Exit code 1 where it is not yet at all of them.
    """
    here = home(state, config)
    with here.store() as connection:
        found = forgotten.standing(connection, last)
    status = read_status(here.state)
    heard = status.gates if status is not None else {}
    open_still = [one for one in found if one.missing or one.said]
    if as_json:
        print_json({"residents": [_forgotten_told(one) for one in found]})
    else:
        rows = [(one.id, _how_many(one), ", ".join(_since(gate, heard) for gate in one.missing)) for one in found]
        print_table(("resident", "forgotten at", "not yet at"), rows, "Nobody was erased yet.")
    return 1 if open_still else 0


def _forgotten_told(one: Standing) -> dict[str, Any]:
    names = {"proved": one.proved, "said": one.said, "missing": one.missing}
    return {"id": one.id} | {name: [gate.name for gate in of] for name, of in names.items()}


def _how_many(one: Standing) -> str:
    of = len(one.proved) + len(one.said) + len(one.missing)
    unproved = f", {len(one.said)} without a line in its record" if one.said else ""
    return f"{len(one.proved)} of {of}{unproved}"


def _since(gate: Gate, heard: Mapping[str, GateStatus]) -> str:
    return f"{gate.name} (heard {heard[gate.id].heard_at})" if gate.id in heard else gate.name


@centre.command()
@click.argument("gate_name", metavar="GATE")
@click.option("--stolen", is_flag=True, help="Somebody has its machine: also draw the register's keys anew.")
@click.option(
    "--end-pins", is_flag=True, help="With --stolen: take all PINs, codes on the phone and passes away, at once."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def remove(
    gate_name: str, stolen: bool, end_pins: bool, yes: bool, state: Path | None, config: Path | None, as_json: bool
) -> None:
    """Take a gate, by its name or id, away from the register: it is cut off at once.

    What it has of the register stays on its machine until somebody erases it there. Whoever has the machine has also
    the doors' key: they can find out the PINs, codes on the phone and cards of that time, and none that is given later.
    Whoever has a second centre's machine has this centre's keys as well. With --stolen, also of a gate that was taken
    away already.
    """
    if end_pins and not stolen:
        raise UsageError("PINs are ended where a gate was stolen: add --stolen.")
    here = home(state, config)
    with here.store() as connection:
        succession.refuse_who_does_not_lead(connection)
        found = store.find(connection, gate_name, removed=stolen)
        if not yes:
            away = found.removed_at is not None
            asked = f"Say that {found.name}, taken away before, was stolen?" if away else _TAKE_AWAY.format(found.name)
            click.confirm(asked, abort=True, err=True)
        names = store.names_of(connection, found)
        store.remove(connection, found, by=here.by, stolen=stolen)
        known = _known_to_the_thief(connection, end_pins=end_pins, by=here.by) if stolen else {}
        theirs = proposed.taken_from(connection, names, datetime.now(UTC) - _LOOKED_BACK) if stolen else []
        ended = _ended_passes(connection, names, every=end_pins, by=here.by) if stolen else 0
    if as_json:
        enrolled = [{"id": one.id, "name": one.name} for one in theirs]
        print_json({"removed": found.id} | known | ({"enrolled": enrolled, "passes": ended} if stolen else {}))
        return
    click.echo(f"{found.name} follows no more, and may connect no more.")
    if found.second_at is not None:
        click.echo(_HAS_THE_KEYS)
    if found.broker_at is not None:
        click.echo(_HAS_A_BROKERS_KEY)
    if stolen:
        click.echo(_AFTER_A_THEFT.format(**known))
        click.echo(f"The PINs and codes of {known['pins']} were taken away." if end_pins else _PINS_STAY)
        if ended:
            click.echo(f"Passes of visitors that were taken back: {ended}.")
        if theirs:
            click.echo(_ENROLLED_THERE.format(days=_LOOKED_BACK.days, names=", ".join(one.name for one in theirs)))


def _ended_passes(connection: sqlite3.Connection, names: Collection[str], *, every: bool, by: str) -> int:
    """Take back the passes that were made at the gate of these names, or `every` pass, whose number may be found out;
    how many."""
    found = passes.every(connection) if every else proposed.passes_of(connection, names)
    now = datetime.now(UTC)
    open_ones = [one for one in found if one.revoked_at is None and now < one.ends_at]
    with transaction(connection):
        for one in open_ones:
            passes.end(connection, one.id, now, by=by)
    return len(open_ones)


def _known_to_the_thief(connection: sqlite3.Connection, *, end_pins: bool, by: str) -> dict[str, Any]:
    """Draw the keys anew, and count what whoever has the gate's machine can find out."""
    pins, cards = len(credentials.typed_by(connection)), credentials.with_card(connection)
    outbox.draw_keys_anew(connection)
    if end_pins:
        credentials.remove_typed(connection, by=by)
    return {"pins": pins, "cards": cards, "ended": end_pins}
