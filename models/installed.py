"""What is known of an installed pack without opening its models."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import PackError
from models.manifest import (
    Calibration,
    DetectorSpec,
    EmbedderSpec,
    LivenessSpec,
    Role,
    built_in_packs,
    shipped_calibration,
)

INSTALLED = "installed.json"
CALIBRATION = "calibration.json"


class InstalledFile(BaseModel):
    """A file as it lies in the pack's folder, after any conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Role
    sha256: str
    identity: str | None = None
    """The sha256 of the network as converted, whichever of its equal forms runs faster here; None: the file's own."""
    fetched_sha256: str
    licence: str
    note: str
    source: str


class Installed(BaseModel):
    """An installed pack: its files, how its models are fed, and when and under which accepted terms it came.

    `installed.json` in the pack's folder holds it. `canary` is the drawn face's embedding, base64 of little-endian
    float32 (see `models.canary`); None for a pack without an embedder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pack: str
    title: str
    installed_at: datetime
    terms_accepted_at: datetime | None
    files: tuple[InstalledFile, ...]
    detector: DetectorSpec | None
    embedder: EmbedderSpec | None
    canary: str | None
    liveness: LivenessSpec | None = None
    second: str | None = None
    """The pack whose embedder takes a second look; it is installed on its own."""

    def file(self, role: Role) -> InstalledFile:
        """The one file of a role. Raises StopIteration where there is none."""
        return next(file for file in self.files if file.role == role)

    @property
    def model_id(self) -> str:
        """Names the embedder a template was made by: equal ids, comparable templates."""
        embedder = self.file("embedder")
        return f"{self.pack}/{(embedder.identity or embedder.sha256)[:16]}"


def pack_folder(directory: Path, pack: str) -> Path:
    """Where an installed pack lies in the `directory` of all packs."""
    return directory / pack.replace(":", "-")


def read_installed(directory: Path, pack: str) -> Installed:
    """What was installed, fed as the manifest says that ships with this Facegate where it names the same files.

    Raises PackError when the pack is not installed or what is written of it is damaged.
    """
    path = pack_folder(directory, pack) / INSTALLED
    try:
        return _fed_as_shipped(Installed.model_validate(_without_calibration(json.loads(path.read_text("utf-8")))))
    except FileNotFoundError as error:
        raise PackError(f"The model pack {pack} is not installed. Run: facegate models install {pack}") from error
    except (OSError, ValueError, ValidationError) as error:
        raise PackError(f"{path} is damaged. Run: facegate models install {pack}") from error


def _fed_as_shipped(installed: Installed) -> Installed:
    # A later Facegate may know a better calibration of the same weights; installing again must not be needed for it.
    # Files that an earlier one did not convert are fed as they were.
    there = {(file.fetched_sha256, file.sha256 != file.fetched_sha256) for file in installed.files}
    for manifest in built_in_packs():
        shipped = {(file.sha256, file.convert is not None) for file in manifest.file}
        if manifest.name == installed.pack and shipped == there:
            sections = ("detector", "embedder", "liveness", "second")
            return installed.model_copy(update={section: getattr(manifest, section) for section in sections})
    return installed


def _without_calibration(written: Any) -> Any:
    # Version 0.1 kept a threshold in it.
    embedder = written.get("embedder") if isinstance(written, dict) else None
    if isinstance(embedder, dict):
        embedder.pop("calibration", None)
    return written


def has_own_calibration(directory: Path, installed: Installed) -> bool:
    """Whether what the pack's scores mean stands in a file beside it, and not as it was shipped."""
    return (pack_folder(directory, installed.pack) / CALIBRATION).exists()


def read_calibration(directory: Path, installed: Installed) -> Calibration | None:
    """What the pack's scores mean: as measured on this machine, else as shipped, else None.

    Raises PackError when the calibration is damaged or was fitted on another embedder.
    """
    path = pack_folder(directory, installed.pack) / CALIBRATION
    again = f"Run: facegate calibrate FOLDER --pack {installed.pack}, or remove the file"
    try:
        calibration = Calibration.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError:
        shipped = shipped_calibration(installed.pack)
        fitted = shipped is not None and shipped.embedder == installed.file("embedder").fetched_sha256
        return shipped if fitted else None
    except (OSError, ValueError) as error:
        raise PackError(f"The calibration {path} is damaged. {again}") from error
    if calibration.embedder != installed.file("embedder").fetched_sha256:
        raise PackError(f"The calibration {path} was fitted on another embedder than that of {installed.pack}. {again}")
    return calibration


def uncalibrated(pack: str) -> PackError:
    """The error, not yet raised, that says what to do about a pack whose scores nobody has measured."""
    return PackError(
        f"The model pack {pack} has no calibration, so its scores mean nothing yet. Run: facegate calibrate FOLDER"
        f" --pack {pack}, with a folder of people (person/photo.jpg)"
    )
