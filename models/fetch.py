"""Fetching a pack's files: each source in turn, resumed where it broke off, trusted only by its sha256."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.errors import PackError, SourceFailed
from models.manifest import PackFile, Source
from models.packages import archive_of
from models.runtime import sha256_of

# (what is being fetched, bytes so far, bytes in all or None)
Progress = Callable[[str, int, int | None], None]

_LARGEST = 2 << 30
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Downloads:
    """Where downloads go: `kept` holds what a broken HTTPS transfer left, `scratch` archives of this one install."""

    kept: Path
    scratch: Path


def fetch(file: PackFile, folder: Path, downloads: Downloads, progress: Progress) -> str:
    """Put `file` into `folder` as its makers publish it; returns which source gave it.

    The file appears whole or not at all. Raises PackError when no source gives it with its sha256.
    """
    failures = []
    for source in file.source:
        try:
            _accept(_fetch_from(source, downloads, file, progress), folder / file.name, file.sha256)
            return str(source)
        except (
            SourceFailed,
            OSError,
            tarfile.TarError,
            zipfile.BadZipFile,
            subprocess.SubprocessError,
        ) as error:
            failures.append(f"{source}: {error}")
    tried = "; ".join(failures) or "its manifest names no source"
    raise PackError(f"{file.name} could not be fetched ({tried}). Give a folder that holds it with --from.")


def take_local(file: PackFile, source: Path, folder: Path) -> bool:
    """Copy `file` from the local folder `source` where it is there, by name or by content.

    Raises PackError when a file of that name is there with other content.
    """
    named = source / file.name
    candidates = [named] if named.is_file() else [path for path in sorted(source.iterdir()) if path.is_file()]
    for path in candidates:
        if sha256_of(path) == file.sha256:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / file.name)
            return True
    if named.is_file():
        raise PackError(f"{named} is not the file the manifest describes: its sha256 differs. Fetch it again.")
    return False


def _fetch_from(source: Source, downloads: Downloads, file: PackFile, progress: Progress) -> Path:
    def download(url: str, partial: Path) -> Path:
        return _download(url, partial, lambda done, total: progress(file.name, done, total))

    progress(file.name, 0, None)
    if source.https is not None and source.member is None:
        return download(str(source.https), downloads.kept / f"{file.sha256}.part")
    if source.archive is None:
        raise SourceFailed("its manifest does not say the archive's sha256 (archive), so it is not opened")
    if source.https is not None:
        archive = downloads.kept / f"{source.archive}.part"
        if not (archive.exists() and sha256_of(archive) == source.archive):
            download(str(source.https), archive)
    else:
        archive = archive_of(source, downloads.scratch, download)
    if sha256_of(archive) != source.archive:
        archive.unlink()
        raise SourceFailed("it is not the archive the manifest describes, its sha256 differs")
    return archive if source.member is None else _member(archive, source.member, downloads.scratch / "member")


def _download(url: str, partial: Path, progress: Callable[[int, int | None], None]) -> Path:
    import httpx

    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as answer:
            if answer.status_code == 416:
                # What is here is longer than what is there: begin again.
                partial.unlink()
                raise SourceFailed("what was fetched before does not fit; try again")
            if answer.status_code not in (200, 206):
                raise SourceFailed(f"it answered {answer.status_code}")
            if answer.status_code != 206:
                have = 0
            _append(answer.iter_bytes(_CHUNK), partial, have, _total(answer.headers, have), progress)
    except httpx.HTTPError as error:
        raise SourceFailed(str(error) or type(error).__name__) from error
    return partial


def _append(
    chunks: Iterator[bytes],
    partial: Path,
    have: int,
    total: int | None,
    progress: Callable[[int, int | None], None],
) -> None:
    with partial.open("ab" if have else "wb") as out:
        for chunk in chunks:
            out.write(chunk)
            have += len(chunk)
            if have > _LARGEST:
                raise SourceFailed("it is larger than any model")
            progress(have, total)
    if total is not None and have < total:
        raise SourceFailed(f"it broke off after {have} of {total} bytes")


def _total(headers: Mapping[str, str], have: int) -> int | None:
    length = headers.get("content-length")
    return have + int(length) if length and length.isdigit() else None


def _member(archive: Path, name: str, target: Path) -> Path:
    """One named file out of a zip, wheel or tarball; its own paths are never used to write."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            if name not in zipped.namelist():
                raise SourceFailed(f"it holds no {name}")
            if zipped.getinfo(name).file_size > _LARGEST:
                raise SourceFailed(f"its {name} is larger than any model")
            with zipped.open(name) as member, target.open("wb") as out:
                shutil.copyfileobj(member, out)
        return target
    with tarfile.open(archive) as tarred:
        try:
            member_file = tarred.extractfile(name)
        except KeyError:
            member_file = None
        if member_file is None:
            raise SourceFailed(f"it holds no {name}")
        if tarred.getmember(name).size > _LARGEST:
            raise SourceFailed(f"its {name} is larger than any model")
        with member_file, target.open("wb") as out:
            shutil.copyfileobj(member_file, out)
    return target


def _accept(found: Path, target: Path, sha256: str) -> None:
    if sha256_of(found) != sha256:
        found.unlink()
        raise SourceFailed("it is not the file the manifest describes, its sha256 differs")
    target.parent.mkdir(parents=True, exist_ok=True)
    # The target may lie on another file system than the downloads.
    part = target.with_name(target.name + ".part")
    shutil.copyfile(found, part)
    os.replace(part, target)
    found.unlink()
