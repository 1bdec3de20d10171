"""Many residents at once, and the receipts of what was erased, by their address."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from gate.errors import ResidentRefusal
from gate.store.database import database_of, migrated_up_to, open_database
from gate.store.people import erasure, residents
from gate.store.people.changes import Changes, change
from gate.store.people.consents import Consent, Way
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import schedules
from tests.console import problem_of
from tests.running import wait_for

AGREED = Consent("1", "en", "0" * 64, Way.PAPER, "test")


@pytest.fixture
def people(store):
    """Two families; of the first both have a face."""
    return [
        residents.enrol(
            store, name, unit, [Template("m", "s", {}, b"")] if number < 2 else [], AGREED if number < 2 else None
        )
        for number, (name, unit) in enumerate((("Li Na", "1-101"), ("Li Wei", "1-101"), ("Wang Fang", "2-202")))
    ]


def hidden(answer):
    """What a form that asks once more carries on."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text)
    return {name: [value for one, value in found if one == name] for name, _ in found}


def looked(manager, **given):
    answer = manager.post("/residents/together", data=given)
    assert answer.status_code == 200, answer.text
    return hidden(answer)


def test_many_get_a_group_hours_and_a_last_day(browser, store, people):
    manager = browser("manager")
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    schedules.put_group(store, "cleaners", None, "test")
    both = [people[0].id, people[2].id]
    for given, seen in (
        ({"deed": "group", "group": "cleaners"}, lambda one: one.group == "cleaners"),
        ({"deed": "hours", "hours": "day"}, lambda one: one.schedule == "day"),
        ({"deed": "hours", "hours": ""}, lambda one: one.schedule is None),
        ({"deed": "last_day", "last_day": "2027-01-31"}, lambda one: one.valid_until == "2027-01-31"),
    ):
        form = looked(manager, resident=both, **given)
        assert not any(seen(residents.get(store, one)) for one in both)
        done = manager.post("/residents/together/done", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/residents/together")
        assert "2 people are changed." in manager.get("/residents/together").text
        assert all(seen(residents.get(store, one)) for one in both)
    assert residents.get(store, people[1].id).group is None
    # Loaded again, or by an address that somebody sent, it says nothing of it.
    for address in ("/residents/together", "/residents/together?done=500"):
        assert "are changed." not in manager.get(address).text
    changed = [line for line in audit.lines(store) if line.kind == "resident_changed"]
    assert len(changed) == 8
    assert audit.verify(store) is None


def test_a_family_that_moved_out_is_erased_once_with_one_receipt(browser, store, people, staff):
    manager = browser("manager")
    asked = manager.post("/residents/together", data={"deed": "moved_out", "everyone": "1", "search": "1-101"})
    assert "2 people</strong> · 2 face templates" in asked.text
    assert "Wang Fang" not in asked.text
    assert len(residents.every(store)) == 3
    form = hidden(asked)
    first = manager.post("/residents/together/done", data=form)
    again = manager.post("/residents/together/done", data=form)
    assert first.headers["location"] == again.headers["location"]
    assert [one.name for one in residents.every(store)] == ["Wang Fang"]
    lines = [line for line in audit.lines(store) if line.kind.startswith("erased")]
    assert [line.kind for line in lines] == ["erased", "erased", "erased_together"]
    assert (lines[-1].details["people"], lines[-1].details["templates"]) == (2, 2)
    assert audit.verify(store) is None
    # The receipt is at its address, again and again, for whoever may read the record, and says nothing of them.
    where = first.headers["location"]
    for reader in ("manager", "auditor"):
        shown = browser(reader).get(where).text
        assert lines[-1].id in shown
        assert "Li Na" not in shown
        assert people[0].id not in shown
        assert where in browser(reader).get("/receipts").text
    # The list has it once, and not beside each of them.
    listed = manager.get("/receipts").text
    assert [listed.count(f"/receipts/{line.id}") for line in lines] == [0, 0, 1]
    assert browser("guard").get(where).status_code == 403
    assert manager.get("/receipts/nothing").status_code == 404
    assert manager.get(f"/receipts/{next(audit.lines(store)).id}").status_code == 404


def test_whoever_was_searched_for_and_changed_is_in_no_file_once_they_are_erased(browser, store, state):
    someone = residents.enrol(store, "Wang Fang Unmistakable", None, [])
    manager = browser("manager")
    form = looked(manager, deed="last_day", last_day="2027-01-31", everyone="1", search="Unmistakable")
    first, again = (manager.post("/residents/together/done", data=form) for _ in range(2))
    assert first.headers["location"] == again.headers["location"]
    assert 'value="Unmistakable"' in manager.get(again.headers["location"]).text
    erasure.remove(store, someone, by="test")
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert b"Unmistakable" not in everything
    assert someone.id.encode() not in everything


def test_what_was_searched_for_goes_from_a_database_of_before_and_the_form_is_still_done_once(state):
    database_of(state).parent.mkdir(parents=True)
    rows = {"page": "/residents/together?done=3&search=Unmistakable&group=", "erased": "/receipts/1", "door": "normal"}
    with closing(migrated_up_to(database_of(state), 21)) as before:
        for key, result in rows.items():
            before.execute(
                "INSERT INTO requests (asker, key, digest, at, result) VALUES ('user 1', ?, '', 9e9, ?)", (key, result)
            )
    with closing(open_database(state)) as now:
        kept = dict(now.execute("SELECT key, result FROM requests"))
        now.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert kept == rows | {"page": "changed-3"}
    assert b"Unmistakable" not in b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())


