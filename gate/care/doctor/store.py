"""The store: whether the database is sound and its record whole, what old copies lie about, and who may read it."""

from __future__ import annotations

import pwd
import time
from contextlib import closing

from gate.care import witnesses
from gate.care.doctor.finding import Seen, to_mend, well, worth_a_look
from gate.care.doctor.site import Site
from gate.door.named_groups import missing
from gate.errors import together
from gate.store import old_copies as copies
from gate.store.database import check_integrity, database_of, open_read_only
from gate.store.record import audit
from gate.store.record.anchors import OUT_OF_REACH, compare
from gate.store.site import schedules


def database(site: Site) -> Seen:
    """Whether it is sound, and its record as long and as it was when somebody out of its reach last saw it.

    Raises StoreError and sqlite3.Error where it cannot be read or is damaged.
    """
    with closing(open_read_only(site.state)) as connection:
        check_integrity(connection, site.state)
        compared = compare(connection, witnesses.gather(site.state), time.time())
        flaw = audit.verify(connection) or compared.flaw
    if flaw:
        seen = f"The record is not whole: line {flaw.sequence}, {flaw.problem}."
        return to_mend(seen, "Keep a copy of the database and find out who altered it.")
    if any(keeper in compared.held for keeper in OUT_OF_REACH) and compared.newest is not None:
        newest = compared.newest.anchor.sequence
        return well(f"Sound, and its record verifies; the journal has seen it up to line {newest}.")
    seen = "Sound, and its record verifies by itself; nothing out of reach of whoever can write it has seen it."
    return well(seen if site.units is None else f"{seen} Where the journal may be read: sudo facegate audit verify.")


def groups(site: Site) -> Seen:
    """Whether there are the groups that the door's settings name. Raises StoreError and sqlite3.Error where they cannot
    be read."""
    with closing(open_read_only(site.state)) as connection:
        told = missing(site.settings.door, {one.name for one in schedules.groups(connection)})
    if told:
        return to_mend(together(told), "Add it on the page of hours, or with: facegate groups put NAME")
    return well("All that the settings name are there.")


def old_copies(site: Site) -> Seen:
    """Copies of the database that somebody or a migration left beside it."""
    found = copies.beside(database_of(site.state))
    if not found:
        return well("None of the database.")
    now = time.time()
    aged = [f"{path.name} ({max(0, int((now - path.stat().st_mtime) // 86400))} days old)" for path in found]
    seen = f"Beside the database: {', '.join(aged)}. Whoever is erased is erased from them too."
    do = f"They go after {site.settings.keep.old_copy_days} days; remove them sooner where nobody needs them."
    return worth_a_look(seen, do)


def permissions(site: Site) -> Seen:
    """Whether others than its owner may read the database. Raises OSError where there is none."""
    path = database_of(site.state)
    found = path.stat()
    # A folder above that is closed closes what is in it.
    reached = all(folder.stat().st_mode & 0o001 for folder in (path.parent, site.state))
    if found.st_mode & 0o007 and reached:
        return to_mend(f"Everyone on this machine may read {path}.", f"chmod o= {site.state}")
    return well(f"The database is {_name_of(found.st_uid)}'s, closed to others.")


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
