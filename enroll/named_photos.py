"""The photos that a table names, found among files as people call them."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from gate.errors import UsageError


class NamedPhotos:
    """The photos in a folder, and where it holds one folder alone as archives of a folder do, in that one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def called(self, name: str) -> Path:
        """The photo that a table calls so; large and small letters are one where that leaves one photo.

        Raises UsageError where there is none, or the name leads out of the folder.
        """
        try:
            if (path := self._under(name)).is_file():
                return path
        except (OSError, ValueError):
            pass  # It is too long for a name, or holds what no name does.
        found = self._by_key.get(_key(name), [])
        if len(found) != 1:
            raise UsageError("There is no photo {photo}.", photo=name[:100])
        return self._under(found[0])

    def _under(self, name: str) -> Path:
        path = self._folder / name
        # A name that leads out of the folder, by itself or by a link.
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise UsageError("{photo} is outside the folder of photos.", photo=name[:100])
        return path

    @cached_property
    def _by_key(self) -> dict[str, list[str]]:
        """The files' names by what their spellings have in common."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        folders = [one for one in self._folder.iterdir() if one.is_dir()]
        for folder in (self._folder, *(folders if len(folders) == 1 else ())):
            for path in folder.iterdir():
                if path.is_file():
                    found[_key(path.name)].append(str(path.relative_to(self._folder)))
        return found


def _key(name: str) -> str:
    """Without what differs between systems: macOS writes accents as letters of their own, cameras write .JPG, and what
    was unpacked from an archive of Windows in China may be called in GBK."""
    with suppress(UnicodeError):
        name = os.fsencode(name).decode("gb18030") if _is_no_text(name) else name
    return unicodedata.normalize("NFC", name).casefold()


def _is_no_text(name: str) -> bool:
    # Python keeps each byte that it cannot read as a half of a surrogate pair.
    return any("\udc80" <= one <= "\udcff" for one in name)
