"""facegate schedules"""

from __future__ import annotations

from pathlib import Path

import click

from commands.common import home, json_option, print_json, print_table, state_option
from gate.names import clean_name
from gate.store.site import schedules as stored


@click.group()
def schedules() -> None:
    """Weekly schedules for residents, groups and the gate itself."""


@schedules.command("list")
@state_option
@json_option
def list_schedules(state: Path | None, config: Path | None, as_json: bool) -> None:
    """All schedules, and the one in which the gate stands open."""
    with home(state, config).store() as connection:
        every, free = stored.every(connection), stored.free_access(connection)
    if as_json:
        found = [{"name": one.name, "windows": one.windows, "used_by": one.used_by} for one in every]
        print_json({"schedules": found, "free_access": free})
        return
    rows = [(one.name, one.windows, one.used_by) for one in every]
    print_table(("name", "open", "used by"), rows, "There is no schedule. Add one with: facegate schedules put")
    click.echo(f"The gate itself stands open: {free or 'never'}.")


@schedules.command()
@click.argument("name")
@click.argument("windows", nargs=-1, required=True)
@state_option
def put(name: str, windows: tuple[str, ...], state: Path | None, config: Path | None) -> None:
    """Add or change a schedule: facegate schedules put cleaners "Mon-Fri 07:00-12:00" "Sat 09:00-10:00"."""
    gate = home(state, config)
    with gate.store() as connection:
        kept = stored.put(connection, clean_name(name), "; ".join(windows), gate.by)
    click.echo(f"{name}: {kept}.")


@schedules.command()
@click.argument("name")
@state_option
def remove(name: str, state: Path | None, config: Path | None) -> None:
    """Remove a schedule that nobody has, and that has no holidays of its own."""
    gate = home(state, config)
    with gate.store() as connection:
        stored.remove(connection, name, gate.by)
    click.echo(f"{name} is removed.")


@schedules.command("free-access")
@click.argument("name")
@state_option
def free_access(name: str, state: Path | None, config: Path | None) -> None:
    """The gate stands open whenever the schedule NAME says so; the word never ends it."""
    gate = home(state, config)
    can_hold = gate.settings.door.hold_pin is not None
    with gate.store() as connection:
        stored.set_free_access(connection, None if name == "never" else name, gate.by, can_hold=can_hold)
    click.echo(f"The gate stands open: {name}.")
