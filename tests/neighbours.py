"""Users of this machine other than the gate's: what they do to it, done by processes of theirs."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DOOR, VISION, API, STRANGER, MODELS = 61001, 61002, 61003, 61004, 61005
# The group of those who write the record.
STORE = 61011
_PYTHON = "/usr/bin/python3"


@cache
def _another_user_can_run_this():
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    done = run_as(STRANGER, f"import sys, click, commands.cli; print('%d.%d' % sys.version_info[:2] == {here!r})")
    return "" if done.stdout.strip() == "True" else done.stderr.strip()[-200:] or "another Python"


def need_other_users():
    """Skip where no process of another user can be started that reads these files."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes other users")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    if why := _another_user_can_run_this():
        pytest.skip(f"another user cannot run this project with {_PYTHON}: {why}")


def _command(uid, groups, program):
    identity = ["--reuid", str(uid), "--regid", str(groups[0] if groups else uid)]
    identity += ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
    return ["setpriv", *identity, _PYTHON, "-c", program]


def _environment():
    path = os.pathsep.join([str(REPOSITORY), sysconfig.get_path("purelib")])
    return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def run_as(uid, program, *groups):
    """A Python program of another user, to its end."""
    return subprocess.run(
        _command(uid, groups, program),
        env=_environment(), cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def as_root(state, *arguments, before=()):
    """A command of root's on a state, by an interpreter that the users it becomes can run too; `before` starts it."""
    return subprocess.run(
        [*before, _PYTHON, "-m", "commands.cli", *map(str, arguments), "--state", str(state)],
        env=_environment() | {"FACEGATE_MODELS__DIR": str(state / "models")},
        cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@contextmanager
def running_as(uid, program, *groups):
    """A Python program of another user; it runs once it has said a line, until the block ends."""
    process = subprocess.Popen(
        _command(uid, groups, program),
        env=_environment(), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


@contextmanager
def open_folder():
    """A folder that every user of the machine may look into, as /var is."""
    with tempfile.TemporaryDirectory(prefix="facegate-neighbours-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


# What a service leaves in its folders for root to trip over.
HOSTILE = """
import os
from pathlib import Path
state, secret = Path({state!r}), {secret!r}
for path in ("db/facegate.db", "db/facegate.db-wal", "db/facegate.db-shm", "db/audit-anchor.json", "db/backup.key",
             "backups/planted.csv", "backups/planted.backup.tar.gz"):
    path = state / path
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(path.name + ".away"))
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(secret)
"""
# Every command that looks into a state, and what of it.
COMMANDS = [
    ("users", "list"), ("residents", "list"), ("residents", "show", "x"), ("audit", "tail"), ("audit", "verify"),
    ("audit", "export", "{out}/record.jsonl"), ("export", "{out}/people.csv"), ("backup", "{out}/backups"),
    ("backup", "{state}/backups"), ("restore", "--yes", "{state}/backups/planted.backup.tar.gz"), ("tidy",),
    ("tidy", "--yes"), ("doctor",), ("schedules", "list"), ("groups", "list"), ("door", "status"),
    ("door", "lockdown"), ("door", "relay-off"), ("models", "list"), ("models", "verify"), ("settings", "--write"),
    ("enroll", "Ann", "--no-face"), ("audit", "export", "{state}/backups/planted.csv"),
]  # fmt: skip

# What each service's user tries on the state; it prints what could be done.
SWAPS = """
import os
from pathlib import Path
state = Path({state!r})
def tried(what, do):
    try:
        do()
    except OSError:
        return
    print(what)
for name in ("db", "door", "models", "backups", "drills", "settings", "run"):
    tried("write " + name, lambda: (state / name / f"mine-{{os.getuid()}}").write_text("x"))
    tried("swap " + name, lambda: (state / name).rename(state / (name + ".away")))
    tried("read " + name, lambda: os.listdir(state / name))
for name in ("door", "vision", "api"):
    tried("write run/" + name, lambda: (state / "run" / name / "mine").write_text("x"))
    tried("swap run/" + name, lambda: (state / "run" / name).rename(state / "run" / (name + ".away")))
tried("put facegate.toml", lambda: (state / "facegate.toml").write_text("gate = 'mine'"))
tried("put a link", lambda: (state / "link").symlink_to("/etc/passwd"))
tried("read the database", lambda: (state / "db/facegate.db").read_bytes())
tried("write the database", lambda: (state / "db/facegate.db").open("r+b").close())
"""
MAY = {
    "door": {"write db", "read db", "write door", "read door", "read models", "read run", "write run/door",
             "read the database", "write the database"},
    "vision": {"read db", "read models", "read run", "write run/vision", "read the database"},
    "api": {"write db", "read db", "read models", "write backups", "read backups", "write drills", "read drills",
            "read run", "write run/api", "read the database", "write the database"},
    "stranger": set(),
}  # fmt: skip
