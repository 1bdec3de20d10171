"""A link from drawing it to the gate, as the office has it."""

import re
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from enroll import consent as texts
from gate.store.people import consents, residents
from gate.store.record import audit
from tests.api.own_photos.links import CHINESE, OVER, agree, drawn, form_of, kinds, send, sent_by, waiting
from tests.console import Browser, problem_of


def test_from_the_link_to_the_gate_with_the_consent_as_it_was_given(
    manager, phone, wang, store, photos, context, staff
):
    path = drawn(manager, wang)
    mobile = phone()
    first = mobile.get(path, headers=CHINESE)
    assert first.status_code == 200
    assert "本链接仅供王*使用" in first.text
    assert texts.text("zh-CN")[:9] in first.text
    # Nothing is taken before they agreed.
    assert 'type="file"' not in first.text
    assert send(mobile, path, photos / "biden.jpg").status_code == 303
    assert waiting(context) == []
    assert agree(mobile, path, guardian="王明").headers["location"] == path
    assert 'capture="user"' in mobile.get(path).text
    assert send(mobile, path, photos / "biden.jpg").headers["location"] == path
    assert "已提交" in mobile.get(path, headers=CHINESE).text
    # Nothing is kept of it but in memory, and no face is there yet.
    assert residents.get(store, wang.id).templates == 0
    assert consents.of(store, wang.id) == []
    for page in (manager.get("/"), manager.get("/residents"), manager.get("/waiting")):
        assert ("王芳" in page.text, "1 photo waits for you" in page.text) == (True, True)
    address, form = form_of(manager, context)
    picture = manager.get(f"{address}.jpg")
    assert cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR).shape == (112, 112, 3)
    assert manager.post(f"{address}/confirmed", data=form).headers["location"] == f"/residents/{wang.id}"
    assert residents.get(store, wang.id).templates == 1
    (given,) = consents.of(store, wang.id)
    agreed = given.consent
    assert (agreed.way, agreed.text, agreed.language, agreed.guardian) == ("phone", texts.CURRENT, "zh-CN", "王明")
    assert (waiting(context), manager.get(f"{address}.jpg").status_code) == ([], 409)
    assert "门禁已录入您的人脸" in mobile.get(path, headers=CHINESE).text
    assert kinds(store)[-5:] == ["link_drawn", "photo_sent", "looked_at", "looked_at", "templates_added"] or (
        [one for one in kinds(store) if one in ("link_drawn", "photo_sent", "templates_added")]
        == ["link_drawn", "photo_sent", "templates_added"]
    )
    done = [line for line in audit.lines(store) if line.kind in ("link_drawn", "templates_added")]
    assert {line.details["by"] for line in done} == {f"user {staff['manager'].id}"}
    assert audit.verify(store) is None


def test_why_it_was_not_taken_is_read_at_the_link_and_another_may_be_sent(manager, phone, wang, photos, context, store):
    mobile, path = sent_by(phone, manager, wang, photos / "obama.jpg")
    address, form = form_of(manager, context)
    assert manager.post(f"{address}/refused", data=form | {"why": "poor"}).status_code == 303
    assert manager.post(f"{address}/refused", data=form | {"why": "poor"}).status_code == 409
    again = mobile.get(path, headers=CHINESE)
    assert ("光线较好处重新拍摄" in again.text, 'type="file"' in again.text) == (True, True)
    assert "Their last photo was not taken" in manager.get(f"/residents/{wang.id}").text
    assert send(mobile, path, photos / "biden.jpg").status_code == 303
    assert len(waiting(context)) == 1
    assert [line.details["why"] for line in audit.lines(store) if line.kind == "photo_refused"] == ["poor"]


