"""The state between two versions: its database kept and brought back, its files where each version has them."""

from __future__ import annotations

import grp
import json
import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy import services
from deploy.place import STATE, Installation
from deploy.programs import PYTHON, Failed, run
from deploy.release import facegate, has_folders

# Whose the record is; what opens the state does so as this user, never as root.
KEEPER = "facegate-api"
# Where a file of the state lies that an earlier version had at its top, by its name's beginning; its user and group.
_BELONGS = {
    "facegate.db": (Path("db"), KEEPER, "facegate-store", 0o664),
    "audit-anchor.json": (Path("db"), KEEPER, "facegate-store", 0o664),
    "drill.json": (Path("drills"), KEEPER, "facegate", 0o600),
    "door.json": (Path("door"), "facegate-door", "facegate", 0o600),
}


@dataclass(frozen=True)
class Kept:
    """A backup of the database, and its schema's number: an older version cannot read a newer one's."""

    backup: Path
    schema: int


def keep_database(place: Installation, before: Path | None) -> Kept | None:
    """A backup, made by the version before; None where there is nothing to keep. Raises Failed."""
    database = _database(place)
    if before is None or not place.live or place.dry_run or not database.exists():
        return None
    wanted = ("backup", "--json", "--keep", "14", place.root / STATE / "backups")
    found = facegate(place, before, *wanted, user=KEEPER, may_fail=True)
    if found.returncode != 0:
        raise Failed(f"The database cannot be backed up: {found.stderr.strip()} Nothing was changed.")
    return Kept(Path(json.loads(found.stdout.splitlines()[-1])["path"]), _schema(database))


def bring_back(place: Installation, before: Path, kept: Kept) -> None:
    """The database as it was, where a newer version has migrated it since."""
    if _schema(_database(place)) == kept.schema:
        return
    found = facegate(place, before, "restore", "--yes", kept.backup, user=KEEPER, may_fail=True)
    if found.returncode != 0:
        print(f"{found.stderr.strip()} The backup is {kept.backup}.", file=sys.stderr)


def move_for(place: Installation, release: Path) -> None:
    """Each file to where that release looks for it; the gate stops only where one has to move."""
    if has_folders(place, release):
        _move_to_folders(place)
    else:
        _move_to_top(place)


def _database(place: Installation) -> Path:
    own, top = place.root / STATE / "db/facegate.db", place.root / STATE / "facegate.db"
    return top if top.exists() and not own.exists() else own


def _schema(database: Path) -> int:
    asks = (
        "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1], uri=True).execute('PRAGMA user_version').fetchone())"
    )
    return int(run(PYTHON, "-c", asks, f"{database.as_uri()}?mode=ro", user=KEEPER).stdout)


def _move_to_folders(place: Installation) -> None:
    state = place.root / STATE
    names = [name for name in os.listdir(state) if _belongs(name)]
    if names:
        services.stop()
    for name in names:
        folder, user, group, mode = _BELONGS[_belongs(name)]
        _move(state, name, state / folder, user, group, mode)


def _move_to_top(place: Installation) -> None:
    state = place.root / STATE
    for folder in {belongs[0] for belongs in _BELONGS.values()}:
        names = [name for name in os.listdir(state / folder) if _belongs(name)] if (state / folder).is_dir() else []
        if names:
            services.stop()
        for name in names:
            _move(state / folder, name, state, _BELONGS[_belongs(name)][1], "facegate", 0o660)


def _belongs(name: str) -> str:
    return next((begins for begins in _BELONGS if name.startswith(begins)), "")


def _move(source: Path, name: str, target: Path, user: str, group: str, mode: int) -> None:
    """A plain file to another folder, and its rights: by what was opened, not by a name that others could turn."""
    folders = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) for folder in (source, target)]
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folders[0])
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            os.close(opened)
            raise Failed(f"{source / name} is no plain file. Find out who put it there, and take it away.")
        os.rename(name, name, src_dir_fd=folders[0], dst_dir_fd=folders[1])
        os.fchown(opened, pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
        os.fchmod(opened, mode)
        os.close(opened)
    except OSError as error:
        raise Failed(f"{source / name} cannot be moved to {target}: {error.strerror}.") from error
    finally:
        for folder in folders:
            os.close(folder)
