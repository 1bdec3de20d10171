"""What a gate's promise asks of a face with the people who live there now, and what it costs them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.store.people import templates
from gate.store.site.inherited import inherited
from gate.vision.promise import (
    DEAR,
    SECOND_SHARE,
    Looked,
    Promise,
    come_twice,
    looks_again,
    missed,
    room,
    score_asked,
    years_kept,
)
from gate.vision.settings import VisionSettings
from models.installed import Installed, pack_folder, read_calibration, read_installed, uncalibrated
from models.manifest import Calibration

# So many more residents until it is dear are worth a word.
_FEW = 10
# With so many photos most of what photos bring is had; who has as many is told of together.
ENOUGH_PHOTOS = 3


@dataclass(frozen=True, slots=True)
class Price:
    """What a promise costs those `people` who have so many `photos` (`ENOUGH_PHOTOS`: or more): the share of them, 0 to
    1, whose first look is not believed."""

    photos: int
    people: int
    come_twice: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of a promise with so many people enrolled."""

    promise: Promise
    people: int
    score_asked: float
    """The score from which one sharp look by the pack's first model is believed."""
    years_kept: float
    """In how many years one wrong opening is to be expected with that score."""
    come_twice: float
    """The share of the residents, 0 to 1, whose first look scores below it."""
    more: int | None
    """How many people can be added until it is dear; None where the score was set by hand and does not follow them."""
    once_only: int = 0
    """Of the people those whom no second look knows, though there is one: they gain by being enrolled again."""
    prices: tuple[Price, ...] = ()
    """By the number of photos, the fewest first."""
    with_enough: float = 0.0
    """The share that would have to come twice were there `ENOUGH_PHOTOS` of everyone at least."""

    @property
    def more_photos_help(self) -> bool:
        """Whether there are fewer of some."""
        return any(one.photos < ENOUGH_PHOTOS for one in self.prices)

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
    first = Looked(calibration_of(models_dir, installed), tuple(templates.counts(connection, installed.model_id)))
    vision = vision.as_before(inherited(connection))
    promise = Promise.of(vision.promise)
    again = second_of(models_dir, installed, vision)
    if again is None:
        return forecast(promise, first, by_hand=vision.threshold)
    by_first = templates.counts_by_first(connection, installed.model_id, again.model_id)
    by_second = templates.counts(connection, again.model_id)
    return forecast(
        promise,
        replace(first, photos=tuple(by_first)),
        Looked(calibration_of(models_dir, again), tuple(by_second), SECOND_SHARE),
    )


def second_of(models_dir: Path, installed: Installed, vision: VisionSettings) -> Installed | None:
    """The pack that looks a second time where this one is in use; None where none does. Raises PackError."""
    second = installed.second
    if second is None or not looks_again(vision) or not pack_folder(models_dir, second).exists():
        return None
    return read_installed(models_dir, second)


def calibration_of(models_dir: Path, installed: Installed) -> Calibration:
    """What the pack's scores mean. Raises PackError where nobody has measured it."""
    found = read_calibration(models_dir, installed)
    if found is None:
        raise uncalibrated(installed.pack)
    return found


def forecast(
    promise: Promise, first: Looked, second: Looked | None = None, *, by_hand: float | None = None
) -> Forecast:
    """With the residents whom the `first` look alone decides about, and those whom a `second` one does; `by_hand` is a
    score set in the promise's place. Pure."""
    looks = [first] if second is None else [first, second]
    people = sum(len(one.photos) for one in looks)
    if by_hand is None:
        asked = score_asked(first.calibration, promise, people)
        twice, more = come_twice(looks, promise, people), room(looks, promise)
    else:
        asked, more = by_hand, None
        twice = missed(first.calibration, by_hand, first.photos)
    years = years_kept(first.calibration, asked, promise.strangers_a_day, people)
    once_only = len(first.photos) if second is not None else 0
    prices = _prices(looks, promise, by_hand)
    enough = [replace(one, photos=tuple(max(count, ENOUGH_PHOTOS) for count in one.photos)) for one in looks]
    with_enough = sum(one.people * one.come_twice for one in _prices(enough, promise, by_hand)) / max(people, 1)
    return Forecast(promise, people, asked, years, twice, more, once_only, prices, with_enough)


def _prices(looks: Sequence[Looked], promise: Promise, by_hand: float | None) -> tuple[Price, ...]:
    """What the promise, or a score set `by_hand`, costs those whom the looks decide about, by number of photos."""
    people = sum(len(one.photos) for one in looks)
    counted: dict[int, Counter[float]] = {}
    for look in looks:
        asked = score_asked(look.calibration, promise, people, look.share) if by_hand is None else by_hand
        for count, number in Counter(look.photos).items():
            counted.setdefault(min(count, ENOUGH_PHOTOS), Counter())[missed(look.calibration, asked, (count,))] += (
                number
            )
    return tuple(
        Price(count, shares.total(), sum(share * number for share, number in shares.items()) / shares.total())
        for count, shares in sorted(counted.items())
    )
