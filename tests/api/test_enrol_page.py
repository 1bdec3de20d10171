"""The console's page to enrol on: whom it took is seen before anything is saved."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from api.chores import forget_what_is_over
from gate.store.people import erasure, residents
from gate.store.people.templates import vectors
from gate.store.record import audit
from tests.api.test_residents import enrol as enrol_by_api
from tests.api.test_residents import upload
from tests.console import Browser, problem_of


@pytest.fixture
def manager(browser):
    return browser("manager")


def submit(manager, photos, *names, **given):
    typed = {"name": "Wang Fang", "unit": "3-1204", "agreed": "1"} | given
    return manager.send("/enrol", data=typed, files=upload(photos, *names))


def key_of(answer):
    return re.search(r'name="key" value="([^"]+)"', answer.text)[1]


def say_yes(manager, answer, photos=(0,), **given):
    return manager.send("/enrol/seen", data={"key": key_of(answer), "photo": [str(one) for one in photos]} | given)


def say_two(manager, answer):
    """Yes, and that they are another than those who are named on the page."""
    named = re.findall(r'name="another_than" value="([^"]+)"', answer.text)
    return say_yes(manager, answer, another_than=named)


def test_nothing_is_saved_before_somebody_saw_the_faces(manager, photos, store, models):
    answer = submit(manager, photos, "obama.jpg", "obama2.jpg", "obama3.jpg")
    assert "Is this Wang Fang?" in answer.text
    assert answer.text.count("data:image/jpeg;base64,") == 3
    assert residents.every(store) == []
    done = say_yes(manager, answer, (0, 2))
    assert "Wang Fang is enrolled." in done.text
    (enrolled,) = residents.every(store)
    assert (enrolled.name, enrolled.unit, enrolled.templates) == ("Wang Fang", "3-1204", 2)
    # Pressed twice it is done once, and says the same.
    assert "Wang Fang is enrolled." in say_yes(manager, answer, (0, 2)).text
    assert len(vectors(store, models.model_id)) == 2


def test_photos_whose_faces_were_seen_beside_the_form_need_no_second_look(manager, photos, store):
    assert "Wang Fang is enrolled." in submit(manager, photos, "obama.jpg", seen="1").text
    assert [one.name for one in residents.every(store)] == ["Wang Fang"]


@pytest.mark.parametrize("more", [False, True])
def test_the_same_form_sent_twice_even_at_once_enrols_once_and_says_the_same(manager, photos, store, app, models, more):
    enrol_by_api(manager, photos, "biden.jpg", name="Li Na", unit="3-1204")
    (li,) = residents.every(store)
    name, given = ("biden.jpg", {"resident": li.id, "name": ""}) if more else ("obama2.jpg", {})

    def press(_):
        hand = Browser(app)
        hand.cookies = manager.cookies
        return submit(hand, photos, name, "obama_partial_face.jpg", seen="1", key="k1", **given)

    with ThreadPoolExecutor() as hands:
        answers = [*hands.map(press, range(3)), press(None)]
    said = f"{'Li Na' if more else 'Wang Fang'} is enrolled. Left out:"
    assert [(one.status_code, said in one.text) for one in answers] == [(200, True)] * 4
    assert len(vectors(store, models.model_id)) == 2
    assert len(residents.every(store)) == 2 - more
    # Another page, or what came of it erased: that is anew.
    if more:
        assert "Li Na is enrolled." in submit(manager, photos, name, seen="1", key="k2", **given).text
        assert len(vectors(store, models.model_id)) == 3
    else:
        erasure.remove(store, residents.find(store, "Wang Fang"), by="test")
        assert said in press(None).text
        assert len(residents.every(store)) == 2
    assert re.search(r'name="key" value="[\w-]{12}"', manager.get("/enrol").text)


def test_a_form_that_was_not_seen_is_asked_about_once_however_often_it_is_sent(manager, photos, store):
    first, again = (submit(manager, photos, "obama.jpg", key="k1") for _ in range(2))
    assert key_of(first) == key_of(again)
    assert key_of(submit(manager, photos, "obama2.jpg", key="k1")) != key_of(first)
    say_yes(manager, first)
    assert "Wang Fang is enrolled." in submit(manager, photos, "obama.jpg", key="k1").text
    assert [one.templates for one in residents.every(store)] == [1]


def test_a_link_is_not_drawn_for_whom_photos_are_chosen_and_nobody_is_enrolled_by_its_button(manager, photos, store):
    asked = submit(manager, photos, "obama.jpg", link="l1", seen="1")
    assert (asked.status_code, problem_of(asked)[:23]) == (422, "Photos are chosen here:")
    assert ('value="Wang Fang"' in asked.text, residents.every(store)) == (True, [])


def test_a_face_that_is_somebodys_stops_with_their_name_and_home(manager, photos, store):
    enrol_by_api(manager, photos, "obama.jpg", name="Li Na", unit="3-1204")
    answer = submit(manager, photos, "obama2.jpg", unit="2-201", seen="1")
    assert "This is the face of Li Na, 3-1204." in answer.text
    assert [one.name for one in residents.every(store)] == ["Li Na"]
    # Saying yes without saying that they are two is no yes to that.
    assert "This is the face of Li Na" in say_yes(manager, answer).text
    assert len(residents.every(store)) == 1
    assert "Wang Fang is enrolled." in say_two(manager, answer).text
    assert [one.name for one in residents.every(store)] == ["Li Na", "Wang Fang"]


def test_somebody_like_them_who_came_in_the_meantime_is_told_too(manager, photos, store):
    answer = submit(manager, photos, "obama2.jpg")
    assert enrol_by_api(manager, photos, "obama.jpg", name="Li Na", unit="3-1204").status_code == 201
    asked = say_yes(manager, answer)
    assert "This is the face of Li Na, 3-1204." in asked.text
    assert len(residents.every(store)) == 1
    # And whoever came after that: two people are they with those who were named there.
    obama = {"name": "Li Min", "unit": "9-909", "another_than": residents.every(store)[0].id}
    assert enrol_by_api(manager, photos, "obama3.jpg", **obama).status_code == 201
    once_more = say_two(manager, asked)
    assert "Li Min, 9-909" in once_more.text
    assert len(residents.every(store)) == 2
    assert "Wang Fang is enrolled." in say_two(manager, once_more).text


def test_cancelled_nothing_is_kept_and_no_other_user_finds_it(manager, browser, photos, store, context):
    answer = submit(manager, photos, "obama.jpg")
    stranger = say_yes(browser("owner"), answer)
    assert "Choose them again" in problem_of(stranger)
    assert manager.post("/enrol/cancelled", data={"key": key_of(answer)}).headers["location"] == "/enrol"
    assert "Choose them again" in problem_of(say_yes(manager, answer))
    assert context.waiting.of(key_of(answer), "anybody") is None
    assert residents.every(store) == []


@pytest.mark.parametrize("over", [False, True])
def test_what_was_typed_is_in_the_form_again_where_it_is_corrected_and_never_that_they_agreed(manager, photos, over):
    asked = submit(manager, photos, "obama.jpg", guardian="Wang Wei", way="paper")
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text.split('id="look"')[1]))
    back = manager.send("/enrol/cancelled", data=sent)
    if over:
        back = manager.send("/enrol/seen", data=sent | {"photo": "0"})
        assert "Choose them again" in problem_of(back)
    for typed in ('name="name" required maxlength="100" value="Wang Fang"', 'value="3-1204"', 'value="Wang Wei"'):
        assert typed in back.text
    assert ("checked" in back.text, "selected" in back.text) == (False, False)


def test_without_a_face_kept_it_asks_again(manager, photos, store):
    answer = submit(manager, photos, "obama.jpg")
    assert "Keep at least one photo" in problem_of(say_yes(manager, answer, ()))
    assert residents.every(store) == []


def test_more_photos_of_another_are_refused_with_their_name(manager, photos, store):
    enrol_by_api(manager, photos, "obama.jpg", name="Li Na", unit="3-1204")
    enrol_by_api(manager, photos, "biden.jpg", name="Wang Fang", unit="2-201")
    whose = next(one.id for one in residents.every(store) if one.name == "Li Na")
    refused = problem_of(submit(manager, photos, "biden.jpg", resident=whose, name=""))
    assert "This is the face of Wang Fang, 2-201." in refused
    assert "does not look like the Li Na" in refused


def test_the_check_of_a_photo_shows_the_face_that_would_be_taken(manager, photos):
    def check(name):
        return manager.post("/photos/checks", files={"photo": upload(photos, name)[0][1]}).json()

    assert check("obama.jpg")["fit"]
    assert check("obama.jpg")["portrait"]
    assert check("obama_partial_face.jpg")["portrait"] is None


@pytest.mark.parametrize("seen", ["", "1"])
def test_who_withdrew_by_a_command_is_not_enrolled_by_a_yes_from_before(manager, photos, store, context, staff, seen):
    enrol_by_api(manager, photos, "obama.jpg", name="Li Na", unit="3-1204")
    (li,) = residents.every(store)
    asked = submit(manager, photos, "obama2.jpg", name="", resident=li.id, key="k1")
    erasure.withdraw(store, li, by="a command")
    again = {"seen": seen} if seen else {}
    said = "Li Na withdrew their consent in the meantime"
    assert said in problem_of(say_yes(manager, asked))
    # The same form sent again holds what was said before, too.
    answer = submit(manager, photos, "obama2.jpg", name="", resident=li.id, key="k1", **again)
    assert said in (problem_of(answer) or problem_of(say_yes(manager, answer)))
    assert residents.get(store, li.id).templates == 0
    # Nothing of their faces is kept either.
    forget_what_is_over(context, datetime.now(UTC))
    assert context.waiting.of(key_of(asked), f"user {staff['manager'].id}") is None
    # They agree anew: that is another page.
    anew = submit(manager, photos, "obama2.jpg", name="", resident=li.id, key="k2", seen="1")
    assert "Li Na is enrolled." in anew.text


def test_how_many_were_said_to_be_another_is_on_record_without_their_names(manager, photos, store):
    enrol_by_api(manager, photos, "obama.jpg", name="Li Na", unit="3-1204")
    say_two(manager, submit(manager, photos, "obama2.jpg"))
    everyone = [one.id for one in residents.every(store)]
    enrol_by_api(manager, photos, "obama3.jpg", name="Wei", unit="9", another_than=everyone)
    (wei,) = (one for one in residents.every(store) if one.name == "Wei")
    say_two(manager, submit(manager, photos, "obama2.jpg", name="", resident=wei.id))
    enrolled = [line for line in audit.lines(store) if line.kind in ("enrolled", "templates_added")]
    assert [line.details.get("overruled") for line in enrolled] == [None, 1, 2, 2]
    assert not any(one in str(line.details) for line in enrolled for one in everyone)
