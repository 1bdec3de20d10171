"""A first password, one's own, and what one is signed in by, in a real browser on a real api."""

from contextlib import closing

import pytest
from playwright.sync_api import expect

from api.passwords import Passwords
from gate.store.database import open_database
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.api_process import api_process
from tests.browser.conftest import PASSWORD, browsing, faults_on, shoot
from tests.console import CHEAP

# The rules are held without a browser by tests/api/test_accounts.py.
pytestmark = pytest.mark.soak
GIVEN, OWN = "given for a start", "nobody else knows it"


@pytest.fixture
def address(state, models_dir, monkeypatch):
    monkeypatch.delenv("FACEGATE_TEST_SHOTS", raising=False)
    with closing(open_database(state)) as store:
        accounts.add_user(store, "Ann", Passwords(CHEAP).hashed(PASSWORD), Role.OWNER, "test")
    with api_process(state, models_dir, tls="off") as found:
        yield found


def sign_in(page, address, name, password):
    page.goto(f"{address}/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def looks_well(page, name):
    """No page is wider than a phone, and none has what axe calls a fault."""
    shoot(page, name)
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    assert faults_on(page) == [], name
    page.set_viewport_size({"width": 1280, "height": 844})


def test_a_user_is_added_changes_their_password_and_is_signed_out(chromium, camera, address, state):
    with browsing(chromium, camera) as browser:
        ann, bob = (browser.new_context(locale="en").new_page() for _ in range(2))
        sign_in(ann, address, "Ann", PASSWORD)
        ann.goto(f"{address}/settings/users")
        form = ann.locator('form[action="/settings/users"]')
        form.get_by_label("Name").fill("Bob")
        form.get_by_label("Password").fill(GIVEN)
        form.get_by_role("button", name="Add").click()
        expect(ann.get_by_role("status")).to_contain_text("Bob can sign in now")

        sign_in(bob, address, "Bob", GIVEN)
        expect(bob).to_have_url(f"{address}/account")
        looks_well(bob, "account-first")
        bob.get_by_label("Your current password").fill(GIVEN)
        bob.get_by_label("A new password").fill(OWN)
        bob.get_by_role("button", name="Change").click()
        expect(bob).to_have_url(f"{address}/")
        bob.get_by_role("link", name="Your account").click()
        expect(bob.get_by_text("(this one)")).to_be_visible()
        looks_well(bob, "account")

        with closing(open_database(state)) as store:
            store.execute("UPDATE sessions SET confirmed_at = 0")
        ann.goto(f"{address}/settings/users")
        looks_well(ann, "settings-before-the-password")
        ann.get_by_role("link", name="Change… (Bob)").click()
        ann.get_by_label("Password").fill(PASSWORD)
        ann.get_by_role("button", name="Go on").click()
        expect(ann.get_by_text("Remove Bob…")).to_be_visible()
        looks_well(ann, "user")
        ann.get_by_text("End all…").click()
        ann.get_by_role("button", name="Yes, end all").click()
        expect(ann.get_by_text("Nowhere.")).to_be_visible()
        bob.goto(f"{address}/residents")
        expect(bob).to_have_url(f"{address}/sign-in?back=%2Fresidents")
