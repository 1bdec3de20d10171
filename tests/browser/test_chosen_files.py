"""Files that were chosen outlast an answer that they were not taken, and a login that ended; nobody else has them."""

import re

import pytest
from playwright.sync_api import expect

from gate.store.people import residents
from gate.store.record import audit
from tests.browser.conftest import browsing
from tests.browser.test_settings import address, sign_in  # noqa: F401 - a fixture

pytestmark = pytest.mark.whole

KEPT = "What you chose and typed is still here"


@pytest.fixture
def context(chromium, camera, address):  # noqa: F811 - a fixture
    with browsing(chromium, camera) as browser:
        yield browser.new_context(locale="en", base_url=address)


@pytest.fixture
def page(context):
    page = context.new_page()
    page.goto("/sign-in")
    sign_in(page, "Bob")
    return page


def fill_in(page, *photos):
    page.goto("/enrol")
    page.get_by_label("Name").fill("Wang Fang")
    page.get_by_label("Home").fill("3-1204")
    page.get_by_label("They agreed to their face").check()
    page.get_by_label("Photos from a file").set_input_files(photos)
    expect(page.locator("#taken .good")).to_have_count(len(photos), timeout=30_000)


def enrol(page):
    page.get_by_role("button", name="Enrol", exact=True).click()


def alert(page):
    return page.get_by_role("alert").first


def nothing_is_stored(page):
    """But what was typed, in this tab."""
    stored = page.evaluate("JSON.stringify(Object.entries(sessionStorage))")
    assert "obama" not in stored
    assert "blob" not in stored
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("async () => (await indexedDB.databases()).length") == 0
    assert page.evaluate("async () => (await caches.keys()).length") == 0


