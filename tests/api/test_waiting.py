"""Faces that wait in memory until somebody says yes, and that nothing of them stays there once it is over."""

import asyncio
from datetime import UTC, datetime

import pytest

from api import chores
from gate.store.people import residents
from tests.api.own_photos.links import sent_by
from tests.api.test_enrol_page import key_of, say_yes, submit
from tests.api.test_residents import enrol as enrol_by_api
from tests.api.test_together import hidden
from tests.console import Browser


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def label(staff):
    return f"user {staff['manager'].id}"


@pytest.fixture
def obama(manager, photos, store):
    enrol_by_api(manager, photos, "obama.jpg", name="Barack Obama", unit="1-101")
    return residents.find(store, "Barack Obama")


def test_who_is_enrolled_waits_no_longer_with_their_face(manager, photos, context, label):
    answer = submit(manager, photos, "obama.jpg", "obama2.jpg", "obama_partial_face.jpg")
    held = context.waiting.of(key_of(answer), label)
    assert (len(held.found.templates), len(held.found.portraits)) == (2, 2)
    done = say_yes(manager, answer, (0, 1))
    assert "Wang Fang is enrolled. Left out:" in done.text
    assert (held.found.templates, held.found.portraits) == ((), ())
    # Pressed twice it still says the same.
    again = say_yes(manager, answer, (0, 1))
    assert "Wang Fang is enrolled. Left out:" in again.text


def test_what_nobody_came_back_to_goes_by_itself_within_a_minute(manager, photos, context, label, obama, monkeypatch):
    assert chores._FORGET_EVERY_S <= 60
    monkeypatch.setattr(chores, "_FORGET_EVERY_S", 0.01)
    monkeypatch.setattr("api.at_gate._LEFT_ALONE_S", 0.0)
    answer = submit(manager, photos, "obama2.jpg", name="", resident=obama.id)
    context.at_gate.begin(label, "manager")
    assert context.waiting.people() == {obama.id}
    context.waiting.of(key_of(answer), label).until_mono = 0.0

    async def swept():
        task = asyncio.create_task(chores.forget_faces(context))
        async with asyncio.timeout(30):
            while context.waiting.people() or context.at_gate._led is not None:
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(swept())


def together(manager, person):
    chosen = {"deed": "moved_out", "resident": person.id}
    look = hidden(manager.post("/residents/together", data=chosen))
    sent = {name: look[name][0] for name in ("known_as", "key")}
    return manager.post("/residents/together/done", data=chosen | sent)


_WAYS = {
    "console": lambda manager, one: manager.post(f"/residents/{one.id}/erasure"),
    "withdrawal": lambda manager, one: manager.post(f"/residents/{one.id}/withdrawal"),
    "api": lambda manager, one: manager.ask("DELETE", f"/api/v1/residents/{one.id}"),
    "api withdrawal": lambda manager, one: manager.post(f"/api/v1/residents/{one.id}/withdrawal"),
    "home": lambda manager, one: manager.post("/homes/1-101/erasure", data={"resident": one.id}),
    "together": together,
}


@pytest.mark.parametrize("way", [*_WAYS, "command"])
def test_with_a_person_goes_what_waits_of_them_and_that_it_is_like_them(
    manager, photos, context, label, obama, store, app, way, facegate
):
    more = key_of(submit(manager, photos, "obama2.jpg", name="", resident=obama.id))
    like = key_of(submit(manager, photos, "obama3.jpg", unit="2-202"))
    wang = residents.enrol(store, "王芳", "3-1204", [], by="test")
    sent_by(lambda: Browser(app), manager, wang, photos / "obama2.jpg")
    assert context.waiting.people() == {obama.id}
    assert context.own_photos.people() == {obama.id, wang.id}
    # What was done to them is told on a page that nobody has asked for yet.
    seen = key_of(submit(manager, photos, "obama2.jpg", name="", unit="1-101", resident=obama.id, key="k9"))
    manager.post("/enrol/seen", data={"key": seen, "photo": "0"})
    assert context.telling.people() == {obama.id}
    if way == "command":
        assert facegate("residents", "remove", "Barack Obama", "--yes").code == 0
        chores.forget_what_is_over(context, datetime.now(UTC))
    else:
        assert _WAYS[way](manager, obama).status_code in (200, 303)
    assert context.waiting.of(more, label) is None
    assert context.waiting.of(like, label).found.lookalikes == ()
    assert (context.waiting.people(), context.own_photos.people()) == (set(), {wang.id})
    assert context.telling.people() == set()
    assert "Barack Obama" not in str(list(context.telling._kept.values()))
