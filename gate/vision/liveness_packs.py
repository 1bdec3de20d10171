"""Which packs of liveness checks a gate uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gate.vision.settings import VisionSettings
from gate.vocabulary import Level
from models.installed import pack_folder
from models.manifest import built_in_packs

FREE = "liveness-minifas"
"""The one that anybody may use."""


def liveness_packs(models_dir: Path, vision: VisionSettings, named: Sequence[str] | None) -> tuple[str, ...]:
    """Those that the settings name, or else all that are installed.

    Where nobody asked for liveness and none is installed there is none: the other checks stand without. Whoever asks
    for it has to have the free one at least.
    """
    if vision.level is Level.OFF:
        return ()
    if named is not None:
        return tuple(named)
    there = tuple(
        one.name for one in built_in_packs() if one.liveness is not None and pack_folder(models_dir, one.name).exists()
    )
    return there or (() if vision.liveness is None else (FREE,))