def test_photos_stay_chosen_over_an_error_a_lost_network_and_a_login_that_ended(page, context, photos, store, state):
    residents.enrol(store, "Wang Fang", "3-1204", [])
    fill_in(page, photos / "obama.jpg", photos / "obama2.jpg")
    enrol(page)
    expect(alert(page)).to_contain_text("Wang Fang is already enrolled, in 3-1204.")
    expect(page.locator("#taken .good")).to_have_count(2)
    page.get_by_label("Home").fill("3-1205")
    context.set_offline(True)
    enrol(page)
    expect(alert(page)).to_contain_text(f"It did not get through. {KEPT}")
    context.set_offline(False)
    store.execute("DELETE FROM sessions")
    enrol(page)
    expect(alert(page)).to_contain_text(f"Your login has ended, and nothing was done. {KEPT}")
    assert [one.unit for one in residents.every(store)] == ["3-1204"]
    nothing_is_stored(page)
    # A photo that comes now is kept as well, and its face is seen later.
    page.get_by_label("Photos from a file").set_input_files(photos / "obama3.jpg")
    expect(page.get_by_text("The gate has not looked at it")).to_be_visible()
    with context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new window").click()
    sign_in(opened.value, "Bob")
    expect(opened.value.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    opened.value.close()
    enrol(page)
    expect(page.get_by_role("heading", name="Is this Wang Fang?")).to_be_visible(timeout=30_000)
    expect(page.locator(".taken img")).to_have_count(3)
    page.get_by_role("button", name="Yes, enrol").click()
    expect(page.get_by_role("status").first).to_have_text("Wang Fang is enrolled.")
    assert sorted((one.unit, one.templates) for one in residents.every(store)) == [("3-1204", 0), ("3-1205", 3)]
    # Nothing of the photos is at the gate, and nothing in the browser; the form is for the next one, and works.
    assert not any(one.suffix in (".jpg", ".jpeg", ".png") for one in state.rglob("*"))
    nothing_is_stored(page)
    page.get_by_label("Name").fill("Joe Biden")
    page.get_by_label("They agreed to their face").check()
    page.get_by_label("Photos from a file").set_input_files(photos / "biden.jpg")
    expect(page.locator("#taken .good")).to_have_count(1, timeout=30_000)
    enrol(page)
    expect(page.get_by_role("status").first).to_have_text("Joe Biden is enrolled.", timeout=30_000)
    assert audit.verify(store) is None


def test_a_gate_that_never_answers_is_said_to_whoever_sent_photos_and_all_of_it_stays(page, photos, store):
    fill_in(page, photos / "obama.jpg")
    # As if a minute were over sooner.
    page.evaluate("window.whole = AbortSignal.timeout; AbortSignal.timeout = (ms) => whole.call(AbortSignal, ms / 60)")
    page.route(re.compile("/(enrol|photos/checks)$"), lambda route: None)
    enrol(page)
    expect(page.get_by_role("status").first).to_have_text("It is being sent…")
    expect(alert(page)).to_contain_text(f"It did not get through. {KEPT}")
    page.get_by_label("Photos from a file").set_input_files(photos / "obama2.jpg")
    expect(page.get_by_text("The gate has not looked at it")).to_be_visible()
    page.unroute_all()
    page.evaluate("AbortSignal.timeout = whole")
    enrol(page)
    page.get_by_role("button", name="Yes, enrol").click(timeout=30_000)
    expect(page.get_by_role("status").first).to_have_text("Wang Fang is enrolled.", timeout=30_000)
    assert [one.templates for one in residents.every(store)] == [2]


def test_who_signs_in_instead_gets_none_of_it(page, context, photos, store):
    fill_in(page, photos / "obama.jpg")
    store.execute("DELETE FROM sessions")
    other = context.new_page()
    other.goto("/sign-in")
    sign_in(other, "Ann")
    expect(other.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    enrol(page)
    # The page is one of Ann's, without a word or a photo of Bob's.
    expect(page.get_by_label("Name")).to_have_value("")
    expect(page.get_by_role("button", name="Sign out Ann")).to_be_visible()
    expect(page.locator("#taken li")).to_have_count(0)
    assert residents.every(store) == []


def test_a_table_stays_chosen_too(page, store, tmp_path):
    page.goto("/import")
    table = tmp_path / "people.csv"
    table.write_text("surname\nWang\n")
    files = page.get_by_label("Table and ZIP")
    files.set_input_files(table)
    page.get_by_role("button", name="Rehearse").click()
    expect(alert(page)).to_contain_text("must name the columns")
    assert files.evaluate("(one) => one.files.length") == 1
    table.write_text("name\nWang Fang\n")
    files.set_input_files(table)
    store.execute("DELETE FROM sessions")
    page.get_by_role("button", name="Rehearse").click()
    expect(alert(page)).to_contain_text(KEPT)
    other = page.context.new_page()
    other.goto("/sign-in")
    sign_in(other, "Bob")
    expect(other.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_role("button", name="Confirm import")).to_be_visible(timeout=30_000)


def test_without_scripts_the_page_says_that_they_must_be_chosen_again(chromium, camera, address, photos):  # noqa: F811
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address, java_script_enabled=False).new_page()
        page.goto("/sign-in")
        sign_in(page, "Bob")
        page.goto("/enrol")
        page.get_by_label("Name").fill("·")
        page.get_by_label("They agreed to their face").check()
        page.get_by_label("Photos from a file").set_input_files(photos / "obama.jpg")
        enrol(page)
        expect(page.get_by_text("Choose the files again")).to_be_visible()
        expect(page.get_by_text(re.compile("punctuation alone"))).to_be_visible()


def test_a_photo_that_was_chosen_before_the_pages_script_came_is_looked_at(page, photos):
    held = []

    def hold(route):
        held.append(route)

    page.route("**/static/camera.js", hold)
    page.goto("/enrol", wait_until="commit")
    page.get_by_label("Photos from a file").set_input_files([photos / "obama.jpg"])
    held[0].continue_()
    expect(page.locator("#taken li")).to_have_count(1)
