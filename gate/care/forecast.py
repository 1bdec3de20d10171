"""What a gate's promise asks of a face with the people who live there now, and what it costs them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gate.store.people import templates
from gate.vision.promise import DEAR, Promise, missed, room, score_asked, years_kept
from gate.vision.settings import VisionSettings
from models.installed import read_calibration, read_installed, uncalibrated
from models.manifest import Calibration

# So many more residents until it is dear are worth a word.
_FEW = 10


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of a promise with so many people enrolled."""

    promise: Promise
    people: int
    score_asked: float
    """The score from which one sharp look is believed."""
    years_kept: float
    """In how many years one wrong opening is to be expected with that score."""
    come_twice: float
    """The share of the residents, 0 to 1, whose first look scores below it."""
    more: int | None
    """How many people can be added until it is dear; None where the score was set by hand and does not follow them."""

    @property
    def kept(self) -> bool:
        """Whether the score asked keeps the promise; one that was set by hand may not."""
        return self.years_kept >= 0.99 * self.promise.years

    @property
    def nearly_dear(self) -> bool:
        """Whether it is dear, or a few more residents will make it so."""
        return self.dear or (self.more is not None and self.more < _FEW)

    @property
    def dear(self) -> bool:
        """Whether more residents must come a second time than people put up with."""
        return self.come_twice > DEAR


def forecast_of(connection: sqlite3.Connection, models_dir: Path, pack: str, vision: VisionSettings) -> Forecast:
    """With the residents of today. Raises PackError when the pack is not installed or has no calibration, sqlite3.Error
    when the store cannot be read."""
    installed = read_installed(models_dir, pack)
    calibration = read_calibration(models_dir, installed)
    if calibration is None:
        raise uncalibrated(pack)
    promise = Promise.of(vision.promise)
    photos = templates.counts(connection, installed.model_id)
    return forecast(calibration, promise, photos, vision.threshold)


def forecast(
    calibration: Calibration, promise: Promise, photos: Sequence[int], by_hand: float | None = None
) -> Forecast:
    """With residents of so many `photos` each; `by_hand` is a score set in the promise's place. Pure."""
    people = sum(1 for count in photos if count)
    asked = score_asked(calibration, promise, people) if by_hand is None else by_hand
    return Forecast(
        promise,
        people,
        asked,
        years_kept(calibration, asked, promise.strangers_a_day, people),
        missed(calibration, asked, photos),
        room(calibration, promise, photos) if by_hand is None else None,
    )