def test_a_face_that_is_somebodys_stops_before_it_is_saved(manager, phone, wang, store, photos, context):
    form = {"name": "Joe Biden", "unit": "9-909", "way": "told"}
    manager.post("/api/v1/enrolments", data=form, files=[("photos", ("b", (photos / "biden.jpg").read_bytes()))])
    sent_by(phone, manager, wang, photos / "biden.jpg")
    page = manager.get("/waiting").text
    assert "This is the face of Joe Biden, 9-909." in page
    address, form = form_of(manager, context)
    plain = manager.post(f"{address}/confirmed", data={"at": form["at"]})
    assert (plain.headers["location"], residents.get(store, wang.id).templates) == ("/waiting", 0)
    # It still waits, and goes through once somebody says that they are two people.
    assert manager.post(f"{address}/confirmed", data=form).status_code == 303
    assert residents.get(store, wang.id).templates == 1


def test_whoever_confirms_sees_every_face_that_would_be_kept(manager, phone, wang, store, photos, context):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    assert send(mobile, path, *[photos / one for one in ("obama.jpg", "obama2.jpg", "obama3.jpg")]).status_code == 303
    address, form = form_of(manager, context)
    (sent,) = context.own_photos.waiting()
    for page in ("/", "/residents", "/waiting"):
        shown = re.findall(r'<img src="(/waiting/[^"]+)"', manager.get(page).text)
        assert [manager.get(one).content for one in shown] == [sent.picture(number) for number in range(3)]
    assert manager.get(f"{address}/3.jpg").status_code == 409
    assert manager.post(f"{address}/confirmed", data=form).status_code == 303
    assert residents.get(store, wang.id).templates == len(shown) == 3


def test_another_face_than_the_one_that_is_known_is_refused_without_a_name(manager, phone, store, photos, context):
    upload = [("photos", ("b", (photos / "biden.jpg").read_bytes()))]
    manager.post("/api/v1/enrolments", data={"name": "Joe Biden", "way": "told"}, files=upload)
    joe = residents.find(store, "Joe Biden")
    mobile, path = phone(), drawn(manager, joe)
    agree(mobile, path)
    answer = send(mobile, path, photos / "obama.jpg")
    assert (answer.status_code, "does not look like the face that the gate knows" in answer.text) == (422, True)
    assert "Biden" not in answer.text


def test_who_was_enrolled_meanwhile_and_looks_the_same_is_asked_about(manager, phone, wang, store, photos, context):
    sent_by(phone, manager, wang, photos / "biden.jpg")
    for name, home in (("Joe Biden", "9-909"), ("Jim Biden", "9-910")):
        upload = [("photos", ("b", (photos / "biden.jpg").read_bytes()))]
        others = [one.id for one in residents.every(store)]
        form = {"name": name, "unit": home, "way": "told", "another_than": others}
        assert manager.post("/api/v1/enrolments", data=form, files=upload).status_code == 201
        address, form = form_of(manager, context)
        assert manager.post(f"{address}/confirmed", data=form).headers["location"] == "/waiting"
        assert f"This is the face of {name}, {home}." in manager.get("/waiting").text
        assert residents.get(store, wang.id).templates == 0
    address, form = form_of(manager, context)
    assert len(form["another_than"]) == 2
    assert manager.post(f"{address}/confirmed", data=form).headers["location"] == f"/residents/{wang.id}"
    assert residents.get(store, wang.id).templates == 1
    (taken,) = (line for line in audit.lines(store) if line.kind == "templates_added")
    assert taken.details["overruled"] == 2


def enrolled_at_the_desk(manager, photo, **form):
    form = {"way": "told", "agreed": "1", "seen": "1"} | form
    return manager.send("/enrol", data=form, files=[("photos", ("b.jpg", photo.read_bytes()))])


def test_another_face_that_was_enrolled_meanwhile_is_asked_for_again(manager, phone, wang, store, photos, context):
    sent_by(phone, manager, wang, photos / "obama.jpg")
    look = enrolled_at_the_desk(manager, photos / "obama2.jpg", resident=wang.id, seen="")
    (key,) = set(re.findall(r'name="key" value="([^"]+)"', look.text))
    assert enrolled_at_the_desk(manager, photos / "biden.jpg", resident=wang.id).status_code == 200
    address, form = form_of(manager, context)
    said = "The photo does not look like the 王芳 who is enrolled."
    for path, data, status in (
        (f"{address}/confirmed", form, 409), ("/enrol/seen", {"key": key, "photo": "0"}, 422),
    ):  # fmt: skip
        answer = manager.post(path, data=data)
        assert (answer.status_code, said in answer.text) == (status, True), path
    assert residents.get(store, wang.id).templates == 1
    # It waits on, and may be refused.
    assert manager.post(f"{address}/refused", data=form | {"why": "another"}).status_code == 303