def test_many_are_erased_only_by_whoever_types_how_many(browser, store):
    for number in range(11):
        residents.enrol(store, f"Person {number}", None, [])
    manager = browser("manager")
    form = looked(manager, deed="moved_out", everyone="1")
    unsaid = manager.post("/residents/together/done", data=form)
    assert "Their number is 11: say so in “Type how many they are”. Nobody was erased." in unsaid.text
    wrong = manager.post("/residents/together/done", data=form | {"count": "eleven"})
    assert "says eleven, and their number is 11" in wrong.text
    assert len(residents.every(store)) == 11
    assert manager.post("/residents/together/done", data=form | {"count": " 11"}).status_code == 303
    assert residents.every(store) == []


def test_a_home_of_many_is_erased_by_the_same_rule(browser, store):
    for number in range(13):
        residents.enrol(store, f"Person {number}", "9-557", [])
    manager = browser("manager")
    shown = manager.get("/homes/9-557").text
    assert 'name="count"' in shown
    form = {"resident": re.findall(r'name="resident" value="([^"]+)"', shown)}
    few = {"resident": form["resident"][:2]}
    for wrong in (form, form | {"count": "12"}, few | {"count": "13"}):
        again = manager.post("/homes/9-557/erasure", data=wrong)
        assert (again.status_code, again.text.count(" checked>")) == (422, len(wrong["resident"]))
        assert "say so in" in again.text or "look again whom it concerns" in again.text
    assert len(residents.every(store)) == 13
    assert manager.post("/homes/9-557/erasure", data=few | {"count": "2"}).status_code == 303
    # Of a form that still names who is gone nobody is left out without a word.
    assert manager.post("/homes/9-557/erasure", data=form | {"count": "11"}).status_code == 422
    others = {"resident": form["resident"][2:]}
    assert manager.post("/homes/9-557/erasure", data=others | {"count": "11"}).status_code == 303
    assert residents.every(store) == []


def test_hours_or_last_day_of_a_home_are_of_that_home_alone(browser, store):
    for name, home in (("Ann", "7-101"), ("Bo", "17-101"), ("Cy", "7-1012"), ("Di", "7栋101室")):
        residents.enrol(store, name, home, [])
    manager = browser("manager")
    (link,) = re.findall(r'href="(/residents/together[^"]+)"', manager.get("/homes/7-101").text)
    shown = manager.get(link)
    assert re.findall(r"</span> (\w+)<span", shown.text) == ["Ann", "Di"]
    carried = {name: values[0] for name, values in hidden(shown).items()}
    form = looked(manager, **carried, deed="last_day", last_day="2027-01-31", everyone="1")
    after = manager.send("/residents/together/done", data=form)
    assert "2 people are changed." in after.text
    assert after.text.count('name="resident"') == 2, "it goes on with this home"
    assert [one.unit for one in residents.every(store) if one.valid_until] == ["7-101", "7栋101室"]
    # Whoever types it means it too; where nobody lives there, it is a part of what is looked for.
    for typed, many in (("7-101", 2), ("7栋101", 2), ("7-10", 3), ("101", 4)):
        assert manager.get(f"/residents/together?search={typed}").text.count('name="resident"') == many, typed


def test_only_who_agreed_can_have_their_consent_withdrawn(browser, store, people):
    manager = browser("manager")
    form = looked(manager, deed="withdraw", everyone="1")
    where = manager.post("/residents/together/done", data=form).headers["location"]
    assert [one.templates for one in residents.every(store)] == [0, 0, 0]
    assert "<dd>2</dd>" in manager.get(where).text
    nobody = manager.post("/residents/together", data={"deed": "withdraw", "everyone": "1"})
    assert nobody.status_code == 422
    assert "None of those you chose agreed" in problem_of(nobody)
    chosen = {"deed": "withdraw", "residents": [people[0].id]}
    assert "None of those you chose agreed" in manager.post("/api/v1/residents/together", json=chosen).json()["detail"]


def test_nothing_is_done_where_somebody_was_quicker_or_one_cannot_be_done(browser, store, people):
    manager = browser("manager")
    form = looked(manager, deed="moved_out", everyone="1")
    other = looked(manager, deed="last_day", last_day="2027-01-31", resident=[people[0].id])
    manager.post("/residents/together/done", data=other)
    late = manager.post("/residents/together/done", data=form)
    assert "Somebody else changed one of them" in late.text
    assert len(residents.every(store)) == 3
    wrong = looked(manager, deed="last_day", last_day="soon", everyone="1")
    assert manager.post("/residents/together/done", data=wrong).status_code == 422
    assert {one.valid_until for one in residents.every(store)} == {"2027-01-31", None}


