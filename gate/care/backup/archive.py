"""A backup's archive: a gzipped tar of a manifest, the manifest's seal, and the files whose hashes the manifest gives.

Whoever can write an archive decides who is let in once it is restored: so it is sealed (HMAC-SHA256) with a key that
lies beside the gate's database and in no archive, and read as hostile: member by member, in bounded memory, onto no
more of the disk than is sensible.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import io
import json
import os
import secrets
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gate.errors import Refusal, UsageError
from gate.places import read_plain, share
from gate.store.database import DATABASE_NAME, StoreError, database_of

FORMAT = 1
CONFIG_NAME = "facegate.toml"
_KEY_NAME = "backup.key"
_KEY_BYTES = 32
_MANIFEST, _SEAL = "manifest.json", "manifest.hmac"
_MANIFEST_MOST = 1 << 16
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 20
# Far above any real one.
_LARGEST = 4 << 30
# What nobody sealed may unfold to so many times its size; a database that was just tidied to fifty.
_UNFOLDS = 100
_ALWAYS = 64 << 20
_DISK_RESERVE = 64 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself, and whether this gate's seal proves it."""

    made_at: str
    sealed: bool
    sha256: Mapping[str, str]


def write(path: Path, files: Mapping[str, Path], said: Mapping[str, object], key: bytes) -> None:
    """Write an archive of `files` by their names in it, for its owner alone. `said` goes into the manifest."""
    hashes = {name: _sha256(file) for name, file in files.items()}
    manifest = json.dumps({"format": FORMAT, **said, "sha256": hashes}, indent=1).encode()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz") as archive:
            _add(archive, _MANIFEST, manifest)
            _add(archive, _SEAL, _seal(manifest, key).encode())
            for name, file in files.items():
                archive.add(file, name, recursive=False)
        raw.flush()
        os.fsync(raw.fileno())


def unpack(path: Path, folder: Path, key: bytes | None, *, unsealed: bool) -> Manifest:
    """Unpack the database of an archive into `folder`; `key` is this gate's (None: it never made one).

    `unsealed` takes one that this gate did not seal. Raises UsageError where it is missing, damaged, cut short or from
    a newer Facegate, Refusal where it is not sealed and that was not asked for.
    """
    try:
        with _plain_file(path) as raw:
            return _unpacked(path, _Bounded(raw), folder, key, unsealed)
    except FileNotFoundError as error:
        raise UsageError(f"There is no backup {path}.") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder. Name one backup in it, a file that ends in .backup.tar.gz.") from error
    except RecursionError as error:
        raise UsageError(f"The backup {path} is damaged (its manifest is nested). Take another.") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError, tarfile.TarError, zlib.error) as error:
        raise UsageError(f"The backup {path} is damaged or cut short ({error}). Take another.") from error


def said_by(path: Path) -> Mapping[str, object]:
    """What an archive says of itself in its manifest, unproved. Raises UsageError."""
    try:
        with _plain_file(path) as raw:
            stream = _Bounded(raw)
            name, size = next(_members(stream), ("nothing", 0))
            if name != _MANIFEST or size > _MANIFEST_MOST:
                raise ValueError("it does not begin with a manifest")
            return dict(json.loads(stream.exactly(size)))
    except (OSError, EOFError, ValueError, TypeError, RecursionError, tarfile.TarError, zlib.error) as error:
        raise UsageError(f"The backup {path} cannot be read ({error}).") from error


def own_key(state: Path) -> bytes:
    """The key with which this gate seals its backups, made where there is none. Raises StoreError."""
    path = _key_file(state)
    with _sentences(path):
        return known_key(state) or _made_key(path)


def _made_key(path: Path) -> bytes:
    new = path.with_name(f"{_KEY_NAME}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    share(new, readers=False)
    if path.exists() and path.stat().st_size != _KEY_BYTES:
        path.unlink()
    # Of two who make one at once, the first is right.
    with suppress(FileExistsError):
        os.link(new, path)
    new.unlink()
    return read_plain(path)


def known_key(state: Path) -> bytes | None:
    """That key; None where this gate never made a backup. Raises StoreError where it cannot be read."""
    path = _key_file(state)
    with _sentences(path):
        try:
            key = read_plain(path)
        except FileNotFoundError:
            return None
    # A shorter one, say of a file that was emptied, could be guessed.
    return key if len(key) == _KEY_BYTES else None


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The backups' key {path} cannot be read or made ({error.strerror}). Run this as the user Facegate runs as."
        ) from error


def _key_file(state: Path) -> Path:
    top = state / _KEY_NAME
    return top if top.exists() else database_of(state).with_name(_KEY_NAME)


