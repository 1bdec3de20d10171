"""A camera tried before it is put into the settings: what it gives, or what is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from gate.processes.camera_report import CameraReport
from gate.vision.camera import Camera, CameraState
from gate.vision.settings import CameraSettings
from gate.vision.sources import source_of

# After the first picture, to count the others, and for another keyframe.
_WATCHED_S = 5.0
_GRACE_S = 1.0


def tried(settings: CameraSettings) -> CameraReport:
    """Open the camera, watch it for some five seconds, and say what it gives or what is wrong with it."""
    with closing(Camera(source_of(settings))) as camera:
        state = _watched(camera, settings.opening_s + _GRACE_S, lambda state: state.report.gives is not None)
        if state.report.gives is not None:
            state = _watched(camera, _WATCHED_S, lambda state: state.ended)
    return state.report


def _watched(camera: Camera, for_s: float, enough: Callable[[CameraState], bool]) -> CameraState:
    until = time.monotonic() + for_s
    while True:
        camera.frame(0.1)
        state = camera.state()
        if enough(state) or state.report.fault is not None or time.monotonic() > until:
            return state
