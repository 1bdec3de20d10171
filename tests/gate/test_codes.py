"""Codes as they are typed, drawn and hashed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate import codes


@pytest.mark.parametrize(
    ("unit", "flat"),
    [("3-2-502", "32502"), ("B1", "1"), ("５０２", "502"), ("Garden house", None), (None, None), ("", None),
     ("12345678", None), ("3栋2单元502", "32502"), ("²", "2")],
)  # fmt: skip
def test_a_home_is_typed_by_its_digits(unit, flat):
    assert codes.flat_of(unit) == flat


@given(st.sampled_from([None, "502"]))
def test_a_pin_is_drawn_with_its_length_and_differs_from_what_is_typed_under_duress(flat):
    pin = codes.draw_pin(flat)
    assert len(pin) == (codes.PIN_ALONE_DIGITS if flat is None else codes.PIN_DIGITS)
    assert pin.isascii()
    assert pin.isdigit()
    duress = codes.duress_of(pin)
    assert duress != pin
    assert duress[:-1] == pin[:-1]


def test_a_pin_is_one_with_its_home_and_its_gate():
    digests = {codes.pin_digest(flat, pin, salt) for flat in ("50", "5", None) for pin in ("2123456", "02123456")
               for salt in (b"a" * 16, b"b" * 16)}  # fmt: skip
    assert len(digests) == 12
    assert {len(one) for one in digests} == {32}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0004711", "4711"),
        (" 47 11 ", "4711"),
        ("4711\n", "4711"),
        ("４７１１", "4711"),
        ("ab:0f:12", "AB:0F:12"),
        ("123", None),
        ("0000", None),
        ("", None),
        ("47;11", None),
        ("1" * 65, None),
        ("卡4711", None),
    ],
)
def test_a_cards_number_is_one_however_a_reader_writes_it(text, number):
    assert codes.card_number(text) == number


@pytest.mark.parametrize("text", ["122,56780", "122, 56780", "122，56780", "0122-056780", "122/56780"])
def test_facility_and_number_are_one_card_however_they_are_printed(text):
    assert codes.card_number(text) == "122,56780"


@pytest.mark.parametrize("text", ["122,", ",56780", "122,567,80", "1234567,1", "12-A5"])
def test_what_is_no_facility_and_number_is_none(text):
    assert codes.card_number(text) is None
