"""Many people at once over HTTP: rehearsed, done, stopped, refused, and taken out again."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import cv2
import numpy as np
import pytest

from api.app import create_app
from gate.enrolment_settings import EnrolmentSettings
from gate.names import name_key
from gate.store.people import consents, erasure, residents
from gate.store.people.changes import Changes, change
from gate.store.record import audit
from tests.conftest import REPOSITORY
from tests.console import Browser, context_on, problem_of
from tests.running import wait_for
from tests.tables import table

TABLE = """\
name,unit,photos,consent
Barack Obama,1-101,obama.jpg,paper
Joe Biden,2-202,biden.jpg,told
王芳,3-1,,
X,,no.jpg,told
"""


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def family(photos):
    """A ZIP with a table and its photos."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("people.csv", TABLE)
        for name in ("obama.jpg", "biden.jpg"):
            out.write(photos / name, name)
    return made.getvalue()


def until(manager, phase):
    return wait_for(
        lambda: (now := manager.get("/api/v1/imports/current").json())["phase"] == phase and now, 180, f"not {phase}"
    )


def actions(now):
    return [line["action"] for line in now["lines"]]


def test_a_zip_is_rehearsed_and_done_and_nothing_of_it_is_left(manager, family, store, state, staff):
    files = [("files", ("family.zip", family))]
    assert manager.post("/api/v1/imports", files=files).status_code == 202
    now = until(manager, "rehearsed")
    assert actions(now) == ["enrolled", "enrolled", "added", "refused"]
    assert now["lines"][3]["why"] == "There is no photo no.jpg."
    assert residents.every(store) == []
    assert manager.post("/api/v1/imports/current/run").status_code == 202
    assert actions(until(manager, "done")) == ["enrolled", "enrolled", "added", "refused"]
    assert {one.name: one.templates for one in residents.every(store)} == {"Barack Obama": 1, "Joe Biden": 1, "王芳": 0}
    enrolled = [line for line in audit.lines(store) if line.kind == "enrolled"]
    assert {line.details["by"] for line in enrolled} == {f"user {staff['manager'].id}"}
    assert not (state / "import").exists()
    # Again: whoever is there is passed over.
    manager.post("/api/v1/imports", files=files)
    assert actions(until(manager, "rehearsed")) == ["known", "known", "known", "refused"]
    assert manager.ask("DELETE", "/api/v1/imports/current").status_code == 204
    assert manager.get("/api/v1/imports/current").status_code == 404
    assert not (state / "import").exists()


def test_the_page_leads_through_it_without_scripts(manager, photos, store):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.write(photos / "obama.jpg", "obama.jpg")
    files = [("files", ("people.csv", TABLE.encode("gbk"))), ("files", ("photos.zip", made.getvalue()))]
    assert manager.post("/import", files=files).headers["location"] == "/import"
    until(manager, "rehearsed")
    page = manager.get("/import", headers={"accept-language": "zh-CN"}).text
    assert "预检结果" in page
    assert "没有照片biden.jpg。" in page
    assert "1 to be enrolled" in manager.get("/import").text.replace("\n", " ")
    assert manager.post("/import/run").headers["location"] == "/import"
    until(manager, "done")
    assert "Done" in manager.get("/import?part=live").text
    assert {one.name for one in residents.every(store)} == {"Barack Obama", "王芳"}
    manager.post("/import/discard")
    assert "Rehearse" in manager.get("/import").text
    assert "no rehearsed import" in problem_of(manager.post("/import/run"))


WITHOUT_LANGUAGE = (
    "name,unit,photos,consent,language\nObama,1,obama.jpg,paper,\nBiden,2,biden.jpg,told,en\n王芳,3,,paper,\n"
)


