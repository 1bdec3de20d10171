"""A form of the console holds nothing of whom it was sent for before, however its page is come by."""

import pytest
from playwright.sync_api import expect

from gate.store.people import residents
from gate.store.site import accounts
from tests.browser.conftest import PASSWORD, browsing
from tests.browser.test_settings import address, sign_in  # noqa: F401 - a fixture

pytestmark = pytest.mark.whole


@pytest.fixture
def page(chromium, camera, address):  # noqa: F811 - a fixture
    with browsing(chromium, camera) as browser:
        page = browser.new_context(locale="en", base_url=address).new_page()
        page.goto("/sign-in")
        sign_in(page, "Ann")
        yield page


def agree(page):
    page.get_by_label("They agreed to their face").check()
    page.get_by_label("How they agreed").select_option("paper")


def nobody_agreed(page):
    expect(page.get_by_label("They agreed to their face")).not_to_be_checked()
    expect(page.get_by_label("How they agreed")).to_have_value("screen")


def test_each_person_is_asked_anew_whether_they_agreed(page, store):
    page.goto("/enrol")
    page.get_by_label("Name").fill("Wang Fang")
    page.get_by_label("guardian").fill("Wang Wei")
    agree(page)
    # Loaded again, what was typed is there.
    page.reload()
    expect(page.get_by_label("guardian")).to_have_value("Wang Wei")
    nobody_agreed(page)
    agree(page)
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Wang Fang is added, but has no face")
    nobody_agreed(page)
    for name in ("Name", "guardian"):
        expect(page.get_by_label(name)).to_have_value("")
    page.go_back()
    nobody_agreed(page)
    for name in ("Name", "guardian"):
        expect(page.get_by_label(name)).to_have_value("")
    assert [one.name for one in residents.every(store)] == ["Wang Fang"]


def test_a_page_that_comes_back_as_it_was_left_is_asked_for_anew(page):
    page.goto("/enrol")
    agree(page)
    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    nobody_agreed(page)


def test_back_from_the_question_whether_it_is_them_what_was_typed_is_corrected(page, photos, store):
    # Nothing looks at them beside the form, so that it is asked after it.
    page.route("**/photos/checks", lambda route: route.abort())
    page.goto("/enrol")
    page.get_by_label("Name").fill("Wang Fan")
    page.get_by_label("Home").fill("3-1204")
    agree(page)
    page.get_by_label("Photos from a file").set_input_files(photos / "obama.jpg")
    expect(page.locator("#taken li")).to_have_count(1)
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("heading", name="Is this Wang Fan?")).to_be_visible(timeout=30_000)
    page.wait_for_load_state()
    page.go_back()
    for label, typed in (("Name", "Wang Fan"), ("Home", "3-1204")):
        expect(page.get_by_label(label)).to_have_value(typed)
    nobody_agreed(page)
    page.go_forward()
    page.get_by_role("button", name="Yes, enrol").click()
    expect(page.get_by_role("status").first).to_have_text("Wang Fan is enrolled.")
    page.wait_for_load_state()
    # They are done with: the form is for the next.
    page.go_back()
    page.goto("/enrol")
    expect(page.get_by_label("Name")).to_have_value("")


@pytest.mark.parametrize("way", ["back", "anew"])
def test_whoever_comes_back_to_a_form_that_was_refused_finds_the_form(page, store, way):
    page.goto("/settings/hours")
    form = page.locator('form[action="/settings/schedules"]')
    form.locator("[name=name]").fill("night")
    form.locator("[name=windows]").fill("whenever")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.wait_for_load_state()
    if way == "back":
        page.goto("/residents")
        page.go_back()
    else:
        page.reload()
    # As it was typed, and nothing was sent again.
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(form.locator("[name=windows]")).to_have_value("whenever")
    assert page.url.endswith("/settings/hours")


def test_what_was_given_to_one_token_or_user_is_not_ticked_for_the_next(page, store):
    page.goto("/settings/tokens")
    page.get_by_label("Called").fill("lift")
    page.get_by_label("users and settings").check()
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("status")).to_contain_text("This is the new secret")
    page.goto("/settings/users")
    form = page.locator('form[action="/settings/users"]')
    form.get_by_label("Name").fill("Eve")
    form.get_by_label("Owner").check()
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_role("status")).to_contain_text("Eve can sign in now")
    page.go_back()
    expect(form.get_by_label("Name")).to_have_value("")
    expect(form.get_by_label("Manager")).to_be_checked()
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Called")).to_have_value("")
    expect(page.get_by_label("users and settings")).not_to_be_checked()
    assert len(accounts.tokens(store)) == 1


def test_a_button_that_is_pressed_twice_is_pressed_once(page, store):
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/settings/tokens")
    page.get_by_label("Called").fill("lift")
    page.get_by_label("users and settings").check()
    page.get_by_role("button", name="Make a token").dblclick(delay=20)
    expect(page.get_by_role("status")).to_contain_text("This is the new secret")
    page.wait_for_load_state("networkidle")
    assert (len(sent), len(accounts.tokens(store))) == (1, 1)
    # A page that comes back is pressed anew.
    page.go_back()
    page.get_by_label("Called").fill("door")
    page.get_by_label("users and settings").check()
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("status")).to_contain_text("This is the new secret")
    assert len(accounts.tokens(store)) == 2
