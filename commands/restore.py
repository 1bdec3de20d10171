"""facegate restore"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from commands.caller_files import handed_over
from commands.common import counted, home, json_option, print_json, state_option
from gate.care.backup import restore as care
from gate.care.health import door_runs
from gate.errors import Refusal


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
    if door_runs(gate.state):
        raise Refusal(f"The gate is running. Stop it, then restore {path}.")
    if care.is_in_use(gate.state):
        raise care.InUse(path)
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
        (dropped.credentials, "credential", "removed or reported lost since: so again."),
        (dropped.passes, "pass", "used up, taken back or erased since, or not known to be good: opening nothing."),
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
            f" after {done.backup.made_at[:16]} is not known, nor which single templates were erased and which openings"
            " were said to be somebody else's. Whoever it was, erase them, and say so, again."
        )
    if done.recovers:
        yield (
            "This is a centre: when it runs again it asks its gates for what it lost, and publishes nobody new until"
            " they gave it back. See for which it waits: facegate centre gates"
        )
    if not done.has_owner:
        yield "The console makes its owner anew, by the code that the machine prints at its start."
