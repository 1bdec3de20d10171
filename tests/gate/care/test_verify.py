"""`facegate audit verify` against whoever can write the database, and each who saw the record before."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from api.webhooks import message
from gate.care import backup
from gate.care.witnesses import exported_file, given
from gate.store.record import audit
from gate.store.record.anchors import compare
from gate.vocabulary import AuditEvent
from tests.conftest import REPOSITORY
from tests.forging import another_time, rewrite

JOURNALD = Path("/lib/systemd/systemd-journald")
CGROUPS = next((path for path in map(Path, ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"))
                if (path / "cgroup.procs").is_file()), None)  # fmt: skip


@pytest.fixture
def record(store):
    """Eight lines of a record."""
    for _ in range(8):
        audit.append(store, AuditEvent("granted", {"method": "face"}))
    return store


def by_exported_lines(store, state, folder):
    lines = [json.dumps(asdict(line)) for line in audit.lines(store)]
    (folder / "record.jsonl").write_text("\n".join(lines))
    return folder / "record.jsonl"


def by_webhook(store, state, folder):
    last = list(audit.lines(store))[-1]
    (folder / "hooks.log").write_bytes(b"started\n" + message("g", last, audit.anchor(store)) + b"\n")
    return folder / "hooks.log"


def by_backup(store, state, folder):
    return backup.make(state, folder / "stick", None).path


def by_folder_of_backups(store, state, folder):
    return by_backup(store, state, folder).parent


def by_hand(store, state, folder):
    return "{0.sequence}:{0.hash}".format(audit.anchor(store))


@pytest.mark.parametrize("keep", [by_exported_lines, by_webhook, by_backup, by_folder_of_backups, by_hand])
def test_a_record_written_anew_fails_against_each_kind_of_anchor(record, state, tmp_path, keep):
    kept = str(keep(record, state, tmp_path))
    assert compare(record, given(kept), time.time()).flaw is None
    rewrite(record, 4, another_time)
    flaw = compare(record, given(kept), time.time()).flaw
    assert flaw.sequence == (4 if keep is by_exported_lines else 1)
    assert "is not the one that" in flaw.problem


def test_it_says_what_holds_and_what_does_not(facegate, record, state, tmp_path):
    facegate("audit", "export", tmp_path / "record.jsonl")
    kept = tmp_path / "record.jsonl.anchor.json"
    whole = facegate("audit", "verify", "--anchor", kept)
    assert (whole.code, "Anchors agree" in whole.out, "out of reach" in whole.out) == (0, True, False)
    rewrite(record, 4, another_time)
    # Whoever wrote it anew writes the anchor that lies beside the database anew as well.
    exported_file(state).write_text(json.dumps(asdict(audit.anchor(record))))
    alone = facegate("audit", "verify")
    assert (alone.code, "all of them could have been written anew" in alone.out) == (0, True)
    done = facegate("audit", "verify", "--anchor", kept)
    assert (done.code, "line 9 is not the one that the anchor that was given saw" in done.err) == (1, True)


def test_what_the_states_own_backups_saw_is_asked_by_itself(facegate, record, state):
    backup.make(state, state / "backups", None)
    assert facegate("audit", "verify", "--json").answer["anchors"]["held"] == {"backup": 1}
    rewrite(record, 4, another_time)
    done = facegate("audit", "verify")
    assert (done.code, "line 8 is not the one that a backup at 20" in done.err) == (1, True)


def cannot_run_journald():
    """Why the real journal cannot be run here, or None."""
    if os.geteuid() != 0:
        return "only root runs a journal of its own"
    absent = [name for name in ("unshare", "journalctl", "systemd-cat") if shutil.which(name) is None]
    if absent or not JOURNALD.exists():
        return f"{', '.join(absent) or JOURNALD} missing"
    if CGROUPS is None or not os.access(CGROUPS / "cgroup.procs", os.W_OK):
        return "no cgroup can be made, from which a journal knows units"
    return None


# A journal by itself, and beside it two units as it knows them: by their control groups.
SCRIPT = """
set -eu
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/systemd/journal /var/lib/facegate
mount --bind "$STATE" /var/lib/facegate
"$JOURNALD" & journal=$!
while [ ! -S /run/systemd/journal/stdout ]; do sleep 0.05; done
unit() {
    group="$SLICE/$1"
    mkdir -p "$group"
    shift
    sh -c 'echo $$ > "$0/cgroup.procs"; exec systemd-cat -t door "$@"' "$group" "$@"
}
{ echo '{"state": "/var/lib/facegate", "door": {}}'; sleep 1.5; } |
    unit facegate-door.service "$PYTHON" -m gate.door.service
unit facegate-api.service echo "door: record anchor: line 2, hash $(printf %064d 7)"
journalctl --sync
journalctl --output=json --no-pager > "$STATE/journal.json"
say() { "$PYTHON" -m commands.cli audit verify --state /var/lib/facegate || echo "exit $?"; }
say
"$PYTHON" -c "$FORGE"
say
kill "$journal"
"""
FORGE = """
from pathlib import Path
from gate.store.database import open_database
from tests.forging import rewrite, another_time
rewrite(open_database(Path("/var/lib/facegate")), 3, another_time)
"""


@pytest.mark.skipif(cannot_run_journald() is not None, reason=str(cannot_run_journald()))
def test_the_journal_of_a_real_door_tells_a_record_written_anew(record, state):
    record.close()
    slice_ = CGROUPS / f"facegate-test-{os.getpid()}.slice"
    names = {"STATE": str(state), "JOURNALD": str(JOURNALD), "SLICE": str(slice_), "PYTHON": sys.executable}
    try:
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", SCRIPT],
            env=os.environ | names | {"FORGE": FORGE}, cwd=REPOSITORY,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        for group in (*slice_.glob("*.service"), slice_):
            if group.exists():
                group.rmdir()
    whole, forged = done.stdout.split("exit 1")[0], done.stderr
    assert "Anchors agree (in the journal " in whole, done
    assert "out of reach" not in whole
    assert "exit 1" in done.stdout
    assert "is not the one that the journal at 20" in forged
    said = [json.loads(line) for line in (state / "journal.json").read_text().splitlines()]
    assert sum("record anchor: line 2," in str(entry.get("MESSAGE")) for entry in said) == 1, (
        "another unit said one too"
    )
