"""Whoever speaks to a page names a button by what is seen on it: what it is called besides has those words in it."""

import re
from html.parser import HTMLParser

import pytest

from gate.store.people import residents
from gate.store.site import areas, schedules
from tests.api.own_photos.links import sent_by
from tests.conftest import REPOSITORY
from tests.console import context_on

PRESSED = ("a", "button", "summary")
# By each template with such a name, a page that shows it.
SHOWN_ON = {
    "waiting.html": "/waiting",
    "events.html": "/events",
    "hours.html": "/settings/hours",
    "users.html": "/settings/users",
    "areas.html": "/settings/areas",
}


@pytest.fixture
def context(state, models_dir, enroller):
    """Of a centre, which has all pages."""
    return context_on(state, models_dir, enroller=enroller, settings={"centre": {"enabled": True}})


class Names(HTMLParser):
    """The names of what can be pressed beside the words on it."""

    def __init__(self):
        super().__init__()
        self.found, self._open = [], None

    def handle_starttag(self, tag, attrs):
        name = dict(attrs).get("aria-label")
        if tag in PRESSED and name:
            self._open = [tag, name, ""]

    def handle_data(self, data):
        if self._open:
            self._open[2] += data

    def handle_endtag(self, tag):
        if self._open and self._open[0] == tag:
            self.found.append((self._open[1], self._open[2].strip()))
            self._open = None


def names_on(page):
    names = Names()
    names.feed(page.text)
    return names.found


def test_every_template_whose_names_differ_from_what_is_seen_is_looked_at_here():
    pattern = re.compile(rf"<({'|'.join(PRESSED)})\b[^>]*aria-label")
    pages = (REPOSITORY / "api" / "pages").rglob("*.html")
    assert {one.name for one in pages if pattern.search(one.read_text("utf-8"))} == set(SHOWN_ON)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("alike", [False, True])
def test_a_name_has_the_words_that_are_seen(manager, phone, store, photos, language, alike, browser):
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    schedules.put_group(store, "staff", "day", "test")
    areas.put(store, "Tower A", {"n": "North"}, "test")
    wang = residents.enrol(store, "王芳", "3-1204", [], by="test")
    if alike:
        form, photo = {"name": "Joe Biden", "unit": "9-909", "way": "told"}, (photos / "biden.jpg").read_bytes()
        manager.post("/api/v1/enrolments", data=form, files=[("photos", ("b", photo))])
    sent_by(phone, manager, wang, photos / "biden.jpg")
    owner = browser("owner")
    shown = [owner.get(path, headers={"accept-language": language}) for path in SHOWN_ON.values()]
    found = [one for page in shown for one in names_on(page)]
    told = ("day", "staff", "Tower A", "王芳")
    assert set(told) <= {one for one in told for name, _ in found if one in name}
    assert [(name, seen) for name, seen in found if seen.lower() not in name.lower()] == []
    assert sum("王芳" in name for name, _ in found) == 2


def test_so_has_what_a_script_names(context):
    """The button beside each photo on the page to enrol on."""
    for language in context.languages.all:
        assert language("Remove") in language("Remove {name}", name="a.jpg")
