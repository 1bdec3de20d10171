"""Where this gate stands with its promise: its calibration and its residents, read and put together."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gate.store.people import residents
from gate.vision.promise import Promise, Standing, standing
from gate.vision.settings import VisionSettings
from models.receipt import read_calibration, read_receipt, uncalibrated


def standing_of(connection: sqlite3.Connection, models_dir: Path, pack: str, vision: VisionSettings) -> Standing:
    """With today's residents. Raises PackError when the pack is not installed or has no calibration."""
    receipt = read_receipt(models_dir, pack)
    calibration = read_calibration(models_dir, receipt)
    if calibration is None:
        raise uncalibrated(pack)
    promise = Promise(vision.promise.years, vision.promise.strangers_a_day)
    return standing(calibration, promise, residents.template_counts(connection, receipt.model_id), vision.threshold)
