"""The guard's page, on a phone: a real browser, a real api and a real door."""

import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from api.auth import digest
from gate.store.database import open_database
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.api_process import api_process, port_of
from tests.browser.conftest import SHOTS, browsing
from tests.console import CHEAP
from tests.door import door_process

expect.set_options(timeout=8_000)
PHONE = {"width": 390, "height": 844}
SIZES = {"phone": PHONE, "panel": {"width": 800, "height": 480}, "desk": {"width": 1280, "height": 844}}


@pytest.fixture
def people(store):
    """A guard and a manager who are signed in."""
    accounts.add_owner(store, "Ann", CHEAP.hash("x"))
    for role in (Role.GUARD, Role.MANAGER):
        user = accounts.add_user(store, role.value, CHEAP.hash("x"), role, "test")
        accounts.begin_session(store, digest(role.value), user, time.time())


@pytest.fixture
def on_phone(chromium, camera):
    """A function that gives a page on a phone on which somebody is signed in at an address."""
    errors = []
    with browsing(chromium, camera) as browser:

        def page(address, who, **given):
            given = {"locale": "en-GB", "viewport": PHONE} | given
            context = browser.new_context(ignore_https_errors=True, base_url=address, **given)
            context.add_cookies([{"name": "__Host-facegate", "value": who, "url": address, "secure": True}])
            opened = context.new_page()
            opened.on("pageerror", lambda error: errors.append(str(error)))
            return opened

        yield page
    assert errors == []


def shoot(page, name):
    """The page in all sizes, light and dark, for whoever wants to look at it."""
    if not SHOTS:
        return
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size, pixels in SIZES.items():
            page.set_viewport_size(pixels)
            page.screenshot(path=f"{SHOTS}/{name}-{size}-{scheme}.png")
    page.set_viewport_size(PHONE)


def test_what_another_does_shows_around_an_unfolded_question(on_phone, state, models_dir, people):
    with door_process(state, pulse_s=5.0, max_pulse_s=8.0), api_process(state, models_dir) as address:
        guard, manager = on_phone(address, "guard"), on_phone(address, "manager")
        pages = {"/guard": guard, "/": manager}
        for path, page in pages.items():
            page.goto(path)
            page.get_by_text("Lock down…").click()
            expect(page.locator(".mode")).to_contain_text("Closed")
        shoot(guard, "asked")
        # Somebody else locks down: the state is told at once, and the question stays one that can be answered.
        manager.evaluate("fetch('/api/v1/door/lockdown', {method: 'POST'})")
        for page in pages.values():
            expect(page.locator(".mode")).to_contain_text("Lockdown")
            expect(page.get_by_role("button", name="Yes, lock down")).to_be_visible()
        guard.get_by_role("button", name="Yes, lock down").click()
        expect(guard.locator("#told")).to_have_text("The gate is locked down.")
        expect(guard.get_by_text("Lock down…")).to_have_count(0)
        shoot(guard, "locked-down")
        guard.get_by_text("End it…").click()
        guard.get_by_role("button", name="Yes, end it").click()
        expect(guard.locator(".mode")).to_contain_text("Closed")
        # Open, twice: one order, and a page that says what it does.
        opens = guard.get_by_role("button", name="Open once")
        assert opens.bounding_box()["height"] >= 48
        assert opens.bounding_box()["y"] > PHONE["height"] * 2 / 3, "under the thumb"
        opens.click()
        expect(guard.locator("#told")).to_have_text("The gate opens.")
        opens.click()
        expect(guard.locator("#told")).to_have_text("The gate is opening already, a moment.")
        expect(guard).to_have_url(f"{address}/guard")
        shoot(guard, "opening")


def test_a_gate_that_is_gone_is_told_with_the_time_and_a_session_that_ended_too(
    on_phone, state, store, models_dir, people
):
    with ExitStack() as running:
        running.enter_context(door_process(state))
        with api_process(state, models_dir) as address:
            guard = on_phone(address, "guard")
            guard.goto("/guard")
            expect(guard.locator("#stale")).to_be_hidden()
        expect(guard.locator("#stale")).to_contain_text("The gate has not answered since")
        guard.get_by_role("button", name="Open once").click()
        expect(guard.locator("#told")).to_contain_text("The gate does not answer.")
        shoot(guard, "gone")
        running.enter_context(api_process(state, models_dir, port=port_of(address)))
        expect(guard.locator("#stale")).to_be_hidden(timeout=10_000)
        with closing(open_database(state)) as other:
            accounts.end_session(other, digest("guard"))
        expect(guard).to_have_url(f"{address}/sign-in")
