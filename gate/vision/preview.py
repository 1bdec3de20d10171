"""The newest frame as a small picture, for someone who is being enrolled or a manager who looks."""

from __future__ import annotations

import base64

import cv2

from gate.processes.wire import MAX_PICTURE, Message
from gate.vocabulary import Frame
from models.images import shrunk

# Enough for three hundred pixels of face on somebody who stands at the gate.
_SIDE = 960
_QUALITIES = (90, 80, 65, 50, 30)


def preview(frame: Frame) -> Message:
    """{"jpeg": base64, "taken_mono"}, at most 960 pixels a side and MAX_PICTURE bytes."""
    small, _ = shrunk(frame.image, _SIDE)
    for quality in _QUALITIES:
        done, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        text = base64.b64encode(jpeg.tobytes()).decode("ascii")
        if done and len(text) <= MAX_PICTURE:
            return {"jpeg": text, "taken_mono": frame.taken_mono}
    return {"jpeg": None, "taken_mono": frame.taken_mono}
