"""Bodies from people who may not send them, and from people who may: what is read of them, and what is said."""

import asyncio
import json
import socket
import subprocess
import time
from contextlib import closing

import pytest
from fastapi.routing import APIRoute

from api.auth import digest
from api.early_refusal import EarlyRefusal
from api.front.bodies import Bounds, Uploads
from api.pages.own_page import PhoneFirst
from api.pages.own_photo import LinkFirst
from api.problems import HttpProblem
from gate.store.database import open_database
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.api_process import api_process, port_of, trusting
from tests.console import CHEAP
from tests.faults.test_hostile_http import OPEN, filled, routes

pytestmark = pytest.mark.whole

UPLOADS = ("/import", "/enrol", "/photos/checks", "/api/v1/imports", "/api/v1/enrolments", "/api/v1/photos/checks")
HUGE = 340 << 20


def asked(app, method, path, receive, *more):
    """The status and the body of the answer to a request with a large body."""
    sent = []
    headers = [(b"host", b"gate"), (b"sec-fetch-site", b"same-origin"), (b"content-length", str(HUGE).encode()),
               (b"content-type", b"multipart/form-data; boundary=x"), *more]  # fmt: skip
    if any(name == b"transfer-encoding" for name, _ in more):
        del headers[2]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "scheme": "http", "headers": headers, "client": ("10.0.0.7", 1), "server": ("gate", 80),
        "http_version": "1.1", "root_path": "",
    }  # fmt: skip

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


def writes(app):
    return [(method, path) for method, path in routes(app) if method != "GET" and (method, path) not in OPEN]


async def never():
    raise AssertionError("a byte of the body was asked for")


def test_every_route_knows_who_asks_before_it_hears_what_they_send(app):
    waiting, found = list(app.routes), []
    while waiting:
        route = waiting.pop()
        found += [route] if isinstance(route, APIRoute) else []
        waiting += list(getattr(getattr(route, "original_router", None), "routes", []))
    unasked = [one.path for one in found if not isinstance(one, EarlyRefusal | LinkFirst | PhoneFirst)]
    # What everybody is shown, and nothing is sent to.
    assert sorted(unasked) == ["/api/v1/openapi.json", "/code", "/code/worker.js"]


def test_of_a_body_without_permission_not_a_byte_is_read(app, staff, browser):
    cookie = (b"cookie", f"facegate={browser('auditor').cookies['facegate']}".encode())
    for method, path in writes(app):
        assert asked(app, method, filled(path), never)[0] in (303, 401), path
        assert asked(app, method, filled(path), never, (b"cookie", b"facegate=" + b"x" * 43))[0] in (303, 401), path
        # Whoever is signed in and may not do it is no better off; what is their own has its bounds.
        assert asked(app, method, filled(path), never, cookie)[0] in (403, 413), path
        chunked = (b"transfer-encoding", b"chunked")
        assert asked(app, method, filled(path), never, chunked)[0] in (303, 401), path
    for path in ("/", "/gate", "/static/console.css", "/nowhere", "/sign-in"):
        assert asked(app, "GET", path, never)[0] == 413


def test_who_may_send_it_is_refused_by_what_they_announce(app, browser):
    cookie = (b"cookie", f"facegate={browser('manager').cookies['facegate']}".encode())
    status, said = asked(app, "POST", "/api/v1/residents", never, cookie)
    assert status == 413
    assert b"too large to be sent at once" in said


def test_a_small_body_where_none_belongs_is_passed_over(browser):
    manager = browser("manager")
    assert manager.ask("GET", "/api/v1/residents", json={"windows": ""}).status_code == 200
    assert manager.ask("GET", "/api/v1/schedules/day", json={"windows": ""}).status_code == 405


@pytest.mark.parametrize("parts", ["fields", "files", "large fields"])
def test_a_form_of_too_many_parts_is_refused(browser, parts):
    manager = browser("manager")
    body = {
        "fields": b"".join(part(b"f%d" % number, b"x") for number in range(200)),
        "files": b"".join(part(b"photos", b"x", b"%d.jpg" % number) for number in range(30)),
        "large fields": b"".join(part(b"f%d" % number, b"x" * (1 << 20)) for number in range(3)),
    }[parts]
    for path in ("/enrol", "/api/v1/enrolments", "/import", "/api/v1/imports"):
        answer = manager.post(
            path, content=body + b"--x--", headers={"content-type": "multipart/form-data; boundary=x"}
        )
        assert answer.status_code == 400
        assert "is too large" in answer.text


def part(name, content, file=None):
    named = b'; filename="' + file + b'"' if file else b""
    return b'--x\r\nContent-Disposition: form-data; name="' + name + b'"' + named + b"\r\n\r\n" + content + b"\r\n"


def test_a_body_too_slow_is_given_up_and_one_that_keeps_its_pace_is_not(app, browser, monkeypatch):
    monkeypatch.setattr("api.early_refusal.bounds_at", lambda path: Bounds(1 << 20, 30.0, free_s=0.3))
    cookie = (b"cookie", f"facegate={browser('manager').cookies['facegate']}".encode())
    chunked, began, pace = (b"transfer-encoding", b"chunked"), time.monotonic(), {"bytes": 1}

    async def receive():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x" * pace["bytes"], "more_body": time.monotonic() - began < 0.8}

    status, said = asked(app, "POST", "/api/v1/residents", receive, chunked, cookie)
    assert (status, time.monotonic() - began < 0.7) == (408, True)
    began, pace["bytes"] = time.monotonic(), 2000
    assert asked(app, "POST", "/api/v1/residents", receive, chunked, cookie)[0] != 408
    assert said


