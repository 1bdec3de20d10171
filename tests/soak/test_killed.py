"""A whole gate whose processes are killed one after the other while people show what they have: it opens for nobody
twice, gives nothing away afterwards, and loses no use by which it opened."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, cycle

import cv2
import httpx
import numpy as np
import pytest

from enroll import codes
from evaluate.demo.walkup import HEIGHT, WIDTH, Scene, footage, walker_from
from gate.processes.addresses import socket_of
from gate.processes.asking import seal, unknown_cards, vision_status
from gate.processes.client import Client, LinkDown
from gate.store.database import database_of
from gate.store.people import passes
from gate.store.people.passes import Wanted
from tests.api_process import api_that_can_hang, trusting
from tests.codes import card_of_number, new_pin
from tests.console import PASSWORD
from tests.door import door_process, events
from tests.enrolling import enrol_photos
from tests.gate.door.test_rolling_codes import clock, set_up  # noqa: F401 - a fixture
from tests.gate.vision.test_held_up import WHITE, by_segno, vision_process
from tests.oath import STEP_S, shown_by_phone
from tests.osdp_reader import cable, reader
from tests.readers import readers_process
from tests.running import stays, wait_for
from tests.soak.test_ways_in import pulses

pytestmark = pytest.mark.soak

PRESENTATIONS, KILLED = 200, 0.2
FRESH_S = 4.0
DOOR = {"pulse_s": 0.1, "max_pulse_s": 1.0, "min_interval_s": 0.0, "freshness_s": FRESH_S}
KEY, CARD, NOBODYS = bytes(range(16)), "2468ACC0", "13579BC0"
AT_READER = ("card", "pin", "pass typed", "code of a phone")
AT_CAMERA = ("face", "pass held up")
WAYS = (*AT_READER, *AT_CAMERA, "console")
VICTIMS = ("door", "vision", "api", "readers", "cable", "database's lock")
# What goes out of sight comes anew after three seconds.
AWAY_S = 3.5
LOCKED = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
print("ready", flush=True)
sys.stdin.readline()
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(60)
"""


class Before:
    """What a network camera looks at: pictures, one for each that is asked for."""

    def __init__(self, empty):
        self._empty = empty
        self._cleared_mono = float("-inf")
        self.clear()

    def clear(self):
        """Nobody is there."""
        self._pictures = cycle(self._empty)
        self._cleared_mono = time.monotonic()

    def holds(self, pictures):
        """These come, and the last ones stay; whoever was there before has been away for long enough."""
        time.sleep(max(0.0, self._cleared_mono + AWAY_S - time.monotonic()))
        self._pictures = chain(pictures, cycle(pictures[-5:]))

    def picture(self):
        return next(self._pictures)


@contextmanager
def camera(scene):
    """A camera over HTTP that shows it; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            jpeg = scene.picture()
            self.send_response(200)
            self.send_header("content-type", "image/jpeg")
            self.send_header("content-length", str(len(jpeg)))
            self.end_headers()
            self.wfile.write(jpeg)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/snap.jpg"
        server.shutdown()


def jpegs(images):
    return [bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]) for image in images]


def telephone(code, empty):
    """A telephone with a code in a hand that is not quite still."""
    modules = np.kron(np.pad(by_segno(code), WHITE, constant_values=255), np.ones((4, 4), np.uint8))
    shown, side = cv2.cvtColor(modules, cv2.COLOR_GRAY2BGR), len(modules)
    for number in range(10):
        image = empty.copy()
        image[(HEIGHT - side) // 2 :, (WIDTH - side) // 2 + number % 5 :][:side, :side] = shown
        yield image


class Gate:
    """All processes of a gate, its reader and its cable, and what ends one of them and starts it anew."""

    def __init__(self, stack, state, models_dir, clock, scene):  # noqa: F811
        self.state, self._stacks, self._running = state, {}, {}
        self.wire = stack.enter_context(cable())
        self.reader = stack.enter_context(reader(self.wire, KEY))
        source = stack.enter_context(camera(scene))
        program = [sys.executable, "-c", clock.program(trusted=True)]
        (state / "osdp-keys").write_text(f"0 {KEY.hex()}\n")
        self._makers = {
            "door": lambda: door_process(state, program=program, **DOOR),
            "vision": lambda: vision_process(state, models_dir, source, [], liveness="off"),
            "readers": lambda: readers_process(state, program=("-m", "gate.readers.service"), osdp_port=self.wire.path),
            "api": lambda: api_that_can_hang(state, models_dir),
        }
        stack.callback(self.end)
        self.client = Client(socket_of(state, "door"))
        self._vision = Client(socket_of(state, "vision"))
        for who in self._makers:
            self.start(who)

    def start(self, who):
        self._stacks[who] = ExitStack()
        self._running[who] = self._stacks[who].enter_context(self._makers[who]())

    def kill(self, who):
        if who == "api":
            self._running[who][1](signal.SIGKILL)
        else:
            process = self._running[who] if who == "vision" else self._running[who][0]
            process.kill()
            process.wait()

    def clear_away(self, who):
        self._stacks.pop(who).close()

    def end(self):
        for who in list(self._stacks):
            self.clear_away(who)

    @property
    def api(self):
        return self._running["api"][0]

    def is_whole(self):
        """Wait until whatever is shown is looked at again: a card of nobody's, and a picture."""
        asked = time.monotonic()

        def a_card_is_heard():
            self.reader.card(NOBODYS)
            with suppress(LinkDown, AssertionError):
                return wait_for(lambda: any(one.taken_mono > asked for one in unknown_cards(self.client)), 0.5)
            return False

        wait_for(a_card_is_heard, 60, "the reader is not heard again")
        wait_for(lambda: self._looked_mono() > asked, 60, "vision looks at nothing")

    def _looked_mono(self):
        with suppress(LinkDown):
            return vision_status(self._vision).last_inference_mono or 0.0
        return 0.0


