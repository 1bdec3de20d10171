"""A gate whose processes can be killed one by one, what its camera sees, and who comes to it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, cycle

import cv2
import httpx
import numpy as np

from enroll import codes
from evaluate.demo.walkup import HEIGHT, WIDTH, Scene, footage, walker_from
from gate.processes.addresses import socket_of
from gate.processes.asking import seal, unknown_cards, vision_status
from gate.processes.client import Client, LinkDown
from gate.store.people import passes
from gate.store.people.passes import Wanted
from tests.api_process import api_that_can_hang, trusting
from tests.codes import card_of_number, new_pin
from tests.console import PASSWORD
from tests.door import door_process
from tests.enrolling import enrol_photos
from tests.gate.door.test_rolling_codes import set_up
from tests.gate.vision.test_held_up import WHITE, by_segno, vision_process
from tests.oath import STEP_S, shown_by_phone
from tests.osdp_reader import cable, reader
from tests.readers import readers_process
from tests.running import wait_for

FRESH_S = 4.0
DOOR = {"pulse_s": 0.1, "max_pulse_s": 1.0, "min_interval_s": 0.0, "freshness_s": FRESH_S}
KEY, CARD, NOBODYS = bytes(range(16)), "2468ACC0", "13579BC0"
# What goes out of sight comes anew after three seconds.
AWAY_S = 3.5


class Before:
    """What a network camera looks at: pictures, one for each that is asked for."""

    def __init__(self, empty):
        self._empty = jpegs(empty)
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

    def __init__(self, stack, state, models_dir, clock, scene):
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
