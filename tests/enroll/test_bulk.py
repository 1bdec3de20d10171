"""Many people from a table: rehearsed, done once, gone on with, refused row by row."""

import shutil
import signal
import subprocess
import sys
from contextlib import closing

import cv2
import pytest

from enroll.bulk import carry_out
from enroll.enrolment import known_faces
from enroll.rows import Action, read_rows
from enroll.tables.headings import COLUMNS
from enroll.tables.open import open_table
from gate.errors import UsageError
from gate.store.copy_rows import people_in_memory
from gate.store.people import consents, residents
from gate.store.people.changes import Changes, change
from gate.store.record import audit
from gate.store.site import areas, schedules
from tests.conftest import command_environment
from tests.enrolling import DECODER
from tests.running import wait_for

HEAD = "name,unit,group,until,photos,consent,language\n"
FAMILY = (
    "Barack Obama,1-101,,2027-01-31,obama.jpg;obama3.jpg,paper,zh-CN\n"
    "Joe Biden,2-202,cleaners,,biden.jpg,told,\n"
    "王芳,3-1204,,,,,\n"
)


@pytest.fixture
def table(tmp_path, photos):
    """Writes a table beside the photos."""

    def write(content, encoding="utf-8"):
        for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"):
            shutil.copy(photos / name, tmp_path)
        (tmp_path / "people.csv").write_bytes(content.encode(encoding))
        return tmp_path / "people.csv"

    return write


def read_table(path, folder):
    return read_rows(open_table(path, COLUMNS), folder, DECODER, "en")


def rehearse(store, models, rows):
    with closing(people_in_memory(store)) as people:
        return [carry_out(people, models, row, "rehearsal", known_faces(people, models)) for row in rows]


def actions(outcomes):
    return [one.action for one in outcomes]


def test_a_table_is_rehearsed_then_done_and_the_second_time_nothing_is_left_to_do(facegate, table, store):
    schedules.put_group(store, "cleaners", None, "test")
    path = table(HEAD + FAMILY)
    rehearsed = facegate("import", path, "--json").answer
    assert [row["action"] for row in rehearsed["rows"]] == ["enrolled", "enrolled", "added"]
    assert residents.every(store) == []
    assert "Nothing was changed" in facegate("import", path).out
    done = facegate("import", path, "--yes", "--json")
    assert (done.code, done.answer["enrolled"], done.answer["added"], done.answer["done"]) == (0, 2, 1, True)
    people = {one.name: one for one in residents.every(store)}
    assert people["Barack Obama"].templates == 2
    assert people["Barack Obama"].valid_until == "2027-01-31"
    assert people["Joe Biden"].group == "cleaners"
    assert people["王芳"].templates == 0
    (agreed,) = consents.of(store, people["Barack Obama"].id)
    assert (agreed.consent.way, agreed.consent.language) == ("paper", "zh-CN")
    again = facegate("import", path, "--yes", "--json").answer
    assert (again["known"], again["enrolled"], again["added"]) == (3, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gbk"])
def test_what_excel_writes_is_read(table, encoding):
    path = table("name,unit\n王芳,3-1204\n李雷,\n", encoding)
    rows, refused = read_table(path, path.parent)
    assert [(row.asked.name, row.asked.unit) for row in rows] == [("王芳", "3-1204"), ("李雷", None)]
    assert refused == []


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",3-1204,,,,,", "between 1 and 100"),
        ("A\u202eB,,,,,,", "invisible or control"),
        ("Ann,,,,obama.jpg,,", "need a consent"),
        ("Ann,,,,obama.jpg,dreamt,", "stands 'dreamt': write told, paper or screen"),
        ("Ann,,,,nobody.jpg,told,", "no photo nobody.jpg"),
        ("Ann,,,,../../etc/passwd,told,", "outside the folder"),
        ("Ann,,,,/etc/passwd,told,", "outside the folder"),
        ("Ann,,,,obama.jpg,told,tlh", "no consent text"),
        ("Joe,,,,,,", "is already in line 2"),
    ],
)
def test_a_broken_row_is_refused_with_its_reason_and_the_others_go_on(table, row, why):
    path = table(f"{HEAD}Joe,,,,,,\n{row}\nLi Lei,,,,,,\n")
    rows, refused = read_table(path, path.parent)
    assert [one.asked.name for one in rows] == ["Joe", "Li Lei"]
    assert [(one.line, one.action) for one in refused] == [(3, Action.REFUSED)]
    assert why in refused[0].why


