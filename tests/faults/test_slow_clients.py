"""Clients that keep a connection and say nothing: whoever else comes is served."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest

from gate.store.database import open_database
from gate.store.people import residents
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.api_process import api_process, port_of, serves, trusting
from tests.console import CHEAP, PASSWORD

pytestmark = pytest.mark.whole

# Instead of the ten seconds that everybody has.
HEADERS_WITHIN_S = 3.0


def connect(address):
    raw = socket.create_connection(("127.0.0.1", port_of(address)), timeout=30)
    return trusting().wrap_socket(raw)


def hung_up_after(connection, trickle=b""):
    """Seconds until the other end hangs up, while a byte is sent now and then."""
    began = time.monotonic()
    connection.settimeout(1)
    while time.monotonic() - began < HEADERS_WITHIN_S + 10:
        try:
            if trickle:
                connection.sendall(trickle)
            if connection.recv(1000) == b"":
                return time.monotonic() - began
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began
    return None


def test_headers_and_a_tls_that_never_end_are_hung_up_on(state, models_dir):
    with (
        api_process(state, models_dir, headers_within_s=HEADERS_WITHIN_S) as address,
        connect(address) as silent,
        connect(address) as slow,
    ):
        slow.sendall(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX: ")
        raw = socket.create_connection(("127.0.0.1", port_of(address)), timeout=30)
        with raw, ThreadPoolExecutor() as threads:
            for took in threads.map(hung_up_after, (silent, slow, raw), (b"", b"x", b"")):
                assert took is not None
                # Counted from when they came, shortly before.
                assert took > HEADERS_WITHIN_S / 2


def test_a_second_request_has_its_own_deadline_and_a_stream_has_none(state, models_dir):
    with api_process(state, models_dir, headers_within_s=HEADERS_WITHIN_S) as address, connect(address) as one:
        one.sendall(b"GET /gate/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        one.settimeout(HEADERS_WITHIN_S + 5)
        began = time.monotonic()
        heard = b""
        while time.monotonic() - began < HEADERS_WITHIN_S + 3:
            try:
                heard += one.recv(1000)
            except TimeoutError:
                break
        assert b"event: change" in heard
        one.settimeout(0.2)
        with pytest.raises(TimeoutError):
            one.recv(1)


def test_a_browser_that_goes_away_in_an_upload_leaves_nothing_half_done(state, models_dir, photos):
    with api_process(state, models_dir) as address, closing(open_database(state)) as store:
        accounts.add_user(store, "Ann", CHEAP.hash(PASSWORD), Role.MANAGER, "test")
        with httpx.Client(base_url=address, verify=trusting(), headers={"sec-fetch-site": "same-origin"}) as manager:
            manager.post("/sign-in", data={"name": "Ann", "password": PASSWORD})
            form = {"name": "Barack Obama", "agreed": "1", "seen": "1"}
            files = [("photos", ("obama.jpg", (photos / "obama.jpg").read_bytes(), "image/jpeg"))]
            asked = manager.build_request("POST", "/enrol", data=form, files=files)
        body = asked.read()
        head = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        for sent in (len(body) // 3, len(body) - 1):
            with connect(address) as gone:
                gone.sendall(f"POST /enrol HTTP/1.1\r\n{head}\r\n".encode() + body[:sent])
        assert serves(address)
        assert residents.every(store) == []
        with connect(address) as stays:
            stays.sendall(f"POST /enrol HTTP/1.1\r\n{head}\r\n".encode() + body)
            assert b" 303 " in stays.recv(100)
        assert [one.templates for one in residents.every(store)] == [1]
