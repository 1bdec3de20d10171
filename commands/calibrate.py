"""facegate calibrate"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import Home, counted, home, json_option, print_json, progress_bar, state_option
from commands.drop_root import as_owner, owner_of
from commands.photo_folder import (
    ASKED_FPIR,
    counts_of,
    faces_of,
    fold_option,
    groups_of,
    members_of,
    pack_option,
    print_groups,
    seed_option,
)
from gate.errors import UsageError
from gate.state_folder import state_directory

if TYPE_CHECKING:
    from evaluate.folder import Faces, Listing
    from evaluate.looks import Scoring
    from models.manifest import Calibration


class _Share(click.FloatRange):
    """A part of the whole; what is no number lies in no range, and click's own lets it through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if found != found:
            self.fail(f"{value!r} is no number from 0 to 1.", param, ctx)
        return found


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--record", is_flag=True, help="From this gate's own record, in place of a folder.")
@seed_option
@fold_option
@click.option("--share", type=_Share(0, 1), help="Of what a face has in common with faces of nobody, taken off scores.")
@click.option("--hardest", is_flag=True, help="Keep the promise within the hardest group of groups.csv, not over all.")
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
    hardest: bool,
    to: Path | None,
    pack: str | None,
    state: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Fit what scores mean on a FOLDER of people, person/photo.jpg, so that the promise holds for this model pack.

    No photo and no template of theirs is kept: numbers, and faces of nobody. With a table groups.csv (person, group) in
    the folder it says how its groups fare, as facegate eval does, and with --hardest strangers score as they do within
    the one whose people look most alike, for a gate whose people are mostly of one. With --record the strangers who
    came to this gate take the folder's place, by the scores in its record. A gate takes it at its next start.
    """
    from models.manifest import Calibration

    if (folder is None) != record:
        raise UsageError("Give a folder of people, or --record to go by this gate's own record.")
    if record and (fold != "1/1" or share is not None or hardest):
        raise UsageError("--fold, --share and --hardest go with a folder of people; the record has no faces.")
    directory = state_directory(state)

    def fit() -> dict[str, str]:
        return _fit(home(state, config), pack, folder, fold, share, seed, hardest=hardest)

    # The record is one user's to read, the pack's folder another's to write.
    made = as_owner(owner_of(directory), fit)
    calibration = Calibration.model_validate_json(made["text"])
    path = to or Path(made["path"])
    as_owner(None if to else owner_of(directory, "models"), lambda: _write(path, made["text"]))
    gate = home(state, config)
    if to is None:
        _record(gate, made["pack"], calibration)
    groups = json.loads(made["groups"])
    if as_json:
        found = calibration.model_dump(mode="json", exclude={"cohort"})
        print_json({"pack": made["pack"], "file": str(path), **found} | ({"groups": groups} if groups else {}))
        return
    _print(made["pack"], calibration)
    print_groups(groups)
    click.echo(f"Written to {path}.")


def _fit(
    gate: Home, pack: str | None, folder: Path | None, fold: str, share: float | None, seed: int, *, hardest: bool
) -> dict[str, str]:
    """The pack's name, the text of its calibration, where the pack keeps that, and as JSON how its groups fare."""
    from models.installed import CALIBRATION, pack_folder

    groups: dict[str, Any] = {}
    if folder is None:
        name, fitted = _fit_record(gate, pack)
    else:
        name, fitted, groups = _fit_folder(gate, pack, folder, fold, share, seed, hardest=hardest)
    path = pack_folder(gate.models_dir, name) / CALIBRATION
    text = fitted.model_dump_json(indent=1) + "\n"
    return {"pack": name, "path": str(path), "text": text, "groups": json.dumps(groups)}


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
    gate: Home, pack: str | None, folder: Path, fold: str, asked: float | None, seed: int, *, hardest: bool
) -> tuple[str, Calibration, dict[str, Any]]:
    from datetime import date

    from evaluate.approaches import walked
    from evaluate.folder import GROUPS
    from evaluate.looks import by_one
    from evaluate.scores import calibrate as fit
    from evaluate.scores import fit_cohort, fit_frames
    from gate.vision.quality import Bounds
    from models.installed import read_installed
    from models.manifest import Cohort

    if hardest and not (folder / GROUPS).is_file():
        raise UsageError("--hardest needs a table groups.csv (person, group) in {folder}.", folder=folder)
    models, listing, faces = faces_of(gate, pack, folder, fold, calibrated=False)
    counts_of(listing, faces)
    name = models.model_id.rpartition("/")[0]
    bounds = Bounds.of(gate.settings.vision)
    share = _share_of(name) if asked is None else asked
    cohort = Cohort(fit_cohort(faces.templates, faces.person, seed), share)
    with progress_bar("Letting them walk up") as step:
        frames = fit_frames(walked(faces, models, bounds, by_one(cohort), seed, step))
    part = "" if fold == "1/1" else f", part {fold} of the people"
    measured = f"{folder.resolve().name}{part}: {len(faces.people)} people on {len(faces.files)} photos, {date.today()}"
    embedder = read_installed(gate.models_dir, name).file("embedder").fetched_sha256
    groups = members_of(listing, faces) if hardest else None
    fitted = fit(
        faces.templates, faces.person, faces.enrols, frames, embedder, measured, share=share, seed=seed, groups=groups
    )
    return name, fitted, _groups(listing, faces, fitted, by_one(cohort), seed)


