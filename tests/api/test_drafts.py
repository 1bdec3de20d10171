"""What was typed is kept where a login ends or the password is wanted again, for whoever typed it and nobody else."""

import html
import re

import pytest

from api.auth import digest
from api.drafts import Draft, Drafts
from gate.store.people import residents
from gate.store.site import accounts, schedules
from tests.console import PASSWORD, Browser

TYPED = {"name": "白班", "windows": "周一至周五 7:00-19:00"}


def draft_in(answer):
    return html.unescape(re.search(r'name="draft" value="([^"]+)"', answer.text)[1])


def form_in(answer):
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text.split('id="kept"')[1])
    return {name: html.unescape(value) for name, value in found}


@pytest.fixture
def ended(browser, store):
    """A manager's browser whose login has ended without a word."""
    manager = browser("manager")
    accounts.end_session(store, digest(manager.cookies["facegate"]))
    return manager


def test_a_form_sent_after_the_login_ended_is_sent_after_the_next(ended, store):
    asked = ended.post("/settings/schedules", data=TYPED)
    assert (asked.status_code, "What you had typed is kept" in asked.text) == (401, True)
    assert "白班" not in asked.text
    wrong = ended.post("/sign-in", data={"name": "manager", "password": "a wrong guess", "draft": draft_in(asked)})
    assert wrong.status_code == 401
    kept = ended.send("/sign-in", data={"name": "manager", "password": PASSWORD, "draft": draft_in(wrong)})
    assert kept.status_code == 200
    assert "周一至周五 7:00-19:00" in kept.text
    assert schedules.every(store) == []
    assert form_in(kept) == TYPED
    assert "Saved." in ended.send("/settings/schedules", data=form_in(kept)).text
    assert [one.name for one in schedules.every(store)] == ["白班"]


def test_what_was_kept_is_shown_once_and_nobody_is_told_again_that_nothing_was_done(ended, store):
    form = {"name": "manager", "password": PASSWORD, "draft": draft_in(ended.post("/settings/schedules", data=TYPED))}
    signed_in = ended.post("/sign-in", data=form)
    where = signed_in.headers["location"]
    assert (signed_in.status_code, where) == (303, "/account/kept?page=%2Fsettings%2Fhours")
    assert "Nothing was done with it yet." in ended.get(where).text
    # Back to it, and the sign-in sent again: on to the page of the form, on which stands what there is.
    assert ended.get(where).headers["location"] == "/settings/hours"
    assert ended.post("/sign-in", data=form).headers["location"] == "/"
    # Nobody else is shown it.
    accounts.end_session(store, digest(ended.cookies["facegate"]))
    ended.post("/sign-in", data=form | {"draft": draft_in(ended.post("/settings/schedules", data=TYPED))})
    told = {name: value for name, value in ended.cookies.items() if name.endswith("-told")}
    ended.post("/sign-in", data={"name": "owner", "password": PASSWORD})
    ended.cookies.update(told)
    assert ended.get(where).headers["location"] == "/settings/hours"
    assert ended.get("/account/kept?page=//evil.example").headers["location"] == "/"


@pytest.mark.parametrize("signed_out", [False, True])
def test_a_button_pressed_after_the_login_ended_was_not_pressed_and_its_page_says_so(browser, store, signed_out):
    owner = browser("owner")
    if signed_out:
        owner.post("/sign-out")
    else:
        accounts.end_session(store, digest(owner.cookies["facegate"]))
    for path, page in (
        ("/first-hour/liveness", "/first-hour"), ("/first-hour/end", "/first-hour"), ("/settings/backups",) * 2,
        ("/settings/free-access/hold", "/settings/free-access"), ("/residents/together", "/residents/together"),
    ):  # fmt: skip
        asked = owner.post(path, headers={"referer": f"http://gate{page}"})
        where = asked.headers["location"]
        main = owner.get(where).text.split('id="main"')[1]
        assert "and nothing was done. Sign in, and do it again" in main, path
        back = re.search(r'name="back" value="([^"]+)"', main)[1]
        assert back == page
    assert (
        owner.post("/sign-in", data={"name": "owner", "password": PASSWORD, "back": back}).headers["location"] == back
    )
    # A page that answered a form is none to lead back to.
    owner.post("/sign-out")
    asked = owner.post("/residents/together/done", headers={"referer": "http://gate/residents/together/done"})
    assert asked.headers["location"] == "/sign-in?undone=1"


