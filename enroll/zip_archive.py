"""ZIP archives of photos, unpacked under limits: no member leads out of its folder or grows without end."""

from __future__ import annotations

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from enroll.decode import MAX_BYTES
from enroll.zip_end import refuse_vast_directory
from gate.errors import Sentence, UsageError

MAX_MEMBERS = 50_000
MAX_UNPACKED = 8 << 30
_NO_ZIP = Sentence("{archive} cannot be read as a ZIP ({why}).")
# What is left free on the disk: the gate's record needs room too.
_LEAVE_FREE = 256 << 20
_CHUNK = 1 << 20
# As an archive calls the system that it was made on; a Mac says so too.
_UNIX = 3
# Beginnings of names, and whole ones: what a Mac keeps beside a file, Excel beside an open table, Windows in a folder.
_CLUTTER, _CLUTTER_WHOLE = ("._", "~$"), (".ds_store", "thumbs.db", "desktop.ini")
# What zipfile and its decompressors raise for a damaged archive, an unknown compression, a short file, a password.
_UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError,
    RuntimeError,
)  # fmt: skip


def unpack(archive: Path | BinaryIO, name: str, folder: Path) -> None:
    """Every file of a ZIP called `name` into `folder`, which exists. Raises UsageError with what is wrong with it."""
    with _opened(archive, name, MAX_MEMBERS) as opened:
        members = [member for member in opened.infolist() if not member.is_dir() and not _clutter(member)]
        for member in members:
            _refuse_strange(member, name)
        room = min(MAX_UNPACKED, shutil.disk_usage(folder).free - _LEAVE_FREE)
        for member in members:
            room -= _write(opened, member, folder, room, name)


def sane_archive(archive: Path | BinaryIO, name: str, *, most_members: int, most_bytes: int) -> None:
    """Raises UsageError for a ZIP that holds more members or unpacks to more bytes, whatever it says of itself.

    For whoever gives it to a reader that has no limits of its own, as those of .xlsx tables have none.
    """
    with _opened(archive, name, most_members) as opened:
        room = most_bytes
        for member in opened.infolist():
            for chunk in _chunks(opened, member):
                room -= len(chunk)
                if room < 0:
                    raise UsageError("{archive} is too large once unpacked; split it.", archive=name)


@contextmanager
def _opened(archive: Path | BinaryIO, name: str, most: int) -> Iterator[zipfile.ZipFile]:
    try:
        with archive.open("rb") if isinstance(archive, Path) else nullcontext(archive) as file:
            refuse_vast_directory(file, name, most)
            with zipfile.ZipFile(file) as opened:
                _refuse_overlapping(opened, name)
                yield opened
    except _UNREADABLE as error:
        raise UsageError(_NO_ZIP, archive=name, why=_why(error)) from error
    except OSError as error:
        raise UsageError(
            "{archive} cannot be unpacked: {why}.", archive=name, why=error.strerror or str(error)
        ) from error


def _why(error: Exception) -> Sentence:
    """What our own say; the library's words are for programs."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, Sentence) else Sentence("it is damaged, cut short or of another kind")


def _refuse_overlapping(opened: zipfile.ZipFile, name: str) -> None:
    """Members that share their bytes unpack to far more than an archive holds."""
    end = 0
    for member in sorted(opened.infolist(), key=lambda one: one.header_offset):
        if member.header_offset < end:
            raise UsageError(_NO_ZIP, archive=name, why=Sentence("files in it overlap"))
        end = member.header_offset + member.compress_size


def _clutter(member: zipfile.ZipInfo) -> bool:
    """What macOS, Windows and Excel add beside what people put in."""
    path = PurePosixPath(member.filename)
    return "__MACOSX" in path.parts or path.name.startswith(_CLUTTER) or path.name.lower() in _CLUTTER_WHOLE


def _refuse_strange(member: zipfile.ZipInfo, name: str) -> None:
    # Of some signs in GBK the second byte is that of a backslash.
    path = PurePosixPath(_named(member))
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in str(path) or ":" in str(path)
    if leads_out or stat.S_ISLNK(member.external_attr >> 16):
        raise UsageError(
            "{file} in {archive} would be written outside its folder; nothing was unpacked.", file=path, archive=name
        )
    if member.flag_bits & 1:
        raise UsageError("{archive} is locked with a password; make one without.", archive=name)
    if member.file_size > MAX_BYTES:
        raise UsageError(
            "{file} in {archive} has {size} MB; {most} MB is the most.",
            file=path, archive=name, size=member.file_size >> 20, most=MAX_BYTES >> 20,
        )  # fmt: skip


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, room: int, name: str) -> int:
    target = folder / _named(member)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("wb") as out:
        # What the archive says of its size is not believed.
        for chunk in _chunks(opened, member):
            written += len(chunk)
            if written > min(room, MAX_BYTES):
                raise UsageError("{archive} is too large once unpacked; split it.", archive=name)
            out.write(chunk)
    return written


def _chunks(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with opened.open(member) as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _named(member: zipfile.ZipInfo) -> str:
    """The name of a member; without the mark for UTF-8, Macs and `zip` write UTF-8 all the same, Windows in China GBK.

    Some names in GBK are UTF-8 too, and other letters: so who made it says what is tried first.
    """
    if member.flag_bits & 0x800:
        return member.filename
    tried = ("utf-8", "gb18030") if member.create_system == _UNIX else ("gb18030",)
    for encoding in tried:
        with suppress(UnicodeError):
            return member.filename.encode("cp437").decode(encoding)
    return member.filename
