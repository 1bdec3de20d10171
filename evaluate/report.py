"""The pictures of an evaluation: a DET curve, and the worst pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from enroll.decode import decode_photo
from enroll.decoder.parent import Decoder

_PHOTO = 180
_CAPTION = 30


def draw_det(path: Path, fmr: NDArray[np.float64], fnmr: NDArray[np.float64], title: str) -> None:
    """The DET curve as PNG, both axes logarithmic (ISO/IEC 19795-1, 10.6)."""
    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(6, 4.5), dpi=150, layout="constrained")
        axes = figure.subplots()
        axes.loglog(fmr, np.maximum(fnmr, 1e-4), color="#1f5f8b", linewidth=2)
        axes.set(xlabel="false match rate", ylabel="false non-match rate", title=title, ylim=(1e-3, 1))
        axes.grid(which="both", alpha=0.25)
        figure.savefig(path)


def draw_pairs(path: Path, pairs: Sequence[tuple[Path, Path, float]]) -> None:
    """Pairs of photos below one another, each with its names and its score, as PNG."""
    sheet = Image.new("RGB", (2 * _PHOTO, len(pairs) * (_PHOTO + _CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    with Decoder() as decoder:
        for row, (one, other, score) in enumerate(pairs):
            top = row * (_PHOTO + _CAPTION)
            for column, photo in enumerate((one, other)):
                small = Image.fromarray(decode_photo(photo, decoder)[..., ::-1])
                small.thumbnail((_PHOTO, _PHOTO))
                sheet.paste(small, (column * _PHOTO, top))
                draw.text((column * _PHOTO + 2, top + _PHOTO), photo.parent.name[:28], fill="black")
            draw.text((2, top + _PHOTO + 13), f"{photo_names(one, other)}  {score:.3f}", fill="black")
    sheet.save(path)


def photo_names(one: Path, other: Path) -> str:
    """What two photos are called below their picture: the ends of both files' names."""
    return f"{one.stem[-8:]} / {other.stem[-8:]}"
