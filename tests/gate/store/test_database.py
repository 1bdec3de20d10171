import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import resources

import pytest

from gate.errors import UsageError
from gate.store.database import (
    DATABASE_NAME,
    StoreError,
    check_integrity,
    database_of,
    open_database,
    open_read_only,
    sentences,
)
from gate.store.ids import new_id
from gate.store.people import residents, templates
from gate.store.people.consents import NO_PERSON
from gate.store.record import audit
from gate.vocabulary import AuditEvent


def test_it_is_made_to_survive_a_power_cut(store):
    assert store.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_opening_again_keeps_everything_and_the_gate_its_id(state):
    with closing(open_database(state)) as first:
        (gate,) = first.execute("SELECT id FROM gate").fetchone()
        residents.enrol(first, "A", None, [])
    with closing(open_database(state)) as second:
        assert second.execute("SELECT id FROM gate").fetchone() == (gate,)
        assert [person.name for person in residents.every(second)] == ["A"]
        check_integrity(second, state)


def test_many_processes_may_open_a_new_store_at_once(state):
    with ThreadPoolExecutor(24) as pool:
        opened = list(pool.map(lambda _: open_database(state), range(24)))
    assert {connection.execute("SELECT id FROM gate").fetchone() for connection in opened}.__len__() == 1
    for connection in opened:
        connection.close()


def test_a_database_from_a_newer_version_is_refused(state):
    with closing(open_database(state)) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(UsageError, match="newer Facegate"):
        open_database(state)
    with pytest.raises(UsageError, match="newer Facegate"):
        open_read_only(state)


def test_a_state_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        open_database(tmp_path / "file")


def test_a_state_that_cannot_be_written_is_refused(facegate):
    done = facegate("residents", "list", "--state", "/proc/facegate")
    assert done.code == 2
    assert "cannot be written" in done.err


def test_a_damaged_database_is_found_before_it_is_trusted(state):
    with closing(open_database(state)) as connection:
        for number in range(300):
            audit.append(connection, AuditEvent("granted", {"number": number}))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = database_of(state)
    content = bytearray(path.read_bytes())
    page = len(content) // 2 // 4096 * 4096
    content[page : page + 4096] = os.urandom(4096)
    path.write_bytes(content)
    # Whichever page it is: some are read where it is opened, of the others the check knows.
    with pytest.raises(StoreError, match="damaged"), closing(open_database(state)) as connection:
        check_integrity(connection, state)
    path.write_bytes(b"no database at all, but long enough to be read as a header" * 50)
    with pytest.raises(StoreError, match="damaged"):
        open_database(state)


def test_reading_needs_a_database(state):
    with pytest.raises(StoreError, match="no readable database"):
        open_read_only(state)


def test_a_read_only_connection_cannot_write(store, state):
    with closing(open_read_only(state)) as reader, pytest.raises(sqlite3.OperationalError):
        reader.execute("UPDATE gate SET id = 'x'")


def test_a_full_database_is_told_in_words_and_changes_nothing(store, state):
    (pages,) = store.execute("PRAGMA page_count").fetchone()
    store.execute(f"PRAGMA max_page_count = {pages}")
    template = templates.Template("m", "s", {}, bytes(20_000))
    with pytest.raises(StoreError, match="is full; nothing was changed"), sentences(database_of(state)):
        residents.enrol(store, "A", None, [template], NO_PERSON)
    assert residents.every(store) == []
    assert audit.verify(store) is None


def test_a_full_disk_is_told_in_words_and_changes_nothing(facegate, photos, tmp_path):
    """A real file system with no room, in a mount namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=1200k,mode=750 tmpfs {disk} && "
        f"{sys.executable} -m commands.cli residents list --state {disk} && "
        f"dd if=/dev/zero of={disk}/filler bs=1k count=1300 2>/dev/null; "
        f"{sys.executable} -m commands.cli enroll Obama {photos / 'obama.jpg'} --state {disk}; code=$?; "
        f"rm {disk}/filler; {sys.executable} -m commands.cli residents list --state {disk}; exit $code"
    )
    environment = os.environ | {"FACEGATE_MODELS__DIR": str(photos.parent.resolve())}
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"this machine does not let a test mount a small disk: {done.stderr.strip()}")
    assert done.returncode == 2
    assert "is full; nothing was changed" in done.stderr
    assert done.stdout.count("Nobody is enrolled") == 2


def test_ids_sort_by_time_and_are_uuid_version_7():
    ids = [new_id() for _ in range(500)]
    assert all(identity[14] == "7" and identity[19] in "89ab" for identity in ids)
    assert ids == sorted(ids)
    assert len(set(ids)) == 500


@pytest.mark.parametrize(("directory", "file"), [(0o750, 0o640), (0o2770, 0o660)])
def test_the_database_is_its_owners_unless_its_directory_is_the_groups(state, directory, file):
    folder = database_of(state).parent
    folder.mkdir(parents=True)
    folder.chmod(directory)
    open_database(state).close()
    assert database_of(state).stat().st_mode & 0o777 == file


def test_opening_again_says_nothing_of_the_file_that_is_so_already(state):
    with closing(open_database(state)):
        before = database_of(state).stat().st_ctime_ns
        with closing(open_database(state)):
            assert database_of(state).stat().st_ctime_ns == before


def test_a_state_of_an_earlier_version_keeps_its_database_where_it_is(state):
    with closing(open_database(state)) as first:
        residents.enrol(first, "A", None, [])
    database_of(state).replace(state / DATABASE_NAME)
    with closing(open_database(state)) as again:
        assert [person.name for person in residents.every(again)] == ["A"]
    assert not (state / "db" / DATABASE_NAME).exists()


def test_migrations_are_numbered_one_by_one():
    scripts = sorted((resources.files("gate.store") / "migrations").iterdir())
    assert [int(script.name[:4]) for script in scripts] == list(range(1, len(scripts) + 1))
