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

RECEIPT = "installed.json"
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


class Receipt(BaseModel):
    """What was installed, when, from where, and under which accepted terms."""

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

    def file(self, role: Role) -> InstalledFile:
        """The one file of a role."""
        return next(file for file in self.files if file.role == role)

    @property
    def model_id(self) -> str:
        """Names the embedder a template was made by: equal ids, comparable templates."""
        embedder = self.file("embedder")
        return f"{self.pack}/{(embedder.identity or embedder.sha256)[:16]}"


def pack_folder(directory: Path, pack: str) -> Path:
    """Where an installed pack lies."""
    return directory / pack.replace(":", "-")


def read_receipt(directory: Path, pack: str) -> Receipt:
    """What was installed, fed as the manifest says that ships with this Facegate where it names the same files.

    Raises PackError when the pack is not installed or its receipt is damaged.
    """
    path = pack_folder(directory, pack) / RECEIPT
    try:
        return _fed_as_shipped(Receipt.model_validate(_without_calibration(json.loads(path.read_text("utf-8")))))
    except FileNotFoundError as error:
        raise PackError(f"The model pack {pack} is not installed. Run: facegate models install {pack}") from error
    except (OSError, ValueError, ValidationError) as error:
        raise PackError(f"The receipt {path} is damaged. Run: facegate models install {pack}") from error


def _fed_as_shipped(receipt: Receipt) -> Receipt:
    # A later Facegate may know a better calibration of the same weights; installing again must not be needed for it.
    fetched = {file.fetched_sha256 for file in receipt.files}
    for manifest in built_in_packs():
        if manifest.name == receipt.pack and {file.sha256 for file in manifest.file} == fetched:
            fed = {"detector": manifest.detector, "embedder": manifest.embedder, "liveness": manifest.liveness}
            return receipt.model_copy(update=fed)
    return receipt


def _without_calibration(written: dict[str, Any]) -> dict[str, Any]:
    # Version 0.1 kept a threshold in the receipt.
    embedder = written.get("embedder")
    if isinstance(embedder, dict):
        embedder.pop("calibration", None)
    return written


def read_calibration(directory: Path, receipt: Receipt) -> Calibration | None:
    """What the pack's scores mean: as measured on this machine, else as shipped, else None.

    Raises PackError when the calibration is damaged or was fitted on another embedder.
    """
    path = pack_folder(directory, receipt.pack) / CALIBRATION
    again = f"Run: facegate calibrate FOLDER --pack {receipt.pack}, or remove the file"
    try:
        calibration = Calibration.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError:
        shipped = shipped_calibration(receipt.pack)
        fitted = shipped is not None and shipped.embedder == receipt.file("embedder").fetched_sha256
        return shipped if fitted else None
    except (OSError, ValueError) as error:
        raise PackError(f"The calibration {path} is damaged. {again}") from error
    if calibration.embedder != receipt.file("embedder").fetched_sha256:
        raise PackError(f"The calibration {path} was fitted on another embedder than that of {receipt.pack}. {again}")
    return calibration


def uncalibrated(pack: str) -> PackError:
    """What to say of a pack whose scores nobody has measured."""
    return PackError(
        f"The model pack {pack} has no calibration, so its scores mean nothing yet. Run: facegate calibrate FOLDER"
        f" --pack {pack}, with a folder of people (person/photo.jpg)"
    )
