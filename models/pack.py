"""Installed packs: putting one in place, checking it, and opening its models."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models import canary, insightface_pack
from models.detector import Detector, YuNet
from models.embedder import ArcFace, Embedder
from models.errors import PackError
from models.fetch import Downloads, Progress, fetch, take_local
from models.liveness import LivenessCheck
from models.manifest import Calibration, DetectorSpec, EmbedderSpec, Manifest, PackFile, load_manifest
from models.receipt import (
    CALIBRATION,
    RECEIPT,
    InstalledFile,
    Receipt,
    pack_folder,
    read_calibration,
    read_receipt,
    uncalibrated,
)
from models.runtime import Provider, check_hash, sha256_of


@dataclass(frozen=True, slots=True)
class Models:
    """A pack's models, open and checked."""

    detector: Detector
    embedder: Embedder
    model_id: str
    measured: Calibration | None = None

    @property
    def spec(self) -> EmbedderSpec:
        """How the embedder is fed."""
        return self.embedder.spec

    @property
    def calibration(self) -> Calibration:
        """What its scores mean. Raises PackError when nobody has measured it."""
        if self.measured is None:
            raise uncalibrated(self.model_id.rpartition("/")[0])
        return self.measured


def install(
    pack: str,
    directory: Path,
    *,
    source: Path | None = None,
    terms_accepted: bool = False,
    progress: Progress,
) -> Receipt:
    """Fetch, check and convert a pack into `directory`; whole or not at all.

    `source` is a local folder looked into first. Raises PackError when a file cannot be had or trusted, or when the
    pack has terms that were not accepted.
    """
    if source is not None and not source.is_dir():
        raise PackError(f"There is no folder {source} to install from.")
    if pack.startswith(insightface_pack.PREFIX):
        terms: str | None = insightface_pack.TERMS
        manifest = None
    else:
        manifest = load_manifest(pack)
        terms = manifest.terms
    if terms is not None and not terms_accepted:
        raise PackError(f"{terms} Accept these terms with --accept-terms.")
    accepted_at = datetime.now(UTC) if terms else None
    # The package clients run in a folder of their own.
    directory = directory.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".installing-") as staging:
            folder = Path(staging) / "pack"
            folder.mkdir()
            if manifest is None:
                receipt = _stage_insightface(pack, folder, source, accepted_at)
            else:
                receipt = _stage(manifest, folder, directory, source, accepted_at, progress)
            (folder / RECEIPT).write_text(receipt.model_dump_json(indent=1) + "\n", "utf-8")
            _let_everybody_read(folder)
            _replace(folder, pack_folder(directory, receipt.pack))
    except OSError as error:
        raise PackError(f"The pack cannot be written to {directory}: {error.strerror}.") from error
    return receipt


def verify(directory: Path, pack: str) -> Receipt:
    """Check every file's hash, and the canary where the pack has models. Raises PackError with the first fault."""
    receipt = check_files(directory, pack)
    if receipt.embedder is not None:
        open_models(directory, pack)
    return receipt


def check_files(directory: Path, pack: str) -> Receipt:
    """Check every file's hash. Raises PackError with the first fault."""
    receipt = read_receipt(directory, pack)
    for file in receipt.files:
        check_hash(pack_folder(directory, pack) / file.name, file.sha256, pack)
    return receipt


def open_models(
    directory: Path, pack: str, *, threads: int = 1, provider: Provider = "cpu", calibrated: bool = True
) -> Models:
    """The pack's detector and embedder, their hashes checked and the canary heard. Raises PackError.

    `calibrated` False opens them without their calibration, for whoever makes one.
    """
    receipt = check_files(directory, pack)
    if receipt.detector is None or receipt.embedder is None:
        raise PackError(f"The pack {pack} holds no detector and embedder; choose another in models.pack.")
    folder = pack_folder(directory, pack)
    paths = {file.role: folder / file.name for file in receipt.files}
    detector: Detector
    embedder: Embedder
    if pack.startswith(insightface_pack.PREFIX):
        if provider != "cpu":
            raise PackError('Packs of the insightface library run on the CPU alone; set vision.provider = "cpu".')
        detector, embedder = insightface_pack.open_models(
            paths["detector"], paths["embedder"], receipt.embedder, threads
        )
    else:
        detector = YuNet(paths["detector"], receipt.detector, threads=threads, provider=provider)
        embedder = ArcFace(paths["embedder"], receipt.embedder, threads=threads, provider=provider)
    if receipt.canary is None:
        raise PackError(f"The receipt of pack {pack} has no canary. Run: facegate models install {pack}")
    canary.check(embedder, receipt.canary, pack)
    measured = read_calibration(directory, receipt) if calibrated else None
    return Models(detector, embedder, receipt.model_id, measured)


