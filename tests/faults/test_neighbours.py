"""A neighbour process: what another user of the machine, or one of the gate's own services, can do to it."""

import json
import os
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from gate.processes.addresses import socket_of
from gate.processes.client import Client, Impostor
from gate.store.database import database_of
from tests.conftest import command_environment
from tests.door import door_process, events, until
from tests.neighbours import (
    API,
    COMMANDS,
    DOOR,
    HOSTILE,
    MAY,
    MODELS,
    STORE,
    STRANGER,
    SWAPS,
    VISION,
    as_root,
    need_other_users,
    open_folder,
    run_as,
    running_as,
)

pytestmark = pytest.mark.whole

# Of the commands these run each time; the others in `make soak`.
QUICK = (("users", "list"), ("audit", "export", "{state}/backups/planted.csv"), ("backup", "{state}/backups"))

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
DOOR_PROGRAM = """
import io, json, os, sys
from gate.door.service import DoorService
from gate.door.settings import DoorSettings
from gate.places import keep_to_oneself
from pathlib import Path
keep_to_oneself()
service = DoorService(DoorSettings(), Path({state!r}))
print("there", flush=True)
service.run()
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
        "from pathlib import Path\nfrom gate.processes.client import Client\n"
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
            [sys.executable, "-m", "commands.cli", *map(str, arguments)],
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


@pytest.fixture
def service_state():
    """A state as an installed gate has it: root's, with the folders of users who are not, and a record in it."""
    need_other_users()
    with open_folder() as folder:
        state = folder / "state"
        made = {".": (0, STORE, 0o750), "db": (API, STORE, 0o2775), "door": (DOOR, STORE, 0o700),
                "models": (MODELS, STORE, 0o755), "backups": (API, STORE, 0o700), "drills": (API, STORE, 0o700),
                "settings": (0, 0, 0o700)}  # fmt: skip
        for name, (uid, gid, mode) in made.items():
            (state / name).mkdir()
            os.chown(state / name, uid, gid)
            (state / name).chmod(mode)
        (folder / "run").mkdir()
        (state / "run").symlink_to(folder / "run")
        for name, uid in (("door", DOOR), ("vision", VISION), ("api", API)):
            (folder / "run" / name).mkdir(mode=0o750)
            os.chown(folder / "run" / name, uid, STORE)
        assert as_root(state, "schedules", "put", "day", "mon-sun 06:00-22:00").returncode == 0
        yield state


def secret_of(state):
    """A file of root's, and all that could be seen to have changed of it."""
    path = state.parent / "secret"
    if not path.exists():
        path.write_text("SECRET = 'only for root'\n")
        path.chmod(0o600)
    found = path.lstat()
    return path, (found.st_mode, found.st_uid, found.st_gid, found.st_nlink, found.st_mtime_ns, path.read_text())


@pytest.mark.parametrize(
    "command",
    [pytest.param(one, id=" ".join(one), marks=[] if one in QUICK else pytest.mark.soak) for one in COMMANDS],
)
def test_root_is_led_to_nothing_by_what_the_api_left_in_its_folders(service_state, command):
    path, before = secret_of(service_state)
    done = run_as(API, HOSTILE.format(state=str(service_state), secret=str(path)), STORE)
    assert done.returncode == 0, done.stderr
    out = service_state.parent / "out"
    out.mkdir(mode=0o700)
    said = as_root(service_state, *(part.format(out=out, state=service_state) for part in command))
    assert "Traceback" not in said.stderr, said.stderr
    assert "SECRET" not in said.stdout + said.stderr
    assert secret_of(service_state)[1] == before
    for made in out.rglob("*"):
        assert "SECRET" not in made.read_bytes().decode("latin-1")


@pytest.mark.parametrize(("who", "uid"), [("door", DOOR), ("vision", VISION), ("api", API), ("stranger", STRANGER)])
def test_each_service_can_do_its_part_and_no_more(service_state, who, uid):
    # Vision is in the gate's group and not in that of those who write the record; here its group is the file's other.
    service_state.chmod(0o755 if who == "vision" else 0o750)
    done = run_as(uid, SWAPS.format(state=str(service_state)), *([] if who in ("vision", "stranger") else [STORE]))
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.splitlines())
    print(f"{who}: {', '.join(sorted(found)) or 'nothing'}")
    assert found == MAY[who]