def test_a_page_sent_twice_draws_one_link_and_shows_it_once(manager, browser, wang, phone, store):
    shown = f"/residents/{wang.id}/photo-link?key=k1"
    manager.post(f"/residents/{wang.id}/photo-link", data={"key": "k1"})
    assert "<svg" not in browser("owner").get(shown).text
    first = drawn(manager, wang)
    assert OVER not in phone().get(first).text
    # Loaded again, and sent again from the page before: nothing is shown, and nothing drawn that would end it.
    assert "<svg" not in manager.get(shown).text
    again = manager.send(f"/residents/{wang.id}/photo-link", data={"key": "k1"})
    assert ("<svg" in again.text, "A link is shown once" in again.text) == (False, True)
    assert (kinds(store).count("link_drawn"), OVER in phone().get(first).text) == (1, False)
    assert "<svg" not in manager.get(f"/residents/{wang.id}/photo-link?key=other").text
    new = drawn(manager, wang, "k2")
    assert (new == first, OVER in phone().get(first).text) == (False, True)
    # What it replaced is not shown on.
    assert "<svg" not in manager.get(shown).text


def test_the_key_of_a_page_is_bound_to_whom_it_draws_for(manager, phone, wang, store, browser):
    li = residents.enrol(store, "李雷", "5-1", [], by="test")
    paths = [drawn(manager, one, "k1") for one in (wang, li)]
    assert [hint in phone().get(path).text for path, hint in zip(paths, ("王*", "李*"), strict=True)] == [True, True]
    assert "<svg" not in browser("owner").get(f"/residents/{li.id}/photo-link?key=k1").text
    assert drawn(browser("owner"), li, "k1") not in paths


def test_every_look_at_a_face_that_waits_is_on_record(manager, phone, wang, photos, context, store, browser, staff):
    def looks():
        looked = [line.details for line in audit.lines(store) if line.kind == "looked_at"]
        return [one["by"] for one in looked if one["what"] == "photos"]

    pages = ("/", "/residents", "/waiting")
    for path in pages:
        manager.get(path)
    assert looks() == []
    sent_by(phone, manager, wang, photos / "biden.jpg")
    (link,) = waiting(context)
    by, other = (f"user {staff[role].id}" for role in ("manager", "owner"))
    for number, path in enumerate(pages, 1):
        assert "/0.jpg" in manager.get(path).text
        # The pictures come with their page.
        assert manager.get(f"/waiting/{link}/0.jpg").status_code == 200
        assert looks() == [by] * number
    # By itself a picture is a look too, and what shows none is none.
    owner = browser("owner")
    assert owner.get(f"/waiting/{link}/1.jpg").status_code == 409
    assert looks() == [by] * 3
    for picture in (f"/waiting/{link}.jpg", f"/waiting/{link}/0.jpg"):
        assert owner.get(picture).status_code == 200
    assert looks() == [by] * 3 + [other]


@pytest.mark.parametrize("role", ["guard", "auditor", None])
def test_only_whoever_enrols_draws_sees_and_confirms(browser, wang, role, manager, phone, photos, context):
    sent_by(phone, manager, wang, photos / "biden.jpg")
    (link,) = waiting(context)
    other = browser(role)
    for method, path in (
        ("POST", f"/residents/{wang.id}/photo-link"), ("GET", f"/residents/{wang.id}/photo-link?key=k1"),
        ("POST", f"/residents/{wang.id}/photo-link/end"), ("GET", "/waiting"), ("GET", f"/waiting/{link}.jpg"),
        ("POST", f"/waiting/{link}/confirmed"), ("POST", f"/waiting/{link}/refused"),
    ):  # fmt: skip
        form = {"key": "x", "at": "x", "why": "poor"} if method == "POST" else None
        assert other.ask(method, path, data=form).status_code in (303, 403)
    assert waiting(context) == [link]
    if role == "guard":
        assert "photo waits" not in other.get("/").text


