"""facegate holidays"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from commands.caller_files import handed_over
from commands.common import home, json_option, print_json, print_table, state_option
from enroll.calendar_file import MOST_BYTES, read_calendar
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


@holidays.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--add", "really", is_flag=True, help="Add them; without it, they are shown and nothing is changed.")
@click.option("--schedule", help="The schedule they are for; without it, every one.")
@click.option("--hours", default="", help="The hours that hold instead, as 09:00-12:00; without them, none.")
@state_option
@json_option
def import_calendar(
    file: Path, really: bool, schedule: str | None, hours: str, state: Path | None, config: Path | None, as_json: bool
) -> None:
    """Take holidays out of a calendar file (.ics): what is marked as a day off where the file has such marks, else all.

    Days on which people work, and what has hours, is left out, and so is what has days of a holiday that is there.
    """
    (file,) = handed_over([file], state)
    gate = home(state, config)
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    calendar = read_calendar(content, datetime.now(zone_of(gate.settings.door.zone)).date())
    marks = any(one.marked for one in calendar.found)
    meant = [one for one in calendar.found if one.marked or not marks]
    with gate.store() as connection:
        kept = stored.every(connection)
        new = [stored.New(one.name, one.first.isoformat(), one.last.isoformat(), schedule, hours) for one in meant]
        adding = stored.that_fit(new, kept)
        if really:
            stored.add_all(connection, adding, gate.by)
    left_out = [(one.name, one.first.isoformat(), str(one.why)) for one in calendar.left_out]
    left_out += [(one.name, one.first_day, "has days of a holiday that is there") for one in new if one not in adding]
    if as_json:
        print_json({"added" if really else "found": [asdict(one) for one in adding], "left_out": left_out})
        return
    rows = [(one.first_day, one.last_day, one.name) for one in adding]
    print_table(("from", "until", "name"), rows, "There is no holiday in it that could be added.")
    for name, day, why in left_out:
        click.echo(f"Left out: {name or 'without a name'}, {day}: {why}.")
    if calendar.damaged:
        click.echo(f"Could not be read: {calendar.damaged}.")
    if adding:
        click.echo(f"Added: {len(adding)}." if really else "Nothing is changed. Add them with: --add")


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