def test_roots_commands_do_their_work_and_the_record_says_that_it_was_root(service_state):
    out = service_state.parent / "out"
    out.mkdir(mode=0o700)
    for command in (("audit", "export", out / "record.csv"), ("export", out / "people.csv"), ("backup", out)):
        done = as_root(service_state, *command)
        assert done.returncode == 0, done.stderr
    made = sorted(path.name.partition(".")[0][:8] for path in out.iterdir())
    assert made == ["facegate", "people", "record", "record"]
    assert {(path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in out.iterdir()} == {(0, 0o600)}
    assert as_root(service_state, "audit", "verify", "--anchor", out / "record.csv.anchor.json").returncode == 0
    (archive,) = out.glob("*.backup.tar.gz")
    done = as_root(service_state, "restore", "--yes", archive)
    assert done.returncode == 0, done.stderr
    assert "day" in as_root(service_state, "schedules", "list").stdout
    assert {path.stat().st_uid for path in (service_state / "db").iterdir()} == {API}
    tail = json.loads(as_root(service_state, "audit", "tail", "--json").stdout.splitlines()[-1])
    assert {line["details"]["by"] for line in tail["lines"] if "by" in line["details"]} == {"uid 0"}


def test_a_pack_that_root_brings_is_installed_and_no_copy_of_it_is_left(service_state, photos):
    before = set(Path(tempfile.gettempdir()).glob("facegate-given-*"))
    done = as_root(service_state, "models", "install", "demo-photos", "--from", photos)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.stat().st_uid for path in (service_state / "models/demo-photos").iterdir()} == {MODELS}
    assert set(Path(tempfile.gettempdir()).glob("facegate-given-*")) == before


def test_an_order_of_roots_is_heard_as_roots(service_state):
    program = DOOR_PROGRAM.format(state=str(service_state))
    with running_as(DOOR, program, STORE):
        done = as_root(service_state, "door", "lockdown")
        assert done.stdout.startswith("Lockdown."), done.stderr
    orders = json.loads(as_root(service_state, "audit", "tail", "--json").stdout.splitlines()[-1])["lines"]
    assert [line["details"]["by"] for line in orders if line["kind"] == "ordered"] == ["uid 0"]


def test_root_does_nothing_in_a_state_where_others_write(service_state):
    service_state.chmod(0o770)
    done = as_root(service_state, "schedules", "list")
    assert (done.returncode, "root does nothing there" in done.stderr) == (2, True)


def test_root_fills_no_file_that_another_put_in_its_way(service_state):
    path, before = secret_of(service_state)
    out = service_state.parent / "out"
    out.mkdir()
    (out / "record.csv").symlink_to(path)
    done = as_root(service_state, "audit", "export", out / "record.csv")
    assert done.returncode == 2
    (out / "people.csv").write_text("")
    os.chown(out / "people.csv", STRANGER, STRANGER)
    done = as_root(service_state, "export", out / "people.csv")
    assert "is another user's" in done.stderr
    assert secret_of(service_state)[1] == before


@pytest.mark.parametrize("put", ["path.symlink_to('/root/x')", "os.mkfifo(path)", "path.mkdir()"])
def test_the_door_works_on_whatever_the_api_puts_in_the_databases_place(service_state, put):
    swap = (
        f"import os\nfrom pathlib import Path\npath = Path({str(database_of(service_state))!r})\npath.unlink()\n{put}"
    )
    with running_as(DOOR, DOOR_PROGRAM.format(state=str(service_state)), STORE) as door:
        assert run_as(API, swap, STORE).returncode == 0
        for _ in range(3):
            done = as_root(service_state, "door", "lockdown")
            assert done.stdout.startswith("Lockdown."), done.stderr
        assert door.poll() is None
    with running_as(DOOR, DOOR_PROGRAM.format(state=str(service_state)), STORE):
        assert as_root(service_state, "door", "lockdown").returncode == 0
