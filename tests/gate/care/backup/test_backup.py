import hashlib
import json
import os
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gate.care import backup
from gate.care.backup.restore import restore
from gate.errors import UsageError
from gate.store.database import StoreError, database_of, open_database, open_read_only
from gate.store.people import erasure, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import holidays, schedules
from gate.vocabulary import AuditEvent
from tests.door import door_process


@pytest.fixture
def someone(store):
    return residents.enrol(store, "Wang Fang", "3-1204", [Template("m", "s", {}, b"\0\0\0\1")], NO_PERSON)


def test_a_backup_of_a_busy_gate_is_whole_and_comes_back(state, store, someone, tmp_path):
    stop = threading.Event()

    def write():
        with_own = open_database(state)
        # A busy gate, but not one that never lets go of the database.
        while not stop.wait(0.005):
            audit.append(with_own, AuditEvent("granted", {}))
        with_own.close()

    writer = threading.Thread(target=write)
    writer.start()
    made = [backup.make(state, tmp_path / "backups", None) for _ in range(3)]
    stop.set()
    writer.join()
    assert [oct(one.path.stat().st_mode & 0o777) for one in made] == ["0o600"] * 3
    assert backup.keep_newest(tmp_path / "backups", 1, made[-1].path) == 2
    done = restore(made[-1].path, tmp_path / "other", unsealed=True)
    assert (done.backup.residents, done.backup.events, done.dropped.erased) == (1, made[-1].events, 0)
    with open_database(tmp_path / "other") as restored:
        assert audit.verify(restored) is None
        assert residents.find(restored, "Wang Fang").unit == "3-1204"
        assert list(audit.lines(restored))[-1].kind == "restored"


def test_an_old_backup_brings_nobody_back_who_was_erased_since(state, store, someone, tmp_path):
    made = backup.make(state, tmp_path, None)
    erasure.remove(store, someone, by="test")
    store.close()
    assert restore(made.path, state).dropped.erased == 1
    with open_database(state) as restored:
        assert residents.every(restored) == []
        assert audit.verify(restored) is None
        assert "Wang Fang" not in json.dumps([line.personal for line in audit.lines(restored)])
    assert database_of(state).with_name("facegate.db.before-restore").exists()


def test_over_a_newer_database_the_erased_stay_erased(state, store, someone, tmp_path):
    made = backup.make(state, tmp_path, None)
    erasure.remove(store, someone, by="test")
    store.execute("PRAGMA user_version = 99")
    store.close()
    assert restore(made.path, state).dropped.erased == 1
    with open_database(state) as restored:
        assert residents.every(restored) == []


def rewritten(path, change):
    """The archive with its manifest or database changed."""
    with tarfile.open(path) as archive:
        folder = path.parent / "unpacked"
        archive.extractall(folder, filter="data")
    change(folder)
    changed = path.with_name("changed" + backup.SUFFIX)
    with tarfile.open(changed, "w:gz") as archive:
        for file in sorted(os.listdir(folder), reverse=True):
            archive.add(folder / file, file)
    return changed


def newer_format(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))


def newer_schema(folder):
    altered(folder, "PRAGMA user_version = 99")


