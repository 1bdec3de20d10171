"""What a resident sees and sends on a phone, and what nobody else does."""

import re

import cv2
import httpx
import numpy as np
import pytest

from api.pages.own_photo_steps import hint
from enroll import consent as texts
from gate.store.people import residents
from tests.api.own_photos.links import CHINESE, OVER, agree, drawn, form_of, send, waiting
from tests.console import problem_of


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("王芳", "王*"),
        ("欧阳娜娜", "欧*"),
        ("Barack Obama", "Barack *"),
        ("阿依古丽·买买提", "阿依古丽 *"),
        ("Ann", "A*"),
        ("J Doe", "J*"),
        ("·", "·*"),
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


def test_guessing_is_slowed_by_address_and_no_valid_link_suffers(manager, phone, wang):
    path, guesser = drawn(manager, wang), phone("10.9.9.9")
    answers = [guesser.get(f"/photo/{number:043}").status_code for number in range(24)]
    assert (answers[0], answers[-1]) == (404, 429)
    assert guesser.get(path).status_code == 200
    assert phone().get("/photo/" + "y" * 43).status_code == 404


def test_the_headers_of_all_answers_to_a_link_keep_the_secret(manager, phone, wang):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    for answer, status in (
        (mobile.get(path), 200),
        (phone("10.0.0.78").post(f"{path}/checks"), 403),
        (mobile.post(path, headers={"sec-fetch-site": "cross-site"}), 403),
        (mobile.get("/photo/" + "x" * 43), 404),
        (mobile.get(f"{path}/consent"), 405),
        (mobile.post(path, content=b"", headers={"content-length": str(80 << 20)}), 413),
        (mobile.post(f"{path}/consent", data={}), 422),
    ):
        assert answer.status_code == status
        assert answer.headers["referrer-policy"] == "strict-origin", status
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r'(src|href)="(?!/)', answer.text)


def test_whatever_goes_wrong_a_resident_is_led_back_to_their_link(manager, phone, wang):
    """And never to where the staff signs in, nor told the names of fields."""
    mobile, path = phone(), drawn(manager, wang)
    mobile.get(path)
    wrong = [mobile.post(f"{path}/consent", data={"language": "en", "text": texts.CURRENT, "guardian": "x" * 500})]
    wrong += [mobile.post(f"{path}/consent", data={}), mobile.get(f"{path}/consent"), mobile.get(f"{path}/nowhere")]
    agree(mobile, path)
    wrong += [mobile.post(path, data={"photos": "text"}), mobile.ask("PUT", path)]
    assert [answer.status_code for answer in wrong] == [422, 422, 405, 404, 422, 405]
    for answer in wrong:
        assert 'href="/"' not in answer.text
        assert f'"{path}' in answer.text
        assert not re.search(r"\((0|guardian|language)\)", answer.text)
    told = [problem_of(answer) for answer in wrong]
    assert told[0] == told[1] == "Something was left out or is too long. Fill it in and send it again."
    assert told[4] == "Take a photo first; 3 is the most."
    checked = mobile.post(f"{path}/checks", data={"photo": "text"})
    assert (checked.status_code, checked.json()) == (422, {"fit": False, "advice": told[4]})
    assert wrong[-1].headers["allow"] == "GET, POST"


def test_without_a_room_for_more_they_are_asked_to_send_it_later(manager, phone, wang, photos, context, monkeypatch):
    monkeypatch.setattr("api.own_photos._MOST", 0)
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    answer = send(mobile, path, photos / "biden.jpg")
    assert (answer.status_code, "send yours tomorrow" in answer.text) == (422, True)
    assert 'type="file"' in mobile.get(path).text


def test_a_browser_that_keeps_nothing_uses_no_link_up(manager, phone, wang, photos):
    forgetful, mobile, path = phone(), phone("10.0.0.78"), drawn(manager, wang)
    form = {"language": "en", "text": texts.CURRENT}
    for _ in range(2):
        forgetful.get(path)
        forgetful.cookies = httpx.Cookies()
        refused = forgetful.post(f"{path}/consent", data=form)
        assert (refused.status_code, "keeps nothing" in problem_of(refused)) == (422, True)
    agree(mobile, path)
    assert send(mobile, path, photos / "biden.jpg").status_code == 303
    # Another browser is told so, whether or not it keeps anything.
    forgetful.cookies = httpx.Cookies()
    elsewhere = forgetful.get(path)
    assert ("already used on another phone" in elsewhere.text, "set-cookie" in elsewhere.headers) == (True, False)


def test_a_guess_in_the_form_of_the_consent_is_refused(manager, phone, wang):
    mobile, path = phone(), drawn(manager, wang)
    mobile.get(path)
    for form in ({"language": "tlh", "text": texts.CURRENT}, {"language": "en", "text": "face-1"}):
        assert mobile.post(f"{path}/consent", data=form).status_code == 422
    assert 'type="file"' not in mobile.get(path).text