def _unpacked(path: Path, stream: _Bounded, folder: Path, key: bytes | None, unsealed: bool) -> Manifest:
    members = _members(stream)
    name, size = next(members, ("nothing", 0))
    if name != _MANIFEST or size > _MANIFEST_MOST:
        raise ValueError("it does not begin with a manifest")
    manifest = stream.exactly(size)
    said = json.loads(manifest)
    _refuse_newer(path, said)
    hashes, sealed = dict(said["sha256"]), False
    unknown = set(hashes) - {DATABASE_NAME, CONFIG_NAME}
    if unknown:
        raise ValueError(f"it holds {unknown.pop()!r}")
    for name, size in members:
        if name == _SEAL:
            seal = stream.exactly(min(size, _BLOCK))
            sealed = key is not None and hmac.compare_digest(seal, _seal(manifest, key).encode())
            continue
        if not sealed and not unsealed:
            raise _not_sealed(path)
        stream.allow(_room(folder, stream.packed, sealed=sealed))
        _unpack_member(stream, name, size, folder, hashes.pop(name))
    if DATABASE_NAME in hashes or not (folder / DATABASE_NAME).exists():
        raise ValueError("it holds no database")
    return Manifest(str(said["made_at"]), sealed, said["sha256"])


def _not_sealed(path: Path) -> Refusal:
    return Refusal(
        f"The backup {path} was not sealed by this gate: it is from another machine, from an earlier Facegate, or"
        " somebody made it up. Whoever made it decides who is let in. If you know where it comes from, restore it with"
        " --unsealed."
    )


def _members(stream: _Bounded) -> Iterator[tuple[str, int]]:
    """Name and size of each plain file; whoever asks reads its bytes before the next."""
    while True:
        block = stream.exactly(_BLOCK)
        if not any(block):
            return
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        # tar writes what does not fit into a header, such as fractions of a second, in a member before it.
        if info.type == tarfile.XHDTYPE and info.size <= _MANIFEST_MOST:
            stream.exactly(info.size)
        elif info.isreg() and info.name in (_MANIFEST, _SEAL, DATABASE_NAME, CONFIG_NAME):
            yield info.name, info.size
        else:
            raise ValueError(f"it holds {info.name!r}")
        stream.exactly(-info.size % _BLOCK)


def _unpack_member(stream: _Bounded, name: str, size: int, folder: Path, expected: str) -> None:
    digest = hashlib.sha256()
    # The configuration is proved and not put back.
    with (folder / name).open("xb") if name == DATABASE_NAME else io.BytesIO() as target:
        for start in range(0, size, _CHUNK):
            chunk = stream.exactly(min(_CHUNK, size - start))
            digest.update(chunk)
            if name == DATABASE_NAME:
                target.write(chunk)
    if not hmac.compare_digest(digest.hexdigest(), expected):
        raise ValueError(f"{name} is not what was written")


def _room(folder: Path, packed: int, *, sealed: bool) -> int:
    """How many bytes an archive of `packed` bytes may unfold to."""
    sensible = _LARGEST if sealed else min(_LARGEST, max(_ALWAYS, _UNFOLDS * packed))
    free = shutil.disk_usage(folder).free - _DISK_RESERVE
    if free < min(sensible, packed):
        raise UsageError(f"The disk of {folder.parent} is full; nothing was changed. Free some space and try again.")
    return min(sensible, free)


class _Bounded:
    """What a gzipped file unfolds to, as far as `allow` says; `packed` is its size as it lies there."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.packed = os.fstat(raw.fileno()).st_size
        self._unfolded = gzip.GzipFile(fileobj=raw, mode="rb")
        self._read, self._most = 0, _ALWAYS

    def allow(self, most: int) -> None:
        """So many bytes in all."""
        self._most = most

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes. Raises EOFError, and ValueError beyond what is allowed."""
        self._read += size
        if size < 0 or self._read > self._most:
            raise ValueError(f"it unfolds to more than {self._most} bytes")
        data = self._unfolded.read(size)
        if len(data) < size:
            raise EOFError("it ends early")
        return data


def _plain_file(path: Path) -> IO[bytes]:
    # A pipe would be waited for.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("it is no file")
    return file


def _refuse_newer(path: Path, said: Mapping[str, object]) -> None:
    form = said["format"]
    if not isinstance(form, int):
        raise TypeError("its format is no number")
    if form > FORMAT:
        raise UsageError(f"The backup {path} is from a newer Facegate. Upgrade Facegate first.")


def _seal(manifest: bytes, key: bytes) -> str:
    return hmac.new(key, manifest, hashlib.sha256).hexdigest()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    archive.addfile(info, io.BytesIO(data))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