def test_all_that_is_wrong_with_a_row_is_told_at_once(table, store, models):
    path = table(
        "name,unit,group,from,until,photos,consent,language,another_person\n"
        "Joe,,,,,,,,\n"
        "A\u202eB,x\u202ey,,31.02.2026,31.04.2026,nobody.jpg;obama.jpg;none.jpg,dreamt,,maybe\n"
        "Ann,,,,,nobody.jpg,,,\n"
        "Joe,,,,,nobody.jpg,told,,\n"
        "Li Lei,,pilots,,,text.jpg,told,,\n"
    )
    (path.parent / "text.jpg").write_text("no photo")
    rows, refused = read_table(path, path.parent)
    refused += [one for one in rehearse(store, models, rows) if one.action is Action.REFUSED]
    expected = (
        ("nobody.jpg", "none.jpg", "'dreamt'", "31.02.2026", "31.04.2026", "'maybe'", "name", "unit"),
        ("no photo nobody.jpg", "need a consent"),
        ("no photo nobody.jpg", "already in line 2"),
        ("pilots", "text.jpg is not a photo"),
    )
    assert [one.line for one in refused] == [3, 4, 5, 6]
    for one, reasons in zip(refused, expected, strict=True):
        assert [reason for reason in reasons if reason not in one.why] == [], one.why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "'name' is missing"),
        ("who,where\n", "'who', 'where' is none"),
        ("name\n" + "x\n" * 20_001, "split it"),
        ("name\n" + "x" * 200_000, "cannot be read as CSV"),
    ],
)
def test_what_is_no_table_is_refused_whole(table, content, why):
    path = table(content)
    with pytest.raises(UsageError, match=why):
        read_table(path, path.parent)


def test_photos_that_will_not_do_and_groups_there_are_none_are_told_before(table, store, models):
    path = table(f"{HEAD}Both,,,,obama.jpg;biden.jpg,told,\nAnn,,pilots,,,,\n")
    rows, _ = read_table(path, path.parent)
    rehearsed = rehearse(store, models, rows)
    done = [carry_out(store, models, row, "test", known_faces(store, models)) for row in rows]
    assert rehearsed == done
    assert actions(done) == [Action.REFUSED, Action.REFUSED]
    assert "different people" in done[0].why
    assert "no group pilots" in done[1].why
    assert residents.every(store) == []


DAYS = """\
name,unit,from,until,photos,consent
A,1,,2026/12/31,obama.jpg,told
B,2,,31.12.2026,,
C,3,,2026年2月29日,,
D,4,,29.02.2026,biden.jpg,told
E,5,2026-06-01,2026-05-31,,
F,6,,03/04/2026,,
G,7,13/04/2026,20261231,,
H,8,,sometime,,
K,9,2026-03-01T00:00:00,2026-12-31 00:00:00,,
L,10,,2026-12-31 18:30,,
"""


def test_days_are_understood_where_certain_and_whoever_is_refused_is_not_there(table, store, models, facegate):
    path = table(DAYS)
    rehearsed = facegate("import", path, "--json").answer
    assert residents.every(store) == []
    done = facegate("import", path, "--yes", "--json").answer
    assert rehearsed["rows"] == done["rows"]
    why = {row["name"]: row["why"] for row in done["rows"] if row["action"] == "refused"}
    assert why == {
        "C": "There is no 2026年2月29日 in the calendar; check it.",
        "D": "There is no 29.02.2026 in the calendar; check it.",
        "E": "The last day is before the first day; correct one of them.",
        "F": "03/04/2026 may be 2026-04-03 or 2026-03-04; write which one, with the year first.",
        "H": "sometime is not a date; write it as 2027-01-31.",
        "L": "2026-12-31 18:30 is not a date; write it as 2027-01-31.",
    }
    assert [(one.name, one.valid_from, one.valid_until) for one in residents.every(store)] == [
        ("A", None, "2026-12-31"), ("B", None, "2026-12-31"), ("G", "2026-04-13", "2026-12-31"),
        ("K", "2026-03-01", "2026-12-31"),
    ]  # fmt: skip


def test_a_row_that_is_refused_late_leaves_nothing_of_itself(table, store, models):
    someone = residents.enrol(store, "Ann", "1", [])
    change(store, someone, Changes(valid_from="2027-01-01"), by="test")
    path = table("name,unit,until,photos,consent\nAnn,1,2026-12-31,obama.jpg,told\n")
    rows, _ = read_table(path, path.parent)
    lines = audit.anchor(store)
    rehearsed = rehearse(store, models, rows)
    assert rehearsed == [carry_out(store, models, row, "test", known_faces(store, models)) for row in rows]
    assert rehearsed[0].why == "The last day is before the first day; correct one of them."
    assert (residents.every(store)[0].templates, residents.every(store)[0].valid_until) == (0, None)
    assert consents.of(store, someone.id) == []
    assert audit.anchor(store) == lines


