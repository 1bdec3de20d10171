"""facegate import"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from commands.caller_files import handed_over
from commands.common import (
    Home,
    counted,
    home,
    json_option,
    print_json,
    print_table,
    progress_bar,
    record_look,
    state_option,
)
from enroll.consent import LANGUAGES
from enroll.tables.encodings import ENCODINGS
from gate.store.copy_rows import people_in_memory
from gate.store.people import consents

if TYPE_CHECKING:
    from enroll.rows import Outcome

# What programs are told of each line.
_TOLD = ("line", "name", "action", "changes", "why", "is_like", "warns")


@click.command("import")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--photos", type=click.Path(path_type=Path), help="A folder or ZIP of the photos; else beside the table.")
@click.option(
    "--encoding", type=click.Choice(list(ENCODINGS)), help="In which encoding a CSV is, where that cannot be found out."
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="In which language those agreed whose row names none; else as in enrolment.language, or English.",
)
@click.option("--yes", is_flag=True, help="Do it. Without this it is a rehearsal: it shows what would change.")
@state_option
@json_option
def import_people(
    table: Path,
    photos: Path | None,
    encoding: str | None,
    language: str | None,
    yes: bool,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> int:
    """Enrol everyone in TABLE, a CSV or workbook (.xlsx, .ods) with a row a person, or a ZIP with one and its photos.

    It is rehearsed first.

    Columns: name, unit, group, hours (their own), area, from, until, more_time (yes, where they need the gate open for
    longer), photos (file names separated by semicolons), consent (told, paper or screen), language, guardian,
    another_person (yes, where somebody looked: they are not the one they look like). One that was cut short goes on
    where it was: whoever is enrolled is passed over.
    """
    table, photos = handed_over([table, photos or table.parent], state)
    gate = home(state, config)
    spoken = language or gate.settings.enrolment.language_else()
    with _unpacked(table, photos) as (listed, folder):
        outcomes, read_as = _carried_out(gate, listed, folder, encoding, spoken, yes=yes, quiet=as_json)
    return _tell(sorted(outcomes, key=lambda one: one.line), read_as, spoken, yes=yes, as_json=as_json)


def _carried_out(
    gate: Home, table: Path, photos: Path, encoding: str | None, language: str, *, yes: bool, quiet: bool
) -> tuple[list[Outcome], str]:
    """What became of each line, or in a rehearsal would; and how the table was read, said at once unless `quiet`."""
    from enroll.bulk import carry_out
    from enroll.decoder.parent import Decoder
    from enroll.enrolment import known_faces
    from enroll.rows import photos_lacking, read_rows
    from enroll.tables.headings import COLUMNS
    from enroll.tables.open import open_table
    from models.pack import open_models

    read = open_table(table, COLUMNS, encoding)
    with Decoder() as decoder, gate.store() as store:
        rows, outcomes = read_rows(read, photos, decoder, language, consents.ended(store))
        if lacking := photos_lacking(read, photos):
            click.secho(f"Warning: {lacking}", fg="yellow", err=True)
        if not quiet:
            click.echo(
                f"{read.read_as} Where a row names no language, they agreed to the text in {language}.", err=True
            )
        models = None
        if gate.settings.camera.wanted:
            models = open_models(gate.models_dir, gate.ready_pack(), threads=gate.settings.vision.threads)
        with progress_bar("Enrolling" if yes else "Rehearsing", len(rows)) as step:
            people = store if yes else people_in_memory(store)
            known = None if models is None else known_faces(people, models)
            for row in rows:
                outcomes.append(carry_out(people, models, row, gate.by, known))
                step()
            # Once for all lines: beside some of them is told whose face it is already.
            record_look(store, "an import", gate.by)
    return outcomes, read.read_as


def _tell(outcomes: list[Outcome], read_as: str, language: str, *, yes: bool, as_json: bool) -> int:
    """Print it. Returns the exit code: 1 where a line was refused."""
    from enroll.rows import Action

    counts = {action.value: sum(one.action is action for one in outcomes) for action in Action}
    warnings = sum(one.warns for one in outcomes)
    if as_json:
        each = [{name: getattr(one, name) for name in _TOLD} for one in outcomes]
        said = {"done": yes, "read_as": read_as, "language": language, "warnings": warnings}
        print_json(said | counts | {"rows": each})
    else:
        told = [one for one in outcomes if not yes or one.action is Action.REFUSED or one.why]
        rows = [(one.line, one.name, one.action, "; ".join(filter(None, (one.changes, one.why)))) for one in told]
        print_table(("line", "name", "what", "why"), rows, "")
        click.echo(", ".join(f"{count} {what}" for what, count in counts.items() if count) or "The table is empty.")
        if warnings:
            click.secho(f"Warning: {counted(warnings, 'line')} above should be looked at.", fg="yellow", err=True)
        if not yes:
            click.echo("Nothing was changed. Do it with --yes.")
    return 1 if counts[Action.REFUSED] else 0


@contextmanager
def _unpacked(table: Path, photos: Path) -> Iterator[tuple[Path, Path]]:
    """The table and the folder of its photos; what is a ZIP is unpacked for as long as this lasts."""
    from enroll.bulk import table_in
    from enroll.zip_archive import unpack

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
