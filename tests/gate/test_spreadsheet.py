"""Tables that a spreadsheet runs nothing of, and that come back as they went out."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.spreadsheet import csv_line, harmless, typed

NEAR = st.text(alphabet="'=+-@＝＠ \t\r\n;|,\"a芳\u00a0")


@pytest.mark.parametrize("sign", "=+-@＝＋－＠﹦")
@pytest.mark.parametrize("before", ["", " ", "\t", "\r", "Li;", "Li; ", "Li\t", "Li|", "Li\n", "Li\r\n\u3000"])
def test_no_part_of_a_cell_begins_a_formula(before, sign):
    assert harmless(f"{before}{sign}1+2") == f"{before}'{sign}1+2"


@given(st.text() | NEAR)
def test_every_text_comes_back(text):
    assert typed(harmless(text)) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | NEAR, min_size=1))
def test_a_line_is_read_as_it_was_written_with_every_cell_in_quotes(cells):
    line = csv_line(cells)
    (read,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert [typed(cell) for cell in read] == cells
    assert line.startswith('"')
    assert line.endswith('"\r\n')
    assert line.count('"') % 2 == 0
    assert line.count('","') >= len(cells) - 1
