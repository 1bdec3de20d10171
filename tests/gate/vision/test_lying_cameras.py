"""Cameras over HTTP that answer, and send what is old, damaged or nothing at all."""

import itertools
import queue
import socket
import threading
import time
from contextlib import contextmanager, suppress

import cv2
import numpy as np
import pytest

from gate.processes.camera_report import Trouble
from tests.gate.vision.test_network_cameras import looking
from tests.running import wait_for

MJPEG = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"
PICTURE = cv2.imencode(".jpg", np.full((360, 640, 3), 128, np.uint8))[1].tobytes()
# Its head says a kind of JPEG that nothing here decodes.
UNREADABLE = PICTURE.replace(b"\xff\xc0", b"\xff\xc3", 1)


@contextmanager
def serving(answer):
    """A server that gives each connection, once it has asked, to `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    viewer, _ = listener.accept()
                    threading.Thread(target=one, args=(viewer,), daemon=True).start()

        def one(viewer):
            with suppress(OSError, queue.Empty), viewer:
                answer(viewer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)


def asked(viewer):
    """Whether a whole request came."""
    held = b""
    while not held.endswith(b"\r\n\r\n") and (more := viewer.recv(4096)):
        held += more
    return bool(held)


def part(jpeg):
    return b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)


def snapshots(jpeg):
    def answer(viewer):
        while asked(viewer):
            head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
            viewer.sendall(head + jpeg)

    return answer


def stream(jpeg):
    def answer(viewer):
        asked(viewer)
        viewer.sendall(MJPEG)
        while True:
            viewer.sendall(part(jpeg))
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize("kind", [snapshots, stream])
@pytest.mark.parametrize(("jpeg", "trouble"), [(b"", Trouble.EMPTY), (UNREADABLE, Trouble.UNDECODABLE)])
def test_a_camera_that_answers_without_a_picture_is_told_so_and_hung_up_on(kind, jpeg, trouble):
    with serving(kind(jpeg)) as address, looking(address, opening_s=1) as camera:

        def told():
            camera.frame(0.1)
            fault = camera.state().report.fault
            return fault is not None and fault.trouble is trouble

        wait_for(told, 8, camera.state)
        assert camera.state().abandoned == 0


def numbered(number):
    image = np.random.default_rng(1).integers(0, 40, (360, 640), np.uint8)
    for bit in range(8):
        image[300:340, bit * 60 : bit * 60 + 50] = 255 if number >> bit & 1 else 0
    return cv2.imencode(".jpg", image)[1].tobytes()


def number_of(image):
    return sum((image[320, bit * 60 + 25, 0] > 128) << bit for bit in range(8))


def test_what_queued_while_the_line_stalled_is_nobody_who_stands_there_now():
    made, waiting, stalled, over = {}, queue.Queue(6), threading.Event(), threading.Event()

    def make():
        """One picture each 50 ms, also while the line stalls; the six that have room wait."""
        for number in range(256):
            with suppress(queue.Full):
                made[number] = time.monotonic()
                waiting.put_nowait(numbered(number))
            if over.wait(0.05):
                return

    def answer(viewer):
        asked(viewer)
        viewer.sendall(MJPEG)
        for count in itertools.count():
            jpeg = part(waiting.get(timeout=20))
            viewer.sendall(jpeg[:5000])
            if count == 20:
                time.sleep(2.5)
                stalled.set()
            viewer.sendall(jpeg[5000:])

    maker = threading.Thread(target=make)
    with serving(answer) as address, looking(address) as camera:
        maker.start()
        ages: list[float] = []
        while sum(age < 1 for age in ages) < 5:
            frame = wait_for(lambda: camera.frame(0.2), 20)
            # How much younger it is told to be than it is.
            ages += [round(frame.taken_mono - made[number_of(frame.image)], 2)] if stalled.is_set() else []
        over.set()
        maker.join()
    assert max(ages) < 1.5, ages
