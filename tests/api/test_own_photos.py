"""A link by which a resident sends a photo of their own: drawn, agreed to, sent, confirmed, and every way it ends."""

import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from api.auth import digest
from api.pages.own_photo import hint
from enroll import consent as texts
from gate.care import backup
from gate.care.backup.restore import restore
from gate.store.database import open_database
from gate.store.people import consents, erasure, photo_links, residents
from gate.store.people.photo_links import MOST_TRIES
from gate.store.record import audit
from tests.console import Browser, context_on, problem_of

CHINESE = {"accept-language": "zh-CN"}


@pytest.fixture(scope="module")
def enroller(models_dir, tmp_path_factory):
    """With the models open for all tests of this file."""
    return context_on(tmp_path_factory.mktemp("none"), models_dir).enroller


@pytest.fixture
def context(state, models_dir, enroller):
    return replace(context_on(state, models_dir), enroller=enroller)


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def wang(store):
    return residents.enrol(store, "王芳", "3-1204", [], by="test")


@pytest.fixture
def phone(app):
    """A function that gives the browser of a phone in which nobody is signed in."""
    return lambda address="10.0.0.77": Browser(app, address)


def drawn(manager, person, key="k1"):
    """Draw a link; its path, as it stands on the page that shows it."""
    shown = manager.post(f"/residents/{person.id}/photo-link", data={"key": key}).headers["location"]
    page = manager.get(shown)
    assert "<svg" in page.text
    return re.search(r'value="https?://[^/"]+(/photo/[\w-]{43})"', page.text)[1]


def agree(phone, path, guardian="", language="zh-CN"):
    form = {"language": language, "text": texts.CURRENT, "guardian": guardian}
    return phone.post(f"{path}/consent", data=form)


def send(phone, path, *files):
    return phone.post(path, files=[("photos", (one.name, one.read_bytes())) for one in files])


def sent_by(phone, manager, person, photo):
    """A phone that has sent a photo by a link that was drawn for it, and the link's path."""
    one, path = phone(), drawn(manager, person)
    agree(one, path)
    assert send(one, path, photo).status_code == 303
    return one, path


def waiting(context):
    return [one.link for one in context.own_photos.waiting()]


def form_of(manager, context):
    (link,) = waiting(context)
    page = manager.get("/waiting").text
    at = re.search(r'name="at" value="([^"]+)"', page)[1]
    return f"/waiting/{link}", {"at": at, "another_than": re.findall(r'name="another_than" value="([^"]+)"', page)}


def kinds(store):
    return [line.kind for line in audit.lines(store)]


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


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("王芳", "王*"),
        ("欧阳娜娜", "欧*"),
        ("Barack Obama", "Barack *"),
        ("阿依古丽·买买提", "阿依古丽 *"),
        ("Ann", "A*"),
        ("J Doe", "J*"),
    ],
)
def test_no_more_of_a_name_is_told_than_its_owner_needs(name, wanted):
    assert hint(name) == wanted


def test_neither_home_nor_name_nor_anybody_else_is_on_the_phones_pages(manager, phone, wang, store, photos, models):
    """Whoever it was forwarded to, and whatever they send."""
    residents.enrol(store, "Joe Biden", "9-909", [], by="test")
    mobile, path = phone(), drawn(manager, wang)
    told = [mobile.get(path).text]
    agree(mobile, path)
    told += [mobile.get(path).text, send(mobile, path, photos / "biden.jpg").text, mobile.get(path).text]
    for text in told:
        assert not re.search(r"王芳|3-1204|Biden|9-909|sign-out|/residents", text)


