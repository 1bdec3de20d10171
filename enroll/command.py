"""facegate enroll"""

from __future__ import annotations

from pathlib import Path

import click

from gate.commands.home import counted, home, json_option, print_json, state_option


@click.command()
@click.argument("name")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--unit", help="Where they live, for example 3-1204.")
@state_option
@json_option
def enroll(
    name: str,
    photos: tuple[Path, ...],
    unit: str | None,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Enrol NAME from one to eight PHOTOS; a poor photo is refused with the reason."""
    from enroll.enrolment import enrol_photos
    from models.pack import open_models

    gate = home(state, config)
    models = open_models(gate.models_dir, gate.ready_pack(), threads=gate.settings.vision.threads)
    with gate.store() as connection:
        enrolled = enrol_photos(connection, models, name, photos, unit)
    for other in enrolled.lookalikes:
        click.secho(
            f"Warning: this face is already enrolled as {other}, or looks very like them.",
            fg="yellow",
            err=True,
        )
    resident = enrolled.resident
    if as_json:
        answer = {
            "id": resident.id,
            "name": resident.name,
            "unit": resident.unit,
            "templates": resident.templates,
        }
        print_json({**answer, "lookalikes": list(enrolled.lookalikes)})
        return
    click.echo(f"{resident.name} is enrolled with {counted(resident.templates, 'template')}.")
