"""Homes in every writing, and the families in them."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.store.people import homes, residents
from gate.store.people.homes import grouped, home_key, meant

FULL_WIDTH = str.maketrans("0123456789-/", "０１２３４５６７８９－／")
WRITINGS = (
    "{building}-{room}",
    "{building}/{room}",
    "{building}#{room}",
    "{building} - {room}",
    "0{building}-{room}",
    "{building}栋{room}",
    "{building}幢{room}室",
    "{building}号楼{room}室",
    "{building}號樓 {room} 號",
    "{building} 座 {room} 户",
    "Block {building}, Room {room}",
    "bldg {building} apt {room}",
)
UNIT = "{building}栋{unit}单元{room}室", "{building}-{unit}-{room}", "{building}号楼 {unit} 單元 {room}"
numbers = st.integers(1, 9999)


def test_the_examples_hold():
    assert doctest.testmod(homes).failed == 0


@given(numbers, numbers, st.sampled_from(WRITINGS), st.booleans())
def test_every_writing_of_a_home_has_its_key(building, room, writing, wide):
    written = writing.format(building=building, room=room)
    assert home_key(written.translate(FULL_WIDTH) if wide else written) == f"{building}-{room}"


@given(numbers, numbers, numbers, st.sampled_from(UNIT))
def test_entrances_are_told_apart(building, unit, room, writing):
    assert home_key(writing.format(building=building, unit=unit, room=room)) == f"{building}-{unit}-{room}"


@given(st.text(max_size=40))
def test_every_text_has_a_key_which_is_its_own(written):
    key = home_key(written)
    assert "/" not in key
    assert home_key(key) == key or not any(one.isalnum() for one in written)


@pytest.mark.parametrize(
    ("numeral", "key"),
    [("三栋1204", "3-1204"), ("十二号楼一〇一室", "12-101"), ("二十一幢3", "21-3"), ("一百零三号", "103")],
)
def test_numbers_written_as_chinese_do(numeral, key):
    assert home_key(numeral) == key


KEYS = frozenset({"3-1204", "3-12", "5-1204", "1-1102", "11-102", "12-3", "门卫室"})


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("３栋１２０４", {"3-1204"}),
        ("31204", {"3-1204"}),
        ("1203", {"12-3"}),
        ("120003", {"12-3"}),
        ("11102", set()),
        ("3号楼", {"3-1204", "3-12"}),
        ("1204室", {"3-1204", "5-1204"}),
        ("1204", set()),
        ("门卫室", set()),
        ("Wang", set()),
        ("", set()),
        ("4-1204", set()),
    ],
)
def test_what_somebody_may_mean(written, found):
    assert meant(written, KEYS) == found


@pytest.mark.parametrize(("unit", "key"), [("❶-502", "1-502"), ("➀", "1"), ("፩", "1"), ("A②", "a-2"), ("❿-3", "❿-3")])
def test_digits_that_no_keyboard_has_are_read_and_put_in_order(store, unit, key):
    residents.enrol(store, "Li Lei", unit, [])
    residents.enrol(store, "Han Mei", "3-1204", [])
    assert {one.key for one in grouped(residents.every(store))} == {key, "3-1204"}


def test_a_family_is_together_however_its_home_was_written(store):
    for name, unit in (("Li Lei", "3-1204"), ("Han Mei", "3栋1204"), ("Ann", "3-1204"), ("Bo", "10-2"), ("Cy", None)):
        residents.enrol(store, name, unit, [])
    found = grouped(residents.every(store))
    assert [(one.name, [person.name for person in one.people]) for one in found] == [
        ("3-1204", ["Ann", "Han Mei", "Li Lei"]), ("10-2", ["Bo"]), (None, ["Cy"]),
    ]  # fmt: skip
