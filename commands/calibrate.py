"""facegate calibrate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.common import Home, counted, home, json_option, print_json, progress_bar, state_option
from commands.drop_root import as_owner, owner_of
from commands.photo_folder import counts_of, faces_of, fold_option, pack_option, seed_option
from gate.errors import UsageError
from gate.state_folder import state_directory

if TYPE_CHECKING:
    from models.manifest import Calibration


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--record", is_flag=True, help="From this gate's own record, in place of a folder.")
@seed_option
@fold_option
@click.option(
    "--share", type=click.FloatRange(0, 1), help="Of what a face has in common with faces of nobody, taken off scores."
)
@click.option("--to", type=click.Path(path_type=Path), help="Write it there; else the pack here uses it from now on.")
@pack_option
@state_option
@json_option
def calibrate(
    folder: Path | None,
    record: bool,
    seed: int,
    fold: str,
    share: float | None,
    to: Path | None,
    pack: str | None,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Fit what scores mean on a FOLDER of people, person/photo.jpg, so that the promise holds for this model pack.

    No photo and no template of theirs is kept: numbers, and faces of nobody. With --record the strangers who came to
    this gate take the folder's place, by the scores in its record. A gate takes it at its next start.
    """
    from models.manifest import Calibration

    if (folder is None) != record:
        raise UsageError("Give a folder of people, or --record to go by this gate's own record.")
    if record and (fold != "1/1" or share is not None):
        raise UsageError("--fold and --share go with a folder of people; the record has no faces.")
    directory = state_directory(state)

    def fit() -> dict[str, str]:
        return _fit(home(state, config), pack, folder, fold, share, seed)

    # The record is one user's to read, the pack's folder another's to write.
    made = as_owner(owner_of(directory), fit)
    calibration = Calibration.model_validate_json(made["text"])
    path = to or Path(made["path"])
    as_owner(None if to else owner_of(directory, "models"), lambda: _write(path, made["text"]))
    gate = home(state, config)
    if to is None:
        _record(gate, made["pack"], calibration)
    if as_json:
        found = calibration.model_dump(mode="json", exclude={"cohort"})
        print_json({"pack": made["pack"], "file": str(path), **found})
        return
    _print(made["pack"], calibration)
    click.echo(f"Written to {path}.")


def _fit(
    gate: Home, pack: str | None, folder: Path | None, fold: str, share: float | None, seed: int
) -> dict[str, str]:
    """The pack's name, the text of its calibration, and where the pack keeps that."""
    from models.installed import CALIBRATION, pack_folder

    if folder is None:
        name, fitted = _fit_record(gate, pack)
    else:
        name, fitted = _fit_folder(gate, pack, folder, fold, share, seed)
    path = pack_folder(gate.models_dir, name) / CALIBRATION
    return {"pack": name, "path": str(path), "text": fitted.model_dump_json(indent=1) + "\n"}


def _write(path: Path, text: str) -> dict[str, str]:
    try:
        path.write_text(text, "utf-8")
        path.chmod(0o644)
    except OSError as error:
        raise UsageError("{path} cannot be written: {why}.", path=path, why=error.strerror) from error
    return {}


def _record(gate: Home, pack: str, calibration: Calibration) -> None:
    from gate.store.record import audit
    from gate.vocabulary import AuditEvent, Kind

    with gate.store() as connection:
        audit.append(connection, AuditEvent(Kind.CALIBRATED, {"pack": pack, "measured": calibration.measured}))


def _print(pack: str, calibration: Calibration) -> None:
    strangers = calibration.strangers
    click.echo(f"{pack}, {calibration.measured}")
    click.echo(
        f"two people: tail of a normal distribution, centre {strangers.centre:.3f}, spread {strangers.spread:.3f}"
    )
    for photos, scores in enumerate(calibration.residents, start=1):
        click.echo(
            f"one person, {counted(photos, 'photo')}: half score above {scores[6]:.3f}, 98 % above {scores[2]:.3f}"
        )
    click.echo(f"frames of one approach stray by {calibration.within:.3f}, alike for {calibration.within_s:.2f} s")


def _fit_folder(
    gate: Home, pack: str | None, folder: Path, fold: str, asked: float | None, seed: int
) -> tuple[str, Calibration]:
    from datetime import date

    from evaluate.approaches import walked
    from evaluate.looks import by_one
    from evaluate.scores import calibrate as fit
    from evaluate.scores import fit_cohort, fit_frames
    from gate.vision.quality import Bounds
    from models.installed import read_installed
    from models.manifest import SHARE, Cohort

    models, listing, faces = faces_of(gate, pack, folder, fold, calibrated=False)
    counts_of(listing, faces)
    name = models.model_id.rpartition("/")[0]
    bounds = Bounds.of(gate.settings.vision)
    share = SHARE if asked is None else asked
    cohort = Cohort(fit_cohort(faces.templates, faces.person, seed), share)
    with progress_bar("Letting them walk up") as step:
        frames = fit_frames(walked(faces, models, bounds, by_one(cohort), seed, step))
    part = "" if fold == "1/1" else f", part {fold} of the people"
    measured = f"{folder.resolve().name}{part}: {len(faces.people)} people on {len(faces.files)} photos, {date.today()}"
    embedder = read_installed(gate.models_dir, name).file("embedder").fetched_sha256
    return name, fit(faces.templates, faces.person, faces.enrols, frames, embedder, measured, share=share, seed=seed)


def _fit_record(gate: Home, pack: str | None) -> tuple[str, Calibration]:
    from datetime import date

    from evaluate.record import approaches, recalibrated
    from gate.store.people import templates
    from gate.store.record import audit
    from models.installed import read_calibration, read_installed, uncalibrated

    name = pack or gate.ready_pack()
    installed = read_installed(gate.models_dir, name)
    shipped = read_calibration(gate.models_dir, installed)
    if shipped is None:
        raise uncalibrated(name)
    with gate.store() as connection:
        seen = approaches(audit.lines(connection))
        people = len(templates.counts(connection, installed.model_id))
    measured = (
        f"this gate's record: {len(seen.strangers)} approaches of strangers among {people} residents, {date.today()}"
    )
    fitted = recalibrated(shipped, seen, people, measured)
    click.echo(
        f"{len(seen.strangers)} approaches of strangers, {len(seen.residents)} residents let in,"
        f" {counted(len(seen.mistaken), 'opening')} by somebody else",
        err=True,
    )
    return name, fitted
