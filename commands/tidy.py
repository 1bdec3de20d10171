"""facegate tidy"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from commands.common import counted, home, json_option, print_json, print_table, record_look, state_option
from gate.care import backup, retention
from gate.care.kept_for import WARNING_DAYS
from gate.clock import trusted_now, zone_of
from gate.errors import Refusal


@click.command()
@click.option("--yes", is_flag=True, help="Do it. Without this it only says who is to be erased, and when.")
@state_option
@json_option
def tidy(yes: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Erase what was kept as long as the settings say (section keep); a running gate does it by itself each night."""
    gate = home(state, config)
    now, zone = datetime.now(UTC), zone_of(gate.settings.door.zone)
    with gate.store() as connection:
        if not yes:
            found = retention.fading(connection, gate.settings.keep, now.astimezone(zone).date())
            record_look(connection, "residents", gate.by)
            if as_json:
                print_json({"fading": [asdict(one) for one in found]})
                return
            rows = [(one.day, one.name, one.why.replace("_", " ")) for one in found]
            print_table(("erased on", "name", "why"), rows, f"Nobody, within {WARNING_DAYS} days.")
            return
        if not trusted_now():
            raise Refusal(
                "The clock is not to be trusted, and one that runs ahead would erase everything. Set it first."
            )
        done = retention.tidy(connection, gate.settings.keep, now, zone, backup.own_folder(gate.state))
    if as_json:
        print_json(asdict(done))
        return
    if done.not_before is not None:
        click.echo(
            f"Nothing is erased before {done.not_before}: this gate was off for more than two weeks, or its clock was"
            f" set, and whoever is to be erased is named for {WARNING_DAYS} days first. Look whether its day and year"
            " are right."
        )
        return
    click.echo(
        f"Erased: {counted(done.lines, 'line')} of the record, {counted(done.faces, 'unused face')},"
        f" {counted(done.people, 'resident')} who moved out, {done.passes} old passes, {done.copies} old copies."
    )
