"""`facegate eval` and `facegate calibrate` as a user runs them, on real photos where they are beside the project."""

import json
import shutil
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands.calibrate import _share_of
from commands.eval import evaluate
from evaluate.folder import list_people
from evaluate.libraries import LIBRARIES
from gate.store.database import transaction
from gate.store.record import audit
from gate.vocabulary import AuditEvent
from models.manifest import SHARE

pytestmark = pytest.mark.whole

DAY_S = 86_400


@pytest.fixture
def folder(shared, tmp_path):
    """Forty people of LFW, half of them with several photos."""
    return people_of_lfw(shared, tmp_path / "people", several=20, single=20, photos=3)


def people_of_lfw(shared: Path, to: Path, several: int, single: int, photos: int) -> Path:
    """So many people of whom there are at least so many `photos`, and so many of whom there is one."""
    people = sorted((shared / "faces" / "lfw").iterdir())
    counts = {person: len(list(person.iterdir())) for person in people}
    chosen = [person for person in people if counts[person] >= photos][:several]
    for person in chosen + [person for person in people if counts[person] == 1][:single]:
        shutil.copytree(person, to / person.name)
    return to


def two_people(photos: Path, to: Path) -> Path:
    for person, names in {"Obama": ("obama.jpg", "obama2.jpg"), "Biden": ("biden.jpg",)}.items():
        (to / person).mkdir(parents=True)
        for name in names:
            shutil.copy(photos / name, to / person)
    return to


def test_people_are_told_apart_and_the_figures_are_machine_readable(facegate, folder, tmp_path):
    report = tmp_path / "report"
    done = facegate("eval", folder, "--photos", 2, "--splits", 3, "--report", report, "--json")
    assert done.code == 0, done.err
    answer = done.answer
    # One may show no face that can be used.
    assert answer["people"] in (39, 40)
    assert answer["gallery"] <= 20
    assert answer["strangers"] == answer["people"] - answer["gallery"]
    assert answer["fnir"].keys() == {"0.01", "0.003", "0.001"}
    assert answer["fnir"]["0.01"] <= 0.1
    assert answer["fnir_95"]["0.01"][0] <= answer["fnir"]["0.01"] <= answer["fnir_95"]["0.01"][1]
    assert 0 <= answer["failure_to_enrol"] < 0.2
    assert "part 1/2 of the people" in answer["calibration"]
    for name in ("det.png", "worst-strangers.png", "worst-residents.png"):
        with Image.open(report / name) as picture:
            assert len(picture.getcolors(1 << 24)) > 20
    again = facegate("eval", folder, "--photos", 2, "--splits", 3, "--json").answer
    assert again == {key: value for key, value in answer.items() if key != "report"}


