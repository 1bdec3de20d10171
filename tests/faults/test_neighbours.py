"""A neighbour process: what another user of the machine, or one of the gate's own services, can do to it."""

import os
import stat
import subprocess
import sys
from contextlib import closing

import pytest

from gate.link import Client, Impostor, socket_of
from gate.store.database import database_of
from tests.conftest import command_environment
from tests.door import door_process, events, until
from tests.neighbours import API, STRANGER, VISION, need_other_users, open_folder, running_as

IMPOSTOR = """
import socket
listener = socket.socket(socket.AF_UNIX)
listener.bind({path!r})
listener.listen()
print("there", flush=True)
while True:
    heard, _ = listener.accept()
    if heard.recv(5000):
        heard.sendall(b'{{"granted": true, "reason": null}}\\n')
"""
CROWD = """
import socket, time
held = []
for _ in range(100):
    one = socket.socket(socket.AF_UNIX)
    one.connect({path!r})
    held.append(one)
print("there", flush=True)
time.sleep(60)
"""


@pytest.fixture
def shared_state():
    """A state of root's in a folder that others may look into."""
    need_other_users()
    with open_folder() as folder:
        yield folder / "state"


def test_an_impostor_on_the_doors_socket_is_told_nothing(shared_state):
    path = socket_of(shared_state, "door")
    path.parent.mkdir(parents=True)
    os.chown(path.parent, API, API)
    with running_as(API, IMPOSTOR.format(path=str(path))), closing(Client(path)) as client:
        os.chown(path.parent, VISION, VISION)
        with pytest.raises(Impostor, match=f"is not who should .process .* uid {API}.; it was told nothing"):
            client.ask({"do": "lockdown"})
        os.chown(path.parent, API, API)
        assert client.ask({"do": "lockdown"})["granted"]
        path.parent.parent.chmod(0o777)
        client.close()
        with pytest.raises(Impostor):
            client.ask({"do": "lockdown"})


def test_a_lockdown_of_which_no_door_heard_is_not_said_to_stand(shared_state, facegate):
    path = socket_of(shared_state, "door")
    path.parent.mkdir(parents=True)
    os.chown(path.parent, API, API)
    with running_as(API, IMPOSTOR.format(path=str(path))):
        os.chown(path.parent, VISION, VISION)
        said = facegate("door", "lockdown", "--state", shared_state)
    assert said.code == 2
    assert "Lockdown" not in said.out
    assert "is not who should" in said.err


def test_idle_connections_of_others_do_not_shut_a_lockdown_out(shared_state):
    shared_state.mkdir()
    with door_process(shared_state) as (_, client):
        path = socket_of(shared_state, "door")
        client.ask({"do": "status"})
        client.close()
        for part in (shared_state, path.parent.parent, path.parent):
            part.chmod(0o755)
        path.chmod(0o666)
        with running_as(STRANGER, CROWD.format(path=str(path))), running_as(VISION, CROWD.format(path=str(path))):
            assert client.ask({"do": "lockdown"})["granted"]
            until(client, mode="lockdown")


@pytest.mark.parametrize(
    "message",
    [
        {"do": "report", "event": "camera_lost", "why": "x" * 200},
        {"do": "release"},
        {"do": "release-relay"},
        {"do": "nonsense"},
    ],
)
def test_no_message_fills_the_record(state, message):
    with door_process(state) as (_, client):
        for _ in range(1000):
            client.ask(message)
    written = [line for line in events(state) if line.kind not in ("door_started", "door_stopped")]
    assert len(written) < 150
    left_out = sum(line.details.get("count", 0) for line in written if line.details.get("reason") == "flood")
    each = 3 if message["do"] == "release" else 1
    assert left_out + len(written) - sum("count" in line.details for line in written) == 1000 * each


def test_a_flood_hides_nothing_that_another_did(shared_state):
    shared_state.mkdir()
    flood = (
        "from pathlib import Path\nfrom gate.link import Client\n"
        f"client = Client(Path({str(socket_of(shared_state, 'door'))!r}))\n"
        "for _ in range(1000): client.ask({'do': 'open'})\nprint('done', flush=True)\ninput()"
    )
    with door_process(shared_state) as (_, client):
        path = socket_of(shared_state, "door")
        for part in (shared_state, path.parent.parent, path.parent):
            part.chmod(0o755)
        path.chmod(0o666)
        with running_as(STRANGER, flood):
            client.ask({"do": "lockdown"})
    orders = [line for line in events(shared_state) if line.kind == "ordered"]
    assert [line.details["order"] for line in orders] == ["lockdown"]


def modes_of(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            found[str(path.relative_to(folder))] = stat.S_IMODE(path.stat().st_mode)
    return found


def test_what_is_made_is_closed_to_others_whatever_umask_was_inherited(models_dir, state, tmp_path):
    def command(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", *map(str, arguments)],
            env=command_environment(models_dir, state), umask=0, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    made = tmp_path / "made"
    made.mkdir()
    command("schedules", "put", "day", "mon-sun 06:00-22:00")
    command("audit", "export", made / "record.csv")
    command("export", made / "people.csv")
    command("backup", made / "backups")
    command("settings", "--write")
    command("door", "relay-off")
    old = os.umask(0)
    try:
        with door_process(state) as (_, client):
            client.ask({"do": "lockdown"})
    finally:
        os.umask(old)
    seen = {path: mode for where in (state, made) for path, mode in modes_of(where).items()}
    assert {path: oct(mode) for path, mode in seen.items() if mode & 0o007 and not path.endswith("notify.test")} == {}
    assert {path for path, mode in seen.items() if mode & 0o020 and not path.endswith("notify.test")} == {
        "run/door/link.sock"
    }
    assert stat.S_IMODE(database_of(state).stat().st_mode) == 0o640