def open_liveness(
    directory: Path, packs: Sequence[str], *, threads: int = 1, provider: Provider = "cpu"
) -> tuple[LivenessCheck, ...]:
    """The checks of installed liveness packs, their hashes checked. Raises PackError naming what to install."""
    checks = []
    for pack in packs:
        receipt = check_files(directory, pack)
        if receipt.liveness is None:
            raise PackError(f"The pack {pack} holds no liveness check; name another in models.liveness.")
        path = pack_folder(directory, pack) / receipt.file("liveness").name
        checks.append(LivenessCheck(path, receipt.liveness, threads=threads, provider=provider))
    return tuple(checks)


def _stage(
    manifest: Manifest,
    folder: Path,
    directory: Path,
    source: Path | None,
    accepted_at: datetime | None,
    progress: Progress,
) -> Receipt:
    kept = directory / ".downloads"
    kept.mkdir(exist_ok=True)
    files = []
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        downloads = Downloads(kept, Path(scratch))
        for file in manifest.file:
            local = source is not None and take_local(file, source, folder)
            origin = f"folder {source}" if local else fetch(file, folder, downloads, progress)
            files.append(_convert(file, folder, origin))
    heard = manifest.embedder.canary if manifest.embedder else None
    if manifest.embedder is not None:
        embedder_file = next(file for file in files if file.role == "embedder")
        embedder = ArcFace(folder / embedder_file.name, manifest.embedder)
        if heard is not None:
            canary.check(embedder, heard, manifest.name)
        else:
            heard = canary.sing(embedder)
    return Receipt(
        pack=manifest.name,
        title=manifest.title,
        installed_at=datetime.now(UTC),
        terms_accepted_at=accepted_at,
        files=tuple(files),
        detector=manifest.detector,
        embedder=manifest.embedder,
        canary=heard,
        liveness=manifest.liveness,
    )


def _convert(file: PackFile, folder: Path, origin: str) -> InstalledFile:
    path = folder / file.name
    identity = None
    if file.convert is not None:
        # A gate that runs converts nothing: what conversion loads would be memory held for ever.
        from models.convert.free_input_size import free_input_size
        from models.convert.prelu import faster, without_prelu
        from models.convert.tflite_to_onnx import tflite_to_onnx

        conversions: dict[str, Callable[[bytes], bytes]] = {
            "tflite-to-onnx": tflite_to_onnx,
            "free-input-size": free_input_size,
        }
        converted = path.with_suffix(".onnx")
        try:
            content = conversions[file.convert](path.read_bytes())
        except ValueError as error:
            raise PackError(f"{file.name} cannot be converted: {error}.") from error
        path.unlink()
        identity = hashlib.sha256(content).hexdigest()
        converted.write_bytes(faster(content, without_prelu(content)) if file.role == "embedder" else content)
        path = converted
    return InstalledFile(
        name=path.name,
        role=file.role,
        sha256=sha256_of(path),
        identity=identity,
        fetched_sha256=file.sha256,
        licence=file.licence,
        note=file.note,
        source=origin,
    )


def _stage_insightface(pack: str, folder: Path, source: Path | None, accepted_at: datetime | None) -> Receipt:
    detector, embedder, spec = insightface_pack.stage(pack, folder, source)
    files = tuple(
        InstalledFile(
            name=path.name,
            role=role,
            sha256=sha256_of(path),
            fetched_sha256=sha256_of(path),
            licence="non-commercial research only",
            note="insightface model zoo",
            source=f"folder {source}" if source else "the insightface library",
        )
        for role, path in (("detector", detector), ("embedder", embedder))
    )
    _, opened = insightface_pack.open_models(detector, embedder, spec, 1)
    return Receipt(
        pack=pack,
        title=f"insightface's {pack.removeprefix(insightface_pack.PREFIX)}",
        installed_at=datetime.now(UTC),
        terms_accepted_at=accepted_at,
        files=files,
        detector=DetectorSpec(kind="scrfd"),
        embedder=spec,
        canary=canary.sing(opened),
    )


def _let_everybody_read(folder: Path) -> None:
    """The models are no secret, and the services that use them run as other users than whoever installed them."""
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _replace(folder: Path, target: Path) -> None:
    old = target.with_name(f".old-{target.name}")
    shutil.rmtree(old, ignore_errors=True)
    # What was measured here is not the makers' to replace; should the embedder be another one, reading it says so.
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(target / CALIBRATION, folder / CALIBRATION)
    if target.exists():
        os.rename(target, old)
    os.rename(folder, target)
    shutil.rmtree(old, ignore_errors=True)
