"""The newest frame as a small picture, for someone who is being enrolled or a manager who looks."""

from __future__ import annotations

import cv2

from gate.processes.requests import Preview
from gate.processes.wire import MAX_PICTURE
from gate.vocabulary import Frame
from models.images import shrunk

# Enough for three hundred pixels of face on somebody who stands at the gate.
_SIDE = 960
_QUALITIES = (90, 80, 65, 50, 30)
# In base64 four signs are three bytes.
_MOST = MAX_PICTURE // 4 * 3


def preview(frame: Frame) -> Preview:
    """At most 960 pixels a side, and on the wire MAX_PICTURE bytes."""
    small, _ = shrunk(frame.image, _SIDE)
    for quality in _QUALITIES:
        done, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and jpeg.size <= _MOST:
            return Preview(jpeg.tobytes(), frame.taken_mono)
    return Preview(None, frame.taken_mono)
