"""Boxes in a picture, and how far two of them are one. Pure."""

from __future__ import annotations

Box = tuple[float, float, float, float]
"""Left, top, width, height; pixels."""


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 (apart) to 1 (the same); 0 where one has no area."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    union = a[2] * a[3] + b[2] * b[3] - shared
    return float(min(1.0, shared / union)) if union > 0 else 0.0
