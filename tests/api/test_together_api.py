"""The deeds of the page for several residents, by the API and by command: the same rules and the same record lines."""

import pytest

from gate.store.people import consents, residents
from gate.store.site import schedules
from tests.api.test_together import people  # noqa: F401 - a fixture
from tests.running import of_kind


@pytest.fixture
def by_api(browser):
    manager = browser("manager")

    def do(deed, chosen, headers=None, **given):
        asked = {"deed": deed, "residents": [one.id for one in chosen]} | given
        answer = manager.post("/api/v1/residents/together", json=asked, headers=headers or {})
        return answer.json() if answer.status_code == 200 else answer.status_code

    return do


@pytest.fixture
def by_command(facegate):
    def do(deed, chosen, **given):
        options = [part for name, value in ({"value": ""} | given).items() for part in (f"--{name}", str(value))]
        done = facegate("residents", "together", deed, *(one.id for one in chosen), *options, "--yes", "--json")
        return done.answer if done.code == 0 else done.code

    return do


@pytest.mark.parametrize("way", ["by_api", "by_command"])
def test_many_are_changed_withdraw_and_move_out_with_the_rules_of_the_page(request, store, people, way):  # noqa: F811
    do = request.getfixturevalue(way)
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test")
    schedules.put_group(store, "guards", None, "test")
    for deed, value in (("group", "guards"), ("hours", "day"), ("last_day", "2027-01-31")):
        assert do(deed, people, value=value)["people"] == 3
    now = residents.every(store)
    assert {(one.group, one.schedule, one.valid_until) for one in now} == {("guards", "day", "2027-01-31")}
    assert len(of_kind(store, "resident_changed")) == 9
    # To all or to nobody.
    assert do("last_day", people, value="soon") in (409, 422, 1, 2)
    assert do("group", people, value="nobody's") in (409, 1)
    assert residents.every(store) == now
    # Of those who agreed, with one receipt.
    withdrawn = do("withdraw", people, count=2)
    assert (withdrawn["people"], withdrawn["receipt"]["templates"]) == (2, 2)
    assert not any(consents.standing(store, one.id) for one in people)
    assert do("withdraw", people) in (409, 1)
    # A number that is said is true, for few as for many.
    for deed in ("moved_out", "group"):
        assert do(deed, people, count=2) in (409, 1)
        assert do(deed, people[:1], count=10**30) in (409, 1)
    assert len(residents.every(store)) == 3
    # Of more than ten nobody by a slip.
    more = [residents.enrol(store, f"Person {number}", None, []) for number in range(8)]
    assert do("moved_out", [*people, *more]) in (409, 1)
    assert do("moved_out", [*people, *more], count=12) in (409, 1)
    assert len(residents.every(store)) == 11
    assert do("moved_out", [*people, *more], count=11)["people"] == 11
    assert residents.every(store) == []
    together = of_kind(store, "erased_together")
    assert [(line.details["what"], line.details["people"]) for line in together] == [
        ("consent_withdrawn", 2), ("erased", 11),
    ]  # fmt: skip


def test_by_the_api_it_is_done_once_and_to_nobody_where_one_is_none(by_api, store, people):  # noqa: F811
    assert by_api("moved_out", [*people[:2], people[0]], headers={"idempotency-key": "k"})["people"] == 2
    once_more = by_api("moved_out", [*people[:2], people[0]], headers={"idempotency-key": "k"})
    assert (once_more["people"], len(of_kind(store, "erased_together"))) == (2, 1)
    assert by_api("moved_out", people) == 404
    assert [one.name for one in residents.every(store)] == ["Wang Fang"]


def test_by_command_it_shows_first_whom_it_concerns(facegate, store, people):  # noqa: F811
    shown = facegate("residents", "together", "moved_out", "--search", "1-101")
    assert (shown.code, "Li Na" in shown.out, "Wang Fang" in shown.out) == (0, True, False)
    assert "2 in all. Nothing was changed." in shown.out
    assert [line.details["what"] for line in of_kind(store, "looked_at")] == ["residents"]
    assert len(residents.every(store)) == 3
    told = facegate("residents", "together", "moved_out", "--search", "1-101", "--json").answer
    assert (told["done"], [one["unit"] for one in told["residents"]]) == (False, ["1-101", "1-101"])
    assert len(of_kind(store, "looked_at")) == 2
    assert facegate("residents", "together", "moved_out").code == 2
    # An empty variable of a shell means nobody, and not everybody.
    for nothing in ("", "  ", "''", "-"):
        for way in ("--search", "--unit"):
            refused = facegate("residents", "together", "moved_out", way, nothing, "--count", "3", "--yes")
            assert (refused.code, "it would be everybody" in refused.err) == (2, True)
    both = facegate("residents", "together", "moved_out", "--search", "1-101", "--unit", "1-101")
    assert (both.code, len(residents.every(store))) == (2, 3)
    # What cannot be undone is counted, however few they are: somebody may have come since they were shown.
    assert "Do it with --yes --count 2." in shown.out
    erase = ("residents", "together", "moved_out", "--search", "1-101", "--yes")
    assert "Their number is 2: say so in “--count”. Nobody was erased." in facegate(*erase).err
    residents.enrol(store, "Li Ming", "1-101", [])
    assert "“--count” says 2, and their number is 3" in facegate(*erase, "--count", "2").err
    assert len(residents.every(store)) == 4
    assert facegate(*erase, "--count", "3").code == 0
    assert [one.name for one in residents.every(store)] == ["Wang Fang"]


def test_by_command_a_home_is_that_home_alone(facegate, store):
    for name, home in (("Ann", "6-101"), ("Bo", "16-101"), ("Cy", "6-1012"), ("Di", "6栋101室")):
        residents.enrol(store, name, home, [])
    for way in ("--unit", "--search"):
        shown = facegate("residents", "together", "group", way, "6-101", "--value", "", "--json")
        assert shown.answer["people"] == 2
    assert facegate("residents", "together", "moved_out", "--unit", "6幢101", "--yes", "--count", "2").code == 0
    assert [one.unit for one in residents.every(store)] == ["16-101", "6-1012"]


def test_by_command_a_value_must_be_given_and_one_that_is_none_is_told_before_it_is_done(facegate, store, people):  # noqa: F811
    everyone = ("residents", "together", "last_day", "--search", "1-101")
    assert facegate(*everyone, "--value", "2027-01-31", "--yes").code == 0
    forgotten = facegate(*everyone, "--yes")
    assert (forgotten.code, "Say which with --value" in forgotten.err) == (2, True)
    for yes in ((), ("--yes",)):
        refused = facegate(*everyone, "--value", "31.1.2027", *yes)
        assert (refused.code, "31.1.2027 is not a date" in refused.err, refused.out) == (1, True, "")
    # What is only tried changes nothing; an empty value takes it away.
    assert facegate(*everyone, "--value", "").code == 0
    assert [one.valid_until for one in residents.every(store)].count("2027-01-31") == 2
    assert facegate(*everyone, "--value", "", "--yes").code == 0
    assert [one.valid_until for one in residents.every(store)] == [None] * 3
