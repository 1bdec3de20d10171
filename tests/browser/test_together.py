"""Several residents at once, in a real browser: chosen in several searches, and a deed by what is filled in."""

from playwright.sync_api import expect

from gate.store.people import residents
from tests.browser.conftest import browsing
from tests.browser.test_settings import address, sign_in  # noqa: F401 - a fixture


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
