"""Every control of every page has a name that says what it does to which thing; what cannot be undone asks first."""

import re
from importlib import resources

import pytest

from gate.care import backup
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import accounts, schedules, webhooks
from gate.vocabulary import AuditEvent
from tests.console import PASSWORD
from tests.controls import ambiguous, controls

PAGES = (
    "/", "/guard", "/door", "/residents", "/residents/{resident}", "/events", "/services", "/enrol", "/import",
    "/account", "/settings", "/settings/hours", "/settings/holidays", "/settings/free-access", "/settings/users",
    "/settings/users/{guard}", "/settings/tokens", "/settings/webhooks", "/settings/backups",
    "/settings/upgrade",
)  # fmt: skip


@pytest.fixture
def owner(browser):
    """An owner who gave their password just now."""
    one = browser("owner")
    assert one.post("/confirm", data={"password": PASSWORD}).status_code == 303
    return one


@pytest.fixture
def site(store, staff, state):
    """Two and more of everything that pages list; yields what their addresses hold."""
    made = [Template("m", f"photo {number}", {}, b"") for number in range(3)]
    li = residents.enrol(store, "Li Na", "3-1204", made, NO_PERSON)
    for number in range(10):
        details = {"method": "face", "claim": f"c{number}", "similarity": 0.7}
        audit.append(store, AuditEvent("granted", details, {"resident": li.id, "name": "Li Na"}, li.id))
    for name in ("Day", "Night"):
        schedules.put(store, name, "Mon-Fri 07:00-19:00", "test")
        schedules.put_group(store, f"{name} shift", name, "test")
        schedules.put(store, f"{name} unused", "Mon-Fri 07:00-19:00", "test")
        webhooks.add(store, f"https://{name.lower()}.example/hook", "whsec_AAAA", ("granted",), "test")
        accounts.add_token(store, name, f"digest of {name}", ("live",), staff["owner"], "test")
        backup.make(state, state / "backups", None)
    for number in range(3):
        accounts.begin_session(store, f"{number}" * 64, staff["guard"], 1e9 + number)
    return {"resident": li.id, "guard": staff["guard"].id}


@pytest.mark.parametrize("path", PAGES)
def test_no_two_controls_of_a_page_that_do_different_things_are_called_the_same(owner, site, path):
    text = owner.get(path.format(**site)).text
    assert len(controls(text)) > 5
    assert ambiguous(text) == []


GONE = (
    ("/residents/{resident}", "templates/erasure"), ("/settings/hours", "schedules/removal"),
    ("/settings/users/{guard}", "sign-ins/end"), ("/settings/users/{guard}", "{guard}/removal"),
    ("/settings/tokens", "/removal"), ("/settings/webhooks", "/removal"), ("/account", "/account/sign-ins/end"),
)  # fmt: skip


@pytest.mark.parametrize(("path", "action"), GONE)
def test_what_cannot_be_undone_asks_and_says_what_will_happen(owner, site, path, action):
    text = owner.get(path.format(**site)).text
    asked = re.findall(r'<details class="ask">.*?</details>', text, re.DOTALL)
    forms = [one for one in re.findall(r"<form.*?</form>", text, re.DOTALL) if action.format(**site) in one]
    assert forms
    for form in forms:
        (question,) = [one for one in asked if form in one]
        assert re.search(r"<p>\w.{20,}</p>", question), "it says what will happen"
        assert re.search(r'<button class="danger">Yes, ', question)
    assert "open" not in re.search(r"<details[^>]*>", asked[0])[0]


def test_a_backup_is_downloaded_by_an_owner_who_gave_their_password(owner, browser, site, store, state):
    page = owner.get("/settings/backups").text
    name = re.search(r'href="(/settings/backups/file\?name=[^"]+)"', page)[1]
    answer = owner.get(name)
    (path,) = [one for one in (state / "backups").iterdir() if one.name in name]
    assert answer.content == path.read_bytes()
    assert re.search(r'attachment; filename="facegate-20\d{6}T', answer.headers["content-disposition"])
    (line,) = [line for line in audit.lines(store) if line.kind == "backup_downloaded"]
    assert line.details["file"] == path.name
    # Neither anybody else, nor before the password, nor another file.
    assert browser("manager").get(name).status_code == 403
    store.execute("UPDATE sessions SET confirmed_at = 0")
    assert "Enter your password again" in owner.get(name).text
    owner.post("/confirm", data={"password": PASSWORD})
    for other in ("../facegate.db", "../db/facegate.db", "/etc/passwd", "", "by-hand"):
        assert owner.get("/settings/backups/file", params={"name": other}).status_code == 404
    assert len([line for line in audit.lines(store) if line.kind == "backup_downloaded"]) == 1


# Fields that a browser fills in again, and what is for its keeper of passwords.
RESTORED, KEEPER = r'<select|<input (?!.*type="(hidden|file|password)")', 'autocomplete="username"'


def test_no_form_that_makes_something_holds_after_back_what_was_sent_from_it():
    texts = [path.read_text("utf-8") for path in (resources.files("api") / "pages").rglob("*.html")]
    forms = [
        found for text in texts for found in re.findall(r'(<form method="post"[^>]*>)(.*?)</form>', text, re.DOTALL)
    ]
    made = [tag for tag, fields in forms if re.search(RESTORED, fields) and KEEPER not in fields]
    assert len(made) > 15
    assert [tag for tag in made if ' autocomplete="off"' not in tag] == []
