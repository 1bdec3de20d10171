"""The bell on the console's pages, in a real browser: what is shown while it rings, and what a press does."""

import time

from playwright.sync_api import expect

from gate.processes.asking import present
from gate.store.ids import new_id
from gate.vocabulary import Method, Presented
from tests.api_process import api_process
from tests.browser.test_guard import CAMERA, show
from tests.door import door_process, events

expect.set_options(timeout=8_000)
RINGS = "Somebody rings at the gate"


def test_it_shows_who_stands_there_and_one_press_opens(on_phone, state, models_dir, people):
    with door_process(state, bell=True, freshness_s=5) as (_, door), api_process(state, models_dir) as address:
        guard, manager = on_phone(address, "guard"), on_phone(address, "manager")
        for page, path in ((guard, "/guard"), (manager, "/")):
            page.route(CAMERA, show)
            page.goto(path)
            expect(page.locator(".mode")).to_contain_text("Closed")
        expect(guard.locator("#view")).to_be_hidden()
        expect(manager.locator("#bell-view")).to_be_hidden()
        present(door, Presented(new_id(), Method.PIN, "keypad", time.monotonic(), "#"))
        for page, view in ((guard, "#view"), (manager, "#bell-view")):
            expect(page.locator("#bell h2")).to_have_text(RINGS)
            expect(page.locator(view)).to_be_visible()
            expect(page).to_have_title(f"(!) {RINGS}")
        manager.locator("#bell-open button").click()
        for page in (guard, manager):
            expect(page.locator("#bell")).to_have_count(0)
            expect(page).not_to_have_title(f"(!) {RINGS}")
        expect(manager.locator("#bell-view")).to_be_hidden()
    (opened,) = (line for line in events(state) if line.kind == "granted")
    assert opened.details["answers"]
