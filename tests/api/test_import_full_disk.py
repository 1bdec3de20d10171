"""An import, and the upload before it, on a disk that fills up."""

import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.whole

BEGIN = """
import sys, time
from pathlib import Path
from gate.store.people import residents
from gate.store.database import open_database
from tests.console import *
from tests.running import wait_for
state, photos = Path(sys.argv[1]), Path(sys.argv[2])
store = open_database(state)
context = context_on(state, photos.parent)
accounts.add_user(store, "manager", context.passwords.hashed(PASSWORD), Role.MANAGER, "test")
manager = Browser(create_app(context))
manager.sign_in("manager")
"""


FILLS_UP = (
    BEGIN
    + """
rows = "".join(f"{'Person ' + str(n):80},{n}\\n" for n in range(4000))
manager.post("/api/v1/imports", files=[("files", ("people.csv", "name,unit\\n" + rows))])
def until(*phases):
    def reached():
        now = manager.get("/api/v1/imports/current").json()
        return now if now["phase"] in phases else None
    return wait_for(reached, 60)
until("rehearsed")
manager.post("/api/v1/imports/current/run")
now = until("failed", "done")
print(now["phase"], now["problem"])
people = residents.every(store)
print(0 < len(people) < 4000, len(people) in (now["done"], now["done"] + 1))
"""
)


NO_ROOM = (
    BEGIN
    + """
answer = manager.post("/api/v1/imports", files=[("files", ("people.zip", bytes(8 << 20)))])
print(answer.status_code, answer.json()["detail"])
"""
)


def on_a_small_disk(disk, script, state, photos, **environment):
    """Run a script where `disk` is a real file system with little room, in a mount namespace of its own."""
    disk.mkdir()
    command = f"mount -t tmpfs -o size=2m tmpfs {disk} && exec {sys.executable} - {state} {photos}"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", command],
        input=script, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"this machine does not let a test mount a small disk: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_disk_that_fills_up_in_an_import_is_told_and_nobody_is_half_there(tmp_path, photos):
    disk = tmp_path / "disk"
    told, half = on_a_small_disk(disk, FILLS_UP, disk / "state", photos)
    assert told.startswith("failed The gate's disk is full")
    assert "is full" in told
    assert half == "True True"


def test_an_upload_there_is_no_room_for_is_told(tmp_path, photos):
    disk = tmp_path / "disk"
    (told,) = on_a_small_disk(disk, NO_ROOM, tmp_path / "state", photos, TMPDIR=str(disk))
    assert told.startswith("507 The gate's disk is full")
