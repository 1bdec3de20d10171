"""A folder of people, `person/photo.jpg`, read and turned into templates."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enroll.checks import BOUNDS, PhotoRefused, Portrait, portrait_of
from enroll.decode import decode_photo
from enroll.decoder.parent import Decoder
from enroll.tables.headings import column_of
from enroll.tables.open import open_table
from enroll.tables.table import Line
from enroll.upright import put_upright
from gate.errors import UsageError
from gate.vision.quality import Bounds, unfit
from gate.vocabulary import Reason
from models.images import Image
from models.pack import Models

GROUPS = "groups.csv"
_COLUMNS = ("person", "group")
_CALLED = {"name": "person"}
# Pictures handed to another library in one go: more would only be memory.
_AT_ONCE = 500
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}

_Row = tuple[str, Path, NDArray[np.float32], bool, NDArray[np.float32] | None]


@dataclass(frozen=True, slots=True)
class Listing:
    """Whose photos a folder holds: (person, file) by name; files that another one repeats are left out.

    `groups` says who is of which group; somebody may be of several. `unknown` are people of groups without a folder.
    """

    photos: tuple[tuple[str, Path], ...]
    duplicates: tuple[Path, ...]
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class Faces:
    """The photos that gave a template. `person` (N,) indexes `people`; `enrols` says which an enrolment would take.

    `again` are the templates of the second look, (N, D of its model), where the models have one.
    """

    people: tuple[str, ...]
    person: NDArray[np.int64]
    files: tuple[Path, ...]
    templates: NDArray[np.float32]
    enrols: NDArray[np.bool_]
    refused: Counter[Reason] = field(default_factory=Counter)
    not_acquired: int = 0
    unreadable: int = 0
    again: NDArray[np.float32] | None = None

    @property
    def tried(self) -> int:
        """How many photos were looked at."""
        return len(self.files) + self.not_acquired

    @property
    def failure_to_enrol(self) -> float:
        """Share of the photos that an enrolment refuses or cannot read."""
        return 1 - float(self.enrols.sum()) / self.tried

    @property
    def failure_to_acquire(self) -> float:
        """Share of the photos that the gate would not judge by: no face, or one too poor."""
        return self.not_acquired / self.tried


def list_people(folder: Path, fold: tuple[int, int] = (1, 1)) -> Listing:
    """What is in `folder`; of `fold` (k, n) only the k-th of n parts of the people, by a hash of their names.

    Raises UsageError when it is no folder of at least two people.
    """
    if not folder.is_dir():
        raise UsageError(
            "There is no folder {folder}. Give one with a folder of photos for each person.", folder=folder
        )
    people_there = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    groups = _groups(folder / GROUPS, people_there)
    photos, duplicates = _once(folder, [person for person in people_there if _part(person, fold[1]) == fold[0]])
    people = {person for person, _ in photos}
    if not people:
        raise UsageError(
            "{folder} holds no folders with photos. Lay it out as person/photo.jpg, a folder for each person.",
            folder=folder,
        )
    if len(people) == 1:
        raise UsageError(
            "{folder} shows one person alone; it takes at least two, one enrolled and one a stranger.", folder=folder
        )
    of_groups = frozenset[str]().union(*groups.values())
    return Listing(tuple(photos), tuple(duplicates), groups, tuple(sorted(of_groups - set(people_there))))


def _once(folder: Path, people: list[str]) -> tuple[list[tuple[str, Path]], list[Path]]:
    """(person, file) of each photo, and the files that another one repeats to the byte."""
    photos: list[tuple[str, Path]] = []
    duplicates: list[Path] = []
    seen: set[bytes] = set()
    for person in people:
        for path in photos_in(folder / person):
            known = _digest(path)
            if known in seen:
                duplicates.append(path)
                continue
            seen.add(known)
            photos.append((person, path))
    return photos, duplicates


def look(listing: Listing, models: Models, gate: Bounds | None, step: Callable[[], None]) -> Faces:
    """Every photo's template, by its main face; faces outside the bounds of the `gate` are not acquired.

    Raises UsageError when fewer than two people show one.
    """
    refused: Counter[Reason] = Counter()
    rows: list[_Row] = []
    unreadable = 0
    for person, path, image in _opened(listing):
        step()
        if image is None:
            unreadable += 1
            continue
        try:
            portrait = _portrait(image, path.name, models, gate)
        except PhotoRefused as error:
            refused[error.reason] += 1
            continue
        (template,) = models.embedder.embed(portrait.aligned[None])
        again = models.second.embedder.embed(portrait.aligned[None])[0] if models.second is not None else None
        if not all(np.isfinite(vector).all() for vector in (template, again) if vector is not None):
            refused[Reason.FAULT] += 1
            continue
        poor = unfit(portrait.quality, BOUNDS) if gate is not None else None
        if poor is not None:
            refused[poor] += 1
        rows.append((person, path, template, poor is None, again))
    return _faces(rows, refused, unreadable, len(listing.photos))


def _portrait(image: Image, name: str, models: Models, gate: Bounds | None) -> Portrait:
    view = put_upright(image, models)
    if not view.faces:
        raise PhotoRefused(name, Reason.NO_FACE)
    return portrait_of(view, name, models, gate)


def _opened(listing: Listing) -> Iterator[tuple[str, Path, NDArray[np.uint8] | None]]:
    """Each photo with whose it is, where it lies and its picture; None where it is none that can be opened."""
    with Decoder() as decoder:
        for person, path in listing.photos:
            try:
                image = decode_photo(path, decoder)
            except UsageError:
                yield person, path, None
            else:
                yield person, path, image


def look_with(
    run: Callable[[list[Image]], list[NDArray[np.float32] | None]],
    listing: Listing,
    step: Callable[[], None],
) -> Faces:
    """As `look`, by another library: `run` gives the template of each picture's main face, or None.

    It enrols from whatever it finds a face in. Raises UsageError when fewer than two people show one.
    """
    rows: list[_Row] = []
    refused: Counter[Reason] = Counter()
    unreadable = 0
    opened = _opened(listing)
    while some := list(islice(opened, _AT_ONCE)):
        readable = [(person, path, image) for person, path, image in some if image is not None]
        unreadable += len(some) - len(readable)
        for (person, path, _), template in zip(readable, run([image for *_, image in readable]), strict=True):
            step()
            if template is None or not np.linalg.norm(template) > 0:
                refused[Reason.NO_FACE] += 1
                continue
            rows.append((person, path, np.asarray(template / np.linalg.norm(template), np.float32), True, None))
    return _faces(rows, refused, unreadable, len(listing.photos))


def _faces(rows: list[_Row], refused: Counter[Reason], unreadable: int, photos: int) -> Faces:
    names = tuple(dict.fromkeys(person for person, *_ in rows))
    if len(names) < 2:
        raise UsageError(
            "{people} on {photos} photos shows a face that can be used; it takes at least two people.",
            photos=photos,
            people="One person alone" if names else "Nobody",
        )
    number = {name: index for index, name in enumerate(names)}
    people, files, templates, enrols, again = zip(*rows, strict=True)
    return Faces(
        names, np.array([number[person] for person in people]), files, np.stack(templates), np.array(enrols),
        refused, photos - len(rows), unreadable, None if again[0] is None else np.stack(again),
    )  # fmt: skip


def photos_in(folder: Path) -> Iterator[Path]:
    """The photos of a folder by name, told by how their names end."""
    for name in sorted(entry.name for entry in os.scandir(folder) if entry.is_file()):
        if Path(name).suffix.lower() in _SUFFIXES:
            yield folder / name


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return os.fsencode(path)


def _part(person: str, parts: int) -> int:
    return int.from_bytes(hashlib.sha256(os.fsencode(person)).digest()[:4], "big") % parts + 1


def _groups(path: Path, folders: Sequence[str]) -> dict[str, frozenset[str]]:
    """{group: people} from a table with the columns person and group, in whatever letters and with whatever separators;
    nothing where there is none. People are called as their `folders` are. Raises UsageError."""
    if not path.is_file():
        return {}
    head, *lines = open_table(path, frozenset((*_COLUMNS, *_CALLED))).lines or [Line(1, ())]
    columns = [_CALLED.get(column, column) for column in (column_of(cell.text) for cell in head.cells)]
    if any(columns.count(column) != 1 for column in _COLUMNS):
        raise UsageError("{path} cannot be read: give it two columns, person and group, each once.", path=path)
    # A letter with an accent is written in two ways, and file systems choose one of them.
    known = {_composed(folder): folder for folder in folders}
    found: dict[str, set[str]] = {}
    for line in lines:
        cells = dict(zip(columns, (cell.text for cell in line.cells), strict=False))
        person, group = (_composed(cells.get(column, "")) for column in _COLUMNS)
        if person and group:
            found.setdefault(group, set()).add(known.get(person, person))
    return {group: frozenset(people) for group, people in found.items()}


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
