"""facegate enroll"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.caller_files import handed_over
from commands.common import Home, counted, home, json_option, print_json, record_look, state_option
from enroll.application import NO_CAMERA, Application, add_without_face, of_namesake
from enroll.consent import CURRENT, LANGUAGES, Agreed, agreed
from gate.errors import Refusal, UsageError
from gate.store.people import consents
from gate.store.people.consents import Way
from gate.store.people.residents import Resident

if TYPE_CHECKING:
    from enroll.duplicates import LooksLikeAnother
    from enroll.enrolment import Enrolled
    from gate.care.forecast import Forecast

_WAYS = {Way.TOLD: "by word of mouth", Way.PAPER: "on paper", Way.SCREEN: "on a screen"}


@click.command()
@click.argument("name")
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path))
@click.option("--unit", help="Where they live, for example 3-1204.")
@click.option(
    "--consent",
    "way",
    type=click.Choice([way.value for way in _WAYS]),
    default="told",
    show_default=True,
    help="How they agreed to the text of: facegate consent",
)
@click.option(
    "--language", type=click.Choice(LANGUAGES), help="In which language; else as in enrolment.language, or English."
)
@click.option("--no-face", is_flag=True, help="Add them without photos: they use other ways in.")
@click.option("--guardian", help="Who agreed for someone under 14.")
@click.option("--another-person", is_flag=True, help="You looked: they are not the one they look so like.")
@state_option
@json_option
def enroll(
    name: str,
    photos: tuple[Path, ...],
    unit: str | None,
    way: str,
    language: str | None,
    guardian: str | None,
    no_face: bool,
    another_person: bool,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Enrol NAME from one to eight PHOTOS; the good ones are taken, a poor one is named with the reason.

    Enrol nobody who has not agreed. What you say here is recorded with your user id.
    """
    if no_face == bool(photos):
        raise UsageError("Give photos to enrol from, or --no-face for someone who uses other ways in.")
    photos = handed_over(photos, state)
    gate = home(state, config)
    if photos and not gate.settings.camera.wanted:
        raise Refusal(NO_CAMERA)
    if no_face:
        _add(gate, name, unit, as_json=as_json)
        return
    said = agreed(Way(way), language or gate.settings.enrolment.language_else(), guardian)
    enrolled, expected = _enrol(gate, name, unit, photos, said, asks=not as_json, is_another=another_person)
    _warn(enrolled, expected)
    resident = enrolled.resident
    if as_json:
        left_out = [asdict(one) for one in enrolled.left_out]
        print_json(
            _of(resident) | {"lookalikes": [one.resident.name for one in enrolled.lookalikes], "left_out": left_out}
        )
        return
    click.echo(f"{resident.name} is enrolled with {counted(resident.templates, 'template')}.")
    who = f"{said.guardian} agreed for them" if said.guardian else "they agreed"
    click.echo(f"On record: {who} to the text {CURRENT} ({said.language}), {_WAYS[said.way]}.")


def _add(gate: Home, name: str, unit: str | None, *, as_json: bool) -> None:
    """Add somebody without a face."""
    with gate.store() as connection:
        resident = add_without_face(connection, name, unit, by=gate.by)
    if as_json:
        print_json(_of(resident))
    else:
        click.echo(f"{resident.name} is added, without a face.")


def _enrol(
    gate: Home, name: str, unit: str | None, photos: Sequence[Path], said: Agreed, *, asks: bool, is_another: bool
) -> tuple[Enrolled, Forecast]:
    """Enrol from photos, also somebody who is enrolled already; and what is to be expected with one more."""
    from enroll.decode import photo_in
    from enroll.decoder.parent import Decoder
    from enroll.duplicates import WHOSE_FACE, LooksLikeAnother
    from enroll.enrolment import enrol
    from gate.care.forecast import forecast_of
    from models.pack import open_models

    with Decoder() as decoder, gate.store() as connection:
        given = [photo_in(path, decoder) for path in photos]
        another_than: frozenset[str] | None = None if is_another else frozenset()
        ended = consents.ended(connection)
        asked = of_namesake(connection, Application.of(name, unit, given, said, None, another_than, ended))
        models = open_models(gate.models_dir, gate.ready_pack(), threads=gate.settings.vision.threads)
        try:
            enrolled = enrol(connection, models, asked, gate.by)
        except LooksLikeAnother as found:
            record_look(connection, WHOSE_FACE, gate.by)
            seen = _asked_about(found, asks=asks)
            enrolled = enrol(connection, models, replace(asked, another_than=seen), gate.by)
        return enrolled, forecast_of(connection, gate.models_dir, gate.settings.models.pack, gate.settings.vision)


def _asked_about(found: LooksLikeAnother, *, asks: bool) -> frozenset[str]:
    """The ids of those of whom the person at the terminal says that they are another. Raises Refusal, click.Abort."""
    if not (asks and sys.stdin.isatty()):
        raise Refusal("{why} Where they are, say --another-person.", why=found.sentence) from found
    for one in found.lookalikes:
        click.secho(one.said, fg="yellow", err=True)
    click.confirm("Are they two people, and shall this one be enrolled?", abort=True, err=True)
    return frozenset(one.resident.id for one in found.lookalikes)


def _warn(enrolled: Enrolled, expected: Forecast) -> None:
    """Say what somebody should look at, on standard error."""
    warnings = [f"Left out: {one.why}" for one in enrolled.left_out]
    warnings += [f"Warning: {one.said}" for one in enrolled.lookalikes]
    if expected.nearly_dear:
        warnings.append(
            f"Warning: with {expected.people} enrolled, about {100 * expected.come_twice:.0f} in 100 residents must"
            f" come twice to keep the promise of one wrong opening in {expected.promise.years:g} years. Enrol more"
            " photos of each, or promise fewer years in vision.promise."
        )
    for warning in warnings:
        click.secho(warning, fg="yellow", err=True)


def _of(resident: Resident) -> dict[str, Any]:
    return {"id": resident.id, "name": resident.name, "unit": resident.unit, "templates": resident.templates}
