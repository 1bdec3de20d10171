"""What a resident sees and sends on a phone, and what nobody else does."""

import asyncio
import re

import cv2
import httpx
import numpy as np
import pytest

from api.pages.own_photo_steps import hint
from enroll import consent as texts
from gate.store.people import residents
from gate.store.people.photo_links import MOST_TRIES
from tests.api.own_photos.links import CHINESE, OVER, agree, drawn, form_of, send, waiting
from tests.console import problem_of

UP = "This link is used up."
NO_MORE = "Too many photos were tried with this link. Ask the property office for a new one, or go there."


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


def test_tries_are_counted_and_whose_link_is_used_up_is_told(manager, phone, wang, photos, store, context):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    store.execute("UPDATE photo_links SET tries = ?", (MOST_TRIES - 1,))
    photo = [("photos", ("a.jpg", b"no photo"))]
    last = mobile.post(path, files=photo)
    assert (last.status_code, bool(problem_of(last)), UP in last.text) == (422, True, True)
    good = photos / "biden.jpg"
    assert send(mobile, path, good).headers["location"] == path
    assert mobile.post(f"{path}/checks", files=[("photo", (good.name, good.read_bytes()))]).json()["advice"] == NO_MORE
    used_up = mobile.get(path)
    assert (used_up.status_code, NO_MORE in used_up.text, 'type="file"' in used_up.text) == (200, True, False)
    assert "本链接已不能再用。" in mobile.get(path, headers=CHINESE).text
    assert waiting(context) == []
    # Whoever else holds it learns nothing new, and the office sees what to do.
    assert UP not in phone("10.0.0.78").get(path).text
    assert "Draw a new one" in manager.get(f"/residents/{wang.id}").text
    assert UP not in mobile.get(drawn(manager, wang, "k2")).text


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


def test_nothing_large_is_heard_before_they_agreed_or_where_no_photo_belongs(manager, phone, wang, photos, context):
    mobile, path = phone(), drawn(manager, wang)
    heard = []

    async def large():
        heard.append("asked for")
        yield b"x" * (1 << 20)

    form = {"content-type": "multipart/form-data; boundary=x"}
    assert mobile.post(path, content=large(), headers=form).status_code == 303
    assert mobile.post(f"{path}/checks", content=large(), headers=form).json()["fit"] is False
    agreeing = {"content-type": "application/x-www-form-urlencoded", "content-length": str(1 << 20)}
    assert mobile.post(f"{path}/consent", content=large(), headers=agreeing).status_code == 413
    agree(mobile, path)
    send(mobile, path, photos / "biden.jpg")
    assert mobile.post(path, content=large(), headers=form).status_code == 303
    assert (heard, len(waiting(context))) == ([], 1)


def test_however_many_links_send_at_once_the_staffs_turns_are_free(
    manager, phone, wang, store, app, photos, monkeypatch
):
    monkeypatch.setattr("api.front.bodies._WAIT_S", 0.3)
    others = [residents.enrol(store, name, "3-1", [], by="test") for name in ("李雷", "韩梅梅")]
    held = []
    for one in (wang, *others):
        mobile, path = phone(), drawn(manager, one, one.id[:10])
        agree(mobile, path)
        held.append((mobile, path))
    third, path = held.pop()
    fresh, unused = phone(), drawn(manager, residents.enrol(store, "小明", "3-1", [], by="test"), "k4")

    async def crowd():
        over = asyncio.Event()

        async def slow():
            yield b"--x"
            await over.wait()

        def client(browser):
            transport = httpx.ASGITransport(app, client=("10.0.0.9", 1))
            return httpx.AsyncClient(
                transport=transport, base_url="http://gate", cookies=browser.cookies, headers=browser.headers
            )

        form = {"content-type": "multipart/form-data; boundary=x"}
        stalled = [
            asyncio.create_task(client(mobile).post(where, content=slow(), headers=form))
            for mobile, where in held for _ in range(3)
        ]  # fmt: skip
        # As long as the others wait for a turn.
        done, under_way = await asyncio.wait(stalled, timeout=3, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 4:
            more, under_way = await asyncio.wait(under_way, timeout=3, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        photo = photos / "biden.jpg"
        files = [("photo", (photo.name, photo.read_bytes()))]
        of_staff = await client(manager).post("/photos/checks", files=files)
        late = await client(third).post(path, files=[("photos", (photo.name, photo.read_bytes()))])
        agreed = await client(fresh).post(f"{unused}/consent", data={"language": "en", "text": texts.CURRENT})
        over.set()
        await asyncio.gather(*stalled)
        return {one.result().status_code for one in done}, of_staff, late, agreed

    crowded, of_staff, late, agreed = asyncio.run(crowd())
    assert (crowded, late.status_code) == ({429}, 429)
    assert "Too many uploads are under way" in late.text
    assert of_staff.json()["fit"] is True
    assert agreed.status_code == 303


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
