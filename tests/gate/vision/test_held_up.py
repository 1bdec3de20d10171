"""Passes held up to the camera: read from codes that other programs draw, told once, and nothing else is told of."""

import base64
import json
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from enroll import codes
from evaluate.demo.walkup import FPS, HEIGHT, WIDTH, Scene, footage, write_video
from gate.codes import draw_pass, rolling_picture
from gate.config import load_settings, parts_of
from gate.processes.asking import seal
from gate.store.people import passes, residents
from gate.store.people.passes import Wanted
from gate.store.record import audit
from gate.vision.held_up import HeldUp, codes_on
from gate.vocabulary import Frame
from tests.door import door_process, edges
from tests.gate.door.test_rolling_codes import AHEAD
from tests.oath import STEP_S
from tests.running import of_kind, wait_for

CODE = "VABCDEFGHIJKLMNOP"
WHITE = 4


def by_segno(text):
    return np.array([[0 if dark else 255 for dark in row] for row in segno.make(text, micro=False).matrix], np.uint8)


def by_opencv(text):
    return cv2.QRCodeEncoder.create().encode(text)[2:-2, 2:-2]


def by_qrencode(text):
    if shutil.which("qrencode") is None:
        pytest.skip("qrencode is not installed: apt-get install qrencode")
    drawn = subprocess.run(
        ["qrencode", "-t", "PNG", "-s", "1", "-m", "0", "-o", "-", text], capture_output=True, check=True
    )
    return cv2.imdecode(np.frombuffer(drawn.stdout, np.uint8), cv2.IMREAD_GRAYSCALE)


def shown(
    modules, wide, *, dark=False, turned=0.0, leaning=0.0, blur=0.0, moved=0, light=1.0, noise=4.0, behind=None, seed=7
):
    """A frame of 1280x720 with a code of so many pixels' width, without what is white around it, in somebody's hand,
    which `moved` by so many pixels while the picture was taken; `behind` is what else is to be seen."""
    rng = np.random.default_rng(seed)
    frame = cv2.resize(rng.normal(110, 40, (18, 32)).astype(np.float32), (1280, 720), interpolation=cv2.INTER_CUBIC)
    frame = frame if behind is None else behind
    paper = np.pad(modules, WHITE, constant_values=255).astype(np.float32)
    paper = 255 - paper if dark else paper
    side, ground = wide * len(paper) / len(modules), len(paper)
    half, angle = side / 2, np.deg2rad(turned)
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]], np.float32)
    corners[:, 0] *= 1 - leaning * (corners[:, 1] > 0)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    place = (corners @ spin.T + (640, 400)).astype(np.float32)
    on_paper = np.array([[0, 0], [ground, 0], [ground, ground], [0, ground]], np.float32) * 8
    big = np.kron(paper, np.ones((8, 8), np.float32))
    lens = cv2.getPerspectiveTransform(on_paper, place)
    laid = cv2.warpPerspective(big * 0.8 * light + 20, lens, (1280, 720), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.ones_like(big), lens, (1280, 720))
    if moved:
        laid, mask = (cv2.blur(one, (moved, 1)) for one in (laid, mask))
    frame = frame * (1 - mask) + laid * mask
    if blur:
        frame = cv2.GaussianBlur(frame, (0, 0), blur)
    seen = np.clip(frame + rng.normal(0, noise, frame.shape), 0, 255).astype(np.uint8)
    return cv2.cvtColor(seen, cv2.COLOR_GRAY2BGR)


@pytest.mark.parametrize("draw", [by_segno, by_opencv, by_qrencode])
@pytest.mark.parametrize(
    "how",
    [
        {"wide": 90}, {"wide": 400}, {"wide": 110, "dark": True}, {"wide": 110, "turned": 30},
        {"wide": 110, "turned": 180}, {"wide": 120, "leaning": 0.15}, {"wide": 130, "blur": 1.6},
        {"wide": 120, "light": 0.35}, {"wide": 120, "noise": 18},
        {"wide": 150, "dark": True, "turned": 45, "blur": 1.2},
    ],
    ids=str,
)  # fmt: skip
def test_a_pass_is_read_as_people_hold_it_up(draw, how):
    code = draw_pass()
    assert codes_on(shown(draw(code), **how)) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/" + "x" * 40,
        "WIFI:S:home;T:WPA;P:secret;;",
        "x" * 2900,
        "V" + "A" * 15,
        CODE.lower(),
        "12345678",
    ],
)
def test_what_is_no_pass_is_dropped(text):
    modules = np.pad(by_segno(text), WHITE, constant_values=255)
    zoom = max(1, 700 // len(modules))
    picture = cv2.cvtColor(np.kron(modules, np.ones((zoom, zoom), np.uint8)), cv2.COLOR_GRAY2BGR)
    assert codes_on(picture) == []


def test_of_fifty_codes_at_once_a_few_are_told():
    picture = np.full((720, 1280), 255, np.uint8)
    for number in range(50):
        one = np.kron(np.pad(by_segno(draw_pass()), WHITE, constant_values=255), np.ones((3, 3), np.uint8))
        down, across = divmod(number, 10)
        picture[down * 90 : down * 90 + 87, across * 90 : across * 90 + 87] = one[:87, :87]
    held = HeldUp(clock=lambda: 0.0)
    frames = [Frame(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), "camera", number / FPS) for number in range(3)]
    assert [len(held.see(frame)) for frame in frames] == [0, 0, 4]


def frame_at(seconds):
    return Frame(np.zeros((2, 2, 3), np.uint8), "camera", seconds)


