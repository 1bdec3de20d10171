"""facegate backup"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from commands.caller_files import is_within
from commands.common import Home, counted, home, json_option, print_json, state_option
from commands.drop_root import as_owner, owner_of
from gate.care import backup as archive
from gate.errors import UsageError
from gate.places import folder as make_folder
from gate.state_folder import state_directory


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", type=click.IntRange(1, 1000), help="Remove all but the newest so many backups of the folder.")
@state_option
@json_option
def backup(folder: Path, keep: int | None, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Back a gate up into FOLDER while it runs: the database, verified, and the configuration."""
    made = _carried(folder, state, config) or _made_in(folder, home(state, config))
    removed = archive.keep_newest(folder, keep, made.path) if keep else 0
    if as_json:
        print_json({"path": str(made.path), "residents": made.residents, "events": made.events, "removed": removed})
        return
    click.echo(f"{made.path}: {counted(made.residents, 'resident')}, {counted(made.events, 'event')}, verified.")
    if removed:
        click.echo(f"{counted(removed, 'older backup')} removed.")


def _made_in(folder: Path, gate: Home) -> archive.Backup:
    try:
        return archive.make(gate.state, folder, gate.config)
    except OSError as error:
        where = error.filename or folder
        raise UsageError(
            f"The backup cannot be made in {folder} ({where}: {error.strerror}). Mend that, or name another folder."
        ) from error


def _carried(folder: Path, state: Path | None, config: Path | None) -> archive.Backup | None:
    """A backup to a place of root's: made by the state's own user, carried there unopened; None: nothing to carry."""
    directory = state_directory(state)
    owner = owner_of(directory)
    if owner is None or is_within(folder / "any", directory):
        return None
    with TemporaryDirectory(prefix="facegate-backup-") as scratch:
        os.chown(scratch, owner.uid, owner.gid)

        def make() -> dict[str, Any]:
            return asdict(_made_in(Path(scratch), home(state, config))) | {"path": None}

        made = as_owner(owner, make)
        (found,) = Path(scratch).glob(f"{archive.PREFIX}*{archive.SUFFIX}")
        make_folder(folder, 0o700)
        _carry(found, folder / found.name)
        counts = {name: int(made[name]) for name in ("residents", "events")}
        return archive.Backup(folder / found.name, str(made["made_at"]), **counts)


def _carry(made: Path, to: Path) -> None:
    new = to.with_name(f".{to.name}.new")
    descriptor = os.open(made, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as source, new.open("xb") as copy:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{made} is no plain file. Find out who put it there.")
        try:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        except OSError:
            # A half one would keep the room that the next needs.
            new.unlink()
            raise
    new.replace(to)
