"""Two thousand people from a table: how fast beside the bare models, in how much memory, and killed half way."""

import csv
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from enroll.application import Photo
from enroll.bulk import carry_out
from enroll.checks import portrait_of
from enroll.enrolment import known_faces
from enroll.rows import Action, read_rows
from enroll.tables.headings import COLUMNS
from enroll.tables.open import open_table
from enroll.upright import find_faces, put_upright
from gate.store.database import open_database, open_read_only
from gate.store.people import residents
from gate.store.record import audit
from models.align import align
from models.detector import Detector
from models.faces import Face
from models.images import Image
from models.pack import Models
from tests.conftest import command_environment
from tests.enrolling import DECODER
from tests.running import wait_for

pytestmark = pytest.mark.soak

ROWS = 2_000


@pytest.fixture
def table(shared, tmp_path):
    """A row for each of 1,626 people, and one of another home for each second photo until there are enough."""
    folder = shared / "faces" / "lfw"
    photos = {person: sorted(person.glob("*.jpg")) for person in sorted(folder.iterdir())}
    chosen = [(person.name, found[0], "1") for person, found in photos.items()]
    chosen += [(person.name, found[1], "2") for person, found in photos.items() if len(found) > 1]
    path = tmp_path / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("name", "unit", "until", "photos", "consent", "another_person"))
        for name, photo, unit in chosen[:ROWS]:
            rows.writerow((name.replace("_", " "), unit, "2027-01-31", photo.relative_to(folder), "told", "yes"))
    return path, folder


def memory_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@dataclass
class Counted:
    """A detector, and how often it was asked."""

    detector: Detector
    asked: int = 0

    @property
    def cutouts(self) -> tuple[int, ...]:
        return self.detector.cutouts

    def detect(self, image: Image) -> list[Face]:
        self.asked += 1
        return self.detector.detect(image)


def bare(models: Models, photo: Photo, *, embedded: bool) -> None:
    """Each model once."""
    image = photo.read()
    faces = find_faces(image, models)
    if embedded:
        models.embedder.embed(align(image, faces[0], models.spec)[None])


def as_often(models: Models, photo: Photo, *, embedded: bool) -> None:
    """The models as often as the checks ask them, and nothing judged, compared or written."""
    view = put_upright(photo.read(), models)
    if embedded:
        models.embedder.embed(portrait_of(view, photo.name, models).aligned[None])


def test_the_import_keeps_its_pace_beside_the_models_in_flat_memory(table, models, state):
    path, folder = table
    rows, refused = read_rows(open_table(path, COLUMNS), folder, DECODER, "en")
    assert (len(rows), refused) == (ROWS, [])
    bare_s = as_often_s = import_s = 0.0
    outcomes, memory = [], []
    detector = Counted(models.detector)
    with closing(open_database(state)) as store, closing(open_read_only(state)) as reader:
        known = known_faces(reader, models)
        for number, row in enumerate(rows):
            # In turns and by the processor's time: an import also waits for the disk, the longer the busier the machine
            # is, and for the decoder's child as all three do. A refused photo is embedded by none.
            began = time.process_time()
            outcomes.append(carry_out(store, replace(models, detector=detector), row, "test", known))
            import_s += time.process_time() - began
            embedded = outcomes[-1].action is Action.ENROLLED
            began = time.process_time()
            as_often(models, row.asked.photos[0], embedded=embedded)
            as_often_s += time.process_time() - began
            began = time.process_time()
            bare(models, row.asked.photos[0], embedded=embedded)
            bare_s += time.process_time() - began
            if number % 250 == 249:
                memory.append(memory_mb())
        assert audit.verify(store) is None
    counts = Counter(one.action.value for one in outcomes)
    why = Counter(one.why.pattern for one in outcomes if one.action is Action.REFUSED)
    print(f"\n{ROWS} rows: {dict(counts)}; refused: {dict(why)}")
    print(
        f"photos a second of processor: import {ROWS / import_s:.1f}; models as often as the checks ask them"
        f" {ROWS / as_often_s:.1f}: {as_often_s / import_s:.2f}; each model once"
        f" {ROWS / bare_s:.1f}: {bare_s / import_s:.2f}"
    )
    print(f"the detector is asked {detector.asked / ROWS:.1f} times a photo")
    print(f"memory after each 250 rows, MB: {memory}")
    assert as_often_s / import_s >= 0.8
    # Once a photo and twice for the landmarks, nine times whether it is upright and plain, four times how it leans.
    assert detector.asked / ROWS <= 18
    assert bare_s / import_s >= 0.45
    assert memory[-1] - memory[0] <= 30


def test_killed_half_way_it_goes_on_with_nothing_twice_and_nothing_lost(table, models, models_dir, state, tmp_path):
    path, folder = table
    command = [sys.executable, "-m", "commands.cli", "import", str(path), "--photos", str(folder), "--yes", "--json"]

    def started(of):
        return subprocess.Popen(command, env=command_environment(models_dir, of), stdout=subprocess.PIPE, text=True)

    with closing(open_database(state)) as store:
        for half in (ROWS // 4, ROWS // 2):
            process = started(state)
            wait_for(lambda half=half: len(residents.every(store)) >= half, 300, "it is too slow")
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
        process = started(state)
        said, _ = process.communicate()
        people = [(one.name, one.unit, one.templates, one.valid_until) for one in residents.every(store)]
        assert audit.verify(store) is None
    whole = started(tmp_path / "whole")
    expected, _ = whole.communicate()
    with closing(open_database(tmp_path / "whole")) as store:
        assert people == [(one.name, one.unit, one.templates, one.valid_until) for one in residents.every(store)]
    assert len({(name, unit) for name, unit, _, _ in people}) == len(people)
    print(
        f"\nkilled twice and gone on with: {len(people)} people, the same as in one go; {said[:90]} ; {expected[:90]}"
    )
