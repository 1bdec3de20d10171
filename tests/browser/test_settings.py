"""The settings as a manager uses them: hours drawn with mouse and keys, and typed."""

from contextlib import closing

import pytest
from playwright.sync_api import expect

from api.passwords import Passwords
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.site import accounts, schedules
from gate.store.site.accounts import Role
from tests.api_process import api_process
from tests.browser.conftest import PASSWORD, browsing
from tests.console import CHEAP

pytestmark = pytest.mark.whole


@pytest.fixture
def address(state, models_dir):
    with closing(open_database(state)) as store:
        for name, role in (("Ann", Role.OWNER), ("Bob", Role.MANAGER)):
            accounts.add_user(store, name, Passwords(CHEAP).hashed(PASSWORD), role, "test")
    with api_process(state, models_dir, tls="off") as found:
        yield found


def sign_in(page, name):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def pull(page, first, last):
    """With the mouse from the middle of one cell to the middle of another."""
    (left, top), (right, bottom) = (
        (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for box in (page.get_by_role("gridcell", name=name, exact=True).bounding_box() for name in (first, last))
    )
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move((left + right) / 2, (top + bottom) / 2)
    page.mouse.move(right, bottom)
    page.mouse.up()


def test_hours_are_drawn_with_the_mouse_in_six_clicks_and_with_keys(chromium, camera, address, store):
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address).new_page()
        page.goto("/sign-in")
        sign_in(page, "Ann")
        # With the mouse, in six: two links, the drawing of each block, and Save; the name's field has the keys already.
        page.get_by_role("link", name="Settings").click()
        page.get_by_role("link", name="Hours", exact=True).click()
        expect(page.get_by_label("Called").first).to_be_focused()
        page.keyboard.type("Cleaners")
        pull(page, "Mon 07:00", "Fri 18:30")
        pull(page, "Sat 08:00", "Sat 11:30")
        words = page.get_by_label("Hours, in words")
        expect(words).to_have_value("Mon to Fri 07:00–19:00; Sat 08:00–12:00")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status").first).to_have_text("Saved.")
        assert schedules.every(store)[0].windows == "Mon-Fri 07:00-19:00; Sat 08:00-12:00"

        # With keys alone, on a phone, where a day is a column: Tuesday and Wednesday from eight to nine.
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("/settings/hours")
        expect(page.get_by_label("Called").first).to_be_focused()
        page.keyboard.type("Nights")
        page.keyboard.press("Tab")
        expect(page.get_by_role("gridcell", name="Mon 07:00", exact=True)).to_be_focused()
        for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Space", "Shift+ArrowDown", "Shift+ArrowRight"):
            page.keyboard.press(key)
        expect(words).to_have_value("Tue, Wed 08:00–09:00")
        page.keyboard.press("Shift+ArrowLeft")
        expect(words).to_have_value("Tue 08:00–09:00")
        # What is typed is drawn.
        words.fill("周五 22:00-次日2:00")
        expect(page.get_by_text("Fri 22:00–02:00 the next day")).to_be_visible()
        expect(page.get_by_role("gridcell", name="Sat 01:30")).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("gridcell", name="Tue 08:00")).to_have_attribute("aria-selected", "false")
        words.press("Enter")
        expect(page.get_by_role("status").first).to_have_text("Saved.")
        assert [(one.name, one.windows) for one in schedules.every(store)][1] == ("Nights", "Fri 22:00-02:00")

        # What was drawn and is discarded is drawn no longer.
        page.goto("/settings/hours")
        words.fill("Mon 08:00-12:00")
        page.reload()
        page.get_by_role("button", name="Discard it").click()
        expect(page.get_by_role("gridcell", name="Mon 08:00")).to_have_attribute("aria-selected", "false")
        expect(words).to_have_value("")

        # What is drawn can be saved, also 24 hours from noon, which one window cannot say.
        page.set_viewport_size({"width": 1280, "height": 844})
        page.goto("/settings/hours")
        page.get_by_label("Called").first.fill("A day from noon")
        pull(page, "Mon 12:00", "Mon 23:30")
        pull(page, "Tue 00:00", "Tue 11:30")
        pull(page, "Thu 12:00", "Thu 23:30")
        pull(page, "Fri 00:00", "Fri 11:00")
        expect(words).to_have_value("Mon 12:00–24:00; Tue 00:00–12:00; Thu 12:00–11:30 the next day")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status").first).to_have_text("Saved.")
        assert schedules.every(store)[0].windows == "Mon 12:00-24:00; Tue 00:00-12:00; Thu 12:00-11:30"


