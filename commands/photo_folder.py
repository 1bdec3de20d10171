"""What the commands share: whose people they look at, and what is said of the photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import Home, counted, progress_bar
from gate.errors import UsageError

if TYPE_CHECKING:
    from evaluate.folder import Faces, Listing
    from models.pack import Models

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
