"""facegate backup, facegate restore"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from commands.given import handed_over, is_within
from commands.home import Home, counted, home, json_option, print_json, state_option
from commands.owner import as_owner, owner_of
from gate.care import backup as archive
from gate.care import restore as care
from gate.care.health import status_of
from gate.errors import Refusal, UsageError
from gate.places import folder as make_folder
from gate.processes.addresses import socket_of
from gate.state import state_directory


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", type=click.IntRange(1, 1000), help="Remove all but the newest so many backups of the folder.")
@state_option
@json_option
def backup(folder: Path, keep: int | None, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Back a gate up into FOLDER while it runs: the database, verified, and the configuration."""
    made = _carried(folder, state, config) or _made_in(folder, home(state, config))
    removed = archive.keep_newest(folder, keep) if keep else 0
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
        raise UsageError(f"The backup cannot be written to {folder}: {error.strerror}. Name another folder.") from error


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
        shutil.copyfileobj(source, copy)
        copy.flush()
        os.fsync(copy.fileno())
    new.replace(to)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--unsealed",
    is_flag=True,
    help="Take a backup that this gate did not seal: another machine's, or an earlier Facegate's. Whoever made it"
    " decides who is let in.",
)
@state_option
@json_option
def restore(path: Path, yes: bool, unsealed: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Put the backup PATH in the place of a stopped gate's database, which is kept beside it.

    Whatever was revoked, removed, withdrawn or changed since stays so; sessions and tokens end. The configuration in
    the backup is not put back; take it out of the archive with tar where it is wanted.
    """
    (path,) = handed_over([path], state)
    gate = home(state, config)
    if status_of(socket_of(gate.state, "door")) is not None:
        raise Refusal(f"The gate is running. Stop it, then restore {path}.")
    if not yes:
        click.confirm(f"Replace the database of {gate.state} with {path}?", abort=True, err=True)
    done = care.restore(path, gate.state, unsealed=unsealed)
    there = done.backup.residents - done.dropped.erased
    if as_json:
        counts = {"residents": there, "events": done.backup.events, "erased_again": done.dropped.erased}
        print_json(counts | {"sealed": done.sealed, "vouched": done.vouched, "dropped": asdict(done.dropped)})
        return
    click.echo(f"Restored: {counted(there, 'resident')}, {counted(done.backup.events, 'event')}.")
    for line in _what_was_dropped(done):
        click.echo(line)


def _what_was_dropped(done: care.Restored) -> Iterator[str]:
    dropped = done.dropped
    said = (
        (dropped.erased, "resident", "erased since that backup: erased again."),
        (dropped.withdrawn, "resident", "whose consent ended since: without a face again."),
        (dropped.templates, "template", "erased since: erased again."),
        (dropped.users, "user", "removed since: not brought back."),
        (dropped.changed, "user", "with another password or role since: as they are now."),
        (dropped.locked, "user", "locked: an owner gives each a new password."),
        (dropped.webhooks, "webhook", "not brought back."),
        (dropped.tokens, "token", "ended: make new ones."),
        (dropped.sessions, "session", "ended: everybody signs in again."),
    )
    yield from (f"{counted(count, what)} {how}" for count, what, how in said if count)
    if not done.vouched:
        yield (
            "The database that stood here could not be read, or is another gate's: who was erased or withdrew a consent"
            f" after {done.backup.made_at[:16]} is not known. Whoever it was, erase them again."
        )
    if not done.has_owner:
        yield "The console makes its owner anew, by the code that the machine prints at its start."
