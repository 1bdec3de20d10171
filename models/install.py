"""Putting a pack in place: its files fetched, checked, converted where need be, and moved to where they are used."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from models import canary, insightface_pack
from models.embedder import ArcFace
from models.errors import PackError
from models.fetch import Downloads, Progress, fetch, take_local
from models.installed import CALIBRATION, INSTALLED, Installed, InstalledFile, pack_folder
from models.manifest import DetectorSpec, Manifest, PackFile, built_in_packs, load_manifest
from models.runtime import sha256_of


def install(
    pack: str, directory: Path, *, source: Path | None = None, terms_accepted: bool = False, progress: Progress
) -> Installed:
    """Fetch, check and convert a pack into `directory`; whole or not at all.

    `source` is a local folder looked into first. Raises PackError when a file cannot be had or trusted, or when the
    pack has terms that were not accepted.
    """
    if source is not None and not source.is_dir():
        raise PackError(f"There is no folder {source} to install from.")
    manifest = None if pack.startswith(insightface_pack.PREFIX) else load_manifest(pack)
    accepted_at = _accepted(insightface_pack.TERMS if manifest is None else manifest.terms, terms_accepted)
    # The package clients run in a folder of their own.
    directory = directory.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".installing-") as staging:
            folder = Path(staging) / "pack"
            folder.mkdir()
            if manifest is None:
                staged = _stage_insightface(pack, folder, source)
            else:
                staged = _stage(manifest, folder, directory, source, progress)
            installed = staged.model_copy(update={"terms_accepted_at": accepted_at})
            (folder / INSTALLED).write_text(_written(installed), "utf-8")
            _let_everybody_read(folder)
            _replace(folder, pack_folder(directory, installed.pack))
    except OSError as error:
        raise PackError(f"The pack cannot be written to {directory}: {error.strerror}.") from error
    return installed


def _written(installed: Installed) -> str:
    # An earlier Facegate, to which an upgrade may go back, knows of no second look and refuses to read of one.
    shipped = any(manifest.name == installed.pack for manifest in built_in_packs())
    return installed.model_dump_json(indent=1, exclude={"second"} if shipped else None) + "\n"


def _accepted(terms: str | None, accepted: bool) -> datetime | None:
    if terms is None:
        return None
    if not accepted:
        raise PackError(f"{terms} Accept these terms with --accept-terms.")
    return datetime.now(UTC)


def _stage(manifest: Manifest, folder: Path, directory: Path, source: Path | None, progress: Progress) -> Installed:
    kept = directory / ".downloads"
    kept.mkdir(exist_ok=True)
    files = []
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        downloads = Downloads(kept, Path(scratch))
        for file in manifest.file:
            local = source is not None and take_local(file, source, folder)
            origin = f"folder {source}" if local else fetch(file, folder, downloads, progress)
            files.append(_convert(file, folder, origin))
    return Installed(
        pack=manifest.name,
        title=manifest.title,
        installed_at=datetime.now(UTC),
        terms_accepted_at=None,
        files=tuple(files),
        detector=manifest.detector,
        embedder=manifest.embedder,
        canary=_canary(manifest, folder, files),
        liveness=manifest.liveness,
        second=manifest.second,
    )


def _canary(manifest: Manifest, folder: Path, files: Sequence[InstalledFile]) -> str | None:
    """The drawn face's embedding, by its makers or else as this machine computes it."""
    if manifest.embedder is None:
        return None
    embedder = ArcFace(folder / next(file.name for file in files if file.role == "embedder"), manifest.embedder)
    if manifest.embedder.canary is None:
        return canary.embedding_as_text(embedder)
    canary.check(embedder, manifest.embedder.canary, manifest.name)
    return manifest.embedder.canary


def _convert(file: PackFile, folder: Path, origin: str) -> InstalledFile:
    path, identity = folder / file.name, None
    if file.convert is not None:
        path, identity = _converted(file, path)
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


def _converted(file: PackFile, path: Path) -> tuple[Path, str]:
    """The converted file, which takes the place of the one at `path`, and the sha256 that names its network."""
    # A gate that runs converts nothing: what conversion loads would be memory held for ever.
    from models.convert.free_batch import free_batch
    from models.convert.free_input_size import free_input_size
    from models.convert.prelu import faster, without_prelu
    from models.convert.tflite_to_onnx import tflite_to_onnx

    conversions: dict[str | None, Callable[[bytes], bytes]] = {
        "tflite-to-onnx": tflite_to_onnx,
        "free-input-size": free_input_size,
        "free-batch": free_batch,
    }
    converted = path.with_suffix(".onnx")
    try:
        content = conversions[file.convert](path.read_bytes())
    except ValueError as error:
        raise PackError(f"{file.name} cannot be converted: {error}.") from error
    path.unlink()
    converted.write_bytes(faster(content, without_prelu(content)) if file.role == "embedder" else content)
    # A freed batch changes no number: templates that the published file made are of the same network.
    same = file.convert == "free-batch"
    return converted, file.sha256 if same else hashlib.sha256(content).hexdigest()


def _stage_insightface(pack: str, folder: Path, source: Path | None) -> Installed:
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
    return Installed(
        pack=pack,
        title=f"insightface's {pack.removeprefix(insightface_pack.PREFIX)}",
        installed_at=datetime.now(UTC),
        terms_accepted_at=None,
        files=files,
        detector=DetectorSpec(kind="scrfd"),
        embedder=spec,
        canary=canary.embedding_as_text(opened),
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