def test_a_poor_photo_is_told_in_the_words_of_the_office_and_may_be_taken_again(
    manager, phone, wang, photos, tmp_path, context
):
    dark, several, none = tmp_path / "dark.jpg", tmp_path / "several.jpg", tmp_path / "none.png"
    image = cv2.imread(str(photos / "obama2.jpg"))
    cv2.imwrite(str(dark), (image * 0.1).astype("uint8"))
    cv2.imwrite(str(several), np.hstack([image, image]))
    cv2.imwrite(str(none), np.full((300, 300, 3), 128, "uint8"))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    for photo, why in (
        (dark, "The photo is too dark on the face"), (several, "The photo shows several faces"),
        (none, "The photo shows no face that can be found"), (broken, "The photo is not a photo that can be read"),
    ):  # fmt: skip
        answer = send(mobile, path, photo)
        assert (answer.status_code, problem_of(answer).startswith(why)) == (422, True), problem_of(answer)
        assert 'type="file"' in answer.text
    assert problem_of(mobile.post(path, headers=CHINESE)).startswith("请先拍照")
    assert "太暗" in send_in_chinese(mobile, path, dark) or "光线" in send_in_chinese(mobile, path, dark)
    assert waiting(context) == []
    assert send(mobile, path, photos / "biden.jpg").status_code == 303
    assert len(waiting(context)) == 1


def send_in_chinese(phone, path, photo):
    files = [("photos", (photo.name, photo.read_bytes()))]
    return problem_of(phone.post(path, files=files, headers=CHINESE))


def test_the_phones_camera_is_judged_at_once_and_nothing_of_it_is_kept(manager, phone, wang, photos, context, tmp_path):
    mobile, path = phone(), drawn(manager, wang)
    good = {"files": [("photo", ("camera.jpg", (photos / "biden.jpg").read_bytes()))]}
    assert mobile.post(f"{path}/checks", **good).json()["fit"] is False
    agree(mobile, path)
    assert mobile.post(f"{path}/checks", **good).json() == {"fit": True, "advice": ""}
    said = mobile.post(f"{path}/checks", files=[("photo", ("camera.jpg", b"no photo"))], headers=CHINESE).json()
    assert (said["fit"], bool(re.search("[一-鿿]", said["advice"]))) == (False, True)
    assert waiting(context) == []


def test_a_link_is_used_once(manager, phone, wang, photos, context):
    mobile, path = sent_by(phone, manager, wang, photos / "biden.jpg")
    (link,) = waiting(context)
    before = context.own_photos.of(link)
    # While it waits, and once it is taken: a second photo is not even looked at.
    assert send(mobile, path, photos / "obama.jpg").status_code == 303
    address, form = form_of(manager, context)
    assert context.own_photos.of(link) is before
    assert manager.post(f"{address}/confirmed", data=form).status_code == 303
    assert send(mobile, path, photos / "obama.jpg").status_code == 303
    assert waiting(context) == []
    # Confirmed twice, for example by a double click: once.
    assert manager.post(f"{address}/confirmed", data=form).status_code == 409


OVER = "This link is not valid, or not any more."


def test_unknown_expired_ended_and_replaced_links_are_answered_alike(manager, phone, wang, store, context, monkeypatch):
    never = phone().get("/photo/" + "x" * 43)
    assert (never.status_code, OVER in never.text) == (404, True)
    replaced = drawn(manager, wang)
    ended = drawn(manager, wang, "k2")
    same = [phone().get(replaced)]
    manager.post(f"/residents/{wang.id}/photo-link/end")
    same.append(phone().get(ended))
    expired = drawn(manager, wang, "k3")
    passed(store, days=4)
    same.append(phone().get(expired))
    same.append(agree(phone(), expired))
    for one in same:
        assert (one.status_code, without_language(one.text)) == (404, without_language(never.text))


def without_language(text):
    return re.sub(r'name="back" value="[^"]*"', "", text)


def passed(store, days):
    """As if so many days had passed."""
    for column in ("made_at", "ends_at"):
        (now,) = store.execute(f"SELECT {column} FROM photo_links").fetchone()
        then = datetime.fromisoformat(now) - timedelta(days=days)
        store.execute(f"UPDATE photo_links SET {column} = ?", (then.isoformat(timespec="milliseconds"),))


def test_a_link_that_was_forwarded_is_the_first_ones_who_agreed(manager, phone, wang, photos, context):
    path = drawn(manager, wang)
    mine, other = phone(), phone("10.0.0.78")
    assert OVER not in other.get(path).text
    agree(mine, path)
    told = other.get(path)
    assert "This link is already used on another phone." in told.text
    assert "王" not in told.text
    for answer in (agree(other, path), send(other, path, photos / "obama.jpg"), other.post(f"{path}/checks")):
        assert (answer.status_code, "already used on another phone" in answer.text) == (403, True)
    assert waiting(context) == []
    assert send(mine, path, photos / "biden.jpg").status_code == 303
    # And who sees it by the name decides.
    address, form = form_of(manager, context)
    manager.post(f"{address}/refused", data=form | {"why": "another"})
    assert "The photo shows somebody else." in mine.get(path).text
    assert "somebody else" not in other.get(path).text


