"""facegate backup, facegate restore"""

from __future__ import annotations

from pathlib import Path

import click

from gate import backup as archive
from gate.commands.home import counted, home, json_option, print_json, state_option
from gate.errors import Refusal
from gate.health import status_of
from gate.link import socket_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", type=click.IntRange(1, 1000), help="Remove all but the newest so many backups of the folder.")
@state_option
@json_option
def backup(folder: Path, keep: int | None, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Back a gate up into FOLDER while it runs: the database, verified, and the configuration."""
    gate = home(state, config)
    made = archive.make(gate.state, folder, gate.config)
    removed = archive.keep_newest(folder, keep) if keep else 0
    if as_json:
        print_json({"path": str(made.path), "residents": made.residents, "events": made.events, "removed": removed})
        return
    click.echo(f"{made.path}: {counted(made.residents, 'resident')}, {counted(made.events, 'event')}, verified.")
    if removed:
        click.echo(f"{counted(removed, 'older backup')} removed.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
@json_option
def restore(path: Path, yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Put the backup PATH in the place of a stopped gate's database, which is kept beside it.

    The configuration in the backup is not put back; take it out of the archive with tar where it is wanted.
    """
    gate = home(state, config)
    if status_of(socket_of(gate.state, "door")) is not None:
        raise Refusal(f"The gate is running. Stop it, then restore {path}.")
    if not yes:
        click.confirm(f"Replace the database of {gate.state} with {path}?", abort=True, err=True)
    found, again = archive.restore(path, gate.state)
    if as_json:
        print_json({"residents": found.residents - again, "events": found.events, "erased_again": again})
        return
    click.echo(f"Restored: {counted(found.residents - again, 'resident')}, {counted(found.events, 'event')}.")
    if again:
        click.echo(f"{counted(again, 'resident')} erased since that backup was erased again.")