@given(st.lists(st.tuples(st.floats(0, 6), st.booleans()), max_size=60))
def test_a_pass_is_told_once_for_as_long_as_it_stays(looks):
    now, there, told, last = 100.0, False, [], None
    held = HeldUp(lambda _: [CODE] if there else [], clock=lambda: 0.0)
    for after, there in looks:
        now += after
        # Of three pictures one is read.
        new = [code for number in range(3) for code in held.see(frame_at(now + number / 1000))]
        seen_lately = last is not None and now + 0.002 - last <= 3.0
        assert new == ([CODE] if there and not seen_lately else [])
        last = now + 0.002 if there else last
        told += new
    if told:
        held.forget(CODE)
        there = True
        assert [code for number in range(3) for code in held.see(frame_at(now + 1 + number))] == [CODE]


def test_a_picture_that_takes_long_is_paid_for_by_not_reading():
    now, reads = [0.0], []

    def slow(_):
        reads.append(now[0])
        now[0] += 0.1
        return []

    held = HeldUp(slow, clock=lambda: now[0])
    for _ in range(300):
        held.see(frame_at(now[0]))
        now[0] += 1 / 15
    assert 0.1 * len(reads) <= 0.11 * now[0]


def held_up_film(path, code):
    """Somebody holds a telephone with a code before the gate for two seconds."""
    telephone = np.kron(np.pad(by_segno(code), WHITE, constant_values=255), np.ones((4, 4), np.uint8))
    telephone = cv2.cvtColor(telephone, cv2.COLOR_GRAY2BGR)
    side = len(telephone)

    def frames():
        for number, frame in enumerate(footage([Scene(None, 5.0)], 5)):
            if 1.5 * FPS < number < 3.5 * FPS:
                frame[(HEIGHT - side) // 2 :, (WIDTH - side) // 2 + number % 5 :][:side, :side] = telephone
            yield frame

    write_video(path, frames())


@contextmanager
def vision_process(state, models_dir, source, log, **vision):
    """Vision by itself, with a film or an address for its camera; what it says goes into the list `log`."""
    settings = load_settings(camera={"source": str(source)}, vision=vision)
    (state / "run").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "gate.vision.service"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdin.write(json.dumps(parts_of(settings, state, models_dir, None)["vision"]) + "\n")
    process.stdin.flush()
    threading.Thread(target=lambda: log.extend(process.stderr), daemon=True).start()
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
        process.stdin.close()


@pytest.mark.whole
def test_a_pass_before_the_camera_opens_the_gate_once_and_is_on_record(models_dir, state, store, tmp_path):
    now, log = datetime.now(UTC), []
    wanted = Wanted("Zhao Lei", now - timedelta(hours=1), now + timedelta(hours=1), unit="3-2-502")
    with door_process(state, True) as (_, client):
        one = codes.new_pass(store, partial(seal, client), wanted, now, by="test")
        film = tmp_path / "held.mp4"
        held_up_film(film, one.code)
        with vision_process(state, models_dir, film, log):
            (granted,) = wait_for(lambda: of_kind(store, "granted"), 60, "the pass did not open the gate")
            wait_for(lambda: of_kind(store, "relay_pulse"), 5)
            # The film begins anew, and holds it up again.
            wait_for(lambda: of_kind(store, "denied"), 30, "it was not told twice")
    assert (granted.details["method"], granted.details["reader"]) == ("pass", "camera")
    assert granted.personal == {"pass": one.made.id, "visitor": "Zhao Lei", "unit": "3-2-502"}
    assert {line.details["reason"] for line in of_kind(store, "denied")} == {"spent"}
    assert edges(state).count(True) == 1
    assert passes.get(store, one.made.id).uses_left == 0
    assert one.code not in str([line.details for line in audit.lines(store)]) + "".join(log)


def test_a_phone_is_told_once_while_it_is_held_up_though_its_picture_changes():
    first, next_one, others = (
        f"R{handle}{letter * 13}" for handle, letter in (("A" * 6, "B"), ("A" * 6, "C"), ("D" * 6, "B"))
    )
    there = []
    held = HeldUp(lambda _: there, clock=lambda: 0.0)

    def told_at(seconds, *codes):
        there[:] = codes
        return [code for number in range(3) for code in held.see(frame_at(seconds + number / 1000))]

    assert told_at(0, first) == [first]
    assert told_at(1, next_one) == []
    assert told_at(2, next_one, others) == [others]
    assert told_at(6, next_one) == [next_one]
    held.forget(next_one)
    assert told_at(7, next_one) == [next_one]


@pytest.mark.whole
def test_a_phone_before_the_camera_opens_the_gate_once_and_a_film_of_it_does_not(models_dir, state, store, tmp_path):
    fang, log = residents.enrol(store, "Wang Fang", "3-2-502", []), []
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    program = [sys.executable, "-c", AHEAD.format(file=str(ahead), trusted=True)]
    with door_process(state, program=program) as (_, client):
        drawn = codes.new_rolling(store, partial(seal, client), fang, by="test")
        # The door's clock stands still where the phone's picture is: the film shows one picture for ever.
        ahead.write_text(str(3 * STEP_S))
        step = int((time.time() + 3 * STEP_S) // STEP_S) + 1
        film = tmp_path / "held.mp4"
        held_up_film(film, rolling_picture(drawn.handle, base64.b32decode(drawn.key), step))
        with vision_process(state, models_dir, film, log):
            (granted,) = wait_for(lambda: of_kind(store, "granted"), 60, "the phone did not open the gate")
            wait_for(lambda: of_kind(store, "relay_pulse"), 5)
            wait_for(lambda: of_kind(store, "denied"), 30, "the film was not told twice")
    assert (granted.details["method"], granted.details["reader"]) == ("rolling", "camera")
    assert granted.personal["name"] == "Wang Fang"
    assert {line.details["reason"] for line in of_kind(store, "denied")} <= {"already_used", "wrong_code"}
    assert edges(state).count(True) == 1
