"""What somebody asks who enrols: a name, a home, photos, a consent; cleaned and checked here, once.

The API, the console, an import and the command each make an `Application` of what they were given. From there all go
one way: whose name it is (`gate.store.people.namesakes`), what the photos give (`enroll.enrolment.prepare`), and the
writing (`write`).
Nothing heavy is imported here: an api that has nobody to enrol starts without the models.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from enroll.consent import Agreed
from gate.errors import ResidentRefusal, Sentence, UsageError
from gate.names import clean_home, clean_name
from gate.store.database import transaction
from gate.store.people import changes, consents, erasure, homes, namesakes, residents
from gate.store.people.consents import Way
from gate.store.people.residents import Resident
from gate.store.people.templates import MAX_TEMPLATES, Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


NO_CAMERA = Sentence(
    "This gate has no camera: no face is kept. Add people by name and home, and give them PINs or cards."
)
ENDED = Sentence("{name} withdrew their consent in the meantime; nothing is kept. Ask them again, and enrol them anew.")
_ERASED = Sentence("{name} was erased in the meantime; nothing is kept. Ask them again, and enrol them anew.")


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo: what to call it, how to get it ((H, W, 3) uint8 BGR, or UsageError), and where it came from."""

    name: str
    read: Callable[[], NDArray[np.uint8]]
    source: str = "photo"
    file: Path | None = None
    """Where it lies, if it is a file's."""


@dataclass(frozen=True, slots=True)
class Application:
    """Who is to be enrolled, from what, and by which consent. Made by `Application.of`, which checks it."""

    name: str
    unit: str | None
    """Where they live; None: nobody said."""
    photos: tuple[Photo, ...] = ()
    """None of them: somebody who uses other ways in."""
    agreed: Agreed | None = None
    """Given wherever there are photos."""
    whose: Resident | None = None
    """The resident who gets more templates; None: a new one."""
    another_than: frozenset[str] | None = frozenset()
    """The ids of those whom the face is like, and of whom somebody said that they are another; None: than anybody."""
    ended: frozenset[str] = field(default=frozenset(), compare=False)
    """The ids of the consents that had ended by then (`consents.ended`). What they agreed to, they agreed to before."""
    area: str | None = None
    """The name of the area in which a new one is let in; None or empty: at all gates."""
    seen: str | None = None
    """The id of the resident as whom somebody saw them when this was asked; None: as nobody who was there."""

    @classmethod
    def of(
        cls,
        name: str,
        unit: str | None,
        photos: Sequence[Photo] = (),
        agreed: Agreed | None = None,
        whose: Resident | None = None,
        another_than: frozenset[str] | None = frozenset(),
        ended: frozenset[str] = frozenset(),
        area: str | None = None,
    ) -> Application:
        """Clean and check what was typed; where it is known `whose` face it is, their name is theirs already.

        Whoever agrees gives `ended`: without it nobody is enrolled again who ever withdrew a consent.

        Raises UsageError for a name or a home that can be none, for photos without a consent, for a consent without
        photos, and for more photos than MAX_TEMPLATES.
        """
        name = clean_name(name) if whose is None else whose.name
        if unit is not None:
            unit = clean_home(unit, whose.unit if whose is not None else None)
        refuse_photos(len(photos), agreed)
        return cls(name, unit, tuple(photos), agreed, whose, another_than, ended, area)


def refuse_photos(count: int, agreed: Agreed | None) -> None:
    """Raises UsageError for photos without a consent, a consent without photos, and more photos than MAX_TEMPLATES."""
    if count > MAX_TEMPLATES or (agreed is not None and not count):
        raise UsageError("Give between 1 and {most} photos.", most=MAX_TEMPLATES)
    if count and (agreed is None or agreed.way is Way.NONE):
        raise UsageError("Photos need a consent: told, paper or screen.")


def of_namesake(connection: sqlite3.Connection, asked: Application) -> Application:
    """The same, for the resident of this name where there is one. Raises Refusal as `namesakes.find`, and where whoever
    was seen when it was asked was erased since."""
    whose = namesakes.find(connection, asked.name, asked.unit)
    if whose is None and asked.seen is not None and erasure.was_erased(connection, asked.seen):
        raise ResidentRefusal(_ERASED, name=asked.name)
    return replace(asked, whose=whose)


def write(
    connection: sqlite3.Connection, asked: Application, made: Sequence[Template], by: str, *, overruled: int = 0
) -> Resident:
    """Keep the person, the templates made of their photos, and the consent; the record says `by` whom, and of how many
    whom they are like somebody said that they are another.

    All or nothing. Raises Refusal as `namesakes.refuse`, `residents.enrol`, `residents.add_templates` and
    `changes.change`, and where a consent of theirs ended since this was asked.
    """
    consent = asked.agreed.recorded(by) if asked.agreed is not None else None
    with transaction(connection):
        if asked.whose is not None:
            if consent is not None and consents.ended_since(connection, asked.whose.id, asked.ended):
                raise ResidentRefusal(ENDED, name=asked.whose.name)
            # A home that they have already stays written as it is.
            unit = None if homes.are_one(asked.whose.unit, asked.unit) else asked.unit
            if unit is not None:
                namesakes.refuse(connection, asked.whose.name, unit, besides=asked.whose.id)
            return residents.add_templates(
                connection, asked.whose, made, consent, unit=unit, by=by, overruled=overruled
            )
        # Whoever asked at the same time may have been quicker.
        namesakes.refuse(connection, asked.name, asked.unit)
        new = residents.enrol(connection, asked.name, asked.unit, made, consent, by=by, overruled=overruled)
        return changes.change(connection, new, changes.Changes(area=asked.area), by=by) if asked.area else new


def add_without_face(
    connection: sqlite3.Connection, name: str, unit: str | None = None, area: str | None = None, *, by: str
) -> Resident:
    """Add someone who uses other ways in. Raises UsageError for a name that is none, Refusal where they are known, or
    there is no such area."""
    return write(connection, Application.of(name, unit, area=area), (), by)