@pytest.fixture
def of_wang(photos):
    """A ZIP whose table names a language for one of three."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("people.csv", WITHOUT_LANGUAGE)
        for name in ("obama.jpg", "biden.jpg"):
            out.write(photos / name, name)
    return made.getvalue()


def languages_agreed_in(store):
    return {
        one.name: [given.consent.language for given in consents.of(store, one.id)] for one in residents.every(store)
    }


@pytest.mark.parametrize(
    ("setting", "chosen", "reader", "wanted"),
    [("", "", "zh-CN", "zh-CN"), ("", "", "en", "en"), ("zh-CN", "", "en", "zh-CN"), ("zh-CN", "en", "zh-CN", "en")],
)
def test_whose_row_names_no_language_agreed_in_the_sites(
    state, models_dir, store, staff, of_wang, setting, chosen, reader, wanted
):
    manager = Browser(create_app(context_on(state, models_dir, enrolment=EnrolmentSettings(language=setting))))
    manager.sign_in("manager")
    headers = {"accept-language": reader}
    assert f'<option value="{setting or reader}" lang="{setting or reader}" selected>' in (
        manager.get("/import", headers=headers).text
    )
    files = [("files", ("all.zip", of_wang))]
    manager.post("/import", files=files, data={"language": chosen} if chosen else {}, headers=headers)
    assert until(manager, "rehearsed")["language"] == wanted
    assert {"en": "the text in English", "zh-CN": "the text in 简体中文"}[wanted] in manager.get("/import").text
    manager.post("/import/run")
    until(manager, "done")
    assert languages_agreed_in(store) == {"Obama": [wanted], "Biden": ["en"], "王芳": []}


def test_api_and_command_take_the_sites_language_too_or_the_one_they_are_given(
    state, models_dir, store, staff, of_wang, facegate, photos, tmp_path
):
    manager = Browser(create_app(context_on(state, models_dir, enrolment=EnrolmentSettings(language="zh-CN"))))
    manager.sign_in("manager")
    for form, wanted in (({}, "zh-CN"), ({"language": "en"}, "en")):
        manager.post("/api/v1/imports", files=[("files", ("all.zip", of_wang))], data=form)
        assert until(manager, "rehearsed")["language"] == wanted
    unknown = manager.post("/api/v1/imports", files=[("files", ("all.zip", of_wang))], data={"language": "tlh"})
    assert (unknown.status_code, unknown.json()["detail"]) == (422, "There is no consent text in this language.")
    (tmp_path / "all.zip").write_bytes(of_wang)
    chinese = {"FACEGATE_ENROLMENT__LANGUAGE": "zh-CN"}
    done = facegate("import", tmp_path / "all.zip", "--yes", "--json", **chinese)
    assert (done.answer["language"], done.answer["enrolled"]) == ("zh-CN", 2)
    form = {"name": "Ann", "way": "told", "another_than": [one.id for one in residents.every(store)]}
    manager.post("/api/v1/enrolments", data=form, files=[("photos", ("a", (photos / "obama2.jpg").read_bytes()))])
    facegate("enroll", "Joe", photos / "biden.jpg", "--another-person", **chinese)
    assert languages_agreed_in(store) == {
        "Ann": ["zh-CN"], "Obama": ["zh-CN"], "Biden": ["en"], "王芳": [], "Joe": ["zh-CN"],
    }  # fmt: skip


def test_who_agreed_and_has_no_photo_is_a_warning_counted_above_the_table(manager, facegate, of_wang, tmp_path):
    manager.post("/import", files=[("files", ("all.zip", of_wang))])
    for phase in ("rehearsed", "done"):
        now = until(manager, phase)
        assert (now["warnings"], [line["warns"] for line in now["lines"]]) == (1, [False, False, True])
        page = manager.get("/import").text
        assert "1 line needs a look" in page
        # It stands first, and is marked.
        assert re.search(r"<tbody>\s*<tr><td>4</td><td>王芳</td><td class=\"warn\">", page)
        if phase == "rehearsed":
            manager.post("/import/run")
    (tmp_path / "all.zip").write_bytes(of_wang)
    said = facegate("import", tmp_path / "all.zip", "--json")
    assert (said.answer["warnings"], [row["warns"] for row in said.answer["rows"]]) == (1, [False, False, True])
    assert "no photo is named: no face is kept" in said.answer["rows"][2]["why"]
    assert "1 line above should be looked at" in facegate("import", tmp_path / "all.zip").err


def test_an_agreement_without_a_photo_is_a_warning_where_one_is_enrolled(manager, store):
    page = manager.post("/enrol", data={"name": "王芳", "agreed": "1"})
    assert problem_of(page) == "王芳 is added, but has no face: they agreed, and no photo was chosen."
    assert [(one.name, one.templates) for one in residents.every(store)] == [("王芳", 0)]
    without = manager.post("/enrol", data={"name": "李雷"})
    assert (problem_of(without), "李雷 is added, without a face." in without.text) == (None, True)


def test_one_at_a_time_and_it_can_be_stopped_with_whoever_is_enrolled_kept(manager, photos, store, context):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr(
            "people.csv", "name,photos,consent,another_person\n" + "".join(f"P{n},{n}.jpg,told,x\n" for n in range(40))
        )
        for number in range(40):
            out.write(photos / "obama.jpg", f"{number}.jpg")
    files = [("files", ("all.zip", made.getvalue()))]
    manager.post("/api/v1/imports", files=files)
    assert manager.post("/api/v1/imports", files=files).status_code == 409
    until(manager, "rehearsed")
    manager.post("/api/v1/imports/current/run")
    wait_for(lambda: len(residents.every(store)) >= 2, 60, "nobody is enrolled")
    manager.ask("DELETE", "/api/v1/imports/current")
    had = len(residents.every(store))
    assert 2 <= had < 40
    # Cut short, it goes on where it was.
    manager.post("/api/v1/imports", files=files)
    assert actions(until(manager, "rehearsed")).count("known") == had
    manager.post("/api/v1/imports/current/run")
    assert actions(until(manager, "done")).count("enrolled") == 40 - had
    assert sorted(one.name for one in residents.every(store)) == sorted(f"P{n}" for n in range(40))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("people.zip", b"no zip", "不是可读取的ZIP"),
        ("people.txt", b"name\nx\n", "既不是表格（.csv、.xlsx、.ods），也不是ZIP"),
        ("people.csv", b"who\nx\n", "第一行须为列名"),
        ("photo.jpg", b"\xff", "既不是"),
    ],
)
def test_what_cannot_be_read_is_told_in_the_readers_language(manager, state, name, content, why):
    chinese = {"accept-language": "zh-CN"}
    answer = manager.post("/import", files=[("files", (name, content))], headers=chinese)
    assert (answer.status_code, why in problem_of(answer)) == (422, True)
    assert manager.post("/api/v1/imports", files=[("files", (name, content))]).status_code == 422
    assert not (state / "import").exists()
    assert manager.get("/api/v1/imports/current").status_code == 404


def test_an_encoding_that_cannot_be_found_is_asked_for_and_a_choice_on_the_page(manager):
    files = [("files", ("people.csv", "name,unit\nČapek,1\n".encode("cp1250")))]
    ways = "windows-1250: Čapek; windows-1252: Èapek"
    for tag, asked, choice in (("en", f"several ways: {ways}.", "found"), ("zh-CN", f"几种读法：{ways}。", "自动识别")):
        answer = manager.post("/import", files=files, headers={"accept-language": tag})
        assert (answer.status_code, asked in problem_of(answer)) == (422, True)
        assert choice in answer.text
        assert "<option>windows-1250</option>" in answer.text
    assert manager.post("/import", files=files, data={"encoding": "windows-1250"}).status_code == 303
    page = manager.get("/import", headers={"accept-language": "zh-CN"})
    assert "按windows-1250编码读取，以逗号分隔。" in page.text
    now = until(manager, "rehearsed")
    assert (now["read_as"], now["lines"][0]["name"]) == ("Read as windows-1250, separated by commas.", "Čapek")
    assert manager.post("/api/v1/imports", files=files).status_code == 422
    assert manager.post("/api/v1/imports", files=files, data={"encoding": "windows-1250"}).status_code == 202
    until(manager, "rehearsed")
    manager.ask("DELETE", "/api/v1/imports/current")


def test_a_workbook_of_libreoffice_comes_in_alone_or_with_its_photos(manager, store, photos):
    workbook = (REPOSITORY / "tests" / "data" / "tables" / "people.xlsx").read_bytes()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("people.xlsx", workbook)
    for name, content in (("people.xlsx", workbook), ("all.zip", made.getvalue())):
        assert manager.post("/api/v1/imports", files=[("files", (name, content))]).status_code == 202
        rehearsed = until(manager, "rehearsed")
        assert rehearsed["read_as"] == "Read from the sheet People."
        assert actions(rehearsed).count("added") == 5
    manager.post("/api/v1/imports/current/run")
    done = until(manager, "done")
    assert (done["lines"], done["read_as"]) == (rehearsed["lines"], rehearsed["read_as"])
    assert len(residents.every(store)) == 5


def test_a_way_out_of_the_zip_is_refused(manager, state):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("../../facegate.db", b"x")
    answer = manager.post("/api/v1/imports", files=[("files", ("a.zip", made.getvalue()))])
    assert (answer.status_code, "outside its folder" in answer.json()["detail"]) == (422, True)


def test_everyone_goes_out_as_a_table_that_comes_in_again(manager, browser, store, models, photos):
    someone = residents.enrol(store, "=Wang, Fang", "3-1204", [])
    change(store, someone, Changes(valid_until="2027-01-31"), by="test")
    table = manager.get("/api/v1/exports/residents")
    assert table.headers["content-type"].startswith("text/csv")
    erasure.remove(store, residents.find(store, "=Wang, Fang"), by="test")
    manager.post("/api/v1/imports", files=[("files", ("again.csv", table.content))])
    until(manager, "rehearsed")
    manager.post("/api/v1/imports/current/run")
    until(manager, "done")
    (back,) = residents.every(store)
    assert (back.name, back.unit, back.valid_until) == ("=Wang, Fang", "3-1204", "2027-01-31")


def test_templates_go_out_to_owners_alone_and_on_record(manager, browser, store, photos):
    form = {"name": "Barack Obama", "way": "told"}
    upload = [("photos", ("obama.jpg", (photos / "obama.jpg").read_bytes()))]
    manager.post("/api/v1/enrolments", data=form, files=upload)
    assert manager.get("/api/v1/exports/residents?templates=1").status_code == 403
    lines = browser("owner").get("/api/v1/exports/residents?templates=1").text.splitlines()
    assert len(lines) == 1
    vector = np.frombuffer(base64.b64decode(json.loads(lines[0])["templates"][0]["vector"]), "<f4")
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-3
    exported = [line.details for line in audit.lines(store) if line.kind == "people_exported"]
    assert [one["templates"] for one in exported] == [True]


def test_the_command_writes_and_reads_tables_and_zips(facegate, family, store, tmp_path):
    archive = tmp_path / "family.zip"
    archive.write_bytes(family)
    rehearsed = facegate("import", archive, "--json")
    assert (rehearsed.code, rehearsed.answer["enrolled"], rehearsed.answer["refused"]) == (1, 2, 1)
    assert facegate("import", archive, "--yes", "--json").answer["enrolled"] == 2
    out = facegate("export", tmp_path / "all.csv", "--json")
    assert out.answer["people"] == 3
    assert facegate("import", tmp_path / "all.csv", "--json").answer["known"] == 3
    whole = facegate("export", tmp_path / "all.jsonl", "--templates")
    assert "3 residents" in whole.out
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o777 == 0o600


BEGIN = """
import sys, time
from pathlib import Path
from gate.store.people import residents
from gate.store.database import open_database
from tests.console import *
from tests.running import wait_for
state, photos = Path(sys.argv[1]), Path(sys.argv[2])
store = open_database(state)
context = context_on(state, photos.parent)
accounts.add_user(store, "manager", context.passwords.hashed(PASSWORD), Role.MANAGER, "test")
manager = Browser(create_app(context))
manager.sign_in("manager")
"""
FILLS_UP = (
    BEGIN
    + """
