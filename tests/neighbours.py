"""Users of this machine other than the gate's: what they do to it, done by processes of theirs."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DOOR, VISION, API, STRANGER = 61001, 61002, 61003, 61004
GATE, STORE = 61010, 61011
_PYTHON = "/usr/bin/python3"


def need_other_users():
    """Skip where no process of another user can be started that reads these files."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes other users")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    done = run_as(STRANGER, f"import sys, click, gate.cli; print('%d.%d' % sys.version_info[:2] == {here!r})")
    if done.stdout.strip() != "True":
        pytest.skip(f"another user cannot run this project with {_PYTHON}: {done.stderr.strip()[-200:]}")


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
