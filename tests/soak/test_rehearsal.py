"""Two thousand rows with every fault that tables have: what the rehearsal says of each is what happens."""

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import cv2
import pytest

from gate.names import name_key
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.record import audit
from tests.conftest import command_environment
from tests.tables import table

pytestmark = pytest.mark.soak

ROWS = 2_000


@pytest.fixture
def people(shared, tmp_path):
    """The table, beside its photos: of six hundred people one each, some spoilt, some of others."""
    folder = tmp_path / "people"
    folder.mkdir()
    found = [next(iter(sorted(person.glob("*.jpg")))) for person in sorted((shared / "faces" / "lfw").iterdir())][:700]
    for photo in found:
        (folder / photo.name).write_bytes(photo.read_bytes())
    poor = []
    for photo in found[:20]:
        image = cv2.imread(str(photo))
        poor += [f"dark-{photo.name}", f"grey-{photo.name}"]
        cv2.imwrite(str(folder / poor[-2]), (image * 0.1).astype("uint8"))
        cv2.imwrite(str(folder / poor[-1]), image * 0 + 128)
    names = [photo.name for photo in found]
    path = folder / "people.csv"
    path.write_text(table(ROWS, names[:600], poor, names[600:]), "utf-8")
    return path


def test_what_is_rehearsed_is_what_happens_in_each_of_two_thousand_rows(people, models_dir, state):
    command = [sys.executable, "-m", "commands.cli", "import", str(people), "--json"]

    def said(*more):
        began = time.monotonic()
        done = subprocess.run(
            [*command, *more], env=command_environment(models_dir, state), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stderr
        return json.loads(done.stdout.splitlines()[-1])["rows"], time.monotonic() - began

    rehearsed, rehearsal_s = said()
    with closing(open_database(state)) as store:
        assert residents.every(store) == []
    done, import_s = said("--yes")
    with closing(open_database(state)) as store:
        there = [name_key(one.name) for one in residents.every(store)]
        refused = [row for row in done if row["action"] == "refused"]
        wanted = {name_key(row["name"]) for row in done if row["action"] != "refused"}
        assert audit.verify(store) is None
    differ = [pair for pair in zip(rehearsed, done, strict=True) if pair[0] != pair[1]]
    print(f"\n{len(done)} rows: {dict(Counter(row['action'] for row in done))}")
    print(f"rehearsed and done otherwise: {len(differ)}; {differ[:3]}")
    print(
        f"{len(there)} people, {len(wanted)} of whom a row that was not refused; {rehearsal_s:.0f} and {import_s:.0f} s"
    )
    assert len(done) == ROWS
    assert differ == []
    assert sorted(there) == sorted(wanted)
    assert len(refused) > ROWS // 4
