"""Tables that LibreOffice writes here and now, and ours as LibreOffice opens them."""

import csv
import io
import subprocess
import zipfile

import pytest

from enroll.rows import read_rows
from enroll.tables.headings import COLUMNS
from enroll.tables.open import open_table
from gate.spreadsheet import csv_line, typed
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests.enroll.test_tables import TABLES
from tests.enrolling import DECODER

pytestmark = pytest.mark.soak

# LibreOffice's numbers of encodings (rtl/textenc.h).
_WRITTEN = {
    "utf-8": 76,
    "windows-1250": 33,
    "windows-1251": 34,
    "windows-1252": 1,
    "gb18030": 67,
    "big5": 68,
    "euc-kr": 79,
}
_NAMES = {
    "utf-8": ("王芳", "Müller", "Иванов"), "windows-1250": ("Łukasz Wójcik", "Żaneta Świątek", "Dąbrowski"),
    "windows-1251": ("Иванов Иван", "Петрова Анна", "Сёмин Пётр"),
    "windows-1252": ("Müller", "Jörg Weiß", "Käthe Groß"),
    "gb18030": ("王芳", "李雷", "张伟"), "big5": ("陳淑芬", "張偉", "林志玲"), "euc-kr": ("김민수", "이서연", "박지훈"),
}  # fmt: skip


def converted(path, to, *more):
    """The file as LibreOffice writes it."""
    try:
        done = subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{path.parent}/profile", "--headless", *more, "--convert-to", to,
             "--outdir", str(path.parent / "out"), str(path)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("LibreOffice is not here: install libreoffice-calc-nogui")
    made = path.parent / "out" / f"{path.stem}.{to.split(':')[0]}"
    assert made.is_file(), done.stderr
    return made


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
def test_a_workbook_written_now_is_read_like_the_one_beside_the_tests(tmp_path, ending):
    (tmp_path / "people.fods").write_bytes((TABLES / "people.fods").read_bytes())
    made, kept = converted(tmp_path / "people.fods", ending), TABLES / f"people.{ending}"
    assert open_table(made, COLUMNS).lines == open_table(kept, COLUMNS).lines


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", _WRITTEN)
def test_a_csv_in_each_encoding_with_each_separator(tmp_path, encoding, separator):
    names = [f"{name} {number}" for number in range(4) for name in _NAMES[encoding]]
    unit = f"3{separator.strip()}1"
    (tmp_path / "people.csv").write_text("name,unit\n" + "".join(f'{name},"{unit}"\n' for name in names), "utf-8")
    options = f"{ord(separator)},34,{_WRITTEN[encoding]},1"
    made = converted(tmp_path / "people.csv", f"csv:Text - txt - csv (StarCalc):{options}", "--infilter=CSV:44,34,76,1")
    table = open_table(made, COLUMNS)
    assert table.read_as.startswith(f"Read as {encoding},")
    rows, refused = read_rows(table, tmp_path, DECODER, "en")
    assert ([row.asked.name for row in rows], {row.asked.unit for row in rows}, refused) == (names, {unit}, [])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_nothing_in_our_tables_is_run_however_they_are_opened(tmp_path, separator):
    cells = [
        "=1+2",
        "Li;=1+2",
        "Li\t=1+2",
        "Li|=1+2",
        "Li\n=1+2",
        "＝1+2",
        "+1+2",
        "-1+2",
        "@SUM(1)",
        "\t=1+2",
        '";=1+2',
    ]
    (tmp_path / "out.csv").write_text(
        csv_line(("name", "unit")) + "".join(csv_line((one, one)) for one in cells), "utf-8"
    )
    made = converted(
        tmp_path / "out.csv", "xlsx", f"--infilter=CSV:{ord(separator)},34,76,1,,0,false,true,false,false,true"
    )
    with zipfile.ZipFile(made) as opened:
        sheet = opened.read("xl/worksheets/sheet1.xml").decode()
    assert "<f" not in sheet.replace("<font", "")


def test_our_table_comes_back_through_libreoffice(tmp_path):
    cells = [("王芳", "3-1204"), ("=Li;=1+2", "-5"), ('O\'Brien, "Bo"', "+49"), ("علی\u200cرضا", "3-12")]
    content = "\ufeff" + csv_line(("name", "unit")) + "".join(csv_line(one) for one in cells)
    (tmp_path / "out.csv").write_text(content, "utf-8")
    # As a person opens it: each column as text.
    made = converted(tmp_path / "out.csv", "xlsx", "--infilter=CSV:44,34,76,1,1/2/2/2")
    rows, refused = read_rows(open_table(made, COLUMNS), tmp_path, DECODER, "en")
    assert ([(row.asked.name, row.asked.unit) for row in rows], refused) == (cells, [])


def test_the_record_as_a_table_is_opened_whole_and_nothing_in_it_is_run(tmp_path, browser, store):
    names = [
        "王芳", "=1+2", "+49 30", "-5", "@SUM(1)", "＝1+2", "Li, Lei", "Li;=1+2", 'O\'Brien, "Bo"', "Anna\nMaria",
        "علی\u200cرضا",
        '=HYPERLINK("https://example.org";"x")', "\t=1+2", "0049", "1-2", "3/4", "TRUE", "1e5",
    ]  # fmt: skip
    for name in names:
        audit.append(store, AuditEvent(Kind.GRANTED, {"method": "face"}, {"name": name}))
    made = browser("manager").get("/events/table?what=everything", headers={"accept-language": "zh-CN"})
    (tmp_path / "record.csv").write_bytes(made.content)
    # As whoever presses return in the window that asks: commas, quotes, UTF-8, and cells in quotes as text or not.
    for as_text in ("false", "true"):
        options = f"--infilter=CSV:44,34,76,1,,0,{as_text},true,false,false,true"
        opened = converted(tmp_path / "record.csv", "xlsx", options)
        with zipfile.ZipFile(opened) as sheets:
            assert "<f" not in sheets.read("xl/worksheets/sheet1.xml").decode().replace("<font", "")
        (tmp_path / as_text).mkdir()
        again = tmp_path / as_text / "record.xlsx"
        opened.rename(again)
        kept = converted(again, "csv:Text - txt - csv (StarCalc):44,34,76,1")
        heads, *lines = csv.reader(io.StringIO(kept.read_text("utf-8")))
        assert heads == ["编号", "时间", "类型", "房号", "姓名", "详情"]
        shown = [typed(line[4]) for line in reversed(lines) if line[4]]
        if as_text == "true":
            assert shown == names
        assert len(shown) == len(names)
        assert {line[2] for line in lines if line[4]} == {"已通行"}
