"""The contact sheet: one annotated frame for every verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT, _CAPTION, _GAP = 480, 270, 58, 12
_GREEN, _RED, _PAPER, _INK, _GREY = (
    (34, 150, 84),
    (200, 60, 52),
    (250, 249, 246),
    (30, 30, 34),
    (110, 110, 116),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A verdict and the frame it fell on: (H, W, 3) uint8 BGR, and the face's box in it, if one was found."""

    image: NDArray[np.uint8]
    box: tuple[float, float, float, float] | None
    granted: bool
    title: str
    note: str


def draw_sheet(moments: Sequence[Moment], heading: str, path: Path) -> None:
    """Write the sheet as PNG."""
    columns = 2 if len(moments) in (2, 4) else 3
    rows = max(1, -(-len(moments) // columns))
    tile_height = _HEIGHT + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * (_WIDTH + _GAP) + _GAP, 64 + rows * tile_height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP + 4, 18), heading, _INK, ImageFont.load_default(24))
    for number, moment in enumerate(moments):
        left = _GAP + number % columns * (_WIDTH + _GAP)
        _tile(sheet, draw, moment, left, 64 + number // columns * tile_height)
    sheet.save(path)


def _tile(sheet: Image.Image, draw: ImageDraw.ImageDraw, moment: Moment, left: int, top: int) -> None:
    colour = _GREEN if moment.granted else _RED
    picture = Image.fromarray(np.ascontiguousarray(moment.image[..., ::-1]))
    scale = _WIDTH / picture.width
    sheet.paste(picture.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS), (left, top))
    if moment.box is not None:
        x, y, width, height = (side * scale for side in moment.box)
        box = (left + x, top + y, left + x + width, top + y + height)
        draw.rounded_rectangle(box, radius=8, outline=colour, width=3)
    draw.rectangle((left, top, left + _WIDTH - 1, top + _HEIGHT + _CAPTION - 1), outline=colour, width=2)
    draw.rectangle((left, top + _HEIGHT, left + 10, top + _HEIGHT + _CAPTION - 1), fill=colour)
    draw.text((left + 20, top + _HEIGHT + 8), moment.title, colour, ImageFont.load_default(19))
    draw.text((left + 20, top + _HEIGHT + 33), moment.note, _GREY, ImageFont.load_default(15))
