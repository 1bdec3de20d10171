"""Whatever a form of the console does, the page that follows tells it: loaded again, it neither does nor tells it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gate.store.people import credentials, passes, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import accounts, holidays, schedules, webhooks
from gate.store.site.accounts import Role
from gate.vocabulary import AuditEvent, Kind
from tests.console import CHEAP, PASSWORD
from tests.faults.test_hostile_http import routes

# What answers with a page and has changed nothing, or nothing that the same form changes again.
NOTHING_DONE = {
    "/residents/together": "shows whom it would be done to",
    "/residents/together/search": "shows who is found, beside those who are ticked",
    "/settings/holidays/file": "shows what a file holds",
    "/door/examination": "looks; loaded again it looks again",
    "/confirm": "notes that this session gave its password, and shows what was typed before",
    "/sign-in": "shows what was typed before the login ended, to be sent by its own button",
}
# What answers programs of our own pages, with no page at all.
NO_PAGE = {
    "/enrol/gate", "/enrol/gate/look", "/enrol/gate/removal", "/enrol/gate/cancelled", "/photos/checks",
    "/photo/{secret}/checks",
    "/gate/bell",
}  # fmt: skip
# Of which the way on is asked for where the deed is: what they take is made there.
ELSEWHERE = {
    "/owner": "api/test_sign_in.py", "/sign-out": "api/test_sign_in.py", "/language": "api/test_languages.py",
    "/account/password": "api/test_accounts.py", "/account/sign-ins/end": "api/test_accounts.py",
    "/enrol/seen": "api/test_enrol_page.py", "/enrol/cancelled": "api/test_enrol_page.py",
    "/first-hour/liveness": "api/test_first_hour.py", "/first-hour/end": "api/test_first_hour.py",
    "/first-hour/taken-up": "api/test_first_hour.py", "/door/{order}": "api/test_guard.py",
    "/residents/together/done": "api/test_together.py", "/homes/{written}/erasure": "api/test_together.py",
    "/import": "api/test_imports.py", "/import/run": "api/test_imports.py", "/import/discard": "api/test_imports.py",
    "/import/stop": "api/test_import_stopped.py",
    "/import/photo-links": "api/own_photos/test_links_api.py",
    "/waiting/{link}/confirmed": "api/own_photos/test_office.py",
    "/waiting/{link}/refused": "api/own_photos/test_office.py",
    "/photo/{secret}": "api/own_photos/test_phone.py", "/photo/{secret}/consent": "api/own_photos/test_phone.py",
    "/residents/{resident}/own-page": "api/own_page/test_binding.py",
    "/residents/{resident}/own-page/end": "api/own_page/test_binding.py",
    "/own/{secret}": "api/own_page/test_binding.py", "/mine/{own}/end": "api/own_page/test_binding.py",
    **dict.fromkeys(
        (
            "/mine/{own}/cards/lost", "/mine/{own}/passes", "/mine/{own}/passes/{visit}/removal", "/mine/{own}/phone",
            "/mine/{own}/phone/removal", "/mine/{own}/withdrawal",
        ),
        "api/own_page/test_own_deeds.py",
    ),
    "/settings/free-access/{order}": "api/test_settings.py",
    "/residents/{resident}/pin/duress-trial": "api/test_ways_in_pages.py",
    "/residents/{resident}/pin": "api/test_ways_in_pages.py",
    "/residents/{resident}/rolling-code": "api/test_rolling_code.py",
    "/residents/{resident}/cards": "api/test_ways_in_pages.py", "/passes": "api/test_passes.py",
    "/residents/{resident}/forgiveness": "api/test_whereabouts.py",
    "/whereabouts/forgiveness": "api/test_whereabouts.py",
    "/gates/orders/{what}": "centre/test_gates_page.py", "/settings/gates/{gate}/removal": "centre/test_gates_page.py",
    "/settings/gates/invitation": "centre/test_errands.py",
    **dict.fromkeys(
        (
            "/settings/centre", "/settings/centre/decision", "/settings/centre/decision/removal",
            "/settings/centre/removal",
        ),
        "api/test_centre_page.py",
    ),
    "/settings/gates/{gate}/place": "api/test_gates_map.py",
    "/settings/areas": "api/test_areas.py", "/settings/areas/removal": "api/test_areas.py",
    "/settings/upgrade/look": "api/test_upgrade.py", "/settings/upgrade/installation": "api/test_upgrade.py",
}  # fmt: skip
ONE = "/residents/{resident}"
# By each other form what is sent, in an order in which each finds what it takes.
FORMS = {
    "/enrol": {"name": "Li Lei", "unit": "1-1"},
    ONE: {"known_as": "*", "name": "Wang Fang", "unit": "7"},
    f"{ONE}/corrections": {"event": "{event}"},
    f"{ONE}/corrections/taken-back": {"event": "{event}"},
    f"{ONE}/templates/erasure": {"template": "{template}"},
    f"{ONE}/photo-link": {"key": "k"},
    f"{ONE}/photo-link/end": {},
    f"{ONE}/pin/removal": {},
    f"{ONE}/rolling-code/removal": {},
    f"{ONE}/cards/lost": {"card": "{card}"},
    f"{ONE}/cards/found": {"card": "{card}"},
    f"{ONE}/cards/removal": {"card": "{card}"},
    f"{ONE}/centre/read": {},
    f"{ONE}/withdrawal": {"key": "k1"},
    f"{ONE}/erasure": {"key": "k2"},
    "/passes/{visit}/removal": {},
    "/door/zone": {"left": "0", "top": "0", "right": "90", "bottom": "90"},
    "/door/zone/removal": {},
    "/settings/schedules": {"name": "late", "windows": "daily 20:00-22:00"},
    "/settings/schedules/removal": {"name": "late"},
    "/settings/groups": {"name": "cleaners", "schedule": "day"},
    "/settings/free-access": {},
    "/settings/holidays": {"name": "New year", "first_day": "2027-01-01"},
    "/settings/holidays/{holiday}/removal": {},
    "/settings/holidays/file/added": {"chosen": "2029-01-01 2029-01-03 New year"},
    "/settings/users": {"name": "Eve", "role": "guard", "password": "a password of hers"},
    "/settings/users/{user}/password": {"password": "another one of hers"},
    "/settings/users/{user}/role": {"role": "auditor"},
    "/settings/users/{user}/sign-ins/end": {},
    "/settings/users/{user}/removal": {},
    "/settings/tokens": {"name": "lift", "permissions": "door"},
    "/settings/tokens/{token}/removal": {},
    "/settings/webhooks": {"url": "https://example.org/hook", "what": "entries"},
    "/settings/webhooks/{webhook}/test": {},
    "/settings/webhooks/{webhook}/replay": {},
    "/settings/webhooks/{webhook}/removal": {},
    "/settings/backups": {},
}


@dataclass(frozen=True)
class There:
    """What the forms name, by id."""

    resident: str
    event: str
    template: str
    holiday: str
    user: str
    token: str
    webhook: str
    card: str
    visit: str

    def fill(self, text):
        return text.replace("{", "{0.").format(self)


@pytest.fixture
def there(store, staff):
    person = residents.enrol(store, "Wang Fang", None, [Template("m", "s", {"yaw": 0.1}, bytes(256))], NO_PERSON)
    said = AuditEvent(
        Kind.GRANTED, {"method": "face", "similarity": 0.6}, {"resident": person.id, "name": "Wang Fang"}, person.id
    )
    (template,) = store.execute("SELECT id FROM templates").fetchone()
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    now = datetime.now(UTC)
    wanted = passes.checked(passes.Wanted("Zhao Lei", now, now + timedelta(days=1)), now)
    return There(
        person.id, audit.append(store, said), template, holidays.add(store, holidays.New("x", "2028-01-01"), "test"),
        accounts.add_user(store, "Bob", CHEAP.hash("x"), Role.GUARD, "test").id,
        accounts.add_token(store, "t", "0" * 64, ("door",), staff["owner"], "test").id,
        webhooks.add(store, "https://127.0.0.1:9/x", "s", ("granted",), "test").id,
        credentials.add_card(store, person, "blue fob", b"c" * 32, by="test"),
        passes.make(store, wanted, None, b"p" * 32, b"d" * 32, now, by="test").id,
    )  # fmt: skip


def test_each_form_that_does_something_leads_on_and_its_page_tells_it_once(app, browser, store, there):
    every = {path for method, path in routes(app) if method == "POST" and not path.startswith("/api/")}
    assert every == {*FORMS, *ELSEWHERE, *NO_PAGE, *NOTHING_DONE}
    owner = browser("owner")
    owner.post("/confirm", data={"password": PASSWORD})
    for path, form in FORMS.items():
        answer = owner.post(there.fill(path), data={name: there.fill(value) for name, value in form.items()})
        assert answer.status_code == 303, (path, answer.status_code, answer.text[-600:])
        first, done = owner.get(answer.headers["location"]), len(list(audit.lines(store)))
        again = owner.get(answer.headers["location"])
        assert (first.status_code, again.status_code) == (200, 200), path
        for said in (r'<p class="(?:notice|warning)" role=', 'class="qr"', "shown this once: ", "test did not arrive"):
            assert not re.search(said, again.text), (path, said)
        # Nothing is done by a page, but that somebody looked.
        assert {line.kind for line in audit.lines(store) if line.sequence > done} <= {"looked_at"}, path
    assert [one.name for one in accounts.tokens(store)] == ["lift"]


def test_a_secret_is_told_once_to_who_made_it_and_to_nobody_else_at_their_browser(browser, context):
    owner, made = browser("owner"), {"name": "lift", "permissions": "door"}
    owner.post("/confirm", data={"password": PASSWORD})
    answer = owner.post("/settings/tokens", data=made)
    (key,) = re.findall(r"-told=([^;]+)", answer.headers["set-cookie"])
    # Neither another page takes it away, nor is it shown to whoever signs in at this browser or brings its cookie.
    assert "shown this once" not in owner.get("/settings/webhooks").text
    other = browser("manager")
    other.cookies.set(f"{context.cookie}-told", key)
    other.get("/settings/hours")
    shown = owner.get("/settings/tokens").text
    (secret,) = re.findall(r"shown this once: <code>([^<]+)</code>", shown)
    assert secret not in answer.headers["set-cookie"]
    assert secret not in owner.get("/settings/tokens").text
