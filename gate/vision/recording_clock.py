"""The time of a recording: it only goes forward, whatever its time stamps say. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

Picture = TypeVar("Picture")

# Between two frames, as long as no two have shown it, seconds.
_USUAL_STEP_S = 0.04


def forward(frames: Iterator[tuple[float, Picture]]) -> Iterator[tuple[float, Picture]]:
    """The same frames; where their seconds run back, as where two clips were joined, the second goes on one step after
    the first."""
    shift, step, before = 0.0, _USUAL_STEP_S, float("-inf")
    for seconds, image in frames:
        if seconds < before:
            shift += before + step - seconds
        elif seconds - before < float("inf"):
            step = seconds - before
        before = seconds
        yield seconds + shift, image
