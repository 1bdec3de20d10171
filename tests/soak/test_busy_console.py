"""The console is busy, and the gate does not notice: fifty pages follow it while an import runs."""

import io
import json
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing, contextmanager

import httpx
import pytest

from api.auth import digest
from evaluate.demo.walkup import Scene, footage, walker_from, write_video
from gate.processes.addresses import api_address_file, generated_certificate_file
from gate.store.database import open_database
from gate.store.people.consents import NO_PERSON
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.console import CHEAP, PASSWORD
from tests.enrolling import enrol_photos
from tests.running import gate_running, until, wait_for

pytestmark = pytest.mark.soak

# Ten people, each with five pages open.
BROWSERS, COOKIES = 50, [f"manager-{number}" for number in range(10)]
# How often he is let in with a quiet console and with a busy one, in turns.
ROUNDS, EACH = 3, 8

# In a process of its own that yields to all others: the browsers are other people's machines.
FOLLOW = """
import asyncio, os, ssl, sys, httpx
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
address, certificate, cookies, browsers = sys.argv[1:]
cookies = cookies.split(",")
trust = ssl.create_default_context(cafile=certificate)
trust.check_hostname = False

async def follow(number, count):
    limits = httpx.Limits(max_connections=4)
    cookie = {"__Host-facegate": cookies[number % len(cookies)]}
    async with httpx.AsyncClient(
        base_url=address, verify=trust, cookies=cookie, limits=limits, timeout=60
    ) as browser:
        async with browser.stream("GET", "/api/v1/live") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("event: change"):
                    answer = await browser.get("/?part=live")
                    assert answer.status_code == 200, answer.status_code
                    count[0] += 1

async def main():
    count = [0]
    async def report():
        print("following", flush=True)
        while True:
            await asyncio.sleep(5)
            print(count[0], flush=True)
    await asyncio.gather(report(), *(follow(n, count) for n in range(int(browsers))))

asyncio.run(main())
"""


@pytest.fixture
def walks(tmp_path, photos, models):
    path = tmp_path / "walks.mp4"
    walker = walker_from(photos / "obama2.jpg", models.detector)
    write_video(path, footage([Scene(None, 0.5), Scene(walker, 1.8), Scene(None, 0.7)], 7))
    return path


def granted(store):
    rows = store.execute("SELECT details FROM audit WHERE kind = 'granted' ORDER BY sequence")
    return [json.loads(details)["frame_to_relay_ms"] for (details,) in rows]


def next_grants(store, count):
    """How long the next openings took. Looks seldom: what measures must not be what is measured."""
    had, deadline = len(granted(store)), time.monotonic() + 60 + 8 * count
    while len(granted(store)) < had + count:
        assert time.monotonic() < deadline, "he is not let in"
        time.sleep(1)
    return granted(store)[had : had + count]


def p95(values):
    return sorted(values)[int(len(values) * 0.95)]


def test_fifty_pages_and_an_import_do_not_delay_the_relay(models_dir, models, photos, state, walks, shared):
    with closing(open_database(state)) as store:
        enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg", photos / "obama3.jpg"], consent=NO_PERSON)
        accounts.add_user(store, "manager", CHEAP.hash(PASSWORD), Role.MANAGER, "test")
        for cookie in COOKIES:
            one = accounts.add_user(store, cookie, CHEAP.hash(PASSWORD), Role.MANAGER, "test")
            accounts.begin_session(store, digest(cookie), one, time.time())
    with gate_running(models_dir, state, walks) as process:
        until(process, "api ready")
        threading.Thread(target=lambda: [None for _ in process.stdout], daemon=True).start()
        address, certificate = api_address_file(state).read_text().strip(), generated_certificate_file(state)
        quiet, busy, pages, rows = [], [], 0, 0
        with closing(open_database(state)) as store, manager_at(address, certificate) as manager:
            next_grants(store, 2)
            for number in range(ROUNDS):
                quiet += next_grants(store, EACH)
                with following(address, certificate) as followers:
                    # Rehearsed before: what is measured beside is the enrolling, which costs most.
                    table = import_of(shared, number)
                    manager.post("/api/v1/imports", files={"files": ("all.zip", table)}).raise_for_status()
                    wait_for(lambda: import_now(manager)["phase"] == "rehearsed", 120, "it is not rehearsed")
                    manager.post("/api/v1/imports/current/run").raise_for_status()
                    busy += next_grants(store, EACH)
                    now = import_now(manager)
                    assert now["phase"] == "working", "the import was over too early"
                    rows += now["done"]
                    followers.terminate()
                    pages += int(followers.stdout.read().split()[-1])
                manager.delete("/api/v1/imports/current").raise_for_status()
    for name, values in (("quiet", quiet), ("busy", busy)):
        middle = sorted(values)[len(values) // 2]
        print(f"\n{name:6} frame to relay p50 {middle:.1f} ms, p95 {p95(values):.1f} ms of {len(values)}", end="")
    print(
        f"\nratio of p95 {p95(busy) / p95(quiet):.2f}; {BROWSERS} browsers fetched {pages} pages, {rows} were enrolled"
    )
    assert p95(busy) <= 1.3 * p95(quiet)


@contextmanager
def manager_at(address, certificate):
    trust = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(
        base_url=address, verify=trust, timeout=120, headers={"sec-fetch-site": "same-origin"}
    ) as manager:
        signed = manager.post("/sign-in", data={"name": "manager", "password": PASSWORD})
        assert signed.status_code == 303, signed.text
        yield manager


@contextmanager
def following(address, certificate):
    """The browsers; yields their process."""
    followers = subprocess.Popen(
        [sys.executable, "-c", FOLLOW, address, str(certificate), ",".join(COOKIES), str(BROWSERS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert followers.stdout.readline() == "following\n"
        yield followers
    finally:
        followers.kill()
        followers.wait()


def import_now(manager):
    return manager.get("/api/v1/imports/current").json()


def import_of(shared, number):
    """A ZIP with a table and photos, a person each, who was in none before."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        people = sorted((shared / "faces" / "lfw").iterdir())
        out.writestr(
            "people.csv",
            "name,photos,consent\n" + "".join(f"{one.name} {number},{one.name}.jpg,told\n" for one in people),
        )
        for one in people:
            out.write(min(one.glob("*.jpg")), f"{one.name}.jpg")
    return made.getvalue()
