"""What nobody means to type, in every field of every form of the console: one sentence, and no mistake of ours."""

from urllib.parse import urlencode

import pytest

from gate.store.record import audit
from tests.api.own_photos.links import drawn
from tests.console import PASSWORD, problem_of
from tests.faults.test_loaded_again import FORMS, there  # noqa: F401 - a fixture

pytestmark = pytest.mark.whole

TYPED = {
    "long": "x" * 10_000, "nothing seen": "a\x00b", "half a character": "a\ud800b", "turned": "a\u202eb",
    "blanks": " \u3000\t ", "many lines": "a\nb", "signs alone": "...",
}  # fmt: skip
# Beside those of `FORMS`: what is sent to those that do something elsewhere, and what is typed into an address.
MORE = {
    "/sign-in": {"name": "x", "password": "x"},
    "/confirm": {"password": "x", "back": "/settings", "draft": "x"},
    "/account/password": {"current": "x", "password": "x"},
    "/language": {"language": "en", "back": "/"},
    "/enrol": {"name": "x", "unit": "x", "guardian": "x", "resident": "", "key": "x", "link": ""},
    "/enrol/seen": {"key": "x"},
    "/import/run": {"key": "x"},
    "/residents/{resident}/cards": {"label": "x", "number": "x", "shown": "", "key": "x"},
    "/residents/together": {"deed": "group", "group": "x", "everyone": "1", "search": "x"},
    "/residents/together/done": {"deed": "last_day", "last_day": "x", "everyone": "1", "known_as": "x", "key": "x"},
    "/waiting/{resident}/refused": {"at": "x", "why": "poor"},
    "/settings/holidays": {"name": "x", "first_day": "x", "last_day": "x", "schedule": "x", "hours": "x"},
    "/settings/free-access": {"schedule": "x"},
    "/settings/groups": {"name": "x", "schedule": "x"},
    "/settings/schedules": {"name": "x", "windows": "x", "changed": "x", "group": "x"},
    "/residents/{resident}": {
        "known_as": "*", "name": "x", "unit": "x", "group": "x", "valid_from": "x", "valid_until": "x", "schedule": "x",
    },
}  # fmt: skip
# What is typed by hand; a number or a choice of another form cannot be read.
LONG = {"name", "unit", "guardian", "url", "windows", "search", "password", "schedule", "group", "hours", "changed"}
ASKED = (
    "/residents?search=", "/events?person=", "/events?since=", "/enrol?unit=", "/homes/", "/residents/",
    "/settings/hours?change=", "/settings/hours/reading?words=", "/residents/together?search=", "/receipts/",
)  # fmt: skip


def test_whatever_is_typed_into_a_field_gets_an_answer_in_words(browser, store, there):  # noqa: F811
    owner, failed = browser("owner"), []
    owner.post("/confirm", data={"password": PASSWORD})
    for path, form in [*FORMS.items(), *MORE.items()]:
        for field in form:
            for what, typed in TYPED.items():
                sent = {name: there.fill(value) for name, value in form.items()} | {field: typed}
                answer = send(owner, there.fill(path), sent)
                if answer.status_code >= 500 or (answer.status_code >= 400 and not problem_of(answer)):
                    failed.append((path, field, what, answer.status_code))
                if what == "long" and field in LONG and "A field was left empty" in answer.text:
                    failed.append((path, field, "is told that it is empty"))
    assert failed == []
    # What was taken of it holds nothing that cannot be seen.
    assert not {one for line in audit.lines(store) for one in str(line.personal) + str(line.details)} & set(
        "\x00\ud800\u202e"
    )


def test_whatever_is_typed_into_an_address_gets_an_answer_in_words(browser):
    owner = browser("owner")
    for path in ASKED:
        for what, typed in TYPED.items():
            answer = owner.get(path + urlencode({"": typed}, errors="surrogatepass")[1:])
            assert answer.status_code < 500, (path, what)
            assert answer.status_code < 400 or problem_of(answer), (path, what)


def test_what_a_resident_types_on_their_phone_gets_an_answer_in_words(browser, app, there, store):  # noqa: F811
    from gate.store.people import residents

    path = drawn(browser("manager"), residents.get(store, there.resident))
    for what, typed in TYPED.items():
        phone = browser()
        phone.get(path)
        answer = send(phone, f"{path}/consent", {"language": "en", "text": "x", "guardian": typed})
        assert (answer.status_code, bool(problem_of(answer))) == (422, True), what


def send(browser, path, form):
    body = urlencode(form, errors="surrogatepass")
    return browser.send(path, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
