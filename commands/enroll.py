"""facegate enroll"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from commands.given import handed_over
from commands.home import counted, home, json_option, print_json, state_option
from enroll.consent import LANGUAGES, given
from gate.errors import UsageError
from gate.store.people.consents import Way

_WAYS = {Way.TOLD: "by word of mouth", Way.PAPER: "on paper", Way.SCREEN: "on a screen"}


@click.command()
@click.argument("name")
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path))
@click.option("--unit", help="Where they live, for example 3-1204.")
@click.option(
    "--consent",
    "way",
    type=click.Choice(["told", "paper", "screen"]),
    default="told",
    show_default=True,
    help="How they agreed to the text of: facegate consent",
)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="In which language.")
@click.option("--no-face", is_flag=True, help="Add them without photos: they use other ways in.")
@click.option("--guardian", help="Who agreed for someone under 14.")
@state_option
@json_option
def enroll(
    name: str,
    photos: tuple[Path, ...],
    unit: str | None,
    way: str,
    language: str,
    guardian: str | None,
    no_face: bool,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Enrol NAME from one to eight PHOTOS; the good ones are taken, a poor one is named with the reason.

    Enrol nobody who has not agreed. What you say here is recorded with your user id.
    """
    from enroll.enrolment import enrol_photos
    from enroll.people import add_without_face
    from gate.care.forecast import forecast_of
    from gate.names import clean_text
    from models.pack import open_models

    if no_face == bool(photos):
        raise UsageError("Give photos to enrol from, or --no-face for someone who uses other ways in.")
    photos = handed_over(photos, state)
    gate = home(state, config)
    if no_face:
        with gate.store() as connection:
            resident = add_without_face(connection, name, unit, by=gate.by)
        if as_json:
            print_json({"id": resident.id, "name": resident.name, "unit": resident.unit, "templates": 0})
        else:
            click.echo(f"{resident.name} is added, without a face.")
        return
    guardian = clean_text(guardian, "guardian's name") if guardian is not None else None
    agreed = given(Way(way), gate.by, language, guardian)
    models = open_models(gate.models_dir, gate.ready_pack(), threads=gate.settings.vision.threads)
    with gate.store() as connection:
        enrolled = enrol_photos(connection, models, name, photos, unit, consent=agreed, by=gate.by)
        expected = forecast_of(connection, gate.models_dir, gate.settings.models.pack, gate.settings.vision)
    for one in enrolled.left_out:
        click.secho(f"Left out: {one.why}", fg="yellow", err=True)
    for other in enrolled.lookalikes:
        click.secho(
            f"Warning: this face is already enrolled as {other}, or looks very like them.",
            fg="yellow",
            err=True,
        )
    if expected.nearly_dear:
        click.secho(
            f"Warning: with {expected.people} enrolled, about {100 * expected.come_twice:.0f} in 100 residents must"
            f" come twice to keep the promise of one wrong opening in {expected.promise.years:g} years. Enrol more"
            " photos of each, or promise fewer years in vision.promise.",
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
        left_out = [asdict(one) for one in enrolled.left_out]
        print_json({**answer, "lookalikes": list(enrolled.lookalikes), "left_out": left_out})
        return
    click.echo(f"{resident.name} is enrolled with {counted(resident.templates, 'template')}.")
    who = f"{guardian} agreed for them" if guardian else "they agreed"
    click.echo(f"On record: {who} to the text {agreed.text} ({language}), {_WAYS[agreed.way]}.")
