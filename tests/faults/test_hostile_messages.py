"""Whatever is said on the door's socket, the door lives, the relay rests, and the record verifies."""

import json
import random
import socket

import pytest

from gate.processes.addresses import socket_of
from gate.store.database import open_database
from gate.store.record import audit
from tests.door import door_process, edges

pytestmark = pytest.mark.whole

VALUES = (None, True, -1, 0, 1e308, 10**200, "", "x" * 300, "\ud800", "\u0000", "'; DROP TABLE audit; --", [], {}, [[]])
KEYS = ("do", "id", "track", "taken_mono", "resident", "reason", "frames", "similarity", "event", "why", "extra")
VERBS = ("claim", "open!", "report", "status", "", None, [], {"do": "open"})


def hostile_lines(count):
    rng = random.Random(11)
    for _ in range(count):
        kind = rng.random()
        if kind < 0.1:
            yield bytes(rng.randrange(256) for _ in range(rng.randrange(200))).replace(b"\n", b" ") + b"\n"
        elif kind < 0.15:
            yield b"[" * rng.randrange(4000) + b"\n"
        elif kind < 0.2:
            yield b"x" * 6000 + b"\n"
        else:
            message = {key: rng.choice(VALUES) for key in rng.sample(KEYS, rng.randrange(len(KEYS)))}
            message["do"] = rng.choice(VERBS)
            yield json.dumps(message).encode() + b"\n"


def test_ten_thousand_hostile_messages_move_nothing(state, store):
    with door_process(state) as (process, client):
        peer = None
        for line in hostile_lines(10_000):
            if peer is None:
                peer = socket.socket(socket.AF_UNIX)
                peer.settimeout(5)
                peer.connect(str(socket_of(state, "door")))
            try:
                peer.sendall(line)
                alive = bool(peer.recv(8192))
            except OSError:
                alive = False
            if not alive:
                peer.close()
                peer = None
        assert process.poll() is None
        assert client.ask({"do": "status"})["mode"] == "normal"
        assert client.ask({"do": "open"})["granted"]
    assert edges(state) == [False, True, False, None]
    with open_database(state) as connection:
        assert audit.verify(connection) is None
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