def test_another_user_of_that_browser_never_sees_it(ended):
    draft = draft_in(ended.post("/settings/schedules", data=TYPED))
    other = ended.post("/sign-in", data={"name": "owner", "password": PASSWORD, "draft": draft})
    assert (other.status_code, other.headers["location"]) == (303, "/")
    assert "白班" not in ended.get("/settings/hours").text


def test_what_somebody_was_to_confirm_goes_on_after_their_password(browser, store):
    owner = browser("owner")
    accounts.confirm_session(store, digest(owner.cookies["facegate"]), 0.0)
    asked = owner.post("/settings/users", data={"name": "Eve", "role": "guard", "password": "a password of hers"})
    assert asked.status_code == 403
    assert "a password of hers" not in asked.text
    draft = draft_in(asked)
    assert 'name="draft"' in owner.post("/confirm", data={"password": "wrong", "draft": draft}).text
    kept = owner.send("/confirm", data={"password": PASSWORD, "back": "/settings/users", "draft": draft})
    assert "<dd>Guard</dd>" in kept.text
    # The password is typed again: it was never kept.
    assert 'type="password" name="password"' in kept.text
    assert "a password of hers" not in kept.text
    form = form_in(kept) | {"password": "a password of hers"}
    assert "Eve can sign in now" in owner.send("/settings/users", data=form).text


def test_nothing_else_is_kept(ended, app, store):
    # An order to the door, what is not of a form, a stranger's form: on to the page to sign in as ever.
    someone = residents.enrol(store, "Li Na", None, [])
    for path, given in (
        ("/door/open", {"data": {"x": "y"}}),
        ("/settings/free-access/hold", {"data": {"x": "y"}}),
        # Nor what takes away, erases, or is done to many: nobody does that by a button that does not say so.
        ("/settings/schedules/removal", {"data": {"name": "白班"}}),
        ("/settings/holidays/x/removal", {"data": {"x": "y"}}),
        ("/residents/together", {"data": {"deed": "moved_out", "resident": someone.id}}),
        ("/residents/together/done", {"data": {"deed": "moved_out", "resident": someone.id}}),
        (f"/residents/{someone.id}/erasure", {"data": {"key": "x"}}),
        (f"/residents/{someone.id}/withdrawal", {"data": {"key": "x"}}),
        (f"/residents/{someone.id}/corrections", {"data": {"event": "x"}}),
        (f"/settings/users/{someone.id}/role", {"data": {"role": "owner"}}),
        ("/settings/schedules", {"files": {"windows": b"x"}}),
        ("/settings/schedules", {"data": {"windows": "x" * 20_000}}),
        ("/account/password", {"data": {"current": "x", "password": "y"}}),
    ):
        asked = ended.post(path, **given)
        assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?undone=1"), path
    stranger = Browser(app).post(f"/residents/{someone.id}", data=TYPED)
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/sign-in?undone=1")


def test_whoever_only_says_whose_browser_it_is_carries_nothing_to_them(app, browser, staff, ended):
    who = app.state.context.who_cookie
    for user, mark in (
        (staff["owner"].id, staff["owner"].id),
        (staff["owner"].id, ended.cookies[who].replace(staff["manager"].id, staff["owner"].id)),
        (staff["manager"].id, ended.cookies[who]),
    ):
        stranger = Browser(app)
        stranger.cookies.set(who, mark)
        stranger.cookies.set(app.state.context.cookie, "a session that never was")
        asked = stranger.post("/settings/tokens", data={"name": "backup", "permissions": "people"})
        assert (asked.status_code, "draft" in asked.text) == (303, False), user