def test_uploads_take_turns_and_one_user_does_not_take_all(monkeypatch):
    monkeypatch.setattr("api.front.bodies._WAIT_S", 0.3)

    async def crowd():
        uploads = Uploads()
        for _ in range(3):
            await uploads.begin("ann")
        with pytest.raises(HttpProblem, match="Too many uploads"):
            await uploads.begin("ann")
        await uploads.begin("bob")
        waiting = asyncio.create_task(uploads.begin("ann"))
        await asyncio.sleep(0)
        assert not waiting.done()
        uploads.end("ann")
        await waiting

    asyncio.run(crowd())


@pytest.fixture(scope="module")
def gate(tmp_path_factory, models_dir):
    """The api's address, and the headers of a manager's token."""
    state = tmp_path_factory.mktemp("bodies") / "state"
    with api_process(state, models_dir) as address, closing(open_database(state)) as store:
        user = accounts.add_user(store, "Ann", CHEAP.hash("x"), Role.MANAGER, "test")
        accounts.add_token(store, "t", digest("secret"), ("people", "live"), user, "test")
        yield address, {"authorization": "Bearer secret"}


def connect(address):
    return trusting().wrap_socket(socket.create_connection(("127.0.0.1", port_of(address)), timeout=15))


def head(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def test_the_answer_comes_before_the_body_and_little_is_taken_after_it(gate):
    address, _ = gate
    with connect(address) as one:
        one.sendall(head("POST", "/api/v1/imports", {"content-length": HUGE, "authorization": "Bearer no"}))
        assert one.recv(100).startswith(b"HTTP/1.1 401")
        began, sent = time.monotonic(), 0
        one.settimeout(5)
        with pytest.raises(OSError):
            while True:
                sent += one.send(b"x" * 65536)
        assert time.monotonic() - began < 4
        # What the kernels keep between them comes on top.
        assert sent < 16 << 20


def test_who_waits_to_be_told_to_go_on_is_told_no(gate):
    address, token = gate
    form = {"content-type": "multipart/form-data; boundary=x"}
    large = {"content-length": HUGE, "expect": "100-continue"} | form
    with connect(address) as one:
        one.sendall(head("POST", "/api/v1/imports", large | {"authorization": "Bearer no"}))
        assert one.recv(100).startswith(b"HTTP/1.1 401")
    with connect(address) as one:
        one.sendall(head("POST", "/api/v1/imports", large | token))
        assert one.recv(100).startswith(b"HTTP/1.1 100")


@pytest.mark.parametrize("more", [{}, {"sec-fetch-site": "cross-site"}, {"authorization": "Bearer secret"}])
def test_of_a_request_that_tells_its_length_in_two_ways_nothing_is_heard_and_nothing_after_it(gate, more):
    address, token = gate
    both = {"content-length": 6, "transfer-encoding": "chunked", "content-type": "application/json"} | more
    with connect(address) as one:
        one.sendall(head("POST", "/api/v1/residents", both) + b"0\r\n\r\n" + head("GET", "/api/v1/residents", token))
        heard = b""
        while came := one.recv(4096):
            heard += came
    assert heard.startswith(b"HTTP/1.1 400")
    assert heard.count(b"HTTP/1.1") == 1


def test_a_connection_serves_on_after_a_refusal_whose_body_came(gate):
    address, token = gate
    refused = {"content-length": 5, "authorization": "Bearer no", "content-type": "application/json"}
    with connect(address) as one:
        one.sendall(head("POST", "/api/v1/residents", refused) + b"12345" + head("GET", "/api/v1/residents", token))
        heard = b""
        while heard.count(b"HTTP/1.1") < 2:
            heard += one.recv(4096)
    assert b"HTTP/1.1 401" in heard
    assert b"HTTP/1.1 200" in heard


def test_a_real_client_with_a_large_file_reads_the_refusal(gate, tmp_path):
    address, token = gate
    (tmp_path / "big.zip").write_bytes(b"PK" + bytes(30 << 20))
    for options, status in (([], 403), (["--header", "Authorization: Bearer no", "--header", "Expect:"], 401)):
        done = subprocess.run(
            ["curl", "--silent", "--insecure", "--noproxy", "*", "--max-time", "20", "--write-out", "%{http_code}",
             "--form", f"files=@{tmp_path / 'big.zip'}", *options, f"{address}/api/v1/imports"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = json.loads(done.stdout[:-3])
        assert (done.stdout[-3:], said["status"]) == (str(status), status)
    done = subprocess.run(
        ["curl", "--silent", "--insecure", "--noproxy", "*", "--max-time", "60", "--form",
         f"files=@{tmp_path / 'big.zip'}", "--header", f"Authorization: {token['authorization']}",
         f"{address}/api/v1/imports"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "ZIP" in json.loads(done.stdout)["detail"]
