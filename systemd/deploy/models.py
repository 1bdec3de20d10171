"""Model packs for a gate that has none yet."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from deploy.place import CONFIG, STATE, Installation
from deploy.release import facegate

# The default pack, the one of its second look, and the liveness check that anybody may use.
FREE_PACKS = ("open", "opencv-zoo", "liveness-minifas")
# Ids that no user of a distribution has (systemd's dynamic ones): whoever fetches the models before there are users.
_NOBODYS = range(61184, 65520)
_LARGEST_MODEL = 2 << 30


def fetch_models(place: Installation, release: Path) -> None:
    """The free pack, where there is none: a gate without a network must have it before it starts, one without a camera
    needs none."""
    if section_of_settings(place, "camera").get("source") == "":
        return
    if not any((place.root / STATE / "models").glob("*")):
        place.step("fetch the model pack open", lambda: _fetch(place, release))


def _fetch(place: Installation, release: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="facegate-models-") as scratch:
        # What comes from elsewhere is opened and converted by nobody in particular.
        uid = secrets.choice(_NOBODYS) if os.geteuid() == 0 else None
        if uid is not None:
            os.chown(scratch, uid, uid)
        found = facegate(place, release, "models", "install", "open", state=Path(scratch), user=uid, may_fail=True)
        if found.returncode == 0:
            place.directory(STATE / "models")
            copy_packs(Path(scratch) / "models", place.root / STATE / "models")
            return
    print(f"{found.stderr.strip()}\nThe gate starts without faces until: sudo facegate models install open")


def section_of_settings(place: Installation, name: str) -> dict[str, Any]:
    """The section of that name; empty where there is none, or where the settings are wrong, which is said later."""
    try:
        # Not at the top: an interpreter without it is told which one is wanted.
        import tomllib

        found = tomllib.loads((place.root / CONFIG).read_text("utf-8")).get(name)
    except (ImportError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def copy_packs(source: Path, target: Path) -> None:
    """The free packs that lie in one folder, into another that has none of them."""
    for pack in FREE_PACKS:
        given = source / pack
        if given.is_dir() and not given.is_symlink():
            _copy_plain(given, target / pack)


def _copy_plain(source: Path, target: Path) -> None:
    """The plain files of a folder that another user made, into a new one."""
    target.mkdir(mode=0o755)
    for name in os.listdir(source):
        given = os.open(source / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        new = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(given, "rb") as taken, os.fdopen(new, "wb") as copy:
            found = os.fstat(given)
            if stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST_MODEL:
                shutil.copyfileobj(taken, copy)
