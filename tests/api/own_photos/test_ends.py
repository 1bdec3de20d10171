"""Every way in which a link ends, and that nothing of it is left."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from api.auth import digest
from api.chores import forget_what_is_over
from gate.care import backup
from gate.care.backup.restore import restore
from gate.store.database import open_database
from gate.store.people import consents, erasure, photo_links, residents
from gate.store.people.photo_link import NotTaken
from tests.api.own_photos.links import OVER, agree, drawn, form_of, kinds, send, sent_by, waiting
from tests.api.test_enrol_page import key_of, say_yes, submit
from tests.console import problem_of


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


# The second as where the clock was ahead when it was drawn.
@pytest.mark.parametrize("days", [4, -400])
def test_unknown_expired_ended_and_replaced_links_are_answered_alike(manager, phone, wang, store, days):
    never = phone().get("/photo/" + "x" * 43)
    assert (never.status_code, OVER in never.text) == (404, True)
    replaced = drawn(manager, wang)
    ended = drawn(manager, wang, "k2")
    same = [phone().get(replaced)]
    manager.post(f"/residents/{wang.id}/photo-link/end")
    same.append(phone().get(ended))
    expired = drawn(manager, wang, "k3")
    passed(store, days)
    same.append(phone().get(expired))
    same.append(agree(phone(), expired))
    for one in same:
        assert (one.status_code, without_language(one.text)) == (404, without_language(never.text))
    photo_links.forget_ended(store, datetime.now(UTC))
    assert store.execute("SELECT count(*) FROM photo_links").fetchone() == (0,)


def without_language(text):
    return re.sub(r'name="back" value="[^"]*"', "", text)


def passed(store, days):
    """As if so many days had passed."""
    for column in ("made_at", "ends_at"):
        (now,) = store.execute(f"SELECT {column} FROM photo_links").fetchone()
        then = datetime.fromisoformat(now) - timedelta(days=days)
        store.execute(f"UPDATE photo_links SET {column} = ?", (then.isoformat(timespec="milliseconds"),))


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


WITHDRAWALS = ("console", "api", "together", "command")


def withdraw(way, manager, person, facegate):
    if way == "console":
        answer = manager.post(f"/residents/{person.id}/withdrawal", data={"key": "x"})
        assert answer.headers["location"].startswith("/receipts/")
    elif way == "api":
        assert manager.post(f"/api/v1/residents/{person.id}/withdrawal").json()["templates"] == 0
    elif way == "command":
        assert facegate("residents", "withdraw", person.id, "--yes").code == 0
    else:
        chosen = {"deed": "withdraw", "resident": person.id}
        look = manager.post("/residents/together", data=chosen).text
        known_as, key = (re.search(f'name="{one}" value="([^"]+)"', look)[1] for one in ("known_as", "key"))
        done = manager.post("/residents/together/done", data=chosen | {"known_as": known_as, "key": key})
        assert done.status_code == 303


@pytest.mark.parametrize("way", WITHDRAWALS)
@pytest.mark.parametrize("photo", ["biden.jpg", None])
def test_a_consent_by_a_link_is_withdrawn_before_anything_is_confirmed(
    manager, phone, wang, store, photos, context, facegate, way, photo
):
    mobile, path = phone(), drawn(manager, wang)
    agree(mobile, path, guardian="王明")
    if photo:
        send(mobile, path, photos / photo)
    confirmed = form_of(manager, context) if photo else None
    assert "Withdraw consent" in manager.get(f"/residents/{wang.id}").text
    withdraw(way, manager, wang, facegate)
    assert "consent_withdrawn" in kinds(store)
    assert OVER in mobile.get(path).text
    if confirmed:
        assert manager.post(f"{confirmed[0]}/confirmed", data=confirmed[1]).status_code == 409
    assert (residents.get(store, wang.id).templates, erasure.may_withdraw(store, wang.id)) == (0, False)
    assert "Withdraw consent" not in manager.get(f"/residents/{wang.id}").text
    # That they agreed and then did not is told as of any other consent, without whoever agreed for them.
    (ended,) = consents.of(store, wang.id)
    assert (ended.consent.way, ended.consent.guardian, ended.withdrawn_at is None) == ("phone", None, False)


@pytest.mark.parametrize("way", WITHDRAWALS)
def test_a_yes_from_before_enrols_nobody_who_agreed_by_a_link_alone_and_withdrew(
    manager, phone, wang, store, photos, context, staff, facegate, way
):
    agree(phone(), drawn(manager, wang))
    asked = submit(manager, photos, "biden.jpg", name="", resident=wang.id)
    assert "王芳" in asked.text
    withdraw(way, manager, wang, facegate)
    assert problem_of(say_yes(manager, asked)) is not None
    assert residents.get(store, wang.id).templates == 0
    forget_what_is_over(context, datetime.now(UTC))
    assert context.waiting.of(key_of(asked), f"user {staff['manager'].id}") is None
    # They agree anew.
    anew = submit(manager, photos, "biden.jpg", name="", resident=wang.id, seen="1")
    assert "王芳 is enrolled." in anew.text


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
            assert not any(one in held for one in (secret, vector, sent.picture(0)[200:260])), file
    assert secret.decode() not in caplog.text


def test_no_photo_that_waits_is_discarded_by_whoever_was_not_asked(manager, phone, wang, photos, context, store):
    before = manager.get(f"/residents/{wang.id}").text
    mobile, path = sent_by(phone, manager, wang, photos / "biden.jpg")
    at = f"/residents/{wang.id}/photo-link"
    # From a page of before the photo came.
    for refused in (manager.post(at, data={"key": "k2"}), manager.post(f"{at}/end")):
        assert refused.status_code == 409
        assert "came meanwhile and waits for you, so nothing was done" in problem_of(refused)
    assert len(waiting(context)) == 1
    shown = manager.get(f"/residents/{wang.id}").text
    assert "Draw a link for the resident" in before
    for what, action in (("a new link", at), ("the link", f"{at}/end")):
        asked = re.findall(r'<details class="ask">.*?</details>', shown, re.DOTALL)
        (question,) = [one for one in asked if f'action="{action}"' in one]
        assert "The photo that waits is discarded" in question, what
        assert re.search(r'<button class="danger">Yes, \w+ (a new|the) link<', question)
    given = {"key": "k3", "discarding": re.search(r'name="discarding" value="([^"]+)"', shown)[1]}
    assert manager.post(at, data=given).status_code == 303
    assert "None waits for you." in manager.get("/waiting").text
    assert OVER in mobile.get(path).text


def test_neither_api_nor_command_discards_unseen_what_it_was_not_told_to(
    manager, phone, wang, photos, context, store, facegate
):
    sent_by(phone, manager, wang, photos / "biden.jpg")
    store.execute("UPDATE photo_links SET made_at = '2026-01-01T00:00:00.000+00:00'")
    told = manager.post("/api/v1/photo-links", json={"residents": [wang.id], "again": True}).json()
    assert (told["links"], told["passed_over"]) == ([], [wang.id])
    again = facegate("links", "draw", "王芳", "--again", "--address", "https://192.168.1.20:8443")
    ended = facegate("links", "end", "王芳")
    for one in (again, ended):
        assert (one.code, "A photo of 王芳 waits to be looked at" in one.err, "--discard" in one.err) == (1, True, True)
    assert len(waiting(context)) == 1
    assert facegate("links", "end", "王芳", "--discard").code == 0
    assert "None waits for you." in manager.get("/waiting").text


def test_the_office_and_the_resident_read_each_their_own_words_of_why(manager, phone, wang, photos, context, store):
    sent_by(phone, manager, wang, photos / "biden.jpg")
    for why in NotTaken:
        store.execute("UPDATE photo_links SET sent_at = NULL, refused = ?", (why,))
        shown = manager.get(f"/residents/{wang.id}").text
        assert re.search(r"<p>Their last photo (was not taken|is gone): ", shown), why
        assert "Please" not in re.search(r"Photo from their own phone</h3>.*?<div", shown, re.DOTALL)[0]