rows = "".join(f"{'Person ' + str(n):80},{n}\\n" for n in range(4000))
manager.post("/api/v1/imports", files=[("files", ("people.csv", "name,unit\\n" + rows))])
def until(*phases):
    def reached():
        now = manager.get("/api/v1/imports/current").json()
        return now if now["phase"] in phases else None
    return wait_for(reached, 60)
until("rehearsed")
manager.post("/api/v1/imports/current/run")
now = until("failed", "done")
print(now["phase"], now["problem"])
people = residents.every(store)
print(0 < len(people) < 4000, len(people) in (now["done"], now["done"] + 1))
"""
)
NO_ROOM = (
    BEGIN
    + """
answer = manager.post("/api/v1/imports", files=[("files", ("people.zip", bytes(8 << 20)))])
print(answer.status_code, answer.json()["detail"])
"""
)


def on_a_small_disk(disk, script, state, photos, **environment):
    """Run a script where `disk` is a real file system with little room, in a mount namespace of its own."""
    disk.mkdir()
    command = f"mount -t tmpfs -o size=2m tmpfs {disk} && exec {sys.executable} - {state} {photos}"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", command],
        input=script, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"this machine does not let a test mount a small disk: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_disk_that_fills_up_in_an_import_is_told_and_nobody_is_half_there(tmp_path, photos):
    disk = tmp_path / "disk"
    told, half = on_a_small_disk(disk, FILLS_UP, disk / "state", photos)
    assert told.startswith("failed The gate's disk is full")
    assert "is full" in told
    assert half == "True True"


def test_an_upload_there_is_no_room_for_is_told(tmp_path, photos):
    disk = tmp_path / "disk"
    (told,) = on_a_small_disk(disk, NO_ROOM, tmp_path / "state", photos, TMPDIR=str(disk))
    assert told.startswith("507 The disk of the gate is full")


def test_page_api_and_command_rehearse_alike_and_do_what_they_said(manager, facegate, photos, store, tmp_path):
    good, poor = ["obama.jpg", "obama3.jpg"], ["dark.jpg", "grey.png"]
    image = cv2.imread(str(photos / "obama2.jpg"))
    cv2.imwrite(str(tmp_path / "dark.jpg"), (image * 0.1).astype("uint8"))
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((300, 300, 3), 128, "uint8"))
    for name in (*good, "biden.jpg"):
        shutil.copy(photos / name, tmp_path)
    (tmp_path / "people.csv").write_text(table(25, good, poor, ["biden.jpg"]), "utf-8")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for path in tmp_path.glob("*.*"):
            if path.is_file():
                out.write(path, path.name)
    by_command = facegate("import", tmp_path / "people.csv", "--json").answer["rows"]
    assert residents.every(store) == []
    manager.post("/import", files=[("files", ("all.zip", made.getvalue()))])
    rehearsed = until(manager, "rehearsed")["lines"]
    page = manager.get("/import", headers={"accept-language": "zh-CN"}).text
    assert residents.every(store) == []
    assert rehearsed == by_command
    assert len(rehearsed) == 25
    reasons = {line["why"] for line in rehearsed if line["action"] == "refused"}
    assert len(reasons) >= 12
    assert "可能是2026-04-03，也可能是2026-03-04" in page
    assert "29.02.2026这一天" in page
    manager.post("/import/run")
    assert until(manager, "done")["lines"] == rehearsed
    wanted = {name_key(line["name"]) for line in rehearsed if line["action"] != "refused"}
    assert sorted(name_key(one.name) for one in residents.every(store)) == sorted(wanted)


def test_a_table_is_called_as_its_owner_calls_it_and_of_two_none_is_passed_over(manager):
    answer = manager.post("/api/v1/imports", files=[("files", ("homes 3.csv", b"who\nx\n"))])
    assert answer.json()["detail"].startswith("The first line of homes 3.csv must")
    two = [("files", (f"block {one}.csv", b"name\nx\n")) for one in (1, 2)]
    assert "2 are there" in manager.post("/api/v1/imports", files=two).json()["detail"]


def test_photos_that_came_in_a_folder_of_their_archive_are_found(manager, photos):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("__MACOSX/Photos/._biden.jpg", b"x")
        out.write(photos / "biden.jpg", "Photos/Biden.JPG")
    table = b"name,photos,consent\nJoe Biden,biden.jpg,told\n"
    manager.post("/api/v1/imports", files=[("files", ("t.csv", table)), ("files", ("p.zip", made.getvalue()))])
    assert actions(until(manager, "rehearsed")) == ["enrolled"]


def test_a_row_with_somebodys_face_is_held_back_until_somebody_says_that_they_are_two(manager, photos, store):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr(
            "people.csv",
            "name,unit,photos,consent\nLi Na,3-1204,1.jpg,told\nWang Fang,2-201,2.jpg,told\nWei,2-201,2.jpg,told\n",
        )
        out.write(photos / "obama.jpg", "1.jpg")
        out.write(photos / "obama2.jpg", "2.jpg")
    manager.post("/api/v1/imports", files=[("files", ("all.zip", made.getvalue()))])
    now = until(manager, "rehearsed")
    assert actions(now) == ["enrolled", "refused", "refused"]
    assert [line["is_like"] for line in now["lines"]] == [False, True, True]
    assert now["lines"][1]["why"].startswith("This is the face of Li Na, 3-1204.")
    shown = manager.get("/import").text
    assert 'name="another" value="3" form="run"' in shown
    assert "Wang Fang is another person: import this line too" in shown
    manager.post("/import/run", data={"another": "3"})
    done = until(manager, "done")
    assert actions(done) == ["enrolled", "enrolled", "refused"]
    assert sorted(one.name for one in residents.every(store)) == ["Li Na", "Wang Fang"]
    assert 'name="another"' not in manager.get("/import").text
