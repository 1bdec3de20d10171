"""What is held up to the camera: visitors' passes and the pictures of residents' phones, read off the whole frame and
told once for as long as they stay.

What is on a street is full of QR codes. Whatever is neither ends here, and reaches neither door, record nor log; which
is whose, and whether it opens, the door alone can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

import cv2
import zxingcpp

from gate.codes import handle_of, is_pass, is_rolling
from gate.vocabulary import Frame, Method
from models.images import Image

_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
# Of so many pictures one is read: a code is held up for longer than that.
_EVERY = 3
# A picture that takes long, since it is full of codes or of what looks like them, is paid for by so many times as long
# without reading: faces wait for no more than a tenth of the time.
_RESTS = 9
# What was out of sight for so long is held up anew, seconds.
_AWAY_S = 3.0
# More than so many at once nobody holds up who wants to come in.
_MOST = 4


def codes_on(image: Image) -> list[str]:
    """What the pictures of passes and phones say that are seen on an image, light on dark and turned ones too."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    found = zxingcpp.read_barcodes(grey, formats=_QR)
    return [one.text for one in found if is_pass(one.text) or is_rolling(one.text)]


def method_of(code: str) -> Method:
    """By what somebody comes who holds this up."""
    return Method.PASS if is_pass(code) else Method.ROLLING


def _whose(code: str) -> str:
    """What stays the same while it is held up: a phone shows another picture each half minute."""
    return code if is_pass(code) else handle_of(code)


class HeldUp:
    """What is held up now. Not thread-safe."""

    def __init__(
        self, read: Callable[[Image], Sequence[str]] = codes_on, clock: Callable[[], float] = monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._pictures = 0
        self._due_mono = float("-inf")
        self._seen: dict[str, float] = {}

    def see(self, frame: Frame) -> list[str]:
        """What came into sight with this frame."""
        self._pictures += 1
        began = self._clock()
        if self._pictures % _EVERY or began < self._due_mono:
            return []
        found = list(dict.fromkeys(self._read(frame.image)))[:_MOST]
        ended = self._clock()
        self._due_mono = ended + _RESTS * (ended - began)
        now = frame.taken_mono
        self._seen = {one: seen for one, seen in self._seen.items() if now - seen <= _AWAY_S}
        new = [one for one in found if _whose(one) not in self._seen]
        self._seen |= dict.fromkeys(map(_whose, found), now)
        return new

    def forget(self, code: str) -> None:
        """Whom it was to be told to did not hear of it: tell it again."""
        self._seen.pop(_whose(code), None)