def test_what_goes_on_is_told_in_every_field_and_left_for_a_page_that_there_is(ended, browser, store):
    someone = residents.enrol(store, "Li Na", None, [])
    typed = {"name": "Li Na", "unit": "3-1204", "group": "", "valid_until": "2027-01-31", "extended": "1", "area": "-"}
    asked = ended.post(f"/residents/{someone.id}", data=typed | {"known_as": "x", "shown": "{}", "other": "unseen"})
    kept = ended.send("/sign-in", data={"name": "manager", "password": PASSWORD, "draft": draft_in(asked)})
    assert "What is said of this resident is changed." in kept.text
    shown = re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", kept.text)
    assert shown == [
        ("Name", "Li Na"), ("Home", "3-1204"), ("Group", "none"), ("Last day", "2027-01-31"),
        ("Needs the gate open for longer", "yes"), ("Area", "as their group, else all gates"),
    ]  # fmt: skip
    assert form_in(kept) == typed | {"known_as": "x", "shown": "{}"}
    owner = browser("owner")
    accounts.end_session(store, digest(owner.cookies["facegate"]))
    holiday = {"name": "春节", "first_day": "2027-02-06", "last_day": "", "schedule": "", "hours": ""}
    asked = owner.post("/settings/holidays", data=holiday)
    kept = owner.send("/sign-in", data={"name": "owner", "password": PASSWORD, "draft": draft_in(asked)})
    # What is left empty is called what the form calls it.
    assert re.findall(r"<dd>([^<]*)</dd>", kept.text)[2:] == ["the same day", "all hours", "closed"]
    forms = {
        "/settings/schedules": TYPED, "/settings/groups": {"name": "A", "schedule": ""},
        "/settings/holidays": {"name": "春节", "first_day": "2027-02-06"}, "/settings/users": {"name": "Eve"},
        "/settings/tokens": {"name": "backup", "permissions": "people"},
        "/settings/webhooks": {"url": "https://a.example", "what": "entries"}, f"/residents/{someone.id}": typed,
    }  # fmt: skip
    for path, form in forms.items():
        accounts.end_session(store, digest(owner.cookies["facegate"]))
        # The page that answered the form before: it is no page to go to.
        asked = owner.post(path, data=form, headers={"referer": f"http://gate{path}"})
        kept = owner.send("/sign-in", data={"name": "owner", "password": PASSWORD, "draft": draft_in(asked)})
        left = re.search(r'<a href="([^"]+)">Leave it', kept.text)[1]
        assert owner.get(left).status_code == 200, path


def test_whose_login_ended_goes_on_to_the_page_that_was_asked_for(ended):
    asked = ended.get("/residents?search=Li+Na")
    assert asked.headers["location"] == "/sign-in?back=%2Fresidents%3Fsearch%3DLi%2BNa"
    assert 'name="back" value="/residents?search=Li+Na"' in ended.get(asked.headers["location"]).text
    form = {"name": "manager", "password": PASSWORD, "back": "/residents?search=Li+Na"}
    assert ended.post("/sign-in", data=form).headers["location"] == "/residents?search=Li+Na"
    assert ended.post("/sign-in", data=form | {"back": "//evil.example/"}).headers["location"] == "/"
    # Another user begins at the beginning.
    assert ended.post("/sign-in", data=form | {"name": "guard"}).headers["location"] == "/"


def test_a_draft_is_opened_by_the_process_that_sealed_it_for_its_user_alone():
    drafts, draft = Drafts(), Draft("/settings/schedules", "/settings/hours", [("name", "day")], ["password"])
    sealed = drafts.sealed(draft, "ann")
    assert drafts.opened(sealed, "ann") == draft
    assert drafts.opened(sealed, "bob") is None
    assert Drafts().opened(sealed, "ann") is None
    assert drafts.opened(sealed[:-8] + "AAAAAAA=", "ann") is None
    assert drafts.opened("无", "ann") is None
    assert [drafts.taken(sealed, user) for user in ("bob", "ann", "ann")] == [None, draft, None]
