"""The bench beside other libraries, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

_OURS, _THEIRS = "#1f5f8b", "#b9c4cc"


def draw_times(path: Path, times: Mapping[str, float]) -> None:
    """Milliseconds a frame by name, ours first, as SVG. Raises OSError."""
    with mpl.rc_context({"font.size": 10, "svg.hashsalt": "facegate", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 0.5 + 0.42 * len(times)), layout="constrained")
        axes = figure.subplots()
        bars = axes.barh(list(times), list(times.values()), color=[_OURS, *[_THEIRS] * (len(times) - 1)], height=0.62)
        axes.bar_label(bars, fmt="%.0f ms", padding=4)
        axes.set(xlim=(0, 1.15 * max(times.values())))
        axes.invert_yaxis()
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.tick_params(left=False, bottom=False, labelbottom=False)
        # Without a date the same figures give the same file.
        figure.savefig(path, format="svg", metadata={"Date": None})