def test_what_one_row_does_the_rehearsal_knows_at_the_next(table, store, models):
    path = table(
        "name,unit,photos,consent,another_person\n"
        "Barack Obama,,obama.jpg,told,\nBarack\u00a0Obama,1-101,obama.jpg,told\n"
        "Somebody Else,2-1,obama3.jpg,told,\nHis Twin,2-1,obama3.jpg,told,Yes\nJoe,,,\nJoe,4,,\n"
    )
    rows, _ = read_table(path, path.parent)
    rehearsed = rehearse(store, models, rows)
    assert residents.every(store) == []
    assert rehearsed == [carry_out(store, models, row, "test", known_faces(store, models)) for row in rows]
    assert actions(rehearsed) == [
        Action.ENROLLED, Action.CHANGED, Action.REFUSED, Action.ENROLLED, Action.ADDED, Action.CHANGED,
    ]  # fmt: skip
    assert rehearsed[2].why == (
        "This is the face of Barack Obama, 1-101. Nothing is saved until somebody says that they are two people. Where"
        " they are, write yes in the column another_person of this line."
    )
    assert (rehearsed[3].why, rehearsed[3].warns) == ("This is the face of Barack Obama, 1-101.", True)
    assert [(one.name, one.unit) for one in residents.every(store)] == [
        ("Barack Obama", "1-101"), ("His Twin", "2-1"), ("Joe", "4"),
    ]  # fmt: skip
    assert [line.details.get("overruled") for line in audit.lines(store) if line.kind == "enrolled"] == [None, 1, None]


def test_what_stands_beside_yes_in_the_table_is_asked_about(table):
    path = table("name,another_person,more_time\nA,maybe,\nB,是,否\nC,,Yes\nD,no,\n")
    rows, refused = read_table(path, path.parent)
    assert [row.asked.another_than for row in rows] == [None, frozenset(), frozenset()]
    assert [row.more_time for row in rows] == [False, True, False]
    assert [(one.name, one.why) for one in refused] == [
        ("A", "In the column another_person stands 'maybe': write yes, or leave it empty.")
    ]


