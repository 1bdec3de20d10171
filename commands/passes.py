"""facegate passes"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

import click

from api import opens
from commands.common import counted, home, json_option, print_json, print_table, record_look, state_option
from enroll.codes import new_pass
from gate.clock import zone_of
from gate.errors import UsageError
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.people import passes as stored
from gate.store.people import residents
from gate.store.people.passes import MOST_USES, Wanted


@click.group()
def passes() -> None:
    """Passes of visitors, by picture and by number."""


@passes.command("list")
@state_option
@json_option
def list_passes(state: Path | None, config: Path | None, as_json: bool) -> None:
    """All that are kept, those that end last first."""
    gate = home(state, config)
    zone = zone_of(gate.settings.door.zone)
    now = datetime.now(zone)
    with gate.store() as connection:
        every = stored.every(connection)
        record_look(connection, "passes", gate.by)
    if as_json:
        print_json({"passes": [asdict(one) | {"phase": one.phase(now)} for one in every]})
        return
    rows = [
        (one.name, one.host_name, one.unit, _told(datetime.fromisoformat(one.valid_from), zone),
         _told(one.ends_in(zone), zone), f"{one.uses_left} of {one.uses}", one.phase(now).replace("_", " "), one.id)
        for one in every
    ]  # fmt: skip
    print_table(
        ("visitor", "host", "home", "from", "until", "uses left", "state", "id"),
        rows,
        "There is no pass. Make one with: facegate passes new",
    )


@passes.command()
@click.argument("name")
@click.option("--host", metavar="WHO", help="The resident whom they visit, by name or id; the home is theirs.")
@click.option("--home", "unit", help="The home that they visit, where no host is named.")
@click.option("--from", "begins", metavar="TIME", help="As 2027-01-31T14:00, on the gate's clock; without it, now.")
@click.option("--until", "ends", metavar="TIME", help="As 2027-01-31T18:00; without it, 24 hours later.")
@click.option("--uses", type=int, default=1, show_default=True, help=f"How often it opens, at most {MOST_USES} times.")
@click.option("--lasts", "lasts_h", type=float, metavar="HOURS", help="From its first use; without it, to its end.")
@click.option("--schedule", help="The hours in which it opens; without them, at any time.")
@state_option
@json_option
def new(
    name: str, host: str | None, unit: str | None, begins: str | None, ends: str | None, uses: int,
    lasts_h: float | None, schedule: str | None, state: Path | None, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a pass for the visitor NAME; print its picture and its number once."""
    if host is not None and unit is not None:
        raise UsageError("Say a host or a home: of a host the home is theirs.")
    gate, now = home(state, config), datetime.now(UTC)
    zone = zone_of(gate.settings.door.zone)
    start = now if begins is None else _moment(begins, zone)
    end = start + timedelta(days=1) if ends is None else _moment(ends, zone)
    lasts_s = None if lasts_h is None else _seconds(lasts_h)
    with gate.store() as connection, closing(Client(socket_of(gate.state, "door"))) as door:
        visited = None if host is None else residents.find(connection, host)
        wanted = Wanted(name, start, end, uses, lasts_s, schedule, visited, unit)
        drawn = new_pass(connection, partial(asking.seal, door), wanted, now, by=gate.by)
    if as_json:
        told = {"code": drawn.code, "digits": drawn.digits, "typed": drawn.typed}
        print_json({"pass": asdict(drawn.made)} | told)
        return
    # Drawn by what only this command needs.
    import segno

    segno.make(drawn.code, micro=False).terminal(compact=True)
    made = drawn.made
    with gate.store() as connection:
        where = opens.said(gate.state, connection, made)
    click.echo(
        f"{made.name} holds this up to the camera, or presses: {drawn.typed}\n"
        f"It opens {counted(made.uses, 'time')}, from {_told(start, zone)} until {_told(end, zone)}. It is shown only"
        f" now, and kept nowhere. To take it back: facegate passes revoke {made.id}"
    )
    if where is not None:
        click.echo(f"It opens {where}. {opens.SPENT}")


@passes.command()
@click.argument("visit", metavar="ID")
@state_option
def revoke(visit: str, state: Path | None, config: Path | None) -> None:
    """Take the pass with this id back: it opens nothing any more."""
    gate = home(state, config)
    with gate.store() as connection:
        one = stored.revoke(connection, visit, datetime.now(UTC), by=gate.by)
    click.echo(f"The pass of {one.name} is taken back.")


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text} is no time; write it as 2027-01-31T14:00.") from error
    return moment


def _seconds(hours: float) -> int:
    """A length that is none lasts no time, which is told."""
    return round(hours * 3600) if 0 < hours < 1e6 else 0


def _told(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
