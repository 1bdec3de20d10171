"""What a link lets its phone upload: how much, how slowly, how many at once, how often."""

import asyncio
import time
from dataclasses import replace
from html import unescape

import httpx
import pytest

from api.front.bodies import _AT_ONCE_BY_LINKS, OWN_PHOTOS
from enroll import consent as texts
from gate.store.people import residents
from gate.store.people.photo_link import MOST_TRIES, MOST_TRIES_BY_CAMERA
from tests.api.own_photos.links import CHINESE, agree, drawn, send, waiting
from tests.console import problem_of

UP = "This link is used up."
TOO_LARGE = "This is too large: 48 MB is the most. Send one photo, or take it here with the phone's camera."
NO_MORE = "Too many photos were tried with this link. Ask the property office for a new one, or go there."


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


def test_a_body_is_bounded_before_it_is_read(manager, phone, wang):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    large = {"content-length": str(80 << 20), "content-type": "multipart/form-data; boundary=x"}
    told = mobile.post(path, content=b"", headers=large)
    assert (told.status_code, unescape(problem_of(told))) == (413, TOO_LARGE)
    assert problem_of(mobile.post(path, content=b"", headers=large | CHINESE)).startswith("文件过大，最多48MB。")
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
    others = [residents.enrol(store, f"Li Lei {number}", "3-1", [], by="test") for number in range(_AT_ONCE_BY_LINKS)]
    held = []
    for one in (wang, *others):
        mobile, path = phone(), drawn(manager, one, one.id[:10])
        agree(mobile, path)
        held.append((mobile, path))
    late_one, path = held.pop()
    fresh, unused = phone(), drawn(manager, residents.enrol(store, "小明", "3-1", [], by="test"), "k4")
    fresh.get(unused)

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
        while len(done) < 2 * len(held):
            more, under_way = await asyncio.wait(under_way, timeout=3, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        photo = photos / "biden.jpg"
        files = [("photo", (photo.name, photo.read_bytes()))]
        of_staff = await client(manager).post("/photos/checks", files=files)
        late = await client(late_one).post(path, files=[("photos", (photo.name, photo.read_bytes()))])
        agreed = await client(fresh).post(f"{unused}/consent", data={"language": "en", "text": texts.CURRENT})
        over.set()
        await asyncio.gather(*stalled)
        return {one.result().status_code for one in done}, of_staff, late, agreed

    crowded, of_staff, late, agreed = asyncio.run(crowd())
    assert (crowded, late.status_code) == ({429}, 429)
    assert "Too many uploads are under way" in late.text
    assert of_staff.json()["fit"] is True
    assert agreed.status_code == 303


@pytest.mark.parametrize("paced", [False, True])
def test_whoever_drips_is_cut_with_a_sentence_and_has_had_a_try(manager, phone, wang, app, store, monkeypatch, paced):
    monkeypatch.setattr("api.pages.own_photo.OWN_PHOTOS", replace(OWN_PHOTOS, free_s=0.3))
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    tries = []

    async def dripping():
        began, part = time.monotonic(), b"x" * (5_000 if paced else 1_000)
        yield b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'
        while time.monotonic() - began < 1.5:
            await asyncio.sleep(0.05)
            tries.append(store.execute("SELECT tries FROM photo_links").fetchone()[0])
            yield part
        yield b"\r\n--x--\r\n"

    async def sent():
        transport = httpx.ASGITransport(app, client=("10.0.0.9", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gate", cookies=mobile.cookies, headers=mobile.headers
        ) as one:
            return await one.post(path, content=dripping(), headers={"content-type": "multipart/form-data; boundary=x"})

    answer = asyncio.run(sent())
    wanted = (422, "not a photo that can be read") if paced else (408, "The photo took too long to arrive.")
    assert (answer.status_code, wanted[1] in problem_of(answer), 'type="file"' in answer.text) == (
        wanted[0],
        True,
        True,
    )
    assert set(tries) == {1}
    assert store.execute("SELECT tries FROM photo_links").fetchone() == (1,)


def test_what_the_phones_camera_was_told_is_good_can_still_be_sent(manager, phone, wang, photos, store):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path)
    photo = photos / "biden.jpg"
    said = []
    for _ in range(MOST_TRIES):
        said.append(mobile.post(f"{path}/checks", files=[("photo", (photo.name, photo.read_bytes()))]).json())
        if not said[-1]["fit"]:
            break
        # As if nine of ten had been made before.
        store.execute("UPDATE photo_links SET tries = max(tries, ?)", (MOST_TRIES_BY_CAMERA - 2,))
    assert [one["fit"] for one in said] == [True, True, True, False]
    assert said[-1]["advice"] == "Photos were checked here very often. Choose the best one above and send it."
    assert 'type="file"' in mobile.get(path).text
    assert send(mobile, path, photo).headers["location"] == path
    assert "Sent. Thank you." in mobile.get(path).text
