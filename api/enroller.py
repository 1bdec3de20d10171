"""Enrolment over HTTP: one at a time, on models that are opened at the first use.

Everything heavy is imported here and then: most of its life an api has nobody to enrol, and it must start quickly.
"""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from enroll.application import NO_CAMERA, Application, Photo, write
from enroll.decoder.parent import Decoder
from gate.errors import Refusal, Sentence
from models.errors import PackError

if TYPE_CHECKING:
    from api.far_photos import FarPhoto
    from enroll.checks import Portrait
    from enroll.duplicates import Lookalike
    from enroll.enrolment import Enrolled, Prepared
    from enroll.sitting import Face
    from gate.store.people.residents import Resident
    from gate.store.people.templates import Template
    from models.pack import Models


_NOT_YOURS = Sentence(
    "This photo does not look like the face that the gate knows for you. Take another one, or go to the property"
    " office."
)


class Enroller:
    """Turns uploads into residents by the one way to enrol; at a gate without a camera no face is taken."""

    def __init__(self, models_dir: Path, pack: str | None, decoder: Decoder) -> None:
        """`pack` names the models; None: the gate has no camera, and needs none."""
        self.models_dir = models_dir
        self._pack = pack
        self._decoder = decoder
        self._opened: Models | None = None
        self._turn = threading.Lock()

    def model_id(self) -> str | None:
        """Names the model whose templates the gate compares now; None where its pack is not installed, or none used."""
        from models.installed import read_installed

        if self._pack is None:
            return None
        try:
            return read_installed(self.models_dir, self._pack).model_id
        except PackError:
            return None

    def second_id(self) -> str | None:
        """Names the model of the second look; None where there is none."""
        from models.installed import read_installed

        if self._pack is None:
            return None
        try:
            second = read_installed(self.models_dir, self._pack).second
            return None if second is None else read_installed(self.models_dir, second).model_id
        except PackError:
            return None

    def photo(self, file: BinaryIO, name: str) -> Photo:
        """A photo that was sent under a name; it is opened when it is looked at."""
        from enroll.decode import photo_sent

        return photo_sent(file, name, self._decoder)

    def check(self, photo: Photo) -> Portrait:
        """The face that would be taken out of a photo, and how good it is.

        Raises Refusal, with its reason, where it would not do; UsageError where it is none.
        """
        from enroll.checks import examine

        image = photo.read()
        with self.turn() as models:
            return examine(image, photo.name, models)

    def look(self, picture: BinaryIO) -> Face:
        """The one good face in a picture of the gate's camera. Raises Refusal, with its reason, where there is none.

        Whoever stands further behind is in view as well: one person alone is wanted.
        """
        from enroll.checks import examine
        from enroll.sitting import SECOND_FACE, Face

        photo = self.photo(picture, "picture")
        image = photo.read()
        with self.turn() as models:
            found = examine(image, photo.name, models, SECOND_FACE)
            (template,) = models.embedder.embed(found.aligned[None])
        return Face(found.aligned, template, found.quality.yaw, found.quality.sharpness)

    def like(self, connection: sqlite3.Connection, face: Face, whose: str) -> tuple[Lookalike, ...]:
        """Whose face it is, or is very like, but for the resident with the id `whose`."""
        from enroll.duplicates import lookalikes
        from enroll.enrolment import known_faces

        with self.turn() as models:
            gallery = known_faces(connection, models).gallery
            return lookalikes(connection, models.calibration, face.template[None], gallery, whose)

    def enrol(
        self, connection: sqlite3.Connection, asked: Application, by: str, written_in: AbstractContextManager[None]
    ) -> Enrolled:
        """Enrol as enroll.enrolment.enrol."""
        from enroll.enrolment import enrol

        with self.turn() as models:
            return enrol(connection, models, asked, by, written_in)

    def prepare(self, connection: sqlite3.Connection, asked: Application) -> Prepared:
        """What the photos would give, for somebody to look at first, as enroll.enrolment.prepare_openly."""
        from enroll.enrolment import prepare_openly

        with self.turn() as models:
            return prepare_openly(connection, models, asked)

    def prepare_unnamed(self, connection: sqlite3.Connection, asked: Application) -> Prepared:
        """What somebody's own photos would give, as enroll.enrolment.prepare; no refusal names anybody."""
        from enroll.enrolment import NotTheirs, prepare

        with self.turn() as models:
            try:
                return prepare(connection, models, asked)
            except NotTheirs as refused:
                raise Refusal(_NOT_YOURS) from refused

    def prepare_far(
        self, taken: Sequence[FarPhoto], lookalikes: tuple[Lookalike, ...]
    ) -> Prepared:  # fmt: skip
        """The same of photos that another gate's camera took, which that gate has looked over by its own models."""
        from enroll.enrolment import Prepared

        portraits = tuple(self.photo(io.BytesIO(one.portrait), "portrait").read() for one in taken)
        return Prepared(tuple(one.template for one in taken), portraits, lookalikes, ())

    def enrol_seen(
        self, connection: sqlite3.Connection, asked: Application, made: Sequence[Template], by: str,
        written_in: AbstractContextManager[None],
    ) -> Resident:  # fmt: skip
        """Enrol by what was prepared and looked at. Raises as enroll.enrolment.keep."""
        from enroll.enrolment import keep, known_faces

        with self.turn() as models:
            known = known_faces(connection, models)
            with written_in:
                return keep(connection, models, asked, made, by, known).resident

    def enrol_far(
        self, connection: sqlite3.Connection, asked: Application, made: Sequence[Template],
        lookalikes: Sequence[Lookalike], by: str, written_in: AbstractContextManager[None],
    ) -> Resident:  # fmt: skip
        """Enrol by what another gate made of photos of its camera; `lookalikes` are whom it found them to be like.

        They are compared with the faces here too where they were made by the model of this gate. Raises as enrol_seen.
        """
        from enroll.enrolment import refuse_lookalikes

        if all(one.model == self.model_id() for one in made):
            return self.enrol_seen(connection, asked, made, by, written_in)
        refuse_lookalikes(asked, lookalikes)
        with written_in:
            return write(connection, asked, made, by, overruled=len(lookalikes))

    @contextmanager
    def turn(self) -> Iterator[Models]:
        """The models, for one at a time: the gate needs the rest of the machine. Raises PackError, and Refusal where
        the gate has no camera."""
        if self._pack is None:
            raise Refusal(NO_CAMERA)
        with self._turn:
            if self._opened is None:
                from models.pack import open_models

                self._opened = open_models(self.models_dir, self._pack, threads=1)
            yield self._opened

    @contextmanager
    def turn_if_any(self) -> Iterator[Models | None]:
        """The same; None at a gate without a camera, for what can be done without faces."""
        if self._pack is None:
            yield None
            return
        with self.turn() as models:
            yield models
