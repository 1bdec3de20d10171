import socket
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import UsageError
from gate.processes.addresses import runtime_directory
from gate.processes.client import Client, LinkDown
from gate.processes.server import Server
from gate.processes.wire import MAX_MESSAGE, decode, encode

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values))
def test_what_is_sent_is_what_arrives(message):
    assert decode(encode(message)) == message
    assert encode(message).count(b"\n") == 1


@given(st.binary(max_size=200))
def test_any_line_is_a_message_or_a_value_error(line):
    with suppress(ValueError):
        assert isinstance(decode(line), dict)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"[1]",
        b"1",
        b"",
        b"[" * 3000,
        b'{"a":"\\ud800"}',
        b'{"a":' * 2000,
        b'{"a":' * 600 + b"1" + b"}" * 600,
    ],
)
def test_what_is_no_plain_object_is_refused(line):
    with pytest.raises(ValueError):
        decode(line)


@contextmanager
def serving(path, answer):
    malformed = []
    server = Server(path, answer, lambda peer, why: malformed.append((peer, why)))
    stop = threading.Event()

    def loop():
        while not stop.is_set():
            server.turn(None)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield server, malformed
    finally:
        stop.set()
        server.wake()
        thread.join()
        server.close()


def test_many_questions_over_one_connection(tmp_path):
    with serving(tmp_path / "s", lambda message, peer: {"twice": message["n"] * 2, "pid": peer.pid}):
        client = Client(tmp_path / "s")
        answers = [client.ask({"n": n})["twice"] for n in range(200)]
        assert answers == [2 * n for n in range(200)]
        client.close()


def test_a_message_without_end_is_refused_and_others_are_served(tmp_path):
    with serving(tmp_path / "s", lambda message, peer: {"ok": True}) as (_, malformed):
        with socket.socket(socket.AF_UNIX) as hostile:
            hostile.connect(str(tmp_path / "s"))
            with pytest.raises(OSError):
                for _ in range(200):
                    hostile.sendall(b"x" * 5000)
        assert Client(tmp_path / "s").ask({}) == {"ok": True}
        assert f"longer than {MAX_MESSAGE}" in malformed[0][1]


def test_garbage_hangs_up_and_is_reported(tmp_path):
    with serving(tmp_path / "s", lambda message, peer: {"ok": True}) as (_, malformed):
        with socket.socket(socket.AF_UNIX) as hostile:
            hostile.connect(str(tmp_path / "s"))
            hostile.sendall(b"garbage\n")
            assert hostile.recv(10) == b""
        assert len(malformed) == 1


def test_a_peer_that_does_not_read_its_answers_is_dropped(tmp_path):
    with serving(tmp_path / "s", lambda message, peer: {"long": "x" * 4000}):
        with socket.socket(socket.AF_UNIX) as lazy:
            lazy.connect(str(tmp_path / "s"))
            with pytest.raises(OSError):
                for _ in range(100_000):
                    lazy.sendall(b"{}\n" * 1000)
        assert Client(tmp_path / "s").ask({})["long"]


def test_too_many_connections_leave_the_first_ones_working(tmp_path):
    with serving(tmp_path / "s", lambda message, peer: {"ok": True}):
        first = Client(tmp_path / "s")
        first.ask({})
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(60)]
        for one in crowd:
            one.connect(str(tmp_path / "s"))
        assert first.ask({}) == {"ok": True}
        for one in crowd:
            one.close()


def test_nobody_there_is_told_in_words_and_a_restart_is_found(tmp_path):
    client = Client(tmp_path / "s", timeout_s=1)
    with pytest.raises(LinkDown, match="facegate run"):
        client.ask({})
    with serving(tmp_path / "s", lambda message, peer: {"first": True}):
        assert client.ask({}) == {"first": True}
    with pytest.raises(LinkDown):
        client.ask({})
    with serving(tmp_path / "s", lambda message, peer: {"second": True}):
        assert client.ask({}) == {"second": True}


def test_whoever_is_silent_is_hung_up_on_and_asks_again_as_before(tmp_path, monkeypatch):
    monkeypatch.setattr("gate.processes.server.IDLE_S", 0.05)
    with serving(tmp_path / "s", lambda message, peer: {"ok": True}), socket.socket(socket.AF_UNIX) as silent:
        patient = Client(tmp_path / "s")
        assert patient.ask({}) == {"ok": True}
        silent.connect(str(tmp_path / "s"))
        silent.settimeout(0.01)
        while True:
            assert Client(tmp_path / "s").ask({}) == {"ok": True}
            with suppress(TimeoutError):
                assert silent.recv(1) == b""
                break
        assert patient.ask({}) == {"ok": True}


def test_an_answer_that_is_too_long_is_refused(tmp_path):
    with (
        serving(tmp_path / "s", lambda message, peer: {"long": "x" * 200_000}),
        pytest.raises(LinkDown, match="too long"),
    ):
        Client(tmp_path / "s").ask({})


def test_a_state_too_deep_for_a_socket_is_refused(tmp_path):
    with pytest.raises(UsageError, match="too long"):
        runtime_directory(tmp_path / ("x" * 120), "door")


def test_a_byte_now_and_then_is_no_answer(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        def drip():
            heard, _ = listener.accept()
            with heard, suppress(OSError):
                heard.recv(MAX_MESSAGE)
                while True:
                    heard.sendall(b" ")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        with closing(Client(tmp_path / "s", timeout_s=0.3)) as client, pytest.raises(LinkDown):
            client.ask({})
        assert time.monotonic() - began < 5
        thread.join()
