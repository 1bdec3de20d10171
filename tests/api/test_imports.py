"""Many people at once over HTTP: rehearsed, done, stopped and refused."""

import io
import re
import shutil
import zipfile

import cv2
import numpy as np
import pytest

from api.imported import Import
from enroll.application import Application
from enroll.rows import Outcome, Row
from enroll.tables.headings import COLUMNS
from gate.errors import Sentence
from gate.names import name_key
from gate.store.people import erasure, residents
from gate.store.record import audit
from gate.store.site import areas
from tests.api.importing import actions, looked_at, until
from tests.conftest import REPOSITORY
from tests.console import problem_of
from tests.running import wait_for
from tests.tables import table

pytestmark = pytest.mark.whole

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


@pytest.mark.parametrize("revoked", ["erased", "withdrew their consent"])
def test_whoever_was_rehearsed_and_is_revoked_since_is_not_enrolled_anew(manager, family, store, revoked):
    files = [("files", ("family.zip", family))]
    manager.post("/api/v1/imports", files=files)
    until(manager, "rehearsed")
    manager.post("/api/v1/imports/current/run")
    until(manager, "done")
    manager.post("/api/v1/imports", files=files)
    assert actions(until(manager, "rehearsed")) == ["known", "known", "known", "refused"]
    gone = next(one for one in residents.every(store) if one.name == "Barack Obama")
    (erasure.remove if revoked == "erased" else erasure.withdraw)(store, gone, by="a command")
    manager.post("/api/v1/imports/current/run")
    now = until(manager, "done")
    assert actions(now) == ["refused", "known", "known", "refused"]
    assert revoked in now["lines"][0]["why"]
    assert {one.templates for one in residents.every(store) if one.name == "Barack Obama"} <= {0}


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
    assert manager.post("/import/run", data=looked_at(manager)).headers["location"] == "/import"
    until(manager, "done")
    assert "Done" in manager.get("/import?part=live").text
    assert {one.name for one in residents.every(store)} == {"Barack Obama", "王芳"}
    manager.post("/import/discard", data=looked_at(manager))
    assert "Rehearse" in manager.get("/import").text
    assert "no rehearsed import" in problem_of(manager.post("/import/run"))


def test_one_at_a_time_and_it_can_be_stopped_with_whoever_is_enrolled_kept(manager, photos, store, context):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr(
            "people.csv", "name,photos,consent,another_person\n" + "".join(f"P{n},{n}.jpg,told,x\n" for n in range(8))
        )
        for number in range(8):
            out.write(photos / "obama.jpg", f"{number}.jpg")
    files = [("files", ("all.zip", made.getvalue()))]
    manager.post("/api/v1/imports", files=files)
    assert manager.post("/api/v1/imports", files=files).status_code == 409
    until(manager, "rehearsed")
    manager.post("/api/v1/imports/current/run")
    wait_for(lambda: len(residents.every(store)) >= 2, 60, "nobody is enrolled")
    manager.ask("DELETE", "/api/v1/imports/current")
    had = len(residents.every(store))
    assert 2 <= had < 8
    # Cut short, it goes on where it was.
    manager.post("/api/v1/imports", files=files)
    assert actions(until(manager, "rehearsed")).count("known") == had
    manager.post("/api/v1/imports/current/run")
    assert actions(until(manager, "done")).count("enrolled") == 8 - had
    assert sorted(one.name for one in residents.every(store)) == sorted(f"P{n}" for n in range(8))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("people.zip", b"no zip", "不是可读取的ZIP"),
        ("people.txt", b"name\nx\n", "既不是表格（.csv、.xlsx、.ods），也不是ZIP"),
        ("people.csv", b"who\nx\n", "第1行须为列名"),
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
    manager.post("/import/run", data=looked_at(manager))
    assert until(manager, "done")["lines"] == rehearsed
    wanted = {name_key(line["name"]) for line in rehearsed if line["action"] != "refused"}
    assert sorted(name_key(one.name) for one in residents.every(store)) == sorted(wanted)


def test_a_table_is_called_as_its_owner_calls_it_and_of_two_none_is_passed_over(manager):
    answer = manager.post("/api/v1/imports", files=[("files", ("homes 3.csv", b"who\nx\n"))])
    assert answer.json()["detail"].startswith("Line 1 of homes 3.csv must")
    two = [("files", (f"block {one}.csv", b"name\nx\n")) for one in (1, 2)]
    assert "2 are there" in manager.post("/api/v1/imports", files=two).json()["detail"]


