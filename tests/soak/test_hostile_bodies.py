"""Bodies that are too much, from anybody and from people who are signed in, to an api under its unit's own ceiling."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import httpx
import pytest

from api.auth import digest
from api.front.connections import ANYBODYS_WITHIN_S
from gate.store.database import open_database
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.api_process import api_process, port_of, trusting
from tests.console import CHEAP
from tests.faults.test_places import crowd, in_a_network_of_its_own
from tests.soak import cgroup
from tests.soak.test_hostile_photos import ceiling_mb

pytestmark = pytest.mark.soak

PATHS = ("/import", "/enrol", "/photos/checks", "/api/v1/imports", "/api/v1/enrolments", "/api/v1/photos/checks",
         "/api/v1/residents", "/sign-in")  # fmt: skip
MB = 1 << 20
FORM = "multipart/form-data; boundary=x"
TURNS = 4


def part(name, file=""):
    named = f'; filename="{file}"' if file else ""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()


def fields():
    for number in range(340):
        yield part(f"f{number}") + b"x" * MB + b"\r\n"


def files():
    for number in range(340):
        yield part("photos" if number % 2 else "files", f"{number}.jpg") + b"x" * (MB - 100) + b"\r\n"


def one_file():
    yield part("files", "all.zip") + part("photos", "one.jpg")
    for _ in range(340):
        yield b"x" * MB


def one_header():
    yield b"--x\r\nContent-Disposition: "
    for _ in range(340):
        yield b"x" * MB


def text():
    for _ in range(340):
        yield b"x" * MB


def empty_parts():
    for _ in range(340):
        yield part("f") * 15000


def nested():
    yield b"[" * (MB - 1)


BODIES = {
    "340 fields of 1 MB": (fields, FORM), "340 files of 1 MB": (files, FORM), "a file of 340 MB": (one_file, FORM),
    "a header of 340 MB": (one_header, FORM), "millions of empty parts": (empty_parts, FORM),
    "340 MB of JSON": (text, "application/json"), "a nested megabyte": (nested, "application/json"),
    "340 MB of a form": (text, "application/x-www-form-urlencoded"),
}  # fmt: skip


def send(address, path, body, kind, headers):
    """The status and the sentence that came, and how much had been sent when it came."""
    sent, heard = 0, b""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", "Sec-Fetch-Site: same-origin",
             "Transfer-Encoding: chunked", *headers]  # fmt: skip
    with suppress(OSError), closing(connect(address)) as one:
        one.sendall("\r\n".join([*lines, "", ""]).encode())
        try:
            for more in body():
                one.sendall(b"%x\r\n" % len(more) + more + b"\r\n")
                sent += len(more)
            one.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        one.settimeout(60)
        while len(heard) < 100_000 and (got := one.recv(65536)):
            heard += got
            if b"\r\n\r\n" in heard and len(heard.partition(b"\r\n\r\n")[2]) >= length_of(heard):
                break
    status = heard[9:12].decode() or "cut"
    said = re.search(rb'"detail":"([^"]*)|role="alert">([^<]*)', heard)
    return status, (said[1] or said[2]).decode() if said else "", sent // MB


def length_of(heard):
    found = re.search(rb"content-length: (\d+)", heard)
    return int(found[1]) if found else 0


def connect(address):
    return trusting().wrap_socket(socket.create_connection(("127.0.0.1", port_of(address)), 60))


def most_memory(pid):
    """The most that the process itself had, MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) // 1024


def test_no_body_ends_the_api(state, models_dir):
    if why := cgroup.missing():
        pytest.skip(why)
    with (
        cgroup.group(ceiling_mb()) as group,
        api_process(state, models_dir, by=group.starter) as address,
        closing(open_database(state)) as store,
    ):
        ann = accounts.add_user(store, "Ann", CHEAP.hash("x"), Role.MANAGER, "test")
        accounts.begin_session(store, digest("ann"), ann, time.time())
        pid = int((group.path / "cgroup.procs").read_text().split()[0])
        print(f"\nat the start {most_memory(pid)} MB of {ceiling_mb()}")
        for who, headers in (("anybody", []), ("a manager", ["Cookie: __Host-facegate=ann"])):
            for name, (body, kind) in BODIES.items():
                with ThreadPoolExecutor(TURNS) as threads:
                    jobs = [threads.submit(send, address, path, body, kind, headers) for path in PATHS]
                    got = [job.result() for job in jobs]
                answers = sorted({f"{status} {said}".strip() for status, said, _ in got})
                print(
                    f"{who}, {name}: at most {max(sent for *_, sent in got)} MB taken, {most_memory(pid)} MB memory"
                    f" ({group.peak_mb()} MB with files), {group.killed()} killed: {'; '.join(answers)}"
                )
                began = time.monotonic()
                assert httpx.get(f"{address}/gate/now", verify=trusting(), timeout=10).status_code == 200
                assert time.monotonic() - began < 5
            assert group.killed() == 0


def test_four_hundred_idle_uploads_keep_nobody_out(state, models_dir):
    got = crowd(state, models_dir, 200)
    assert {status for status, _ in got.values()} <= {"200"}
    assert max(took for _, took in got.values()) < 5


# Somebody unknown asks again and again on one connection, and never stops.
GOES_ON = """
import socket, sys, time
from pathlib import Path
from tests.api_process import api_process, port_of, trusting

with api_process(Path(sys.argv[1]), Path(sys.argv[2]), host="10.77.0.1") as here:
    raw = socket.create_connection(("10.77.0.1", port_of(here)), 10, ("10.77.0.8", 0))
    one, began = trusting().wrap_socket(raw), time.monotonic()
    try:
        while time.monotonic() - began < 120:
            one.sendall(b"GET /sign-in HTTP/1.1\\r\\nHost: 10.77.0.1\\r\\n\\r\\n")
            if not one.recv(65536):
                break
            time.sleep(1)
    except OSError:
        pass
    print("hung up after", time.monotonic() - began)
"""


def test_somebody_unknown_does_not_keep_a_connection(state, models_dir):
    took = float(in_a_network_of_its_own(GOES_ON, state, models_dir).rsplit(None, 1)[1])
    assert ANYBODYS_WITHIN_S - 2 < took < ANYBODYS_WITHIN_S + 3