def test_one_phone_holds_the_links_of_a_family(manager, phone, wang, store, photos):
    child = residents.enrol(store, "王小明", "3-1204", [], by="test")
    mobile, paths = phone(), [drawn(manager, wang), drawn(manager, child, "k2")]
    for path in paths:
        agree(mobile, path)
    assert all('type="file"' in mobile.get(path).text for path in paths)


def test_why_it_was_not_taken_is_read_at_the_link_and_another_may_be_sent(manager, phone, wang, photos, context, store):
    mobile, path = sent_by(phone, manager, wang, photos / "obama.jpg")
    address, form = form_of(manager, context)
    assert manager.post(f"{address}/refused", data=form | {"why": "poor"}).status_code == 303
    assert manager.post(f"{address}/refused", data=form | {"why": "poor"}).status_code == 409
    again = mobile.get(path, headers=CHINESE)
    assert ("光线较好处重新拍摄" in again.text, 'type="file"' in again.text) == (True, True)
    assert "The last one was not taken" in manager.get(f"/residents/{wang.id}").text
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
    assert (plain.status_code, residents.get(store, wang.id).templates) == (409, 0)
    # It still waits, and goes through once somebody says that they are two people.
    assert manager.post(f"{address}/confirmed", data=form).status_code == 303
    assert residents.get(store, wang.id).templates == 1


def test_another_face_than_the_one_that_is_known_is_refused_without_a_name(manager, phone, store, photos, context):
    upload = [("photos", ("b", (photos / "biden.jpg").read_bytes()))]
    manager.post("/api/v1/enrolments", data={"name": "Joe Biden", "way": "told"}, files=upload)
    joe = residents.find(store, "Joe Biden")
    mobile, path = phone(), drawn(manager, joe)
    agree(mobile, path)
    answer = send(mobile, path, photos / "obama.jpg")
    assert (answer.status_code, "does not look like the face that the gate knows" in answer.text) == (422, True)
    assert "Biden" not in answer.text


def test_what_waits_goes_with_the_resident_and_their_link(manager, phone, wang, store, photos, context):
    mobile, path = sent_by(phone, manager, wang, photos / "biden.jpg")
    erasure.remove(store, wang, by="test")
    assert OVER in mobile.get(path).text
    assert "photo waits for you" not in manager.get("/waiting").text
    context.own_photos.keep_only(photo_links.lasting(store, datetime.now(UTC)))
    assert waiting(context) == []
    assert store.execute("SELECT count(*) FROM photo_links").fetchone() == (0,)


def test_no_backup_brings_a_link_back(manager, wang, store, state, tmp_path):
    kept = drawn(manager, wang)
    made = backup.make(state, tmp_path, None)
    manager.post(f"/residents/{wang.id}/photo-link/end")
    drawn(manager, wang, "k2")
    store.close()
    restore(made.path, state)
    with closing(open_database(state)) as restored:
        assert residents.get(restored, wang.id) is not None
        assert photo_links.by_secret(restored, digest(kept.rpartition("/")[2]), datetime.now(UTC)) is None
        assert photo_links.lasting(restored, datetime.now(UTC)) == set()


def test_a_withdrawal_ends_the_link_too(manager, store, photos, phone):
    upload = [("photos", ("b", (photos / "biden.jpg").read_bytes()))]
    manager.post("/api/v1/enrolments", data={"name": "Joe Biden", "way": "told"}, files=upload)
    joe = residents.find(store, "Joe Biden")
    path = drawn(manager, joe)
    manager.post(f"/residents/{joe.id}/withdrawal")
    assert OVER in phone().get(path).text


def test_after_a_restart_they_are_asked_for_it_once_more(manager, phone, wang, store, photos, context, state):
    mobile, path = sent_by(phone, manager, wang, photos / "biden.jpg")
    photo_links.lose_all(store)
    context.own_photos.keep_only(set())
    assert "The gate was restarted" in mobile.get(path).text
    assert "photo waits for you" not in manager.get("/waiting").text
    assert send(mobile, path, photos / "biden.jpg").status_code == 303
    assert len(waiting(context)) == 1