def test_what_is_no_photo_is_named_as_the_table_calls_it_and_never_as_it_lies_here(manager, photos, state):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("照片/24.TXT", "no photo")
        out.writestr("照片/empty.jpg", "")
        out.writestr("照片/cut.jpg", (photos / "obama.jpg").read_bytes()[:2000])
    named = ("照片/24.txt", "24.txt", "empty.jpg", "cut.jpg")
    table = "name,photos,consent\n" + "".join(f"P{one},{one},told\n" for one in named)
    manager.post("/import", files=[("files", ("t.csv", table.encode())), ("files", ("p.zip", made.getvalue()))])
    why = [line["why"] for line in until(manager, "rehearsed")["lines"]]
    assert [one.partition(" ")[0] for one in why[1:]] == list(named[1:])
    for text in (*why, manager.get("/import").text):
        assert str(state) not in text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_table_whose_photos_did_not_come_is_told_so_once(manager, language):
    table = "name,photos,consent\n" + "".join(f"P{n},{n}.jpg,told\n" for n in range(3)) + "X,,\n"
    manager.post("/import", files=[("files", ("t.csv", table.encode()))])
    until(manager, "rehearsed")
    said = {
        "en": "No photos came with this table, and 3 of its lines name some",
        "zh-CN": "未随表格上传照片，其中3行填写了照片",
    }
    assert manager.get("/import", headers={"accept-language": language}).text.count(said[language]) == 1


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
    manager.post("/import/run", data=looked_at(manager, 3))
    done = until(manager, "done")
    assert actions(done) == ["enrolled", "enrolled", "refused"]
    assert sorted(one.name for one in residents.every(store)) == ["Li Na", "Wang Fang"]
    assert 'name="another"' not in manager.get("/import").text


@pytest.fixture
def alike(photos):
    """A function that gives the upload of a table of three people with one face, the first lines of it."""

    def upload(lines=3):
        made = io.BytesIO()
        rows = ["Li Na,3-1204,1.jpg,told", "Wang Fang,2-201,2.jpg,told", "Wei,2-202,3.jpg,told"][:lines]
        with zipfile.ZipFile(made, "w") as out:
            out.writestr("people.csv", "\n".join(["name,unit,photos,consent", *rows]))
            for number, name in enumerate(("obama.jpg", "obama2.jpg", "obama3.jpg"), 1):
                out.write(photos / name, f"{number}.jpg")
        return [("files", ("all.zip", made.getvalue()))]

    return upload


@pytest.mark.parametrize("way", ["/import", "/api/v1/imports"])
def test_a_tick_holds_for_whom_it_stood_beside_and_nobody_else(manager, alike, photos, store, way):
    manager.post(way, files=alike())
    assert [line["is_like"] for line in until(manager, "rehearsed")["lines"]] == [False, True, True]
    # Somebody with the same face comes before it is carried out.
    enrolled = [("photos", ("b.jpg", (photos / "obama2.jpg").read_bytes()))]
    form = {"name": "Li Min", "unit": "9-909", "way": "told"}
    assert manager.post("/api/v1/enrolments", data=form, files=enrolled).status_code == 201
    run = "/import/run" if way == "/import" else "/api/v1/imports/current/run"
    manager.post(run, data=looked_at(manager, 3, 4))
    done = until(manager, "done")
    assert (actions(done), done["lines"][1]["is_like"]) == (["refused"] * 3, True)
    assert "Li Min, 9-909" in done["lines"][1]["why"]
    # Asked about anew they come in: each beside those who were shown there, of the table and from before.
    for ticks in (["2"], ["3"], ["4"]):
        manager.post(way, files=alike())
        until(manager, "rehearsed")
        manager.post(run, data=looked_at(manager, *ticks))
        until(manager, "done")
    assert sorted(one.name for one in residents.every(store)) == ["Li Min", "Li Na", "Wang Fang", "Wei"]


@pytest.mark.parametrize("run", ["/import/run", "/api/v1/imports/current/run"])
def test_as_many_lines_can_be_ticked_as_there_are(manager, alike, store, run):
    manager.post("/import", files=alike(2))
    until(manager, "rehearsed")
    assert manager.post(run, data=looked_at(manager, *range(3, 2003))).status_code in (303, 202)
    assert actions(until(manager, "done")) == ["enrolled", "enrolled"]
    assert len(residents.every(store)) == 2


def test_what_was_ticked_beside_another_table_confirms_nothing(manager, alike, store):
    manager.post("/import", files=alike(1))
    until(manager, "rehearsed")
    before = re.search(r'name="key" value="([^"]+)"', manager.get("/import").text)[1]
    manager.post("/import/discard", data=looked_at(manager))
    manager.post("/import", files=alike())
    until(manager, "rehearsed")
    for language, said in (("en", "Another table was uploaded since"), ("zh-CN", "上传了另一份表格")):
        answer = manager.post("/import/run", data={"key": before}, headers={"accept-language": language})
        assert (answer.status_code, said in problem_of(answer)) == (422, True)
    assert residents.every(store) == []
    shown = re.search(r'name="key" value="([^"]+)"', answer.text)[1]
    assert manager.post("/import/run", data={"key": shown, "another": ["3", "4"]}).status_code == 303
    until(manager, "done")


