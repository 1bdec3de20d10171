"""A page that stays open when the login of whoever opened it ends."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_anew import page  # noqa: F401 - a fixture
from tests.browser.test_settings import address, sign_in  # noqa: F401 - a fixture

pytestmark = pytest.mark.whole


def test_a_look_through_the_camera_says_that_the_login_ended_and_leads_back(page, store):  # noqa: F811
    page.goto("/first-hour")
    page.get_by_role("button", name="Look through the camera").click()
    # Nothing gives a picture here.
    expect(page.locator("#blind")).to_have_text("There is no picture now.")
    store.execute("DELETE FROM sessions")
    expect(page.locator("#blind")).to_have_text("Your login has ended. Sign in")
    page.locator("#blind").get_by_role("link", name="Sign in").click()
    sign_in(page, "Ann")
    expect(page.get_by_role("heading", name="The first hour")).to_be_visible()
