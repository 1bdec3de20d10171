"""Backups that somebody made up: what was tried, and what became of it. All of them are restored as asked for."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from contextlib import closing

import pytest

from gate.care import backup
from gate.care.backup.archive import own_key
from gate.care.backup.restore import restore
from gate.errors import Refusal, UsageError
from gate.store.database import database_of, open_database
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.console import CHEAP

pytestmark = pytest.mark.whole


@pytest.fixture
def made(state, store, tmp_path):
    accounts.add_owner(store, "owner", "hash")
    residents.enrol(store, "Wang Fang", None, [Template("m", "s", {}, b"\0\0\0\1")], NO_PERSON)
    return backup.make(state, tmp_path / "b", None)


def forged(made, change):
    """The archive with its database changed by `change` (SQL or a function), all hashes right, packed by GNU tar."""
    folder = made.path.parent / "unpacked"
    with tarfile.open(made.path) as archive:
        archive.extractall(folder, filter="data")
    database = folder / "facegate.db"
    if callable(change):
        change(database)
    else:
        # In a process of its own: the gate bounds what SQLite takes, and in this one for good.
        alter = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2]).connection.close()"
        subprocess.run([sys.executable, "-c", alter, str(database), change], check=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["facegate.db"] = hashlib.sha256(database.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return packed(folder, "manifest.json", "manifest.hmac", "facegate.db")


def packed(folder, *names):
    path = folder.parent / f"forged{backup.SUFFIX}"
    subprocess.run(["tar", "--format=posix", "-czf", path, "-C", folder, *names], check=True)
    return path


HIDDEN_OWNER = """
    CREATE TRIGGER come_in AFTER INSERT ON users WHEN NEW.role <> 'owner'
    BEGIN INSERT INTO users (id, name, password, role, created_at) VALUES ('x', 'x', 'x', 'owner', ''); END;
"""


def test_triggers_views_and_tables_of_their_own_do_not_come_along(state, store, made):
    path = forged(
        made,
        HIDDEN_OWNER + "CREATE TABLE more (x); CREATE VIEW seen AS SELECT * FROM users;"
        " CREATE INDEX odd ON users (abs(length(name)));",
    )
    clean = set(store.execute("SELECT type, name, sql FROM sqlite_master"))
    store.close()
    restore(path, state, unsealed=True)
    with closing(open_database(state)) as restored:
        assert set(restored.execute("SELECT type, name, sql FROM sqlite_master")) == clean
        accounts.add_user(restored, "guard", CHEAP.hash("a long secret"), Role.GUARD, "test")
        assert [one.name for one in accounts.users(restored)] == ["guard", "owner"]


def test_a_made_up_owner_does_not_sign_in(state, store, made):
    eve = f"('x', 'eve', '{CHEAP.hash('eve knows this')}', 'owner', '2026')"
    path = forged(made, f"INSERT INTO users (id, name, password, role, created_at) VALUES {eve};")
    store.close()
    restore(path, state, unsealed=True)
    with closing(open_database(state)) as restored:
        assert [one.name for one in accounts.users(restored)] == ["owner"]


RENAMED = "ALTER TABLE users RENAME TO others; "
NOT_OURS = {
    "a view in a table's place": RENAMED + "CREATE VIEW users AS SELECT * FROM others;",
    "a view that never ends": RENAMED
    + "CREATE VIEW users AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id FROM n) SELECT id FROM n;",
    "a virtual table": "DROP TABLE webhooks; CREATE VIRTUAL TABLE webhooks USING fts5(id, url);",
    "a generated column": "DROP TABLE schedules; CREATE TABLE schedules (id TEXT, name TEXT,"
    " windows TEXT AS (hex(zeroblob(100000000))));",
    "a column less": "ALTER TABLE residents DROP COLUMN last_used_on;",
    "a role that is none": "PRAGMA ignore_check_constraints = ON; UPDATE users SET role = 'king';",
    "a row of 40 MB": "UPDATE residents SET unit = hex(zeroblob(20000000));",
    "a face without a consent": "DELETE FROM consents;",
    "a template of three bytes": "UPDATE templates SET vector = x'000001';",
    "a template of nothing": "UPDATE templates SET vector = x'';",
    "a template that is not a number": "UPDATE templates SET vector = x'0000c07f';",
    "a second look of three bytes": "UPDATE templates SET second_model = 'm', second_vector = x'000001';",
    "hours that are none": "INSERT INTO schedules (id, name, windows) VALUES ('s', 's', 'whenever');",
    "a line of the record altered": "UPDATE audit SET kind = 'altered';",
    "a version that is none": "PRAGMA user_version = -7;",
    "another program's database": "PRAGMA user_version = 0;",
    "a line nested 900 deep": "UPDATE audit SET details = replace(hex(zeroblob(450)), '0', '[')"
    " || replace(hex(zeroblob(450)), '0', ']');",
}


@pytest.mark.parametrize("what", NOT_OURS)
def test_what_is_no_database_of_ours_is_refused_in_a_sentence(state, store, made, what):
    path = forged(made, NOT_OURS[what])
    store.close()
    before = database_of(state).read_bytes()
    with pytest.raises(UsageError, match="^The backup .* Take another.$"):
        restore(path, state, unsealed=True)
    assert database_of(state).read_bytes() == before
    assert list(state.rglob("tmp*")) == []


def garbled(database):
    data = bytearray(database.read_bytes())
    for place in range(4096, len(data), 97):
        data[place] ^= 0x5A
    database.write_bytes(data)


@pytest.mark.parametrize("spoil", [garbled, lambda database: database.write_bytes(b"")])
def test_a_file_that_is_no_database_is_refused_in_a_sentence(state, store, made, spoil):
    store.close()
    with pytest.raises(UsageError, match="^The backup .* Take another.$"):
        restore(forged(made, spoil), state, unsealed=True)


def test_whoever_changes_a_sealed_backup_is_found_out(state, store, made):
    store.close()
    with pytest.raises(Refusal, match="was not sealed by this gate"):
        restore(forged(made, "DELETE FROM consents;"), state)
    assert restore(made.path, state).sealed


def test_the_key_is_its_owners_and_in_no_archive(state, made):
    key = database_of(state).with_name("backup.key")
    assert oct(key.stat().st_mode & 0o777) == "0o640"
    assert own_key(state) == key.read_bytes()
    with tarfile.open(made.path) as archive:
        assert archive.getnames() == ["manifest.json", "manifest.hmac", "facegate.db"]
        assert all(own_key(state) not in archive.extractfile(name).read() for name in archive.getnames())


def test_a_key_that_cannot_be_read_is_told(facegate, state, store, made):
    store.close()
    key = database_of(state).with_name("backup.key")
    key.unlink()
    key.mkdir()
    for command in (("backup", state / "b"), ("restore", made.path, "--yes")):
        done = facegate(*command)
        assert (done.code, f"key {key} cannot be read or made" in done.err) == (2, True)


def test_an_emptied_key_seals_nothing(state, store, made):
    key = database_of(state).with_name("backup.key")
    key.write_bytes(b"")
    store.close()
    with pytest.raises(Refusal, match="was not sealed by this gate"):
        restore(made.path, state)
    assert len(own_key(state)) == 32
    assert own_key(state) == key.read_bytes()


def bomb(path, manifest):
    """1.5 GB of nothing as the database, in an archive of 1.5 MB, as gzip packs it."""
    head = b""
    for name, size, content in (("manifest.json", len(manifest), manifest), ("facegate.db", 1_500_000_000, b"")):
        info = tarfile.TarInfo(name)
        info.size = size
        head += info.tobuf() + content.ljust(-(-len(content) // 512) * 512, b"\0")
    # Several packed parts one after the other are one, as of `cat a.gz b.gz`.
    path.write_bytes(gzip.compress(head) + gzip.compress(bytes(10_000_000)) * 150)


MANIFEST = b'{"format": 1, "made_at": "2026", "sha256": {"facegate.db": "0"}}'
RESTORE = """
import sys
from pathlib import Path
from gate.care.backup.restore import restore
try:
    restore(Path(sys.argv[1]), Path(sys.argv[2]), unsealed=True)
