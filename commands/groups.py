"""facegate groups"""

from __future__ import annotations

from pathlib import Path

import click

from commands.common import home, json_option, print_json, print_table, state_option
from gate.names import clean_name
from gate.store.site import schedules as stored


@click.group()
def groups() -> None:
    """Groups of residents with a schedule of their own."""


@groups.command("list")
@state_option
@json_option
def list_groups(state: Path | None, config: Path | None, as_json: bool) -> None:
    """All groups."""
    with home(state, config).store() as connection:
        every = stored.groups(connection)
    if as_json:
        print_json(
            {"groups": [{"name": g.name, "windows": g.windows, "residents": g.used_by, "area": g.area} for g in every]}
        )
        return
    rows = [(group.name, group.windows or "at any time", group.used_by) for group in every]
    print_table(("name", "open", "residents"), rows, "There is no group. Add one with: facegate groups put")


@groups.command("put")
@click.argument("name")
@click.option(
    "--schedule", help="The schedule its residents have; an empty name, or neither this nor an area: at any time."
)
@click.option(
    "--area", help="The area at whose gates they are let in; an empty name: all gates; without it, as before."
)
@state_option
def put_group(name: str, schedule: str | None, area: str | None, state: Path | None, config: Path | None) -> None:
    """Add a group, or give it another schedule or area; given an area alone, it keeps its hours."""
    gate = home(state, config)
    with gate.store() as connection:
        keeps_hours = schedule is None and area is not None
        has = stored.put_group(
            connection, clean_name(name), schedule or None, gate.by, area=area, keeps_hours=keeps_hours
        )
    click.echo(f"{name}: {has or 'at any time'}.")
