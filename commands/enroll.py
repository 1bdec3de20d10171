"""facegate enroll, consent, import, export"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from commands.given import handed_over, new_file, opened_by_giver
from commands.home import counted, home, json_option, operator, print_json, print_table, progress_bar, state_option
from enroll.consent import LANGUAGES, given, text
from enroll.tables.letters import ENCODINGS
from gate.errors import UsageError
from gate.store.people.consents import Way
from gate.store.record import audit
from gate.store.rows import people_in_memory
from gate.vocabulary import AuditEvent, Kind

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
    gate, by = home(state, config), operator()
    if no_face:
        with gate.store() as connection:
            resident = add_without_face(connection, name, unit, by=by)
        if as_json:
            print_json({"id": resident.id, "name": resident.name, "unit": resident.unit, "templates": 0})
        else:
            click.echo(f"{resident.name} is added, without a face.")
        return
    guardian = clean_text(guardian, "guardian's name") if guardian is not None else None
    agreed = given(Way(way), by, language, guardian)
    models = open_models(gate.models_dir, gate.ready_pack(), threads=gate.settings.vision.threads)
    with gate.store() as connection:
        enrolled = enrol_photos(connection, models, name, photos, unit, consent=agreed, by=by)
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


@click.command()
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="In which language.")
def consent(language: str) -> None:
    """Print the text that people agree to before they are enrolled."""
    click.echo(text(language))


@click.command("import")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--photos", type=click.Path(path_type=Path), help="A folder or ZIP of the photos; else beside the table.")
@click.option(
    "--encoding", type=click.Choice(list(ENCODINGS)), help="In which encoding a CSV is, where that cannot be found out."
)
@click.option("--yes", is_flag=True, help="Do it. Without this it is a rehearsal: it shows what would change.")
@state_option
@json_option
def import_people(
    table: Path,
    photos: Path | None,
    encoding: str | None,
    yes: bool,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> int:
    """Enrol everyone in TABLE, a CSV or workbook (.xlsx, .ods) with a row a person, or a ZIP with one and its photos.

    It is rehearsed first.

    Columns: name, unit, group, from, until, photos (file names separated by semicolons), consent (told, paper or
    screen), language, guardian. One that was cut short goes on where it was: whoever is enrolled is passed over.
    """
    from enroll.bulk import COLUMNS, Action, carry_out, read_rows
    from enroll.enrolment import known_faces
    from enroll.tables.open import open_table
    from models.pack import open_models

    table, photos = handed_over([table, photos or table.parent], state)
    gate, by = home(state, config), operator()
    with _unpacked(table, photos) as (listed, folder):
        read = open_table(listed, COLUMNS, encoding)
        rows, outcomes = read_rows(read, folder)
        if not as_json:
            click.echo(read.read_as, err=True)
        models = open_models(gate.models_dir, gate.ready_pack(), threads=gate.settings.vision.threads)
        with gate.store() as store, progress_bar("Enrolling" if yes else "Rehearsing", len(rows)) as step:
            people = store if yes else people_in_memory(store)
            known = known_faces(people, models)
            for row in rows:
                outcomes.append(carry_out(people, models, row, by, known))
                step()
    outcomes.sort(key=lambda one: one.line)
    counts = {action.value: sum(one.action is action for one in outcomes) for action in Action}
    if as_json:
        print_json({"done": yes, "read_as": read.read_as, **counts, "rows": [asdict(one) for one in outcomes]})
    else:
        told = [one for one in outcomes if not yes or one.action is Action.REFUSED or one.why]
        print_table(("line", "name", "what", "why"), [astuple(one) for one in told], "")
        click.echo(", ".join(f"{count} {what}" for what, count in counts.items() if count) or "The table is empty.")
        if not yes:
            click.echo("Nothing was changed. Do it with --yes.")
    return 1 if counts[Action.REFUSED] else 0


@contextmanager
def _unpacked(table: Path, photos: Path) -> Iterator[tuple[Path, Path]]:
    """The table and the folder of its photos; what is a ZIP is unpacked for as long as this lasts."""
    from enroll.archive import unpack
    from enroll.bulk import table_in

    with TemporaryDirectory(prefix="facegate-import-") as scratch:
        folder = Path(scratch)
        whole = table.suffix.lower() == ".zip"
        archive = table if whole else photos
        if not archive.is_file():
            yield table, photos
            return
        unpack(archive, archive.name, folder)
        listed = table_in(folder) if whole else table
        yield listed, listed.parent if whole else folder


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
        with home(state, config).store() as connection, given or new_file(file) as out:
            lines = with_templates(connection) if templates else table(connection)
            count = sum(1 for line in lines if out.write(line)) - (not templates)
            out.flush()
            _record_export(connection, count, templates=templates)
    except OSError as error:
        raise UsageError("{file} cannot be written: {why}.", file=file, why=error.strerror) from error
    if as_json:
        print_json({"file": str(file), "people": count, "templates": templates})
        return
    click.echo(f"{counted(count, 'resident')} in {file}{', with their templates' if templates else ''}.")


def _record_export(connection: sqlite3.Connection, count: int, *, templates: bool) -> None:
    details: dict[str, object] = {"people": count, "templates": templates, "by": operator()}
    audit.append(connection, AuditEvent(Kind.PEOPLE_EXPORTED, details))
