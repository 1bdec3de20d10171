"""A picture for someone who looks: small enough for the socket, whatever is on it."""

import threading

import cv2
import numpy as np
import pytest

from gate.processes.client import Client
from gate.processes.fields import written
from gate.processes.server import Server
from gate.processes.wire import MAX_PICTURE
from gate.vision.preview import preview
from gate.vocabulary import Frame


def pictures():
    noise = np.random.default_rng(1).integers(0, 256, (1080, 1920, 3), np.uint8)
    yield "noise", noise, (540, 960)
    yield "grey", np.full((360, 640, 3), 90, np.uint8), (360, 640)
    yield "upright", noise[:, :400], (960, 356)


@pytest.mark.parametrize(
    ("name", "image", "shape"), list(pictures()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_it_fits_and_shows_what_the_camera_sees(name, image, shape):
    answer = preview(Frame(image, "camera", 12.5))
    assert answer.taken_mono == 12.5
    assert len(written(answer)["jpeg"]) <= MAX_PICTURE
    shown = cv2.imdecode(np.frombuffer(answer.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[:2] == shape
    assert abs(float(shown.mean()) - float(image.mean())) < 3


def test_the_largest_picture_crosses_the_socket_whole(tmp_path):
    picture = {"jpeg": "x" * MAX_PICTURE, "taken_mono": 1.0}
    server = Server(tmp_path / "s", lambda *_: picture, lambda *_: None)
    over = threading.Event()

    def serve():
        while not over.is_set():
            server.turn(0.05)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = Client(tmp_path / "s")
        for _ in range(20):
            assert client.ask({"do": "preview"}) == picture
        client.close()
    finally:
        over.set()
        thread.join()
        server.close()
