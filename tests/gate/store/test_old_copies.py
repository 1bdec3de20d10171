"""Old copies of the database: whom they forget, and when they end."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from gate.care import backup, retention
from gate.care.backup.restore import restore
from gate.keep_settings import KeepSettings
from gate.scratch import end_left, scratch_in
from gate.store import old_copies
from gate.store.compound import items, role, taken
from gate.store.compound.entries import RegisterKind, Version
from gate.store.database import database_of, open_copy, open_database
from gate.store.people import erasure, residents, templates
from gate.store.people.consents import Consent, Way
from gate.store.people.templates import Template

GUARDIAN = "Ann Dunham"
AGREED = Consent("face-1", "en", "", Way.PAPER, "test", GUARDIAN)
SECRETS = {"name": b"Wang Fang", "template": b"\x07\x11" * 40, "guardian": GUARDIAN.encode()}


@pytest.fixture
def put_aside(state, tmp_path):
    """A gate with one resident, and beside its database the copy that a restore put aside; its connection."""
    with closing(open_database(state)) as store:
        residents.enrol(store, "Wang Fang", "3-1204", [Template("m", "s", {}, SECRETS["template"])], AGREED)
    restore(backup.make(state, tmp_path, None).path, state)
    with closing(open_database(state)) as store:
        yield store


def holders(state):
    """What of the secrets lies in the files beside the database, whatever they are called."""
    found = [path.read_bytes() for path in database_of(state).parent.iterdir() if path.is_file()]
    return {what for what, secret in SECRETS.items() if any(secret in content for content in found)}


def copy_of(state):
    return database_of(state).with_name("facegate.db.before-restore")


@pytest.mark.parametrize(
    ("act", "left"),
    [
        (lambda store, one: erasure.remove(store, one, by="test"), set()),
        (lambda store, one: erasure.withdraw(store, one, by="test"), {"name"}),
        (
            lambda store, one: erasure.remove_template(store, one, templates.of(store, one.id)[0].id, by="t"),
            {"name", "guardian"},
        ),
    ],
)
def test_whoever_is_erased_is_erased_from_what_a_restore_put_aside(put_aside, state, act, left):
    assert holders(state) == set(SECRETS)
    old = time.time() - 5 * 86400
    os.utime(copy_of(state), (old, old))
    act(put_aside, residents.find(put_aside, "Wang Fang"))
    assert holders(state) == left
    assert copy_of(state).stat().st_mtime == pytest.approx(old, abs=1), "it is as old as it was"
    with closing(open_copy(copy_of(state))) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def damage(path):
    path.write_bytes(b"not a database" * 2000 + SECRETS["name"])


def make_newer(path):
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("spoil", [damage, make_newer])
@pytest.mark.parametrize("name", ["facegate.db.before-restore", "facegate.db-corrupt", "facegate.db.damaged"])
def test_a_copy_from_which_nobody_can_be_erased_ends(put_aside, state, spoil, name):
    copy_of(state).rename(copy_of(state).with_name(name))
    spoil(copy_of(state).with_name(name))
    erasure.remove(put_aside, residents.find(put_aside, "Wang Fang"), by="test")
    assert old_copies.beside(database_of(state)) == []
    assert holders(state) == set()


def test_a_link_in_a_copys_place_is_not_followed(put_aside, state, tmp_path):
    elsewhere = tmp_path / "elsewhere.db"
    shutil.move(copy_of(state), elsewhere)
    copy_of(state).symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    erasure.remove(put_aside, residents.find(put_aside, "Wang Fang"), by="test")
    assert elsewhere.read_bytes() == before
    assert old_copies.beside(database_of(state)) == []


def test_copies_and_backups_end_after_their_days_but_for_the_newest_backup(put_aside, state):
    folder = backup.own_folder(state)
    made = [backup.make(state, folder, None).path for _ in range(3)]
    now = datetime.now(UTC)
    assert retention.tidy(put_aside, KeepSettings(), now, UTC, folder).copies == 0
    for days in (10, 20):
        assert retention.tidy(put_aside, KeepSettings(), now + timedelta(days=days), UTC, folder).copies == 0
    later = now + timedelta(days=31)
    assert retention.tidy(put_aside, KeepSettings(), later, UTC, folder).copies == 3
    assert not copy_of(state).exists()
    assert list(folder.iterdir()) == made[-1:]
    line = put_aside.execute("SELECT details FROM audit WHERE kind = 'tidied' ORDER BY sequence DESC").fetchone()
    assert '"copies":3' in line[0]


KILLED = """
import os, signal, sys
from pathlib import Path
from gate.care import backup
from gate.care.backup import archive, restore

def ends(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

state, folder = map(Path, sys.argv[1:3])
if len(sys.argv) > 3:
    restore._checked = ends
    restore.restore(Path(sys.argv[3]), state)
else:
    archive.write = ends
    backup.make(state, folder, None)
"""


def killed(*arguments):
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert done.returncode == -signal.SIGKILL


def copies_in(folder):
    return [path for path in folder.rglob("facegate.db") if path.parent != folder]


def test_a_backup_that_was_killed_leaves_no_copy_behind(state, tmp_path):
    with closing(open_database(state)) as store:
        own = backup.own_folder(state)
        killed(state, own)
        assert copies_in(own)
        tidied = retention.tidy(store, KeepSettings(), datetime.now(UTC), UTC, own)
        assert (tidied.copies, copies_in(own)) == (1, [])
    elsewhere = tmp_path / "stick"
    killed(state, elsewhere)
    backup.make(state, elsewhere, None)
    assert copies_in(elsewhere) == []


def test_a_restore_that_was_killed_keeps_nobody_who_is_erased(state, tmp_path):
    with closing(open_database(state)) as store:
        one = residents.enrol(store, "Wang Fang", "3-1204", [Template("m", "s", {}, SECRETS["template"])], AGREED)
        made = backup.make(state, tmp_path, None).path
    killed(state, tmp_path, made)
    beside = database_of(state).parent
    with closing(open_database(state)) as store:
        assert any(SECRETS["name"] in path.read_bytes() for path in copies_in(beside))
        with scratch_in(tmp_path) as theirs:
            end_left(tmp_path)
            assert theirs.is_dir(), "somebody works in it"
        erasure.remove(store, one, by="test")
    assert copies_in(beside) == []


def test_whoever_leaves_the_register_goes_from_what_a_restore_put_aside(put_aside, state):
    role.follow(put_aside, b"s" * 16, "centre", by="test")
    one = residents.find(put_aside, "Wang Fang")
    items.note(put_aside, RegisterKind.RESIDENT, one.id, Version(1, 1))
    assert holders(state) == set(SECRETS)
    assert taken.sweep(put_aside, 2) == [one.id]
    assert holders(state) == set()
    with closing(open_copy(copy_of(state))) as copy:
        assert residents.every(copy) == []
