"""A gate of before with two hundred people, upgraded: nobody is enrolled again, and everybody is let in as before."""

import csv
import json
import subprocess
import sys
from contextlib import closing

import cv2
import numpy as np
import pytest

from api.app import create_app
from enroll.upright import find_faces, main_face
from evaluate.demo.walkup import Scene, Walker, footage, write_video
from gate.store.database import open_database
from gate.store.site import accounts
from tests.conftest import REPOSITORY, command_environment
from tests.console import PASSWORD, Browser, context_on
from tests.enrolling import picture_in
from tests.soak.earlier import unpacked

# The last version without a second look.
BEFORE = "704627f"
# Of some a photo is refused.
PEOPLE, SPARE, WALKERS, STRANGERS, AGAIN, SEED = 200, 10, 60, 20, 3, 18

pytestmark = pytest.mark.soak


@pytest.fixture
def before(tmp_path):
    return unpacked(BEFORE, tmp_path / "before")


@pytest.fixture
def ran(state, models_dir):
    def command(code, module, *given, may_refuse=False):
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, given)], cwd=code, env=command_environment(models_dir, state),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or may_refuse, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return command


def test_an_upgraded_gate_lets_everybody_in_as_before(before, ran, state, shared, models, models_dir, tmp_path):
    people = sorted((shared / "faces" / "lfw").iterdir())
    np.random.default_rng(SEED).shuffle(people)
    photos = {person.name: sorted(person.glob("*.jpg")) for person in people}
    residents = [name for name, taken in photos.items() if len(taken) >= 3][: PEOPLE + SPARE]
    strangers = [name for name, taken in photos.items() if len(taken) == 1][:STRANGERS]
    table = tmp_path / "people.csv"
    with table.open("w", newline="") as written:
        rows = csv.writer(written)
        rows.writerow(("name", "photos", "consent"))
        for number, name in enumerate(residents):
            cv2.imwrite(str(tmp_path / f"{number}.png"), _middle(photos[name][0]))
            rows.writerow((name, f"{number}.png", "told"))
    made = ran(before, "gate.cli", "import", table, "--yes", "--json", may_refuse=True)
    residents = [row["name"] for row in made["rows"] if row["action"] != "refused"][:PEOPLE]
    films = {}
    for name in (*residents[:WALKERS], *strangers):
        image = picture_in(photos[name][-1])
        if faces := find_faces(image, models):
            walker = Walker.of(image, main_face(faces, image).box)
            films[name] = tmp_path / f"{name}.mp4"
            write_video(films[name], footage([Scene(None, 0.4), Scene(walker, 3.0, varied=True)], SEED))
    was = {name: _let_in(ran(before, "gate.cli", "replay", film, "--json")) for name, film in films.items()}
    now = {name: _let_in(ran(REPOSITORY, "commands.cli", "replay", film, "--json")) for name, film in films.items()}
    come = [name for name in films if name in residents]
    print(f"\n{len(residents)} enrolled before, {len(come)} of them and {len(films) - len(come)} others walk up: let in"
          f" before {sum(was[name] == {name} for name in come)}, upgraded {sum(now[name] == {name} for name in come)};"
          f" another {[name for name in films if (was[name] | now[name]) - {name}]}")  # fmt: skip
    assert [name for name in come if was[name] != now[name]] == []
    assert [name for name in films if now[name] - {name}] == []

    with closing(open_database(state)) as store:
        assert _once_only(state, models_dir, store, residents) >= 0.95 * len(residents)
        for name in residents[:AGAIN]:
            cv2.imwrite(str(tmp_path / "again.png"), _middle(photos[name][1]))
            ran(REPOSITORY, "commands.cli", "enroll", name, tmp_path / "again.png", "--json")
        told = _once_only(state, models_dir, store, residents[: 2 * AGAIN])
    print(f"of {2 * AGAIN}, {AGAIN} of them enrolled again, {told} are told to gain by new photos")
    assert told == AGAIN


def _middle(photo):
    """Cut to its middle, as whoever enrols cuts others off a photo."""
    whole = picture_in(photo)
    height, width = whole.shape[:2]
    return whole[height * 3 // 20 : height * 17 // 20, width * 3 // 20 : width * 17 // 20]


def _let_in(outcome):
    return {event["resident"] for event in outcome["events"] if event["kind"] == "granted"}


def _once_only(state, models_dir, store, names):
    """How many of these people's pages say that they gain by new photos."""
    context = context_on(state, models_dir)
    hashed = context.passwords.hashed(PASSWORD)
    if not accounts.users(store):
        accounts.add_owner(store, "owner", hashed)
    browser = Browser(create_app(context))
    browser.sign_in("owner")
    numbers = dict(store.execute("SELECT name, id FROM residents"))
    pages = (browser.get(f"/residents/{numbers[name]}").text for name in names)
    return sum("is let in more surely" in page for page in pages)
