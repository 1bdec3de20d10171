"""facegate export"""

from __future__ import annotations

from pathlib import Path

import click

from commands.caller_files import new_file, opened_by_giver
from commands.common import counted, home, json_option, print_json, state_option
from gate.errors import UsageError
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--templates", is_flag=True, help="JSON Lines with the templates: keep such a file as you keep a backup.")
@state_option
@json_option
def export_people(file: Path, templates: bool, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Write everyone to FILE, a table that `facegate import` reads again; without faces unless asked."""
    from enroll.export import table, with_templates

    try:
        given = opened_by_giver(file, state)
        gate = home(state, config)
        with gate.store() as connection, given or new_file(file) as out:
            lines = with_templates(connection) if templates else table(connection)
            count = sum(1 for line in lines if out.write(line)) - (not templates)
            out.flush()
            details: dict[str, object] = {"people": count, "templates": templates, "by": gate.by}
            audit.append(connection, AuditEvent(Kind.PEOPLE_EXPORTED, details))
    except OSError as error:
        raise UsageError("{file} cannot be written: {why}.", file=file, why=error.strerror) from error
    if as_json:
        print_json({"file": str(file), "people": count, "templates": templates})
        return
    click.echo(f"{counted(count, 'resident')} in {file}{', with their templates' if templates else ''}.")