def test_a_resident_has_hours_of_their_own_and_a_receipt_when_they_go(browser, store, people):
    manager, path = browser("manager"), f"/residents/{people[0].id}"
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test")
    form = {"name": "Li Na", "unit": "1-101", "schedule": "day"}
    page = manager.get(path)
    assert page.status_code == 200, page.text[-800:]
    known_as = hidden(page)["known_as"][0]
    assert "Let in now: Mon to Fri 07:00–19:00" in manager.send(path, data=form | {"known_as": "*"}).text
    assert manager.get(f"/api/v1{path}").json()["schedule"] == "day"
    # A form that knows of no hours leaves them; one that was read before them is outdated.
    manager.post(path, data=form | {"known_as": "*", "schedule": ""})
    assert residents.get(store, people[0].id).schedule == "day"
    assert manager.post(path, data=form | {"known_as": known_as.replace("&#34;", '"')}).status_code == 422
    manager.post(path, data=form | {"known_as": "*", "schedule": "-"})
    assert residents.get(store, people[0].id).schedule is None
    key = hidden(manager.get(path))["key"][0]
    first, again = (manager.post(f"{path}/erasure", data={"key": key}) for _ in range(2))
    assert first.headers["location"] == again.headers["location"]
    assert "Erased" in manager.get(first.headers["location"]).text


def test_a_home_is_erased_as_it_was_shown_or_not_at_all(browser, store, context):
    family = [residents.enrol(store, name, "1-101", []) for name in ("Wang Min", "Wu Jing", "Yang Jun")]
    manager = browser("manager")
    form = hidden(manager.get("/homes/1-101")) | {"resident": [one.id for one in family]}
    with ThreadPoolExecutor() as beside:
        # A colleague has the turn, and moves the child to the grandparents before it ends.
        with context.together.taken():
            pressed = beside.submit(manager.post, "/homes/1-101/erasure", data=form)
            wait_for(lambda: context.together._places._value == 2, 10)
            change(store, family[2], Changes(unit="1-102"), by="a colleague")
        assert "Somebody else changed one of them in the meantime" in pressed.result().text
    assert len(residents.every(store)) == 3
    # A form of before, which knows not what was shown, erases nobody of another home either.
    unseen = manager.post("/homes/1-101/erasure", data={"resident": form["resident"]})
    assert (unseen.status_code, len(residents.every(store))) == (422, 3)
    changed = residents.get(store, family[0].id)
    change(store, family[0], Changes(unit="1-103"), by="a colleague")
    with pytest.raises(ResidentRefusal, match="was changed in the meantime"):
        erasure.remove_together(store, [changed], by="test")
    assert len(residents.every(store)) == 3


def test_with_nobody_ticked_the_home_says_so_itself_and_one_that_is_gone_leads_on(browser, store):
    residents.enrol(store, "Wang Min", "1-101", [])
    manager = browser("manager")
    form = hidden(manager.get("/homes/1-101"))
    nobody = manager.post("/homes/1-101/erasure", data=form)
    assert (nobody.status_code, nobody.text.count(" checked>")) == (422, 0)
    assert problem_of(nobody) == "Tick somebody: nobody was ticked, and nobody was erased."
    assert "Wang Min" in nobody.text
    for gone in (manager.get("/homes/9-9"), manager.post("/homes/9-9/erasure", data=form | {"resident": ["x"]})):
        assert gone.status_code == 404
        assert 'href="/residents?search=9-9"' in gone.text


def test_households_are_chosen_one_search_after_the_other_and_done_in_one_go(browser, store):
    homes = ("1-101", "2-202", "3-303", "4-404")
    families = [residents.enrol(store, f"Of {home} {number}", home, []) for home in homes for number in range(2)]
    manager, typed = browser("manager"), {"deed": "last_day", "last_day": "2099-01-31"}
    ticked = []
    for home in homes[:3]:
        shown = manager.post("/residents/together/search", data=typed | {"find": home, "resident": ticked})
        assert re.findall(r'name="resident" value="([^"]+)" checked', shown.text) == ticked
        assert ('value="last_day" required checked' in shown.text, 'value="2099-01-31"' in shown.text) == (True, True)
        ticked += [one.id for one in families if one.unit == home]
    # What finds nobody loses nobody either; and all who are found come beside those who are ticked.
    nobody = manager.post("/residents/together/search", data=typed | {"find": "nobody", "resident": ticked})
    assert re.findall(r'name="resident" value="([^"]+)" checked', nobody.text) == ticked
    beside = looked(manager, **typed, everyone="1", search="4-404", resident=ticked)
    form = looked(manager, **typed, resident=ticked)
    assert manager.post("/residents/together/done", data=form).status_code == 303
    assert {one.unit for one in residents.every(store) if one.valid_until} == set(homes[:3])
    assert manager.post("/residents/together/done", data=beside).status_code == 422, "they were changed meanwhile"
    beside = looked(manager, **typed, everyone="1", search="4-404", resident=ticked)
    assert manager.post("/residents/together/done", data=beside).status_code == 303
    assert all(one.valid_until for one in residents.every(store))