class Street:
    """A resident with every way in, and the pass of a visitor of theirs."""

    def __init__(self, gate, scene, store, models, photos, ahead):
        self._gate, self._scene, self._store, self._ahead = gate, scene, store, ahead
        self.wang = enrol_photos(store, models, "Wang Fang", [photos / "obama.jpg"], "3-2-502").resident
        self._pin = new_pin(store, gate.client, self.wang)
        self._phone = set_up(store, gate.client, self.wang)
        card_of_number(store, gate.client, self.wang, f"26:{CARD}")
        now = datetime.now(UTC)
        wanted = Wanted("Chen Bo", now - timedelta(minutes=1), now + timedelta(days=2), uses=100, host=self.wang)
        self._pass = codes.new_pass(store, partial(seal, gate.client), wanted, now, by="test")
        empty = next(iter(footage([Scene(None, 0.1)], 5)))
        self._telephone = jpegs(telephone(self._pass.code, empty))
        walker = walker_from(photos / "obama2.jpg", models.detector)
        self._walk_up = jpegs(list(footage([Scene(walker, 4.0)], 7))[::2])
        self._gone_s = 0.0
        self.later()
        code = (gate.state / "run" / "api" / "owner-code").read_text().strip()
        with httpx.Client(base_url=gate.api, verify=trusting(), headers={"sec-fetch-site": "same-origin"}) as owner:
            owner.post("/owner", data={"code": code, "name": "Ann", "password": PASSWORD})
            made = owner.post("/api/v1/tokens", json={"name": "desk", "permissions": ["door"]})
            self._token = made.raise_for_status().json()["secret"]

    def later(self):
        """As long as a door that has only just begun takes to know codes of phones."""
        self._gone_s += 2 * STEP_S
        self._ahead(self._gone_s)

    def spent(self):
        """How many uses of the pass are spent."""
        one = passes.get(self._store, self._pass.made.id)
        return one.uses - one.uses_left

    def come(self, by):
        """Somebody shows this; what they show stays before the camera until `Before.clear`."""
        if by == "card":
            self._gate.reader.card(CARD)
        elif by == "pin":
            self._gate.reader.keys(f"*{self._pin.typed}".replace(" ", ""))
        elif by == "pass typed":
            self._gate.reader.keys(f"*{self._pass.typed}".replace(" ", ""))
        elif by == "code of a phone":
            self.later()
            shown = shown_by_phone(self._phone.key, time.time() + self._gone_s)
            self._gate.reader.keys(f"*{self._phone.flat}#{shown}#")
        elif by == "console":
            threading.Thread(target=self._press, daemon=True).start()
        else:
            self._scene.holds(self._walk_up if by == "face" else self._telephone)

    def _press(self):
        with suppress(httpx.HTTPError):
            httpx.post(f"{self._gate.api}/api/v1/door/open", headers={"authorization": f"Bearer {self._token}"},
                       verify=trusting(), timeout=5)  # fmt: skip


class Tally:
    """What came of all presentations."""

    def __init__(self):
        self.shown, self.kills, self.opened = Counter(), Counter(), Counter()
        self.again = self.late = self.lost_while_killed = 0


def wait_for_the_moment(chance, by, opened):
    """As long as something is shown until the kill comes; whoever was let in stands before the camera no longer."""
    end = time.monotonic() + chance.uniform(0, 2.5 if by in AT_CAMERA else 0.3)
    while time.monotonic() < end and not (by in AT_CAMERA and opened()):
        time.sleep(0.01)