def altered(folder, statement):
    with closing(sqlite3.connect(folder / "facegate.db", isolation_level=None)) as connection:
        connection.execute(statement)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["facegate.db"] = hashlib.sha256((folder / "facegate.db").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def another_file(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["../../evil"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "facegate.db").write_bytes(b"x" * 9000), "damaged or cut short"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "damaged or cut short"),
        (another_file, "damaged or cut short .it holds"),
        (newer_format, "from a newer Facegate. Upgrade Facegate first"),
        (newer_schema, "from a newer Facegate. Upgrade Facegate first"),
    ],
)
def test_a_backup_that_will_not_do_changes_nothing(state, store, someone, tmp_path, change, sentence):
    changed = rewritten(backup.make(state, tmp_path / "b", None).path, change)
    store.close()
    before = database_of(state).read_bytes()
    with pytest.raises(UsageError, match=sentence):
        restore(changed, state, unsealed=True)
    assert database_of(state).read_bytes() == before
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE schedules SET windows = 'sometimes'", "'sometimes' is no window"),
        ("UPDATE holidays SET windows = 'daily 25:00-26:00'", "25:00 is no time of day"),
        ("UPDATE holidays SET windows = ''", "never opens"),
        ("UPDATE holidays SET last_day = 'whenever'", "whenever is not a date"),
        ("UPDATE holidays SET first_day = '2027'", "2027 is not a date"),
        ("UPDATE residents SET valid_until = 'for ever'", "for ever"),
        ("UPDATE residents SET valid_from = ''", "isoformat"),
    ],
)
def test_days_and_hours_that_the_door_cannot_read_never_come_back(state, store, someone, tmp_path, statement, sentence):
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    holidays.add(store, holidays.New("New year", "2027-01-01", schedule="day", hours="9:00-12:00"), "test")
    holidays.add(store, holidays.New("closed", "2027-01-02"), "test")
    made = backup.make(state, tmp_path / "b", None)
    changed = rewritten(made.path, lambda folder: altered(folder, statement))
    store.close()
    before = database_of(state).read_bytes()
    with pytest.raises(UsageError, match=sentence):
        restore(changed, state, unsealed=True)
    assert database_of(state).read_bytes() == before
    with closing(open_database(state)) as after:
        assert len(holidays.every(after)) == 2


@pytest.mark.parametrize("part", [0.0, 0.3, 0.95])
def test_a_backup_that_is_cut_short_is_said(state, store, someone, tmp_path, part):
    path = backup.make(state, tmp_path, None).path
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    store.close()
    with pytest.raises(UsageError, match="damaged or cut short"):
        restore(path, state)


def test_a_damaged_database_is_not_backed_up(state, store, someone, tmp_path):
    for _ in range(300):
        audit.append(store, AuditEvent("granted", {"why": "x" * 200}))
    store.execute("UPDATE audit SET kind = 'altered' WHERE sequence = 2")
    with pytest.raises(StoreError, match="line 2, the line was altered"):
        backup.make(state, tmp_path / "b", None)
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("year", [2001, 2099])
def test_of_backups_by_a_wrong_clock_the_one_that_was_just_made_stays(facegate, store, someone, tmp_path, year):
    kept = tmp_path / "b"
    kept.mkdir()
    others = [kept / f"facegate-{year}010{day}T000000.000000Z.backup.tar.gz" for day in range(1, 6)]
    for one in others:
        one.touch()
    done = facegate("backup", kept, "--keep", 5, "--json")
    assert (done.code, done.answer["removed"]) == (0, 1)
    assert sorted(kept.iterdir()) == sorted([Path(done.answer["path"]), *others[1:]])


def test_a_running_gate_is_backed_up_and_not_restored_over(facegate, state, store, someone, tmp_path):
    with door_process(state):
        done = facegate("backup", tmp_path / "b", "--keep", 5, "--json")
        assert (done.code, done.answer["residents"]) == (0, 1)
        refused = facegate("restore", done.answer["path"], "--yes")
        assert (refused.code, "The gate is running. Stop it" in refused.err) == (1, True)
    store.close()
    # Vision goes on while a door does not come up, say by its settings.
    with closing(open_read_only(state)) as vision:
        assert vision.execute("SELECT count(*) FROM residents").fetchone() == (1,)
        refused = facegate("restore", done.answer["path"], "--yes")
        assert (refused.code, "something else of it is" in refused.err) == (1, True)
    restored = facegate("restore", done.answer["path"], "--yes", "--json")
    assert restored.answer == {
        "residents": 1, "events": done.answer["events"], "erased_again": 0, "sealed": True, "vouched": True,
        "dropped": dict.fromkeys(restored.answer["dropped"], 0),
    }  # fmt: skip
    missing = facegate("restore", tmp_path / "none", "--yes")
    assert (missing.code, missing.err.strip()) == (2, f"There is no backup {tmp_path / 'none'}.")
    folder = facegate("restore", tmp_path, "--yes")
    assert (folder.code, "is a folder. Name one backup in it" in folder.err) == (2, True)