except Exception as error:
    print(type(error).__name__, error)
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def restored_apart(path, state):
    """What a process of its own says, and its peak of memory in MB."""
    done = subprocess.run([sys.executable, "-c", RESTORE, path, state], capture_output=True, text=True, check=True)
    said, peak = done.stdout.splitlines()
    return said, int(peak)


def test_what_unfolds_without_end_is_cut_off_and_takes_no_memory(state, tmp_path):
    path = tmp_path / "bomb"
    bomb(path, MANIFEST)
    assert path.stat().st_size < 1_600_000
    said, peak = restored_apart(path, state)
    assert "unfolds to more than" in said
    assert peak < 100
    assert list(state.rglob("*.db")) == list(state.rglob("tmp*")) == []


def test_headers_that_lie_about_their_size_take_no_memory(state, tmp_path):
    for kind, size in ((tarfile.XHDTYPE, 60_000_000), (tarfile.GNUTYPE_LONGNAME, 1 << 30), (tarfile.REGTYPE, 1 << 40),
                       (tarfile.REGTYPE, -1)):  # fmt: skip
        info = tarfile.TarInfo("manifest.json")
        info.type, info.size = kind, size
        path = tmp_path / "lies"
        path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(70_000_000)))
        said, peak = restored_apart(path, state)
        assert said.startswith("UsageError The backup")
        assert peak < 100


@pytest.mark.parametrize(
    "manifest",
    [b"[" * 60_000, b'{"format": 1, "sha256": ' + b"[" * 50_000, b"7", b"[]", b'{"format": 1, "sha256": 7}', b"\xff"],
)
def test_a_manifest_that_makes_no_sense_is_one_sentence(state, tmp_path, manifest):
    folder = tmp_path / "made up"
    folder.mkdir()
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "facegate.db").write_bytes(b"")
    with pytest.raises(UsageError, match="^The backup .* Take another.$"):
        restore(packed(folder, "manifest.json", "facegate.db"), state, unsealed=True)


@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "device"])
def test_a_member_that_is_no_plain_file_is_refused(state, tmp_path, kind):
    path, outside = tmp_path / "odd", tmp_path / "outside"
    outside.write_text("mine")
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(MANIFEST)
        archive.addfile(info, io.BytesIO(MANIFEST))
        odd = tarfile.TarInfo("facegate.db")
        odd.type = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "folder": tarfile.DIRTYPE,
                    "device": tarfile.CHRTYPE}[kind]  # fmt: skip
        odd.linkname = str(outside)
        archive.addfile(odd)
    with pytest.raises(UsageError, match="damaged or cut short .it holds"):
        restore(path, state, unsealed=True)
    assert outside.read_text() == "mine"


def test_a_pipe_in_a_backups_place_is_not_waited_for(state, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="it is no file"):
        restore(tmp_path / "pipe", state)
