"""facegate holidays"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from commands.common import home, json_option, print_json, print_table, state_option
from gate.clock import zone_of
from gate.errors import Refusal
from gate.store.site import holidays as stored


@click.group()
def holidays() -> None:
    """Days on which schedules keep other hours, or open never."""


@holidays.command("list")
@state_option
@json_option
def list_holidays(state: Path | None, config: Path | None, as_json: bool) -> None:
    """All holidays by day."""
    with home(state, config).store() as connection:
        every = stored.every(connection)
    shown = [(one, stored.going_before(one, every)) for one in every]
    if as_json:
        print_json({"holidays": [asdict(one) | {"yields_to": [other.id for other in before]} for one, before in shown]})
        return
    rows = [
        (one.first_day, one.last_day, one.name, one.schedule or "every schedule", one.windows or "closed",
         ", ".join(other.name for other in before), one.id)
        for one, before in shown
    ]  # fmt: skip
    print_table(
        ("from", "until", "name", "schedule", "hours", "yields to", "id"),
        rows,
        "There is no holiday. Add one with: facegate holidays add",
    )


@holidays.command()
@click.argument("name")
@click.argument("first_day")
@click.argument("last_day", default="")
@click.option("--schedule", help="The schedule it is for; without it, every one.")
@click.option("--hours", default="", help="The hours that hold instead, as 09:00-12:00; without them, none.")
@state_option
@json_option
def add(
    name: str, first_day: str, last_day: str, schedule: str | None, hours: str,
    state: Path | None, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Add a holiday, from FIRST_DAY (as 2027-01-31) to LAST_DAY."""
    gate = home(state, config)
    with gate.store() as connection:
        added = stored.add(connection, stored.New(name, first_day, last_day, schedule, hours), gate.by)
        every = stored.every(connection)
    kept = next(one for one in every if one.id == added)
    if as_json:
        print_json({"added": added})
        return
    click.echo(f"{kept.name}: {kept.windows or 'closed'}.")
    if stored.is_over(kept.last_day, zone_of(gate.settings.door.zone)):
        click.echo(stored.OVER)
    for other in every:
        if kept in stored.going_before(other, every):
            click.echo(f"On the days that both have it goes before {other.name}.")
        if other in stored.going_before(kept, every):
            click.echo(f"On the days that both have {other.name} goes before it, for {other.schedule}.")


@holidays.command()
@click.argument("holiday")
@state_option
def remove(holiday: str, state: Path | None, config: Path | None) -> None:
    """Remove a holiday by its id."""
    gate = home(state, config)
    with gate.store() as connection:
        if not stored.remove(connection, holiday, gate.by):
            raise Refusal("There is no such holiday. List them with: facegate holidays list")
    click.echo("It is removed.")