def test_somebody_is_added_and_their_link_drawn_by_one_press(manager, phone, store):
    added = manager.post("/enrol", data={"name": "李雷", "unit": "5-1", "link": "k9"})
    li = residents.find(store, "李雷")
    assert added.headers["location"] == f"/residents/{li.id}/photo-link?key=k9"
    path = re.search(r"/photo/[\w-]{43}", manager.get(added.headers["location"]).text)[0]
    assert phone().get(path).status_code == 200
    assert re.search(r'<button name="link" value="[\w-]{12}">', manager.get("/enrol").text)


def test_the_same_page_adds_and_draws_once_and_again_for_another_name(manager, store, app, phone):
    def press(name):
        hand = Browser(app)
        hand.cookies = manager.cookies
        return hand.post("/enrol", data={"name": name, "unit": "5-1", "link": "k9"}).headers.get("location")

    with ThreadPoolExecutor() as hands:
        first, *others = hands.map(press, ["李雷", " 李雷", "李雷", "李雷"])
    assert others == [first] * 3
    # Back to the form, and another name.
    second = press("韩梅梅")
    paths = [re.search(r"/photo/[\w-]{43}", manager.get(shown).text)[0] for shown in (first, second)]
    assert [phone().get(path).status_code for path in paths] == [200, 200]
    assert [len(residents.every(store)), kinds(store).count("link_drawn")] == [2, 2]


def test_a_link_is_drawn_once_however_often_it_is_pressed_at_once(manager, wang, store, app):
    def press(_):
        hand = Browser(app)
        hand.cookies = manager.cookies
        return hand.post(f"/residents/{wang.id}/photo-link", data={"key": "k1"}).headers["location"]

    with ThreadPoolExecutor() as hands:
        (shown,) = set(hands.map(press, range(4)))
    assert ("<svg" in manager.get(shown).text, kinds(store).count("link_drawn")) == (True, 1)


def test_nobody_confirms_whom_they_were_not_shown(manager, browser, phone, wang, store, photos, context):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    assert send(mobile, path, photos / "obama.jpg", photos / "obama2.jpg").status_code == 303
    address, form = form_of(manager, context, looks=False)

    def confirmed(by=manager):
        return by.post(f"{address}/confirmed", data=form)

    # One of two faces is not enough, nor that somebody else saw the other; a page is shown on which they can be seen.
    assert manager.get(f"{address}/0.jpg").status_code == browser("owner").get(f"{address}/1.jpg").status_code == 200
    for answer in (confirmed(), confirmed(browser("owner"))):
        assert (answer.status_code, "was shown to you yet" in problem_of(answer)) == (409, True)
        assert f"{address}/1.jpg" in answer.text
    assert manager.get(f"{address}/1.jpg").status_code == 200
    # What came since was not seen with what came before.
    manager.post(f"{address}/refused", data=form | {"why": "poor"})
    assert send(mobile, path, photos / "biden.jpg").status_code == 303
    address, form = form_of(manager, context, looks=False)
    assert confirmed().status_code == 409
    assert residents.get(store, wang.id).templates == 0
    manager.get(f"{address}/0.jpg")
    assert confirmed().headers["location"] == f"/residents/{wang.id}"


def test_a_token_looks_at_no_face_and_confirms_none(manager, browser, phone, wang, store, photos, context):
    sent_by(phone, manager, wang, photos / "biden.jpg")
    made = browser("owner").post("/api/v1/tokens", json={"name": "t", "permissions": ["people"]}).json()
    program = browser()
    program.headers = {"authorization": f"Bearer {made['secret']}"}
    address, form = form_of(program, context)
    answer = program.post(f"{address}/confirmed", data=form)
    assert (answer.status_code, "a token cannot" in answer.text) == (403, True)
    assert (len(waiting(context)), residents.get(store, wang.id).templates) == (1, 0)
