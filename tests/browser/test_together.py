"""Several residents at once, in a real browser: chosen in several searches, and a deed by what is filled in."""

import pytest
from playwright.sync_api import expect

from gate.store.people import residents
from gate.store.people.changes import Changes, change
from tests.browser.conftest import browsing
from tests.browser.test_settings import address, sign_in  # noqa: F401 - a fixture

pytestmark = pytest.mark.whole


def test_what_is_filled_in_chooses_its_deed_and_a_search_keeps_all_of_it(chromium, camera, address, store):  # noqa: F811
    for home in ("1-101", "2-202"):
        residents.enrol(store, f"Of {home}", home, [])
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address).new_page()
        page.goto("/sign-in")
        sign_in(page, "Bob")
        page.goto("/residents/together?search=1-101")
        page.get_by_label("Of 1-101").check()
        page.get_by_label("Last day", exact=True).fill("2099-01-31")
        expect(page.get_by_label("Set their last day")).to_be_checked()
        page.get_by_label("Name or home").fill("2-202")
        page.get_by_label("Name or home").press("Enter")
        expect(page.get_by_label("Of 1-101")).to_be_checked()
        expect(page.get_by_label("Of 2-202")).not_to_be_checked()
        expect(page.get_by_label("Set their last day")).to_be_checked()
        page.get_by_label("Of 2-202").check()
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Yes, change 2 people").click()
        expect(page.get_by_text("2 people are changed.")).to_be_visible()
    assert [one.valid_until for one in residents.every(store)] == ["2099-01-31"] * 2


@pytest.fixture
def page(chromium, camera, address):  # noqa: F811
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address).new_page()
        page.goto("/sign-in")
        sign_in(page, "Bob")
        yield page


def choose_two(page, store):
    """By two searches, a last day for two people; it is before the first day of one of them."""
    one, _ = (residents.enrol(store, f"Of {home}", home, []) for home in ("1-101", "2-202"))
    change(store, one, Changes(valid_from="2099-06-01"), by="test")
    page.goto("/residents/together?search=1-101")
    page.get_by_label("Of 1-101").check()
    page.get_by_label("Last day", exact=True).fill("2099-01-31")
    page.get_by_label("Name or home").fill("2-202")
    page.get_by_label("Name or home").press("Enter")
    expect(page.get_by_label("Of 2-202")).not_to_be_checked()
    page.get_by_label("Of 2-202").check()


def all_is_chosen(page):
    expect(page.get_by_role("heading", name="Several residents at once")).to_be_visible()
    for home in ("1-101", "2-202"):
        expect(page.get_by_label(f"Of {home}")).to_be_checked()
    expect(page.get_by_label("Set their last day")).to_be_checked()
    expect(page.get_by_label("Last day", exact=True)).to_have_value("2099-01-31")


@pytest.mark.parametrize("way", ["back", "anew"])
def test_whoever_comes_back_to_what_was_refused_finds_whom_they_chose(page, store, way):
    choose_two(page, store)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Yes, change 2 people").click()
    expect(page.get_by_role("alert")).to_contain_text("before the first day")
    page.wait_for_load_state()
    if way == "back":
        page.goto("/residents")
        page.go_back()
    else:
        page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)
    all_is_chosen(page)


def test_a_search_and_the_question_are_gone_back_from_as_they_were_left(page, store):
    choose_two(page, store)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Yes, change 2 people")).to_be_visible()
    page.wait_for_load_state()
    page.go_back()
    all_is_chosen(page)
    # Cancelled is done with.
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Last day", exact=True)).to_have_value("")


def test_whoever_loads_the_question_again_finds_whom_they_chose(page, store):
    one, other = (residents.enrol(store, f"Of {home}", home, []) for home in ("1-101", "2-202"))
    page.goto(f"/residents/together?search=2-202&resident={one.id}&resident={other.id}")
    page.get_by_label("Last day", exact=True).fill("2099-01-31")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Yes, change 2 people")).to_be_visible()
    page.reload()
    all_is_chosen(page)
    expect(page.get_by_label("Name or home")).to_have_value("2-202")
