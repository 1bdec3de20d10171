"""A link to a resident's own page opens it on one phone; the page ends with the resident, their days, or by a press."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.acts import Acts
from api.app import create_app
from api.auth import digest
from gate.care import retention
from gate.errors import Refusal
from gate.keep_settings import KeepSettings
from gate.store.people import erasure, own_pages, residents
from gate.store.people.changes import Changes, change
from gate.store.record import audit
from tests.console import Browser, context_on, problem_of

NONE_HERE = "There is no page for this phone here."


def kinds(store):
    return [line.kind for line in audit.lines(store) if line.kind.startswith("own_page")]


def test_the_link_is_shown_once_as_words_and_a_picture_and_no_address_keeps_it(manager, browser, store, fang):
    shown = manager.send(f"/residents/{fang.id}/own-page")
    assert (shown.status_code, "/own/" in shown.text, "<svg" in shown.text) == (200, True, True)
    again = manager.get(f"/residents/{fang.id}/own-page")
    assert ("/own/" in again.text, "shown once" in again.text) == (False, True)
    assert "not opened yet" in manager.get(f"/residents/{fang.id}").text
    secret = re.search(r"/own/([\w-]+)", shown.text)[1]
    assert not any(secret in str(line) for line in audit.lines(store))
    assert browser("guard").post(f"/residents/{fang.id}/own-page").status_code == 403


def test_the_phone_that_presses_first_has_the_page_and_the_link_opens_nothing_more(phone, link, store, fang):
    at, theirs, another = link(fang), phone(), phone("10.0.0.78")
    # To look is not to open: a messenger looks by itself.
    hello = phone("10.0.0.79").get(at)
    theirs.get(at)
    assert ("Wang *" in hello.text, "Fang" in hello.text, hello.status_code) == (True, False, 200)
    answer = theirs.post(at)
    home = theirs.get(answer.headers["location"])
    assert ("Wang Fang" in home.text, "3-2-502" in home.text) == (True, True)
    assert {"/mine": theirs.get("/mine").headers["location"]} == {"/mine": answer.headers["location"]}
    assert (another.get(at).status_code, "opened already" in another.get(at).text) == (200, True)
    assert another.post(at).status_code == 403
    assert another.get(answer.headers["location"]).status_code == 404
    assert "Wang" not in another.get(at).text
    assert theirs.get(at).headers["location"] == theirs.post(at).headers["location"] == answer.headers["location"]
    assert kinds(store) == ["own_page_drawn", "own_page_opened"]
    (line,) = [line for line in audit.lines(store) if line.kind == "own_page_opened"]
    assert (line.says.by.startswith("page "), line.personal["name"]) == (True, "Wang Fang")


def test_a_copy_of_what_is_held_names_it(opened, manager, fang):
    assert "Page on their phone" not in manager.get(f"/residents/{fang.id}/held").text
    opened(fang)
    assert "Page on their phone" in manager.get(f"/residents/{fang.id}/held").text


def test_headers_keep_the_secret_to_the_gate_and_the_page_out_of_caches(opened, link, phone, fang):
    for answer in (phone().get(link(fang)), phone().get("/mine")):
        assert answer.headers["referrer-policy"] == "strict-origin"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    theirs, at = opened(fang)
    answer = theirs.get(at)
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"].lower()
    assert all(one in cookie for one in ("httponly", "samesite=lax", "path=/"))


@pytest.mark.parametrize("how", ["manager", "api", "themselves", "another link", "erased", "last day", "restored"])
def test_it_ends(opened, manager, store, context, fang, how, link):
    theirs, at = opened(fang)
    assert theirs.get(at).status_code == 200
    match how:
        case "manager":
            assert "is ended" in manager.send(f"/residents/{fang.id}/own-page/end").text
        case "api":
            assert manager.ask("DELETE", f"/api/v1/residents/{fang.id}/own-page").status_code == 204
            assert manager.get(f"/api/v1/residents/{fang.id}/own-page").status_code == 404
        case "themselves":
            assert theirs.post(f"{at}/end").headers["location"] == "/mine"
        case "another link":
            link(fang)
        case "erased":
            erasure.remove(store, fang, by="test")
        case "last day":
            yesterday = (context.today - timedelta(days=1)).isoformat()
            change(store, fang, Changes(valid_until=yesterday), by="test")
        case "restored":
            (gone,) = (own_pages.of_resident(store, fang.id, datetime.now(UTC)).id,)
            own_pages.end_again(store, {gone}, store)
    for answer in (theirs.get(at), theirs.get("/mine"), theirs.post(f"{at}/passes", data={"name": "Zhao"})):
        assert (answer.status_code, NONE_HERE in answer.text, "Fang" in answer.text) == (404, True, False)


def test_a_backup_brings_no_link_back_that_somebody_may_have_opened_since(link, opened, phone, store, fang):
    lei = residents.enrol(store, "Li Lei", "1-1", [], by="test")
    unopened, (theirs, at) = link(lei), opened(fang)
    own_pages.end_again(store, set(), store)
    assert (phone().get(unopened).status_code, theirs.get(at).status_code) == (404, 200)
    own_pages.end_again(store, set(), None)
    assert theirs.get(at).status_code == 404


def test_a_phone_that_hears_no_answer_to_its_press_has_the_page_all_the_same(link, phone, store, fang):
    at, theirs = link(fang), phone()
    theirs.get(at)
    unheard = httpx.Cookies(theirs.cookies)
    for again in (theirs.post, theirs.post, theirs.get):
        answer, theirs.cookies = again(at), httpx.Cookies(unheard)
        assert answer.status_code == 303
    assert theirs.get("/mine", follow_redirects=True).text.count("Wang Fang")
    # From then on by the one cookie that lasts.
    assert list(theirs.cookies) == ["facegate-mine"]
    assert kinds(store) == ["own_page_drawn", "own_page_opened"]
    assert phone("10.0.0.78").post(at).status_code == 403


def test_a_browser_that_keeps_nothing_uses_no_link_up(phone, link, store, fang):
    at, forgetful, theirs = link(fang), phone(), phone("10.0.0.78")
    for _ in range(2):
        forgetful.get(at)
        forgetful.cookies = httpx.Cookies()
        refused = forgetful.post(at)
        assert (refused.status_code, "keeps nothing" in refused.text, "Fang" in refused.text) == (403, True, False)
    assert kinds(store) == ["own_page_drawn"]
    theirs.get(at)
    assert theirs.post(at).status_code == 303


def test_two_presses_at_once_of_one_phone_open_it_once(store, fang):
    now = datetime.now(UTC)
    page = own_pages.draw(store, fang, "s", now, 3, by="test")
    for _ in range(2):
        own_pages.open_on(store, page, fang, "one", now)
    with pytest.raises(Refusal):
        own_pages.open_on(store, page, fang, "another", now)
    assert kinds(store) == ["own_page_drawn", "own_page_opened"]


def test_whoever_copied_what_a_phone_is_known_by_opens_no_next_page(link, opened, phone, manager, store, fang):
    child = residents.enrol(store, "Wang Lele", "3-2-502", [], by="test")
    theirs, _ = opened(fang)
    of_child = theirs.post(link(child)).headers["location"]
    thief = phone("10.0.0.66")
    thief.cookies = httpx.Cookies(theirs.cookies)
    assert thief.get(of_child).status_code == 200
    manager.send(f"/residents/{fang.id}/own-page/end")
    new = link(fang)
    theirs.get(new)
    at = theirs.post(new).headers["location"]
    assert [theirs.get(one).status_code for one in (at, of_child)] == [200, 200]
    assert [thief.get(one).status_code for one in (at, of_child, "/mine")] == [404, 404, 404]


def test_a_backup_brings_back_nothing_that_a_phone_was_known_by_before(link, opened, store, fang):
    child = residents.enrol(store, "Wang Lele", "3-2-502", [], by="test")
    theirs, _ = opened(fang)
    copied = digest(theirs.cookies["facegate-mine"])
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as backup:
        store.backup(backup)
        theirs.post(link(child))
        own_pages.end_again(backup, set(), store)
        (page,) = own_pages.of_phone(backup, digest(theirs.cookies["facegate-mine"]))
        assert (page.resident, own_pages.of_phone(backup, copied)) == (fang.id, [])


def test_whoever_has_the_spent_link_takes_no_act_from_the_phone_that_has_the_page(phone, link, fang):
    at, theirs, former = link(fang), phone(), phone("10.0.0.78")
    theirs.get(at)
    own = theirs.post(at).headers["location"]
    answers = [former.post(at).status_code for _ in range(Acts.MOST + 1)]
    assert (answers[0], answers[-1]) == (403, 429)
    assert theirs.post(f"{own}/end").status_code == 303


# The second as where the clock was ahead when it was drawn.
@pytest.mark.parametrize("days", [3, -400])
def test_a_link_that_nobody_opens_ends_by_itself(link, phone, store, context, fang, days):
    assert context.settings.enrolment.link_days == 3
    at, later = link(fang), datetime.now(UTC) + timedelta(days=days, minutes=1)
    drawn = own_pages.of_resident(store, fang.id, datetime.now(UTC))
    assert own_pages.of_resident(store, fang.id, later) is None
    assert own_pages.by_secret(store, drawn.secret_sha256, later) is None
    retention.tidy(store, KeepSettings(), later, UTC)
    assert phone().get(at).status_code == 404
    assert own_pages.every(store, datetime.now(UTC)) == []


def test_one_phone_has_the_pages_of_a_family_and_each_is_by_itself(phone, link, store, fang):
    child = residents.enrol(store, "Wang Lele", "3-2-502", [], by="test")
    theirs, at = phone(), link(fang)
    theirs.get(at)
    first = theirs.post(at).headers["location"]
    second = theirs.post(link(child)).headers["location"]
    assert ("Wang Lele" in theirs.get(second).text, f'href="{first}"' in theirs.get(second).text) == (True, True)
    theirs.post(f"{second}/end")
    assert (theirs.get(second).status_code, theirs.get(first).status_code) == (404, 200)


def test_where_the_settings_have_none_nothing_is_shown_and_no_page_answers(state, staff, store, fang, opened):
    theirs, at = opened(fang)
    app = create_app(context_on(state, settings={"enrolment": {"own_page": False}}))
    manager, without = Browser(app), Browser(app)
    manager.sign_in("manager")
    without.cookies = theirs.cookies
    assert without.get(at).status_code == 404
    assert manager.post(f"/residents/{fang.id}/own-page").status_code == 409
    erased = residents.enrol(store, "Li Lei", "1-1", [], by="test")
    assert "own-page" not in manager.get(f"/residents/{erased.id}").text
    # One of before can still be ended.
    assert "own-page/end" in manager.get(f"/residents/{fang.id}").text


def test_guessing_is_slowed_by_address_and_a_phone_that_has_a_page_does_not_suffer(phone, opened, fang):
    theirs, at = opened(fang, "10.0.0.9")
    guesser = phone("10.0.0.9")
    answers = [guesser.get(f"/own/{number}").status_code for number in range(25)]
    assert (answers[0], answers[-1]) == (404, 429)
    assert theirs.get(at).status_code == 200


def test_a_program_draws_a_link_and_is_told_how_far_it_is(manager, browser, phone, fang):
    at = f"/api/v1/residents/{fang.id}/own-page"
    assert manager.get(at).status_code == 404
    drawn = manager.post(at)
    assert (drawn.status_code, drawn.json()["reachable"]) == (201, True)
    assert manager.get(at).json()["opened_at"] is None
    theirs, link = phone(), drawn.json()["url"].removeprefix("https://gate")
    theirs.get(link)
    theirs.post(link)
    assert manager.get(at).json()["opened_at"] is not None
    assert browser("auditor").post(at).status_code == 403


def test_the_page_lets_nobody_into_the_console(opened, fang):
    theirs, at = opened(fang)
    for path in (
        "/",
        "/residents",
        f"/residents/{fang.id}",
        "/events",
        "/api/v1/residents",
        "/api/v1/events",
        "/passes",
    ):
        assert theirs.get(path).status_code in (303, 401), path
    assert theirs.post("/door/open").status_code in (303, 401)
    assert problem_of(theirs.get(f"{at}/passes/none")) == "There is no such pass."