def _share_of(pack: str) -> float:
    """What measured best for this pack's model where it is one of ours, else for most."""
    from models.manifest import SHARE, shipped_calibration

    shipped = shipped_calibration(pack)
    return SHARE if shipped is None else shipped.share


def _groups(listing: Listing, faces: Faces, fitted: Calibration, scoring: Scoring, seed: int) -> dict[str, Any]:
    """How the groups of a folder fare by what was fitted on it."""
    from evaluate.identification import Protocol, attempt, feasible, fnir_at
    from evaluate.within import Photos

    protocol = feasible(faces.person, faces.enrols, Protocol(seed=seed))
    if not listing.groups or protocol is None:
        return {}
    came = attempt(faces.templates, faces.person, faces.enrols, protocol, scoring)
    ((_, threshold),) = fnir_at(came, (ASKED_FPIR,), fitted.margin).values()
    photos = Photos(faces.templates, faces.person, faces.enrols, scoring, fitted.margin)
    return groups_of(listing, faces, photos, protocol, threshold)


def _propose(own: int | None, counted: float) -> None:
    """Say how many strangers come a day, on standard error, where the promise counts on another number."""
    if own is not None and own != counted:
        click.echo(
            f"About {own} strangers a day by the record; the promise counts on {counted:g}. To change that:"
            f" vision.promise.strangers_a_day = {own}",
            err=True,
        )


def _fit_record(gate: Home, pack: str | None) -> tuple[str, Calibration]:
    from datetime import UTC, date, datetime

    from evaluate.record import approaches, recalibrated
    from gate.store.people import templates
    from gate.store.record import audit
    from gate.store.record.strangers import a_day
    from gate.store.site.inherited import inherited
    from models.installed import read_calibration, read_installed, uncalibrated

    name = pack or gate.ready_pack()
    installed = read_installed(gate.models_dir, name)
    shipped = read_calibration(gate.models_dir, installed)
    if shipped is None:
        raise uncalibrated(name)
    with gate.store() as connection:
        seen = approaches(audit.lines(connection))
        people = len(templates.counts(connection, installed.model_id))
        own = a_day(connection, datetime.now(UTC))
        vision = gate.settings.vision.as_before(inherited(connection))
    measured = (
        f"this gate's record: {len(seen.strangers)} approaches of strangers among {people} residents, {date.today()}"
    )
    fitted = recalibrated(shipped, seen, people, measured)
    _propose(own, vision.promise.counted)
    click.echo(
        f"{len(seen.strangers)} approaches of strangers, {len(seen.residents)} residents let in,"
        f" {counted(len(seen.mistaken), 'opening')} by somebody else",
        err=True,
    )
    return name, fitted
