"""Homes, the settings in effect, backups."""

import time

import pytest

from api.app import create_app
from gate.care.backup.restore import restore
from gate.config import load_settings, shown
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit
from tests.console import Browser, context_on
from tests.door import door_process
from tests.running import wait_for


def test_homes_are_counted_with_their_faces(browser, store):
    residents.enrol(store, "A", "1-101", [Template("m", "s", {}, b"")] * 2, NO_PERSON)
    residents.enrol(store, "B", "1-101", [])
    residents.enrol(store, "C", None, [])
    assert browser("manager").get("/api/v1/units").json() == [
        {"unit": None, "residents": 1, "faces": 0}, {"unit": "1-101", "residents": 2, "faces": 1}
    ]  # fmt: skip


def test_the_settings_are_shown_without_the_cameras_password(state, models_dir, staff):
    settings = load_settings(camera={"source": "rtsp://gate:secret@10.0.0.7/main"})
    owner = Browser(create_app(context_on(state, models_dir, settings=shown(settings))))
    owner.sign_in("owner")
    answer = owner.get("/api/v1/settings")
    assert answer.json()["camera"]["source"] == "rtsp://10.0.0.7/main"
    assert "secret" not in answer.text


def test_a_backup_is_made_from_the_page_and_over_the_api_and_can_be_restored(browser, store, state, tmp_path):
    residents.enrol(store, "Wang Fang", None, [])
    owner = browser("owner")
    assert "The backup is made" in owner.send("/settings/backups").text
    made = owner.post("/api/v1/backups")
    assert made.status_code == 201
    listed = owner.get("/api/v1/backups").json()
    assert listed[0]["file"] == made.json()["file"]
    assert len(listed) == 2
    assert listed[0]["file"] in owner.get("/settings/backups").text
    found = restore(state / "backups" / made.json()["file"], tmp_path / "elsewhere", unsealed=True)
    assert found.backup.residents == 1
    assert [line.kind for line in audit.lines(store)].count("backed_up") == 2


def test_a_backup_there_is_no_room_for_is_told(browser, state):
    state.joinpath("backups").write_text("in the way")
    answer = browser("owner").post("/api/v1/backups")
    assert (answer.status_code, "cannot be made" in answer.json()["hint"]) == (503, True)


@pytest.mark.parametrize(
    ("ago_s", "done"), [(-60, False), (-0.5, True), (0, True), (2.5, True), (3.1, False), (600, False)]
)
def test_an_order_that_was_held_back_on_its_way_is_not_done(browser, state, ago_s, done):
    """By the gate's own clock, as it tells it; one from a time to come was counted from another start of it."""
    with door_process(state) as (_, door):
        owner, given = browser("owner"), time.monotonic() - ago_s
        answer = owner.post("/api/v1/door/lockdown", params={"given": given})
        page = owner.post("/door/lockdown", data={"given": given}, headers={"accept": "application/json"}).json()
        if done:
            assert (answer.status_code, page["said"]) == (200, "The gate is locked down.")
        else:
            assert (answer.status_code, answer.json()["reason"]) == (409, "stale")
            assert answer.json()["detail"] == "That was not done: the order came too late, and nothing was done."
            assert "treat it as NOT locked down" in page["said"]
        assert ("lockdown" in door.ask({"do": "status"})["standing"]) is done


def test_a_write_that_is_sent_twice_is_done_once(browser, store, state):
    owner, key = browser("owner"), {"idempotency-key": "k"}
    first = owner.post("/api/v1/backups", headers=key)
    assert owner.post("/api/v1/backups", headers=key).json() == first.json()
    assert len(owner.get("/api/v1/backups").json()) == 1
    with door_process(state, pulse_s=0.2) as (_, door):
        opened = owner.post("/api/v1/door/open", headers={"idempotency-key": "open"})
        assert opened.status_code == 200
        wait_for(lambda: door.ask({"do": "status"})["mode"] == "normal", 5, "it stays open")
        again = owner.post("/api/v1/door/open", headers={"idempotency-key": "open"})
        assert again.json() == opened.json()
        assert owner.post("/api/v1/door/lockdown", headers={"idempotency-key": "open"}).status_code == 409
        assert door.ask({"do": "status"})["mode"] == "normal"
    assert [line.kind for line in audit.lines(store)].count("granted") == 1