def test_nothing_of_a_photo_or_of_the_secret_is_on_the_disk_or_in_the_record(
    manager, phone, wang, photos, context, store, state, caplog
):
    _, path = sent_by(phone, manager, wang, photos / "biden.jpg")
    (sent,) = context.own_photos.waiting()
    secret = path.rpartition("/")[2].encode()
    vector = sent.found.templates[0].vector
    for file in state.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            assert not any(one in held for one in (secret, vector, sent.picture()[200:260])), file
    assert secret.decode() not in caplog.text


def test_a_page_sent_twice_draws_one_link_and_shows_it_again(manager, browser, wang, phone):
    first, again = drawn(manager, wang), drawn(manager, wang)
    assert first == again
    assert OVER not in phone().get(first).text
    shown = f"/residents/{wang.id}/photo-link?key=k1"
    assert "<svg" not in browser("owner").get(shown).text
    assert "<svg" not in manager.get(f"/residents/{wang.id}/photo-link?key=other").text
    new = drawn(manager, wang, "k2")
    assert (new == first, OVER in phone().get(first).text) == (False, True)
    # What it replaced is not shown on.
    assert "<svg" not in manager.get(shown).text


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


def test_tries_are_counted_and_no_more_is_looked_at(manager, phone, wang, photos, store):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    store.execute("UPDATE photo_links SET tries = ?", (MOST_TRIES - 1,))
    assert send_text(mobile, path) == 422
    assert OVER in mobile.get(path).text
    assert send(mobile, path, photos / "biden.jpg").status_code == 404


def send_text(phone, path):
    return phone.post(path, files=[("photos", ("a.jpg", b"no photo"))]).status_code


def test_guessing_is_slowed_by_address_and_no_valid_link_suffers(manager, phone, wang):
    path, guesser = drawn(manager, wang), phone("10.9.9.9")
    answers = [guesser.get(f"/photo/{number:043}").status_code for number in range(24)]
    assert (answers[0], answers[-1]) == (404, 429)
    assert guesser.get(path).status_code == 200
    assert phone().get("/photo/" + "y" * 43).status_code == 404


def test_a_body_is_bounded_before_it_is_read(manager, phone, wang):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    large = {"content-length": str(80 << 20), "content-type": "multipart/form-data; boundary=x"}
    assert mobile.post(path, content=b"", headers=large).status_code == 413
    unknown = mobile.post("/photo/" + "x" * 43, content=b"", headers=large)
    assert unknown.status_code == 404


def test_the_pages_headers_keep_the_secret(manager, phone, wang):
    answer = phone().get(drawn(manager, wang))
    assert answer.headers["referrer-policy"] == "strict-origin"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r'(src|href)="(?!/)', answer.text)


def test_without_a_room_for_more_they_are_asked_to_send_it_later(manager, phone, wang, photos, context, monkeypatch):
    monkeypatch.setattr("api.own_photos._MOST", 0)
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    answer = send(mobile, path, photos / "biden.jpg")
    assert (answer.status_code, "send yours tomorrow" in answer.text) == (422, True)
    assert 'type="file"' in mobile.get(path).text


def test_a_guess_in_the_form_of_the_consent_is_refused(manager, phone, wang):
    mobile, path = phone(), drawn(manager, wang)
    for form in ({"language": "tlh", "text": texts.CURRENT}, {"language": "en", "text": "face-1"}):
        assert mobile.post(f"{path}/consent", data=form).status_code == 422
    assert 'type="file"' not in mobile.get(path).text


def test_somebody_is_added_and_their_link_drawn_by_one_press(manager, phone, store):
    added = manager.post("/enrol", data={"name": "李雷", "unit": "5-1", "link": "k9"})
    li = residents.find(store, "李雷")
    assert added.headers["location"] == f"/residents/{li.id}/photo-link?key=k9"
    path = re.search(r"/photo/[\w-]{43}", manager.get(added.headers["location"]).text)[0]
    assert phone().get(path).status_code == 200
    assert re.search(r'<button name="link" value="[\w-]{12}">', manager.get("/enrol").text)
