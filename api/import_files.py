"""What somebody uploads for an import, kept until it ends: a table and a ZIP of photos, a ZIP with both, or a table."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import BinaryIO

from gate.errors import UsageError


def keep_files(files: Sequence[tuple[str, BinaryIO]], folder: Path) -> tuple[Path, str | None]:
    """Files with their names into `folder`; where the table lies then, and what it was called, None: as its file.

    Raises UsageError for files that are none of these, and where they cannot be kept.
    """
    from enroll.bulk import table_in
    from enroll.tables.open import ENDINGS
    from enroll.zip_archive import unpack

    called: dict[Path, str] = {}
    for number, (name, file) in enumerate(files):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if name.lower().endswith(".zip"):
                unpack(file, name, folder)
            elif (ending := Path(name).suffix.lower()) in ENDINGS:
                kept = folder / f"table-{number}{ending}"
                called[kept] = name[-100:]
                with kept.open("wb") as out:
                    shutil.copyfileobj(file, out)
            else:
                raise UsageError(
                    "{file} is neither a table (.csv, .xlsx, .ods) nor a ZIP; save it as one of these.", file=name
                )
        except OSError as error:
            raise UsageError("{file} cannot be kept: {why}.", file=name, why=error.strerror) from error
    path = table_in(folder)
    return path, called.get(path)


def keep_alone(files: Collection[Path], folder: Path) -> None:
    """Erase everything in `folder` but these files."""
    kept = {one.resolve() for one in files}
    for path in folder.rglob("*"):
        if not path.is_dir() and path.resolve() not in kept:
            path.unlink(missing_ok=True)