def test_groups_are_compared_where_the_folder_says_so(facegate, folder):
    people = sorted(path.name for path in folder.iterdir())
    rows = "".join(f"{name},{'ab'[number % 2]}\n" for number, name in enumerate(people))
    (folder / "groups.csv").write_text("person,group\n" + rows)
    groups = facegate("eval", folder, "--splits", 2, "--json").answer["groups"]
    assert groups.keys() == {"a", "b"}
    for group in groups.values():
        assert group["people"] in (19, 20)
        assert group["fmr_within"].keys() == {"0.01", "0.001", "0.0001"}
        assert all(0 <= rate <= 1 for rate in group["fmr_within"].values())
        # Half of a group at most is enrolled, and its own others come: in each of the drawings as many.
        assert group["strangers"] == 2 * (group["people"] - group["people"] // 2)
        assert 0 <= group["fnir"] <= 0.2
        assert group["mated"]
    (folder / "groups.csv").write_text("nobody\n")
    done = facegate("eval", folder)
    assert done.code == 2
    assert "two columns, person and group" in done.err


def test_groups_are_read_as_people_write_tables(photos, tmp_path):
    folder = two_people(photos, tmp_path / "p")
    (folder / "Obama").rename(folder / unicodedata.normalize("NFD", "José"))
    tables = {
        "plain": "person,group\nJosé,男\nBiden,男\nBiden,老人\n".encode(),
        "of Excel": "\ufeffperson;group\r\nJosé;男\r\nBiden;男\r\nBiden;老人\r\n".encode(),
        "with more in it": "Group , Note,Person\n男,x,José\n男,,Biden\n老人,,Biden\n,,Biden\n男,,\n\n".encode(),
        "in Chinese": "姓名,分组\nJosé,男\nBiden,男\nBiden,老人\nNobody,男\n".encode("utf-16"),
    }
    for name, content in tables.items():
        (folder / "groups.csv").write_bytes(content)
        found = list_people(folder)
        there = {group: people - {"Nobody"} for group, people in found.groups.items()}
        assert there == {"男": {"Biden", unicodedata.normalize("NFD", "José")}, "老人": {"Biden"}}, name
        assert found.unknown == (("Nobody",) if name == "in Chinese" else ()), name
    (folder / "groups.csv").unlink()
    assert list_people(folder).groups == {}


def test_a_group_of_one_or_of_nobody_there_is_no_trouble(facegate, photos, tmp_path):
    folder = two_people(photos, tmp_path / "p")
    (folder / "groups.csv").write_text("person,group\nObama,one\nNobody,none\n")
    done = facegate("eval", folder, "--splits", 1, "--json")
    assert done.code == 0, done.err
    (group,) = done.answer["groups"].values()
    assert (group["people"], group["fnir"]) == (1, None)
    assert group["fmr_within"] == {"0.01": None, "0.001": None, "0.0001": None}
    assert "1 name of groups.csv left out without a folder of photos, such as Nobody." in done.err
    assert "residents missed (FNIR)" in facegate("eval", folder, "--splits", 1).out


def test_where_nobody_has_two_photos_groups_alone_are_compared(facegate, shared, tmp_path):
    folder = people_of_lfw(shared, tmp_path / "people", several=0, single=18, photos=1)
    for person in folder.iterdir():
        for photo in sorted(person.iterdir())[1:]:
            photo.unlink()
    rows = "".join(f"{person.name},all\n" for person in folder.iterdir())
    (folder / "groups.csv").write_text("person,group\n" + rows)
    done = facegate("eval", folder, "--json")
    assert done.code == 0, done.err
    assert "groups alone are compared" in done.err
    assert "fnir" not in done.answer
    group = done.answer["groups"]["all"]
    assert (group["fnir"], group["fmr_within"]["0.01"]) == (None, pytest.approx(0.01, abs=0.005))
    (folder / "groups.csv").unlink()
    assert facegate("eval", folder).code == 2


def test_two_people_are_enough_and_frames_nobody_has_are_said(facegate, photos, tmp_path):
    done = facegate("eval", two_people(photos, tmp_path / "p"), "--frames", 3, "--json")
    assert done.code == 0, done.err
    assert (done.answer["gallery"], done.answer["strangers"], done.answer["frames"]) == (1, 1, 1)
    assert done.answer["fnir"]["0.01"] == 0
    assert "Nobody has 4 photos; a decision rests on 1 instead of 3." in done.err


def test_a_photo_twice_is_left_out_and_named(facegate, photos, tmp_path):
    folder = two_people(photos, tmp_path / "p")
    shutil.copy(folder / "Obama" / "obama.jpg", folder / "Biden" / "z.jpg")
    done = facegate("eval", folder, "--json")
    assert done.answer["duplicates"] == 1
    assert "1 file left out that another one repeats" in done.err
    assert "obama.jpg" in done.err


def test_folders_that_are_called_in_gbk_are_people_too(photos, tmp_path):
    """As an archive of Windows in China leaves them, where a program unpacked its bytes as they were."""
    for name, photo in (("王芳", "obama.jpg"), ("李明", "obama2.jpg")):
        folder = tmp_path / name.encode("gbk").decode(errors="surrogateescape")
        folder.mkdir()
        shutil.copy(photos / photo, folder)
    assert len(list_people(tmp_path).photos) == 2


def test_folders_that_cannot_be_evaluated_are_one_sentence(facegate, photos, tmp_path):
    def said(folder, *options):
        done = facegate("eval", folder, *options)
        assert done.code == 2
        assert "Traceback" not in done.err
        return done.err

    assert "There is no folder" in said(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    assert "a folder for each person" in said(tmp_path / "empty")
    one = tmp_path / "one" / "Obama"
    one.mkdir(parents=True)
    shutil.copy(photos / "obama.jpg", one)
    assert "shows one person alone" in said(tmp_path / "one")
    walls = tmp_path / "walls"
    for name in "ab":
        (walls / name).mkdir(parents=True)
        Image.fromarray(np.full((80, 80, 3), ord(name), np.uint8)).save(walls / name / "wall.png")
    assert "Nobody on 2 photos shows a face that can be used" in said(walls)
    two = two_people(photos, tmp_path / "two")
    assert "Nobody in" in said(two, "--photos", 2)
    (two / "Biden" / "broken.jpg").write_bytes(b"no photo")
    assert facegate("eval", two, "--json").answer["unreadable"] == 1
    assert "--fold is two numbers" in said(two, "--fold", "3/2")
    assert "Give a folder of people, or --liveness" in facegate("eval").err
    assert "--peer goes with a folder" in said(two, "--peer", "deepface", "--without", "margin")


def test_a_calibration_from_a_folder_is_used_from_then_on(facegate, models_dir, shared, photos, tmp_path):
    mine = tmp_path / "models"
    shutil.copytree(models_dir / "open", mine / "open")
    # Of few there are several photos, all of them: whoever has a second one walks up, which takes most of the time.
    people = people_of_lfw(shared, tmp_path / "people", several=14, single=40, photos=5)
    rows = "".join(f"{one.name},{'ab'[number % 2]}\n" for number, one in enumerate(sorted(people.iterdir())))
    (people / "groups.csv").write_text("person,group\n" + rows)
    done = facegate("calibrate", people, "--json", FACEGATE_MODELS__DIR=str(mine), timeout_s=300)
    assert done.code == 0, done.err
    written = json.loads((mine / "open" / "calibration.json").read_text())
    assert written["strangers"] == done.answer["strangers"]
    assert done.answer["measured"].startswith("people: 53 people on 105 photos"), "one of 54 shows no usable face"
    assert done.answer["groups"].keys() == {"a", "b"}
    assert all(group["fnir"] is not None for group in done.answer["groups"].values())
    two = two_people(photos, tmp_path / "two")
    assert "--hardest needs a table groups.csv" in facegate("calibrate", two, "--hardest").err
    used = facegate("eval", two, "--splits", 1, "--json", FACEGATE_MODELS__DIR=str(mine)).answer["calibration"]
    assert used == done.answer["measured"]
    tail = facegate("audit", "tail", "--json").out
    assert "calibrated" in tail


def test_of_what_a_face_shares_with_nobody_s_as_much_is_taken_off_as_measured_best_for_the_model():
    assert (_share_of("opencv-zoo"), _share_of("open"), _share_of("insightface:buffalo_s")) == (0, SHARE, SHARE)


def test_a_gate_calibrates_on_its_own_record(facegate, models_dir, photos, store, tmp_path):
    mine = {"FACEGATE_MODELS__DIR": str(tmp_path / "models")}
    shutil.copytree(models_dir / "open", tmp_path / "models" / "open")
    for name, photo in (("Barack Obama", "obama.jpg"), ("Joe Biden", "biden.jpg")):
        assert facegate("enroll", name, photos / photo, **mine).code == 0
    too_few = facegate("calibrate", "--record", **mine)
    assert too_few.code == 2
    assert "0 approaches of strangers" in too_few.err
    scores = np.random.default_rng(1).normal(0.0, 0.15, (400, 2)).max(axis=1)
    with transaction(store):
        for score in scores:
            details = {"method": "face", "reason": "unknown", "similarity": round(float(score), 4)}
            at = time.time() - 10 * DAY_S
            audit.append(store, AuditEvent("denied", details), audit.Moment(0, at, True))
    done = facegate("calibrate", "--record", "--json", **mine)
    assert "About 40 strangers a day by the record; the promise counts on 50" in done.err
    assert "vision.promise.strangers_a_day = 40" in done.err
    assert done.code == 0, done.err
    assert done.answer["measured"].startswith("this gate's record: 400 approaches of strangers among 2 residents")
    assert done.answer["strangers"]["spread"] == pytest.approx(0.15, abs=0.02)
    assert "calibrated" in facegate("audit", "tail", "--json").out
    for asked in (("--fold", "1/2"), ("--share", "0"), ("--hardest",)):
        assert "--fold, --share and --hardest go with a folder" in facegate("calibrate", "--record", *asked, **mine).err
    assert "Give a folder of people, or --record" in facegate("calibrate", **mine).err


def test_the_libraries_to_choose_from_are_those_there_are():
    (peer,) = (option for option in evaluate.params if option.name == "peer")
    assert set(peer.type.choices) == set(LIBRARIES)


def test_liveness_is_measured_on_faces_and_attacks(facegate, models_dir, shared, tmp_path):
    directory = tmp_path / "models"
    shutil.copytree(models_dir / "open", directory / "open")
    there = {"FACEGATE_MODELS__DIR": str(directory)}
    done = facegate("eval", "--liveness", shared / "pad", **there)
    assert done.code == 2
    assert "Run: facegate models install liveness-minifas" in done.err
    for pack in ("liveness-minifas", "liveness-celeba"):
        assert facegate("models", "install", pack, "--from", shared / "models", "--accept-terms", **there).code == 0
    done = facegate("eval", "--liveness", shared / "pad", "--json", **there)
    assert done.code == 0, done.err
    answer = done.answer
    assert answer["bona_fide"] + answer["attacks"] + answer["no_face"] == 80
    assert answer["fused"]["bpcer"] <= 0.05
    assert answer["fused"]["apcer"] <= 1 / 6
    assert answer["checks"].keys() == {"liveness-minifas", "liveness-celeba"}
    assert "has no folder bona_fide" in facegate("eval", "--liveness", tmp_path, **there).err
