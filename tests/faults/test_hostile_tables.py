"""Tables made to kill whoever opens them: each ends in one sentence, in little time and memory."""

import os
import random
import resource
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from enroll.rows import read_rows
from enroll.tables.headings import COLUMNS
from enroll.tables.open import open_table
from gate.errors import UsageError
from tests.conftest import REPOSITORY
from tests.enrolling import DECODER

GOOD = Path(__file__).parent.parent / "data" / "tables"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEAD = "".join(f'<c r="{column}1" t="inlineStr"><is><t>{name}</t></is></c>' for column, name in (("A", "name"),))


def workbook(tmp_path, sheet, **others):
    """The workbook of LibreOffice with another sheet, and other parts."""
    path = tmp_path / "people.xlsx"
    with zipfile.ZipFile(GOOD / "people.xlsx") as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for member in good.infolist():
            if member.filename == "xl/worksheets/sheet2.xml":
                out.writestr(member.filename, f"<worksheet {_MAIN}><sheetData>{sheet}</sheetData></worksheet>")
            else:
                out.writestr(member.filename, good.read(member))
        for name, content in others.items():
            out.writestr(name, content)
    return path


def row(number, cells):
    return f'<row r="{number}">{cells}</row>'


def refused(path):
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(UsageError) as error:
        read_rows(open_table(path, COLUMNS), path.parent, DECODER, "en")
    assert time.monotonic() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 << 10
    return str(error.value)


@pytest.mark.parametrize("far", ["XFD1048576", "A1048576", "XFD2", "ZZZZZZZ9999999999"])
def test_one_cell_far_out_reserves_no_memory_for_all_between(tmp_path, far):
    number = far.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    path = workbook(tmp_path, row(1, HEAD) + row(number, f'<c r="{far}"><v>1</v></c>'))
    assert refused(path).startswith("people.xlsx ")


OPENS = """
import resource, sys
from pathlib import Path
from enroll.tables.open import open_table
try:
    open_table(Path(sys.argv[1]), ("name",))
except Exception as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
"""


def test_the_child_that_opens_it_has_a_limit_to_its_memory(tmp_path):
    path = workbook(tmp_path, row(1, HEAD) + row(1048576, '<c r="AZ1048576"><v>1</v></c>'))
    done = subprocess.run(
        [sys.executable, "-c", OPENS, str(path)], env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said, megabytes = done.stdout.splitlines()
    assert said.startswith("people.xlsx cannot be read as a workbook")
    assert int(megabytes) < 250


def test_a_workbook_that_unfolds_is_judged_before_it_is_opened(tmp_path):
    path = workbook(tmp_path, row(1, HEAD) + " " * (100 << 20))
    assert path.stat().st_size < 1 << 20
    assert "is too large once unpacked" in refused(path)


def test_too_many_lines_cells_and_members(tmp_path):
    many = row(1, HEAD) + "".join(row(n, f'<c r="A{n}"><v>{n}</v></c>') for n in range(2, 20_003))
    assert "more than 20000 lines" in refused(workbook(tmp_path, many))
    members = {f"x/{number}": "" for number in range(3_000)}
    assert "files" in refused(workbook(tmp_path, row(1, HEAD), **members))


def test_entities_do_not_multiply_and_no_file_is_read(tmp_path):
    laughs = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise("abcdefghi"))
    bomb = f'<!DOCTYPE x [{laughs}<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    path = workbook(tmp_path, "")
    for entity in ("&i;", "&file;"):
        cell = f'<c r="A2" t="inlineStr"><is><t>{entity}</t></is></c>'
        with zipfile.ZipFile(GOOD / "people.xlsx") as good, zipfile.ZipFile(path, "w") as out:
            for member in good.infolist():
                sheet = f"{bomb}<worksheet {_MAIN}><sheetData>{row(1, HEAD)}{row(2, cell)}</sheetData></worksheet>"
                given = sheet if member.filename.endswith("sheet2.xml") else good.read(member)
                out.writestr(member.filename, given)
        with suppress(UsageError):
            rows, _ = read_rows(open_table(path, COLUMNS), tmp_path, DECODER, "en")
            assert all("root:" not in one.name and len(one.name) <= 100 for one in rows)


@pytest.mark.parametrize("file", ["people.xlsx", "people.ods"])
def test_a_damaged_workbook_is_a_table_or_one_sentence(tmp_path, file):
    content, rng = (GOOD / file).read_bytes(), random.Random(7)
    path = tmp_path / file
    for turn in range(12):
        spoilt = bytearray(content[: rng.randrange(30, len(content))] if turn % 2 else content)
        for _ in range(turn):
            spoilt[rng.randrange(4, len(spoilt))] = rng.randrange(256)
        path.write_bytes(spoilt)
        with suppress(UsageError):
            read_rows(open_table(path, COLUMNS), tmp_path, DECODER, "en")


@pytest.mark.parametrize(
    "content",
    [
        b"name\n" + b"x" * 200_000,
        b'name\n"' + b"x\n" * 30_000,
        b"," * 1_000_000,
        b"name" + b"," * 1_000_000 + b"\n" + b"x" + b"," * 1_000_000,
        b"\0" * 100_000,
        bytes(range(256)) * 400,
        b"\xff\xfe" + b"\0\xd8" * 1000,
        b"name\n" + b"\n" * 3_000_000,
        b"name,photos\nx," + b"\0.jpg\n",
        b"name,photos\nx," + b"y" * 5_000 + b"\n",
    ],
)
def test_a_hostile_csv_is_a_table_or_one_sentence_at_once(tmp_path, content):
    path, began = tmp_path / "people.csv", time.monotonic()
    path.write_bytes(content)
    with suppress(UsageError):
        read_rows(open_table(path, COLUMNS), tmp_path, DECODER, "en")
    assert time.monotonic() - began < 10


def test_a_table_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"")
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    assert "larger than 16 MB" in refused(path)
