"""The bell on the console's pages, in a real browser: what is shown while it rings, and what a press does."""

import time

import pytest
from playwright.sync_api import expect, sync_playwright

from api.pages.screen_words import Look
from gate.processes.asking import present
from gate.store.ids import new_id
from gate.vocabulary import Method, Presented
from tests.api_process import api_process
from tests.browser.test_guard import CAMERA, show
from tests.door import door_process, events
from tests.screens import DISPLAYS, contrast

pytestmark = pytest.mark.whole

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


OVERLAPS = """() => {
  const box = (id) => document.getElementById(id).getBoundingClientRect();
  const ring = box("ring"), inside = ring.left >= 0 && ring.right <= innerWidth && ring.bottom <= innerHeight;
  const clear = ["drawing", "said"].every((id) => {
    const other = box(id);
    return other.right <= ring.left || other.left >= ring.right || other.bottom <= ring.top || other.top >= ring.bottom;
  });
  const button = document.getElementById("ring");
  const style = getComputedStyle(button);
  return { inside, clear, height: ring.height, whole: button.scrollWidth <= button.clientWidth
    && button.scrollHeight <= button.clientHeight, ink: style.color, ground: style.backgroundColor };
}"""


def test_a_finger_on_the_screen_rings_and_finds_nothing_else(chromium, state, store, models_dir):
    settings = {"bell_button": True, "language": "zh-CN", "second_language": "en"}
    with (
        door_process(state, bell=True) as (_, door),
        api_process(state, models_dir, tls="off", screen=settings, door={"bell": True}) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_context(has_touch=True, service_workers="block").new_page()
        page.goto(f"{address}/gate")
        button = page.get_by_role("button", name="Ring")
        expect(button).to_be_visible()
        for display, (width, height, millimetres) in DISPLAYS.items():
            page.set_viewport_size({"width": width, "height": height})
            for look in Look:
                page.evaluate("(look) => { document.body.dataset.look = look; }", look.value)
                found = page.evaluate(OVERLAPS)
                assert (found["inside"], found["clear"], found["whole"]) == (True, True, True), (display, look, found)
                # A thumb in a glove.
                assert found["height"] * millimetres / height >= 15, display
                assert contrast(found["ink"], found["ground"]) >= 7, look
        # Nothing is marked, and no menu comes.
        assert page.evaluate("getComputedStyle(document.getElementById('words')).userSelect") == "none"
        assert page.evaluate(
            "!document.body.dispatchEvent(new Event('contextmenu', {bubbles: true, cancelable: true}))"
        )
        assert page.locator("a, input, form, select, textarea").count() == 0
        button.tap()
        expect(button).to_be_hidden()
        expect(page.locator("#second-words")).to_have_text("Somebody was called")
        assert door.ask({"do": "status"})["bell"]["by"] == "screen"
