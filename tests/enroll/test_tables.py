"""Tables as LibreOffice and others write them, in whatever letters and with whatever separators."""

import random
from pathlib import Path

import pytest

from enroll.bulk import table_in
from enroll.rows import Action, read_rows
from enroll.tables.encodings import ENCODINGS, decoded
from enroll.tables.headings import COLUMNS
from enroll.tables.open import open_table
from gate.errors import UsageError
from gate.spreadsheet import csv_line
from tests.enrolling import DECODER
from tests.faults.test_hostile_tables import row, workbook

TABLES = Path(__file__).parent.parent / "data" / "tables"
GERMAN = [("Jörg Müller", "1", "2026-12-31"), ("Groß, Käthe", "2", "2026-12-31"), ("Björn Weiß", "Haus 3; links", "")]


def people(path, encoding=None):
    rows, refused = read_rows(open_table(path, COLUMNS, encoding), path.parent, DECODER, "en")
    return [(row.asked.name, row.asked.unit, row.valid_until) for row in rows], refused


@pytest.fixture
def written(tmp_path):
    """Writes a table and reads the people in it."""

    def write(content, encoding=None, name="people.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return people(path, encoding)

    return write


@pytest.mark.parametrize(
    ("file", "read_as", "expected"),
    [
        ("german.csv", "Read as windows-1252, separated by semicolons.", GERMAN),
        ("wide.csv", "Read as utf-16, separated by tabs.", GERMAN),
        ("russian.csv", "Read as windows-1251, separated by semicolons.",
         [("Иванов Иван", "1", "2026-12-31"), ("Петрова, Анна", "2", "2026-12-31"), ("Сёмин Пётр", "кв. 3; 4", ""),
          ("Юлия Орлова", "5", "")]),
        ("chinese.csv", "Read as gb18030, separated by commas.",
         [("王芳", "3栋1204", "2026-12-31"), ("李雷", "3-1205", "2026-12-31"), ("欧阳娜娜", "A座; 1", "")]),
        ("polish.csv", "Read as windows-1250, separated by semicolons.",
         [("Łukasz Wójcik", "1", "2026-12-31"), ("Żaneta, Świątek", "2", "2026-12-31"), ("Dąbrowski", "3; 4", "")]),
        ("korean.csv", "Read as euc-kr, separated by commas.",
         [("김민수", "1", "2026-12-31"), ("이서연", "2", "2026-12-31"), ("박지훈", "3; 4", ""), ("최유진", "5", ""),
          ("정하늘", "6", ""), ("강민호", "7", "")]),
    ],
)  # fmt: skip
def test_what_libreoffice_writes_as_csv_is_read_as_it_was_meant(file, read_as, expected):
    assert open_table(TABLES / file, COLUMNS).read_as == read_as
    assert people(TABLES / file) == (expected, [])


@pytest.mark.parametrize("file", ["people.xlsx", "people.ods"])
def test_a_workbook_of_libreoffice_is_read_from_the_sheet_that_has_the_columns(file):
    assert open_table(TABLES / file, COLUMNS).read_as == "Read from the sheet People."
    rows, refused = people(TABLES / file)
    assert rows == [
        ("王芳", "1204", "2026-12-31"), ("Wang, Fang", "3-1204", "2026-12-31"), ("علی\u200cرضا", "3-12", ""),
        ("Jörg Müller", "13800138000", ""), ("Sum", "1205", ""),
    ]  # fmt: skip
    assert {one.line: one.why for one in refused} == {
        5: "There is no photo a.jpg. There is no photo b.jpg. Photos need a consent: told, paper or screen.",
        8: "In the column 'unit' is a date, 2026-03-12: a spreadsheet makes one of 3-12, for example. Format the"
           " column as text, and type it again.",
        10: "There is no 29.02.2026 in the calendar; check it.",
        11: "03/04/2026 may be 2026-04-03 or 2026-03-04; write which one, with the year first.",
        12: "In column 6, which has no name, stands 'x'. Give that column a name, or remove it.",
    }  # fmt: skip
    assert {one.action for one in refused} == {Action.REFUSED}


@pytest.mark.parametrize(
    "content",
    [
        "name;unit;until\nWang;3-1;2026-12-31\n",
        "name\tunit\tuntil\nWang\t3-1\t2026-12-31\n",
        "name|unit|until\nWang|3-1|2026-12-31\n",
        "name，unit，until\nWang，3-1，2026-12-31\n",
        "name；unit；until\nWang；3-1；2026-12-31\n",
        "name؛unit؛until\nWang؛3-1؛2026-12-31\n",
        "sep=;\r\nname;unit;until\r\nWang;3-1;2026-12-31\r\n",
        '"sep=!"\nname!unit!until\nWang!3-1!2026-12-31\n',
        "name,unit,until,,,\nWang,3-1,2026-12-31,,,\n,,,,,\n",
        "\n\nname,unit,until\n\nWang,3-1,2026-12-31\n",
        '\ufeff"name","unit","until"\n"Wang","3-1","2026-12-31"\n',
        " Name , UNIT,Until \n Wang , 3-1 ,2026-12-31\n",
        "name,unit,until\rWang,3-1,2026-12-31\r",
        "name,unit,until\nWang,3-1,2026-12-31",
    ],
)
def test_separators_marks_and_empty_cells_are_taken_for_what_they_are(written, content):
    assert written(content) == ([("Wang", "3-1", "2026-12-31")], [])


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_with_and_without_a_mark(written, codec):
    assert written("name,unit\nWang,3-1\n王芳,2\n".encode(codec))[0] == [("Wang", "3-1", ""), ("王芳", "2", "")]


def test_a_cell_that_goes_on_in_quotes_is_one_cell_and_called_by_its_first_line(written):
    rows, refused = written('name,unit\n"Li ""the boss"" Lei","3-1,\n2"\nAnn,1\nB\u202eob,2\n')
    assert [row[:2] for row in rows] == [("Ann", "1")]
    assert [(one.line, one.name) for one in refused] == [(2, 'Li "the boss" Lei'), (5, "B\u202eob")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("name,unit\nWang, Fang,3-1\n", "more cells than there are columns"),
        ("name,,unit\nWang,x,3-1\n", "In column 2, which has no name, stands 'x'"),
        # As pandas writes a table with its index.
        (",name,unit\n0,Wang,3-1\n", "In column 1, which has no name, stands '0'"),
    ],
)
def test_text_beside_the_columns_is_never_dropped(written, content, why):
    rows, (refused,) = written(content)
    assert (rows, why in refused.why) == ([], True)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('name,unit\n"Ann,1\nBob,2\n', "the quotation marks in line 2 are not in pairs"),
        ('name,unit\n"Ann"x,1\n', "in line 2"),
        ("name,unit,name\nAnn,1,Bob\n", "twice"),
        ("unit,from\n1,2\n", "'name' is missing"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel file"),
        (b"PK\x03\x04 and nothing more", "cannot be read as a ZIP"),
        ("<html><table><tr><td>姓名".encode("gbk"), "is a web page and no table; open it in Excel or WPS"),
        ("\ufeff\n<!DOCTYPE html>", "is a web page and no table"),
        ("name,unit\nИванов Иван,1\n".encode("koi8-r"), "is not recognised; choose it"),
        ("name\nČapek\n".encode("cp1250"), "windows-1250: Čapek; windows-1252: Èapek. Choose its encoding"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused_whole(written, content, why):
    with pytest.raises(UsageError) as refused:
        written(content)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("encoding", "heading"),
    [("gbk", "姓名,房号"), ("gbk", "* 姓名\t房号"), ("gbk", "sep=;\nunit;姓名"), ("big5", "姓名,unit")],
)
def test_where_the_columns_are_named_in_chinese_one_person_suffices(written, encoding, heading):
    separator = next(one for one in ",\t;" if one in heading)
    cells = ("3-1", "巫翊") if heading.endswith("姓名") else ("巫翊", "3-1")
    rows, _ = written(f"{heading}\n{separator.join(cells)}\n".encode(encoding))
    assert rows == [("巫翊", "3-1", "")]


def test_an_encoding_may_be_said(written):
    assert written("name\nČapek\n".encode("cp1250"), "windows-1250")[0] == [("Čapek", None, "")]
    assert written("name\nИванов Иван\n".encode("koi8-r"), "koi8-r")[0] == [("Иванов Иван", None, "")]
    with pytest.raises(UsageError, match="not text in windows-1252; choose another"):
        written(b"name\n\x81\n", "windows-1252")
    with pytest.raises(UsageError, match="no encoding klingon; choose one of utf-8"):
        written("name\n", "klingon")


NAMES = {
    "windows-1251": "Иванов Смирнова Кузнецов Попов Васильев Фёдоров Морозов Лебедев Семёнов Егоров Анна Ольга Юлия Ян",
    "gb18030": "王芳 李雷 张伟 刘洋 陈静 欧阳修 司马懿 闫妮 樊胜美 谌龙 覃辉 蔺晨 佘诗曼 仝卓 逄博 尉迟恭",
    "windows-1252": "Müller Schröder Jörg Weiß Schäfer Krüger Köhler Günther Böhm Jäger Großmann Björn",
    "windows-1250": "Łukasz Wójcik Żaneta Kamiński Zieliński Woźniak Dąbrowski Kozłowski Jabłoński Ślusarz",
    "windows-1253": "Γιώργος Παπαδόπουλος Μαρία Ελένη Νίκος Δημήτρης Κωνσταντίνος Αικατερίνη Βασίλης Σοφία",
    "windows-1254": "Ayşe Yılmaz Şükrü Öztürk Çiğdem Gülşen İbrahim Çelik Doğan Kılıç Aydın Koç",
    "windows-1255": "דוד לוי שרה כהן משה רחל יוסף אברהם מרים יעקב",
    "windows-1256": "محمد علي فاطمة أحمد حسن خالد سارة يوسف مريم إبراهيم نور",
    "euc-kr": "김민수 이서연 박지훈 최유진 정하늘 강민호 조수빈 윤서준 장미란 임재범",
}  # fmt: skip


@pytest.mark.parametrize("encoding", NAMES)
def test_a_table_is_read_as_it_was_meant_or_asked_about_and_twenty_people_suffice(encoding):
    rng, names = random.Random(1), NAMES[encoding].split(" ")
    for count in (1, 2, 5, 20):
        asked = 0
        for _ in range(25):
            text = "name,unit\n" + "".join(f"{rng.choice(names)},3\n" for _ in range(count))
            try:
                read, _ = decoded(text.encode(ENCODINGS[encoding]), "people.csv")
            except UsageError:
                asked += 1
            else:
                assert read == text
        assert asked <= (1 if count == 20 else 25)


def test_what_goes_out_comes_back(written):
    cells = [("=1+1", "Li;=1+2"), ("＝SUM(A1)", "-5"), ("'=x", "+49"), ('O\'Brien, "Bo"', "@home"), ("王芳", "1|-2")]
    content = "\ufeff" + csv_line(("name", "unit")) + "".join(csv_line(one) for one in cells)
    assert [row[:2] for row in written(content)[0]] == cells


def test_one_table_among_the_files(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "people.XLSX").write_bytes(b"")
    assert table_in(tmp_path).name == "people.XLSX"
    (tmp_path / "more.ods").write_bytes(b"")
    with pytest.raises(UsageError, match="2 are there"):
        table_in(tmp_path)


def test_cells_merged_downwards_hold_for_each_of_their_lines():
    rows, refused = people(TABLES / "merged.xlsx")
    assert rows == [
        ("Anna Schmidt", "3-1204", "2026-12-31"), ("Jörg Schmidt", "3-1204", "2026-12-31"), ("Eva Lang", "3-1205", ""),
    ]  # fmt: skip
    assert [(one.line, one.name) for one in refused] == [(7, "Anna Schmidt")]


def test_of_several_sheets_with_columns_those_that_are_not_read_are_named():
    table = open_table(TABLES / "merged.xlsx", COLUMNS)
    assert table.read_as == ("Read from the sheet Block 1 alone. Not read: Block 2; import each as a table of its own.")


def test_what_stands_above_the_columns_is_told_of(written):
    with pytest.raises(UsageError) as error:
        written("Residents of block 3\nname,unit\nAnn,1\n")
    assert str(error.value).endswith(
        "the columns are named in line 2, and above it stands 'Residents of block 3'. Remove what stands above line 2."
    )


def test_what_is_wrong_with_the_names_of_the_columns_is_told_at_once(written):
    def told(*lines):
        with pytest.raises(UsageError) as error:
            written("".join(",".join(line) + "\n" for line in lines))
        return str(error.value)

    unknown = told(("姓名", "楼栋", "房号", "Phone", "房间号"), ("王芳", "3", "1204", "1", "2"))
    assert "In line 1 of " in unknown
    assert ("'楼栋', 'Phone'" in unknown, "'unit' is in" in unknown, "Remove what" in unknown) == (True, True, False)
    lacking = told(("房号", "楼栋"), ("1204", "3"))
    assert ("'楼栋'" in lacking, "'name' is missing" in lacking) == (True, True)
    below = told(("阳光小区", "2026"), ("姓名", "房号"), ("王芳", "1204"))
    assert "named in line 2, and above it stands '阳光小区', '2026'." in below
    none = told(("who", "where"), ("王芳", "1204"))
    assert "Line 1 of " in none
    assert "'who', 'where' is none of them" in none


def test_of_a_workbook_the_line_that_was_meant_is_told_with_its_sheet(tmp_path):
    def cells(number, *texts):
        said = (
            f'<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
            for column, text in zip("AB", texts, strict=False)
        )
        return row(number, "".join(said))

    title, names, one = cells(1, "阳光小区住户登记表"), cells(3, "姓名", "房号"), cells(4, "王芳", "1204")
    told = "sheet People, the columns are named in line 3, and above it stands '阳光小区住户登记表'"
    with pytest.raises(UsageError, match=told):
        people(workbook(tmp_path, title + names + one))