@pytest.mark.parametrize("run", ["/import/run", "/api/v1/imports/current/run"])
@pytest.mark.parametrize("key", [None, ""])
def test_a_tick_without_the_table_it_was_seen_in_confirms_nothing(manager, browser, alike, store, run, key):
    manager.post("/api/v1/imports", files=alike())
    until(manager, "rehearsed")
    seen = looked_at(manager, 3)
    # Somebody else uploads a table in between: its third line was seen by nobody who ticked.
    browser("owner").post("/api/v1/imports", files=alike(2))
    until(manager, "rehearsed")
    for form in (seen, seen | {"key": key} if key is not None else {"another": ["3"]}):
        answer = manager.post(run, data=form)
        assert answer.status_code in (409, 422)
    assert until(manager, "rehearsed")
    assert residents.every(store) == []
    # A program that ticks nothing needs no key.
    assert manager.post("/api/v1/imports/current/run").status_code == 202
    assert actions(until(manager, "done")) == ["enrolled", "refused"]


def test_whoever_stops_an_import_says_which_and_is_on_record(manager, browser, photos, store, context, staff):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        rows = "".join(f"P{n},{n},1.jpg,told,yes\n" for n in range(40))
        out.writestr("people.csv", f"name,unit,photos,consent,another_person\n{rows}")
        out.write(photos / "obama.jpg", "1.jpg")
    owner = browser("owner")
    owner.post("/api/v1/imports", files=[("files", ("all.zip", made.getvalue()))])
    until(owner, "rehearsed")
    owner.post("/import/run", data=looked_at(owner))
    for form in ({"key": "of another table"}, {}):
        for path in ("/import/discard", "/import/stop"):
            answer = manager.post(path, data=form)
            assert (answer.status_code, "look at it before you stop it" in problem_of(answer)) == (422, True)
    for path in ("/api/v1/imports/current", "/api/v1/imports/current?key=another"):
        assert manager.ask("DELETE", path).status_code == 409
    assert context.importer.now.phase == "working"
    assert manager.post("/import/stop", data=looked_at(manager)).headers["location"] == "/import"
    now = context.importer.now
    assert now.phase == "stopped"
    (stopped,) = [line.details for line in audit.lines(store) if line.kind == "import_stopped"]
    by, of = (f"user {staff[one].id}" for one in ("manager", "owner"))
    assert stopped == {"by": by, "uploaded_by": of, "rows": 40, "phase": "working"} | now.counts()
    # So is who puts a table of their own in the place of somebody else's; what is done is put away alone.
    for uploads in (owner, manager, manager):
        uploads.post("/import", files=[("files", ("t.csv", b"name\nAnn\n"))])
        until(uploads, "rehearsed")
    manager.post("/import/run", data=looked_at(manager))
    until(manager, "done")
    assert manager.ask("DELETE", "/api/v1/imports/current").status_code == 204
    stopped = [line.details for line in audit.lines(store) if line.kind == "import_stopped"]
    assert stopped[1:] == [{"by": by, "uploaded_by": of, "rows": 1, "phase": "rehearsed"}]


def test_whose_faces_a_table_shows_is_looked_at_once_while_it_is_read(manager, alike, store):
    def looks():
        return [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"]

    manager.post("/import", files=alike(2))
    wait_for(lambda: "This is the face of Li Na" in manager.get("/import?part=live").text, 60, "nobody is like anybody")
    assert looks() == ["an import"]
    # Who opens the page begins a look, and what it fetches by itself goes on with it.
    for path in ("/import", "/import?part=live", "/api/v1/imports/current"):
        manager.get(path)
    assert looks() == ["an import"] * 2


@pytest.mark.parametrize("tag", ["en", "zh-CN"])
def test_page_and_command_name_every_column_there_is(manager, facegate, store, tag):
    areas.put(store, "Tower A", {"n": "North"}, "test")
    page, told = manager.get("/import", headers={"accept-language": tag}).text, facegate("import", "--help").out
    for column in COLUMNS:
        assert column in page
        assert column in told


def test_how_far_an_import_is_counts_the_lines_that_its_sums_count(browser, context):
    rows = [Row(line, Application.of("Li Na", None), "", "", "") for line in range(2, 7)]
    refused = [Outcome(line, "X", "refused", Sentence("no name")) for line in (7, 8)]
    done = [Outcome(line, "Li Na", "enrolled") for line in (2, 3, 4)]
    context.importer.now = Import(rows, refused, Sentence("Read."), "en", outcomes=done, by="x")
    shown = re.sub("<[^>]*>", " ", browser("manager").get("/import").text)
    assert "5 of 7 rows" in shown
    assert "3 to be enrolled" in shown
    assert "2 not to be imported" in shown
