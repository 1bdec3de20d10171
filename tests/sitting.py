"""Enrolling at a gate's camera without one: the pictures that it sees, and the page of whoever leads it."""

import time
from contextlib import contextmanager

import cv2
import numpy as np

from gate.processes.fields import written
from gate.processes.requests import Preview
from gate.vision.preview import preview
from gate.vocabulary import Frame
from tests.running import wait_for
from tests.said import answering, vision_says


@contextmanager
def camera_of(state):
    """A function that puts a picture ((H, W, 3) uint8 BGR) before the gate's camera; None: it gives none."""
    said = written(vision_says(last_frame_mono=time.monotonic() + 600))

    def show(picture):
        now = time.monotonic()
        said.update(written(Preview() if picture is None else preview(Frame(picture, "camera", now))))

    show(None)
    with answering(state, "vision", said):
        yield show


def standing(photos, *names):
    """People side by side, as the gate's camera sees them."""
    faces = [cv2.imread(str(photos / name)) for name in names]
    least = min(face.shape[0] for face in faces)
    return np.hstack([cv2.resize(face, None, fx=least / face.shape[0], fy=least / face.shape[0]) for face in faces])


class Leader:
    """The page of whoever leads it, at this gate or at the one of that id."""

    def __init__(self, browser, gate=""):
        self.browser = browser
        self.gate = gate
        self.have = 0
        self.photos = []
        self.key = ""

    def ask(self, path="", **given):
        data = {"gate": self.gate, "key": self.key} | given
        return self.browser.post(f"/enrol/gate{path}", data=data)

    def begin(self):
        said = self.ask().json()
        self.key = said.get("key", "")
        return said

    def look(self, **given):
        said = self.ask("/look", have=str(self.have), **given).json()
        for one in said.get("photos", ()):
            self.photos.append(one)
            self.have = one["number"]
        return said

    def until(self, words, within_s=20, **given):
        """Look until it says so."""
        said = []

        def heard():
            said[:] = [self.look(**given)]
            return words in said[0].get("words", said[0].get("problem"))

        wait_for(heard, within_s, said)
        return said[0]
