"""The end of a ZIP, which says how much its directory holds: judged before that directory is read."""

from __future__ import annotations

import os
import struct
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from gate.errors import Sentence, UsageError

# APPNOTE.TXT of PKWARE, 4.3.14 to 4.3.16; a comment of up to 65,535 bytes may follow.
_END = struct.Struct("<4s4H2LH")
_END_MARK, _END64_MARK, _LOCATOR_MARK = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT = 1 << 16
# Of a member in the directory (4.3.12): three lengths, of its name, its extra fields and its comment.
_MEMBER = struct.Struct("<4s24x3H12x")
_MEMBER_MARK = b"PK\1\2"
# A long path in UTF-8, and what tools add to it; the mean of all members.
_BYTES_A_MEMBER = 512


@dataclass(frozen=True, slots=True)
class _End:
    members: int
    size: int
    at: int
    """Where the directory ends in the file."""


def refuse_vast_directory(file: BinaryIO, name: str, most: int) -> None:
    """Raises UsageError where a ZIP called `name` holds more than `most` members, BadZipFile where it is none."""
    end = _end_of(file)
    too_many = UsageError("{archive} holds more than {most} files; split it.", archive=name, most=most)
    if end.members > most or end.size > most * _BYTES_A_MEMBER + _LONGEST_COMMENT:
        raise too_many
    if end.size > end.at:
        raise zipfile.BadZipFile(Sentence("its list of files is cut short"))
    file.seek(end.at - end.size)
    # The count may lie; what is there does not.
    if _members_in(file.read(end.size), most) > most:
        raise too_many
    file.seek(0)


def _end_of(file: BinaryIO) -> _End:
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(size - start)
    # As zipfile looks for it: at the very end, else wherever it stands last.
    at = len(tail) - _END.size
    if tail[at : at + 4] != _END_MARK or tail[-2:] != b"\0\0":
        at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise zipfile.BadZipFile(Sentence("its end is missing"))
    _, disk, first, _, members, length, _, _ = _END.unpack_from(tail, at)
    larger = _end64_of(file, start + at)
    if larger is not None:
        return larger
    if (disk, first) != (0, 0):
        raise zipfile.BadZipFile(Sentence("it is one part of several"))
    return _End(members, length, start + at)


def _end64_of(file: BinaryIO, end: int) -> _End | None:
    """The record of a ZIP64 before the end at `end`, where there is one; it outranks the other."""
    if end < _LOCATOR.size + _END64.size:
        return None
    file.seek(end - _LOCATOR.size)
    mark, _, stated, disks = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if mark != _LOCATOR_MARK:
        return None
    at = end - _LOCATOR.size - _END64.size
    file.seek(at)
    mark, _, _, _, disk, first, _, members, length, _ = _END64.unpack(file.read(_END64.size))
    # Where it stands and where it is said to stand must be one place: readers differ in which they believe.
    if mark != _END64_MARK or stated != at or disks > 1 or (disk, first) != (0, 0):
        raise zipfile.BadZipFile(Sentence("its end cannot be read"))
    return _End(members, length, at)


def _members_in(directory: bytes, most: int) -> int:
    """How many members a directory lists; counting ends beyond `most`."""
    count = at = 0
    while at + _MEMBER.size <= len(directory) and count <= most:
        mark, name, extra, comment = _MEMBER.unpack_from(directory, at)
        if mark != _MEMBER_MARK:
            break
        at += _MEMBER.size + name + extra + comment
        count += 1
    return count