def test_killed_half_way_it_goes_on_with_nothing_twice_and_nothing_lost(
    table, photos, store, state, models_dir, tmp_path
):
    names = [f"Person {number}" for number in range(12)]
    for number in range(12):
        shutil.copy(photos / ("obama.jpg" if number % 2 else "biden.jpg"), tmp_path / f"{number}.jpg")
    path = table(
        "name,until,photos,consent,another_person\n"
        + "".join(f"{name},2027-01-31,{i}.jpg,told,yes\n" for i, name in enumerate(names))
    )
    command = [sys.executable, "-m", "commands.cli", "import", str(path), "--yes"]
    process = subprocess.Popen(command, env=command_environment(models_dir, state), stdout=subprocess.DEVNULL)
    wait_for(lambda: len(residents.every(store)) >= 3, 60, "nobody was enrolled")
    process.send_signal(signal.SIGKILL)
    process.wait()
    had = len(residents.every(store))
    assert 3 <= had < 12
    done = subprocess.run(command, env=command_environment(models_dir, state), check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    people = residents.every(store)
    assert sorted(one.name for one in people) == sorted(names)
    assert {(one.templates, one.valid_until) for one in people} == {(1, "2027-01-31")}


def test_a_broken_row_among_ten_thousand_is_named_and_costs_no_other(table):
    rows = [f"Person {number},{number}" for number in range(10_000)]
    rows[7_000] = "A\u202eB,7000"
    path = table("name,unit\n" + "\n".join(rows) + "\n")
    found, refused = read_table(path, path.parent)
    assert len(found) == 9_999
    assert [(one.line, one.action) for one in refused] == [(7_002, Action.REFUSED)]


def test_of_several_photos_the_poor_one_is_named_before_and_after(table, store, models):
    path = table(f"{HEAD}Barack Obama,,,,obama.jpg;dark.jpg;obama2.jpg,told,\n")
    dark = cv2.imread(str(path.parent / "obama3.jpg")) * 0.2
    cv2.imwrite(str(path.parent / "dark.jpg"), dark)
    (row,), _ = read_table(path, path.parent)
    (before,) = rehearse(store, models, [row])
    assert before == carry_out(store, models, row, "test", known_faces(store, models))
    assert before.action is Action.ENROLLED
    assert "Left out: dark.jpg is too dark" in before.why
    assert residents.every(store)[0].templates == 2


def test_a_table_as_a_property_office_writes_it_is_read_as_it_is_meant(facegate, table, store):
    schedules.put_group(store, "租户", None, "test")
    path = table(
        "*姓名,房号,分组,截止日期（until）,照片,同意方式,同意书语言\n"
        "贝拉克,1-101,租户,2027-01-31,obama.jpg;obama3.jpg,纸质,中文\n"
        "乔,2-202,,,biden.jpg,已口头告知并同意,\n"
        "王芳,3-1204,,,,本人同意,\n",
        "gb18030",
    )
    told = facegate("import", path, "--yes", "--json").answer["rows"]
    assert [(row["name"], row["action"]) for row in told] == [
        ("贝拉克", "enrolled"), ("乔", "enrolled"), ("王芳", "refused")
    ]  # fmt: skip
    assert "'本人同意': write told, paper or screen" in told[2]["why"]
    people = {one.name: one for one in residents.every(store)}
    assert (people["贝拉克"].unit, people["贝拉克"].group) == ("1-101", "租户")
    assert people["贝拉克"].valid_until == "2027-01-31"
    agreed = [consents.of(store, people[name].id)[0].consent for name in ("贝拉克", "乔")]
    assert [(one.way, one.language) for one in agreed] == [("paper", "zh-CN"), ("told", "en")]


def test_a_home_written_in_another_way_is_the_same_home(facegate, table, store):
    first = residents.enrol(store, "王芳", "3-1204", [])
    path = table("name,unit,until\n王芳,3栋1204,2027-01-31\n王小明,3-1205,\n王小明,3号楼1205室,\n")
    told = facegate("import", path, "--yes", "--json").answer["rows"]
    assert [(row["line"], row["action"]) for row in told] == [(2, "changed"), (3, "added"), (4, "refused")]
    assert "王小明 is already in line 3" in told[2]["why"]
    found = {one.name: (one.id, one.unit) for one in residents.every(store)}
    assert (len(residents.every(store)), found["王芳"]) == (2, (first.id, "3-1204"))


def test_what_changes_is_said_in_each_row_and_where_somebody_of_a_name_lives_already(table, store, models):
    residents.enrol(store, "Wang Min", "1-101", [])
    residents.enrol(store, "Wu Jing", "1-101", [])
    ann = residents.enrol(store, "Ann", None, [])
    change(store, ann, Changes(valid_until="2099-01-31"), by="test")
    path = table(
        "name,unit,until\nWang Min,2-202,\nWang Min,2-203,\nWu Jing,1栋101,\nWu Jing,3-303,\n"
        "Ann,4-1,2099-12-31\nNew,5-1,\n"
    )
    rows, _ = read_table(path, path.parent)
    found = rehearse(store, models, rows)
    assert actions(found) == [Action.ADDED, Action.ADDED, Action.KNOWN, Action.ADDED, Action.CHANGED, Action.ADDED]
    assert [one.changes for one in found if one.changes] == ["Home: none → 4-1; Last day: 2099-01-31 → 2099-12-31"]
    # A family that changed flats is added a second time: one that the table has with both its homes are two people.
    moved = "Somebody of this name lives in 1-101: if they moved, change their home instead."
    assert [one.why for one in found] == [moved, moved, None, None, None, None]


def test_a_table_names_the_area_of_each_and_an_empty_cell_changes_none(store, tmp_path):
    areas.put(store, "Tower A", {"n": "North"}, "test")
    path = tmp_path / "people.csv"
    path.write_text("姓名,通行区域\n王芳,Tower A\n李娜,\n", "utf-8")
    rows, _ = read_table(path, tmp_path)
    with closing(people_in_memory(store)) as people:
        rehearsed = [carry_out(people, None, row, "test", None) for row in rows]
    done = [carry_out(store, None, row, "test", None) for row in rows]
    assert actions(rehearsed) == actions(done) == [Action.ADDED, Action.ADDED]
    assert {one.name: one.gates for one in residents.every(store)} == {"王芳": ("n",), "李娜": None}
    path.write_text("name,area\n王芳,\n李娜,Tower B\n", "utf-8")
    known, unknown = (carry_out(store, None, row, "test", None) for row in read_table(path, tmp_path)[0])
    assert (known.action, unknown.action) == (Action.KNOWN, Action.REFUSED)
    assert "There is no area Tower B" in str(unknown.why)
    assert {one.name: one.area for one in residents.every(store)} == {"王芳": "Tower A", "李娜": None}
