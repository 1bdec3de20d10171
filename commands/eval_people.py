"""Whose eyes see the people of a folder: a pack's, with its second look, or another library's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commands.common import Home, library_folder, progress_bar
from commands.photo_folder import faces_of, part_of
from gate.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluate.folder import Faces, Listing
    from evaluate.looks import Scoring
    from models.manifest import Calibration
    from models.pack import Models


@dataclass(frozen=True, slots=True)
class Seen:
    """People as `name` sees them, a model or another library, and what its scores mean where that was measured."""

    name: str
    listing: Listing
    faces: Faces
    scoring: Scoring
    """How `templates` compare."""
    calibration: Calibration | None = None
    second: str | None = None
    """The model of the second look, whose scores are in the sum; None without one."""
    margin: float = 0.0
    """The lead over the second person that is asked."""

    @property
    def templates(self) -> NDArray[np.float32]:
        """(photos, D): those of the first look, with those of the second beside them where it counts."""
        import numpy as np

        again = self.faces.again
        return (
            self.faces.templates if self.second is None or again is None else np.hstack([self.faces.templates, again])
        )


def seen_by(gate: Home, peer: str | None, pack: str | None, folder: Path, fold: str, without: tuple[str, ...]) -> Seen:
    """The people of a folder as another library sees them, or a pack with all its safeguards but those left out."""
    from evaluate.looks import PLAIN

    if peer is not None:
        return Seen(peer, *_faces_of_library(gate, peer, folder, fold), PLAIN)
    models, listing, faces = faces_of(
        gate, pack, folder, fold, bounds="quality" not in without, again="second-look" not in without
    )
    if models.second is not None and "normalisation" in without:
        raise UsageError("The two looks are measured together as they are: add --without second-look.")
    margin = 0.0 if "margin" in without or models.measured is None else models.measured.margin
    second = models.second.model_id if models.second is not None else None
    scoring = _scoring(models, normalised="normalisation" not in without)
    return Seen(models.model_id, listing, faces, scoring, models.measured, second, margin)


def _scoring(models: Models, *, normalised: bool) -> Scoring:
    from evaluate.looks import PLAIN, by_both, by_one

    looks = [one for one in (models, models.second) if one is not None]
    measured = [one.calibration if normalised else _plain(one.calibration) for one in looks if one.measured is not None]
    if not measured:
        return PLAIN
    dimensions = [one.spec.dimension for one in looks]
    if len(looks) == 1:
        return by_one(measured[0].faces_of_nobody(dimensions[0]))
    return by_both(measured[0], measured[1], (dimensions[0], dimensions[1]))


def _plain(calibration: Calibration) -> Calibration:
    return calibration.model_copy(update={"share": 0.0, "common": 0.0})


def _faces_of_library(gate: Home, name: str, folder: Path, fold: str) -> tuple[Listing, Faces]:
    from evaluate import libraries
    from evaluate.folder import list_people, look_with
    from gate.errors import FacegateError

    def run(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.float32] | None]:
        try:
            return libraries.run(libraries.LIBRARIES[name], library_folder(name), pictures, gate.models_dir).templates
        except FacegateError as error:
            raise UsageError("{peer} cannot be measured: {why}", peer=name, why=str(error)) from error

    listing = list_people(folder, part_of(fold))
    with progress_bar(f"{name} looks at the photos", len(listing.photos)) as step:
        return listing, look_with(run, listing, step)
