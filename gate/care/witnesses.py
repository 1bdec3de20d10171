"""Who has seen the record's end: the journal's word for the door, backups, and what somebody kept elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gate.care import backup
from gate.care.backup import archive
from gate.errors import UsageError
from gate.places import read_plain, write_whole
from gate.state_folder import SERVICE_STATE
from gate.store.database import database_of
from gate.store.record.anchors import Keeper, Witness, in_journal, in_text
from gate.store.record.audit import Anchor

DOOR_UNIT = "facegate-door.service"
EXPORTED_NAME = "audit-anchor.json"
_BY_HAND = re.compile(r"(\d{1,18}):([0-9a-fA-F]{64})")
_LARGEST_TEXT = 64 << 20


@dataclass(frozen=True, slots=True)
class Journal:
    """What the journal has seen of a gate's record; `unread` says how it could be asked, where it could not."""

    witnesses: tuple[Witness, ...] = ()
    unread: str | None = None


def gather(state: Path) -> list[Witness]:
    """All that this machine keeps of a gate's record outside its database, as far as this user may read it."""
    return [*ask_journal(state).witnesses, *kept_in(state)]


def ask_journal(state: Path) -> Journal:
    """What the journal has of the installed gate's door; of a gate that is run by hand it has nothing."""
    if state != SERVICE_STATE or not shutil.which("journalctl"):
        return Journal()
    found = tuple(journal_of(DOOR_UNIT))
    if found:
        return Journal(found)
    return Journal(unread="No anchor is in the journal, or this user may not read it: sudo facegate audit verify.")


def kept_in(state: Path) -> list[Witness]:
    """What the state's own backups and the last export say."""
    return [*of_backups(backup.own_folder(state)), *_exported(state)]


def journal_of(unit: str, *options: str) -> Iterator[Witness]:
    """What the journal has of a unit; nothing where it may not be read. `options` are journalctl's."""
    command = ["journalctl", *options, "--output=json", "--quiet", "--no-pager", f"_SYSTEMD_UNIT={unit}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as reading:
        if reading.stdout is not None:
            yield from in_journal(reading.stdout, unit)


def of_backups(folder: Path) -> Iterator[Witness]:
    """What the backups of a folder say of themselves; one that cannot be read says nothing."""
    for path in sorted(folder.rglob(f"*{backup.SUFFIX}")) if folder.is_dir() else ():
        try:
            found = _of_backup(path)
        except UsageError:
            continue
        if found is not None:
            yield found


def _of_backup(path: Path) -> Witness | None:
    manifest = archive.said_by(path)
    anchors = list(in_text(json.dumps({"anchor": manifest.get("anchor")})))
    try:
        at = datetime.fromisoformat(str(manifest.get("made_at"))).timestamp()
    except ValueError:
        at = None
    return Witness(anchors[0], Keeper.BACKUP, at) if anchors else None


def exported_file(state: Path) -> Path:
    """Where the anchor of the last export is kept: beside the database, whose writers write it."""
    return database_of(state).with_name(EXPORTED_NAME)


def keep_exported(state: Path, text: str) -> None:
    """Keep what an export's anchor says. Raises OSError."""
    write_whole(exported_file(state), text.encode("ascii"))


def _exported(state: Path) -> list[Witness]:
    path = exported_file(state)
    try:
        kept, at = read_plain(path).decode("utf-8", "replace"), path.stat().st_mtime
    except OSError:
        return []
    return [Witness(one, Keeper.EXPORT, at) for one in in_text(kept)]


def given(what: str) -> list[Witness]:
    """What somebody names: NUMBER:HASH, a backup, a folder of backups, or a file of anchors. Raises UsageError."""
    by_hand = _BY_HAND.fullmatch(what)
    if by_hand:
        return [Witness(Anchor(int(by_hand[1]), by_hand[2].lower()), Keeper.GIVEN)]
    path = Path(what)
    found = list(of_backups(path)) if path.is_dir() else _in_file(path)
    if not found:
        raise UsageError(
            f"{path} holds no anchor. Give what an export wrote, bodies of webhooks or the door's own words one a line,"
            " a backup, a folder of backups, or NUMBER:HASH."
        )
    return found


def _in_file(path: Path) -> list[Witness]:
    if path.name.endswith(backup.SUFFIX):
        found = _of_backup(path)
        return [found] if found is not None else []
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise UsageError(f"The anchor {path} is larger than {_LARGEST_TEXT >> 20} MB. Give its last lines.")
        return [Witness(one, Keeper.GIVEN) for one in in_text(path.read_text("utf-8", "replace"))]
    except OSError as error:
        raise UsageError(f"The anchor {path} cannot be read: {error.strerror}.") from error
