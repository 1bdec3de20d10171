"""What the commands share: whose people they look at, and what is said of the photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import Home, counted, print_table, progress_bar
from gate.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluate.folder import Faces, Listing
    from evaluate.identification import Protocol
    from evaluate.within import Photos
    from models.pack import Models

# At the score that lets so many of all strangers in groups are compared.
ASKED_FPIR = 0.003
pack_option = click.option("--pack", help="An installed pack; else the one in use.")
seed_option = click.option("--seed", default=0, show_default=True, help="Of the drawing of people and photos.")
fold_option = click.option(
    "--fold", default="1/1", show_default=True, metavar="K/N", help="Only the K-th of N parts of the people."
)


def faces_of(
    gate: Home,
    pack: str | None,
    folder: Path,
    fold: str,
    *,
    bounds: bool = True,
    calibrated: bool = True,
    again: bool = False,
) -> tuple[Models, Listing, Faces]:
    """The people of a folder, or of a part of it, as a pack sees them; without `bounds` the bad photos too,
    with `again` by its second look beside the first.

    Raises UsageError and PackError.
    """
    from evaluate.folder import list_people, look
    from gate.vision.quality import Bounds
    from models.pack import open_models

    listing = list_people(folder, part_of(fold))
    threads = gate.settings.vision.threads
    models = open_models(gate.models_dir, pack or gate.ready_pack(), threads=threads, calibrated=calibrated)
    if not again:
        models = replace(models, second=None)
    with progress_bar("Looking at the photos", len(listing.photos)) as step:
        return models, listing, look(listing, models, Bounds.of(gate.settings.vision) if bounds else None, step)


def part_of(text: str) -> tuple[int, int]:
    """`1/2` as numbers. Raises UsageError."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UsageError("--fold is two numbers such as 1/2, the first not above the second.")
    return int(part), int(parts)


def counts_of(listing: Listing, faces: Faces) -> dict[str, Any]:
    """How many there are, and how many photos are of no use; says which files repeat another one."""
    if listing.duplicates:
        click.secho(
            f"{counted(len(listing.duplicates), 'file')} left out that another one repeats, such as"
            f" {listing.duplicates[0]}.",
            fg="yellow",
            err=True,
        )
    return {
        "people": len(faces.people),
        "images": len(listing.photos),
        "duplicates": len(listing.duplicates),
        "unreadable": faces.unreadable,
        "failure_to_enrol": round(faces.failure_to_enrol, 5),
        "failure_to_acquire": round(faces.failure_to_acquire, 5),
        "refused": {str(reason): number for reason, number in faces.refused.most_common()},
    }


def groups_of(
    listing: Listing, faces: Faces, photos: Photos, asked: Protocol, threshold: float | None
) -> dict[str, dict[str, Any]]:
    """How the groups of a folder fare, each within itself; says who is of a group and has no photos.

    `threshold` is the score that is asked of all, None where nobody could be enrolled.
    """
    from evaluate.within import within_groups

    if listing.unknown:
        click.secho(
            f"{counted(len(listing.unknown), 'name')} of groups.csv left out without a folder of photos, such as"
            f" {listing.unknown[0]}.",
            fg="yellow",
            err=True,
        )
    return {
        name: {
            "people": one.people,
            "fmr_within": {f"{rate:g}": _rounded(found) for rate, found in one.fmr.items()},
            "fnir": _rounded(one.fnir),
            "fpir": _rounded(one.fpir),
            "mated": one.mated,
            "strangers": one.strangers,
        }
        for name, one in within_groups(photos, members_of(listing, faces), asked, threshold).items()
    }


def members_of(listing: Listing, faces: Faces) -> dict[str, NDArray[np.bool_]]:
    """Which people of a folder, (people,), are of each of its groups."""
    import numpy as np

    return {name: np.array([one in people for one in faces.people]) for name, people in listing.groups.items()}


def print_groups(groups: dict[str, dict[str, Any]]) -> None:
    """What `groups_of` found, as a table."""
    if not groups:
        return
    rates = next(iter(groups.values()))["fmr_within"]
    rows: list[tuple[object, ...]] = [
        (name, one["people"], *(_times(found, float(rate)) for rate, found in one["fmr_within"].items()),
         "-" if one["fnir"] is None else f"{100 * one['fnir']:.2f} %")
        for name, one in groups.items()
    ]  # fmt: skip
    click.echo("Within a group, at the score that gives a rate of false matches over all: so many times that rate.")
    print_table(("group", "people", *rates, "residents missed (FNIR)"), rows, "")


def _times(found: float | None, rate: float) -> str:
    return "-" if found is None else f"{found / rate:.1f}"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
