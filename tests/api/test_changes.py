"""What is changed of residents: no name that nobody could tell apart, whose day is wrong, and one line for it."""

import pytest

from gate.store.people import residents
from gate.store.site import schedules
from tests.running import of_kind


@pytest.fixture
def manager(browser):
    return browser("manager")


def by_page(manager, one, **given):
    shown = {"known_as": "*", "name": one.name, "unit": one.unit or ""}
    return manager.send(f"/residents/{one.id}", data=shown | given)


def by_api(manager, one, **given):
    return manager.ask("PATCH", f"/api/v1/residents/{one.id}", json=given)


@pytest.mark.parametrize("way", [by_page, by_api])
@pytest.mark.parametrize("name", ["Bo Vater", "BO  vater", "Ｂｏ Vater"])
def test_nobody_is_renamed_or_moved_to_where_one_of_that_name_lives(manager, store, way, name):
    there = residents.enrol(store, "Bo Vater", "5-101", [])
    son = residents.enrol(store, "Son", "5-101", [])
    elsewhere = residents.enrol(store, name, "9-111", [])
    before = residents.every(store)
    added = manager.post("/api/v1/residents", json={"name": name, "unit": "5-101"})
    assert added.status_code == 409
    for one, given in ((son, {"name": name}), (elsewhere, {"unit": "5栋101"})):
        refused = way(manager, one, **given)
        assert refused.status_code in (409, 422)
        assert added.json()["detail"] in refused.text
    assert residents.every(store) == before
    # What tells them apart is heeded, and whose name is only written otherwise is nobody else.
    assert way(manager, son, name="Bo Vater (son)").status_code == 200
    assert way(manager, there, name="BO VATER", unit="5栋101").status_code == 200
    assert {one.name for one in residents.every(store)} == {"BO VATER", "Bo Vater (son)", name}


def test_where_several_share_name_and_home_already_their_pages_are_told(facegate, photos, store):
    two = [residents.enrol(store, "Bo Vater", "5-101", []) for _ in range(2)]
    enrolling = ("enroll", "Bo Vater", "--unit", "5-101", str(photos / "obama.jpg"), "--consent", "paper")
    refused = facegate(*enrolling)
    assert refused.code == 1
    assert all(f"/residents/{one.id}" in refused.err for one in two)
    assert "give their home" not in refused.err
    # The one of another home is meant where that home is given, although somebody has none.
    residents.enrol(store, "Li Na", None, [])
    residents.enrol(store, "Li Na", "2-202", [])
    assert "give their home" in facegate("enroll", "Li Na", str(photos / "obama.jpg"), "--consent", "paper").err


@pytest.mark.parametrize("many", [1, 5])
def test_a_last_day_for_many_says_whose_first_day_is_later(manager, store, many):
    people = [residents.enrol(store, f"Person {number}", None, []) for number in range(6)]
    for one in people[:many]:
        by_api(manager, one, valid_from="2027-06-01")
    asked = {"deed": "last_day", "value": "2027-01-31", "residents": [one.id for one in people]}
    refused = manager.post("/api/v1/residents/together", json=asked)
    names = "Person 0" if many == 1 else "Person 0, Person 1, Person 2 and 2 more"
    assert refused.status_code == 409
    assert f"2027-01-31 is before the first day of {names}. Choose another" in refused.json()["detail"]
    assert not any(one.valid_until for one in residents.every(store))


def test_a_change_is_one_line_of_what_changed_whichever_way_it_is_made(manager, facegate, store):
    schedules.put_group(store, "guards", None, "test")
    people = [residents.enrol(store, f"Person {number}", "1-101", []) for number in range(4)]
    by_page(manager, people[0], group="guards")
    by_api(manager, people[1], group="guards", extended=False, valid_from="", unit="1-101", name="Person 1")
    assert facegate("residents", "change", "Person 2", "--group", "guards", "--usual-time").code == 0
    given = {"deed": "group", "value": "guards", "residents": [people[3].id]}
    assert manager.post("/api/v1/residents/together", json=given).status_code == 200
    lines = of_kind(store, "resident_changed")
    assert [{key: value for key, value in line.details.items() if key != "by"} for line in lines] == [
        {"group": "guards"}
    ] * 4
    assert [set(line.personal) for line in lines] == [{"resident", "name"}] * 4
    # Once more is no change.
    for again in ({"group": "guards"}, {}, {"name": "Person 1", "unit": "1栋101", "group": "guards"}):
        assert by_api(manager, people[1], **again).status_code == 200
        if "unit" in again:
            assert of_kind(store, "resident_changed")[-1].personal["unit"] == "1栋101"
    by_page(manager, people[0], group="guards")
    facegate("residents", "change", "Person 2", "--group", "guards")
    manager.post("/api/v1/residents/together", json=given)
    assert len(of_kind(store, "resident_changed")) == 5
    by_page(manager, people[0], group="")
    assert of_kind(store, "resident_changed")[-1].details["group"] == ""
