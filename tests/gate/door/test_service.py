"""The door as a process of its own, asked over its socket, its relay read from the journal of its mock pins."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from gate.door.pins import JOURNAL_NAME, read_journal
from gate.link import Client
from gate.store import audit, residents
from gate.store.database import open_database
from gate.store.residents import Template

FAST = {"pulse_s": 0.2, "max_pulse_s": 1.0, "min_interval_s": 0.1}


@contextmanager
def door_process(state, **door):
    """A running door; yields the process and a client."""
    (state / "run").mkdir(parents=True, exist_ok=True)
    address = state / "run" / "notify.test"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(address))
        notified.settimeout(10)
        process = subprocess.Popen(
            [sys.executable, "-m", "gate.door.service"],
            stdin=subprocess.PIPE, text=True, env=os.environ | {"NOTIFY_SOCKET": str(address)},
        )  # fmt: skip
        process.stdin.write(json.dumps({"state": str(state), "door": FAST | door}) + "\n")
        process.stdin.flush()
        try:
            assert b"READY=1" in notified.recv(200)
            yield process, Client(state / "run" / "door.sock")
        finally:
            process.terminate()
            process.wait(10)
            process.stdin.close()


@pytest.fixture
def resident(store):
    return residents.enrol(store, "Wang Fang", None, [Template("m", "s", {}, b"")])


def claim(who, number=1):
    return {"do": "claim", "id": f"c{number}", "track": 1, "taken_mono": time.monotonic(),
            "resident": who, "reason": None, "frames": 3, "similarity": 0.8}  # fmt: skip


def events(state):
    connection = open_database(state)
    try:
        assert audit.verify(connection) is None
        return list(audit.lines(connection))
    finally:
        connection.close()


def edges(state):
    return [edge["level"] for edge in read_journal(state / "run" / JOURNAL_NAME) if edge["pin"] == "GPIO17"]


def test_a_claim_moves_the_relay_once_and_is_on_record(state, resident):
    with door_process(state) as (_, client):
        answer = client.ask(claim(resident.id))
        assert answer["granted"]
        assert 0 <= answer["relay_mono"] - time.monotonic() + 0.2 <= 0.2
        assert client.ask(claim(resident.id, 2))["reason"] == "busy"
    assert edges(state) == [False, True, False, None]
    kinds = [line.kind for line in events(state)]
    assert kinds[1:4] == ["door_started", "granted", "denied"]
    assert set(kinds[4:]) == {"relay_pulse", "door_stopped"}
    granted = next(line for line in events(state) if line.kind == "granted")
    assert granted.personal == {"resident": resident.id, "name": "Wang Fang"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"taken_mono": -10.0}, "stale"),
        ({"taken_mono": 1e12}, "stale"),
        ({"resident": "nobody"}, "not_enrolled"),
        ({"resident": None, "reason": "unknown"}, "unknown"),
        ({"taken_mono": "now"}, "malformed"),
        ({"taken_mono": True}, "malformed"),
        ({"similarity": 1e400}, "malformed"),
        ({"taken_mono": 10**300}, "malformed"),
        ({"id": ""}, "malformed"),
        ({"id": None}, "malformed"),
        ({"track": 1.5}, "malformed"),
        ({"resident": 7}, "malformed"),
        ({"reason": "because"}, "malformed"),
    ],
)
def test_a_claim_that_will_not_do_is_refused_on_record_and_moves_nothing(state, resident, changes, reason):
    with door_process(state) as (_, client):
        message = claim(resident.id) | changes
        raw = json.dumps(message).replace("Infinity", "1e999").encode() + b"\n"
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(state / "run" / "door.sock"))
            peer.sendall(raw)
            assert json.loads(peer.recv(4096))["reason"] == reason
        assert client.ask({"do": "status"})["mode"] == "resting"
    assert True not in edges(state)
    denied = [line for line in events(state) if line.kind == "denied"]
    assert [line.details["reason"] for line in denied] == [reason]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can speak to the socket as another user")
def test_claims_and_commands_from_another_user_are_refused_and_recorded(state, resident):
    with door_process(state) as (_, client):
        lines = [json.dumps(claim(resident.id)), '{"do":"open"}', '{"do":"status"}', '{"do":"release-relay"}']
        assert [json.loads(answer)["reason"] for answer in ask_as_nobody(state, lines)] == ["wrong_peer"] * 4
        assert client.ask({"do": "status"})["mode"] == "resting"
    assert True not in edges(state)
    denied = [line for line in events(state) if line.kind == "denied"]
    assert [line.details["reason"] for line in denied] == ["wrong_peer"] * 4


AS_NOBODY = """
import os, socket, sys
os.chdir(sys.argv[1])
os.setuid(65534)
with socket.socket(socket.AF_UNIX) as peer:
    peer.connect("door.sock")
    for line in sys.argv[2:]:
        peer.sendall(line.encode() + b"\\n")
        os.write(1, peer.recv(4096))
"""


def ask_as_nobody(state, lines):
    """The answers to some lines from another user, who was let through to the socket for once."""
    (state / "run").chmod(0o751)
    (state / "run" / "door.sock").chmod(0o666)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(state / "run"), *lines], capture_output=True, check=True, timeout=20
    )
    return done.stdout.splitlines()


def test_a_person_may_open_and_release_with_nobody_enrolled(state):
    with door_process(state, pulse_s=0.5) as (_, client):
        assert client.ask({"do": "open"}) == {"granted": True, "reason": None}
        assert client.ask({"do": "open"})["reason"] == "busy"
        assert client.ask({"do": "release-relay"}) == {"released": True}
        assert client.ask({"do": "nonsense"})["reason"] == "malformed"
    assert edges(state) == [False, True, False, None]


def test_a_report_from_vision_is_on_record(state):
    with door_process(state) as (_, client):
        client.ask({"do": "report", "event": "camera_lost", "why": "no picture"})
        client.ask({"do": "report", "event": "made_up"})
    lost = [line for line in events(state) if line.kind == "camera_lost"]
    assert [line.details for line in lost] == [{"why": "no picture"}]
    assert not [line for line in events(state) if line.kind == "made_up"]


def test_a_kill_in_a_pulse_leaves_no_grant_behind(state, resident):
    with door_process(state, pulse_s=0.5) as (process, client):
        client.ask(claim(resident.id))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert edges(state)[-1] is True
    with door_process(state) as (_, client):
        assert client.ask({"do": "status"})["mode"] == "resting"
    assert edges(state) == [False, True, False, None]


def test_a_locked_database_neither_stops_the_relay_nor_loses_the_record(state, resident, store):
    with door_process(state) as (_, client):
        store.execute("BEGIN IMMEDIATE")
        assert client.ask({"do": "open"})["granted"]
        deadline = time.monotonic() + 5
        while edges(state)[-1] is True:
            assert time.monotonic() < deadline
            client.ask({"do": "status"})
        store.execute("ROLLBACK")
    assert "granted" in [line.kind for line in events(state)]


def test_it_imports_nothing_but_the_standard_library_and_gpiozero():
    script = (
        "import sys, gate.door.service, gate.door.relay_off\n"
        "print(*{name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("_") and "coverage" not in name}
    assert loaded == {"gate", "gpiozero", "colorzero"}