def test_what_was_typed_outlasts_a_language_a_way_back_and_a_login_and_nobody_else_sees_it(
    chromium, camera, address, store
):
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address).new_page()
        page.goto("/sign-in")
        sign_in(page, "Bob")
        page.goto("/settings/holidays")
        name = page.locator("main [name=name]")
        name.fill("春节")
        page.locator("[name=first_day]").fill("2027-02-06")
        page.get_by_role("button", name="简体中文").click()
        expect(name).to_have_value("春节")
        page.get_by_role("button", name="English").click()
        page.goto("/settings/hours")
        page.go_back()
        expect(name).to_have_value("春节")
        expect(page.get_by_text("What you had typed is here again.")).to_be_visible()
        # The login ends; another follows a link, and comes back to it.
        store.execute("DELETE FROM sessions")
        page.goto("/settings/holidays")
        sign_in(page, "Bob")
        page.goto("/settings/holidays")
        expect(page.locator("[name=first_day]")).to_have_value("2027-02-06")
        # Somebody else at the same browser sees nothing of it, and neither does its owner afterwards.
        store.execute("DELETE FROM sessions")
        page.goto("/settings/holidays")
        sign_in(page, "Ann")
        page.goto("/settings/holidays")
        expect(name).to_have_value("")
        # What was sent is no draft any more.
        name.fill("National day")
        page.locator("[name=first_day]").fill("2027-10-01")
        page.locator("form[action='/settings/holidays'] button").click()
        expect(page.get_by_role("status").first).to_have_text("Saved.")
        page.goto("/settings/holidays")
        expect(name).to_have_value("")


def test_what_was_typed_for_one_is_never_in_the_form_of_another(chromium, camera, address, store):
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    for name in ("cleaners", "guards"):
        schedules.put_group(store, name, None, "test")
    li, wang = (residents.enrol(store, name, "3-1204", []) for name in ("Li Na", "Wang Fang"))
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address).new_page()
        page.goto("/sign-in")
        sign_in(page, "Bob")
        # Each group has a form of its own, and all are sent to one address.
        page.goto("/settings/hours")
        page.get_by_label("Hours of cleaners").select_option("day")
        page.goto("/settings/hours")
        expect(page.get_by_label("Hours of cleaners")).to_have_value("day")
        expect(page.get_by_label("Hours of guards")).to_have_value("")
        expect(page.get_by_label("Its hours")).to_have_value("")
        # Who agreed for one, did not for another.
        guardian = page.get_by_label("guardian")
        page.goto(f"/enrol?resident={li.id}")
        guardian.fill("Li Wei")
        page.goto(f"/enrol?resident={wang.id}")
        expect(guardian).to_have_value("")
        page.goto("/enrol")
        expect(guardian).to_have_value("")
        page.get_by_label("Name").fill("Zhang Wei")
        page.goto("/enrol?unit=5-101")
        expect(page.get_by_label("Name")).to_have_value("")
        page.goto(f"/enrol?resident={li.id}")
        expect(guardian).to_have_value("Li Wei")


def test_the_form_to_enrol_on_is_there_again_after_a_login_that_ended_and_says_that_nothing_was_done(
    chromium, camera, address, store
):
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address).new_page()
        page.goto("/sign-in")
        sign_in(page, "Bob")
        page.goto("/enrol")
        page.get_by_label("Name").fill("Li Na")
        page.get_by_label("Home").fill("9-101")
        page.reload()
        expect(page.get_by_label("Home")).to_have_value("9-101")
        store.execute("DELETE FROM sessions")
        page.get_by_role("button", name="Enrol", exact=True).click()
        expect(page.get_by_text("nothing was done")).to_be_visible()
        sign_in(page, "Bob")
        expect(page.get_by_label("Home")).to_have_value("9-101")
        assert residents.every(store) == []
        page.get_by_role("button", name="Enrol", exact=True).click()
        expect(page.get_by_role("status").first).to_have_text("Li Na is added, without a face.")
        page.goto("/enrol")
        expect(page.get_by_label("Name")).to_have_value("")