@contextmanager
def somebody_who_locks(state):
    """A process that locks the database once it is told to."""
    database = str(database_of(state))
    holder = subprocess.Popen([sys.executable, "-c", LOCKED, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"ready\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate()


def ended(gate, victim, holder, scene, chance):
    """End it, whatever it is doing; what brings it back."""
    if victim == "cable":
        gate.wire.is_cut = True
        scene.clear()
        # Somebody goes on trying; a reader keeps what was shown while it was cut off.
        gate.reader.card(CARD)
        time.sleep(chance.uniform(1.2, 6.0))

        def repaired():
            gate.wire.is_cut = False

        return repaired
    if victim == "database's lock":
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == b"locked\n"
        scene.clear()
        time.sleep(chance.uniform(0, 1.0))
        holder.kill()
        return lambda: None
    gate.kill(victim)

    def started():
        gate.clear_away(victim)
        gate.start(victim)

    return started


def test_a_gate_whose_parts_are_killed_opens_for_nobody_twice_nor_late_and_loses_no_use(
    state, store, models, models_dir, photos, clock  # noqa: F811
):  # fmt: skip
    chance, tally = random.Random(20), Tally()
    scene = Before(jpegs(footage([Scene(None, 2.0)], 5)))
    with ExitStack() as stack:
        gate = Gate(stack, state, models_dir, clock, scene)
        street = Street(gate, scene, store, models, photos, clock)
        gate.is_whole()
        order = [by for _ in range(PRESENTATIONS // len(WAYS) + 1) for by in WAYS][:PRESENTATIONS]
        victims = cycle(chance.sample(VICTIMS, len(VICTIMS)))
        chance.shuffle(order)
        for by in order:
            before, spent = pulses(state), street.spent()
            if chance.random() < KILLED:
                shown_to_a_gate_that_is_killed(gate, street, scene, next(victims), by, chance, tally)
            else:
                shown_to_a_gate(gate, street, scene, by, before, tally)
            opened = pulses(state) - before
            tally.opened[by] += opened
            if by.startswith("pass"):
                tally.lost_while_killed += account(street, spent, opened)
        wait_for(lambda: gate.client.ask({"do": "status"})["at_rest"], 5)
        on, granted = pulses(state), 0
        with suppress(AssertionError):
            wait_for(lambda: len([line for line in events(state) if line.kind == "granted"]) >= on, 10)
        granted = len([line for line in events(state) if line.kind == "granted"])
    told(tally, on, granted, street.spent())
    assert tally.late == 0
    assert min(tally.kills[one] for one in VICTIMS) >= 5
    # What the record was to be told when the door was killed is lost with it, and nothing else is.
    assert on - tally.kills["door"] <= granted <= on


def shown_to_a_gate(gate, street, scene, by, before, tally):
    """It opens once; on a machine that has much to do they may have to show it again."""
    tally.shown[by] += 1
    street.come(by)
    try:
        wait_for(lambda: pulses(gate.state) > before, 20)
    except AssertionError:
        tally.again += 1
        scene.clear()
        street.come(by)
        wait_for(
            lambda: pulses(gate.state) > before, 30, lambda: (by, [line.details for line in events(gate.state)][-5:])
        )
    scene.clear()
    wait_for(lambda: gate.client.ask({"do": "status"})["at_rest"], 5)
    assert pulses(gate.state) == before + 1, by


def shown_to_a_gate_that_is_killed(gate, street, scene, victim, by, chance, tally):
    """It opens once or not at all, and not when what was killed is there again."""
    tally.shown[by] += 1
    tally.kills[victim] += 1
    before = pulses(gate.state)
    with somebody_who_locks(gate.state) as holder:
        street.come(by)
        wait_for_the_moment(chance, by, lambda: pulses(gate.state) > before)
        back = ended(gate, victim, holder, scene, chance)
    scene.clear()
    if victim != "door":
        # What was under way, the door decides on.
        time.sleep(1.0)
    opened = pulses(gate.state)
    assert opened - before <= 1, (victim, by)
    back()
    # What was shown before must not come back by itself, for as long as it would be fresh.
    watched = time.monotonic()
    gate_is_back = partial(pulses, gate.state)
    try:
        stays(lambda: gate_is_back() == opened, FRESH_S + 0.3)
    except AssertionError:
        tally.late += gate_is_back() - opened
        print(f"late: {by}, {victim}, {time.monotonic() - watched:.2f} s after")
    if victim == "door":
        street.later()
    gate.is_whole()
    assert pulses(gate.state) - opened == 0, (victim, by)


def account(street, spent, opened):
    """How many uses were spent that opened nothing: none is missing, and what is given back is so soon."""
    with suppress(AssertionError):
        wait_for(lambda: street.spent() - spent == opened, 3)
    lost = street.spent() - spent - opened
    assert lost >= 0, "it opened without a use"
    return lost


def told(tally, on, granted, spent):
    print(f"\n{sum(tally.shown.values())} shown, {tally.again} of them twice; {sum(tally.kills.values())} kills")
    for by in WAYS:
        print(f"  {by:16} {tally.shown[by]:4} shown, opened {tally.opened[by]:4} times")
    for who in VICTIMS:
        print(f"  {who:16} killed {tally.kills[who]} times")
    print(f"{on} openings, {granted} of them on record; late, when what was killed was there again: {tally.late}")
    by_pass = tally.opened["pass typed"] + tally.opened["pass held up"]
    print(f"{by_pass} openings by the pass, {spent} uses spent, {tally.lost_while_killed} of them for nothing")
