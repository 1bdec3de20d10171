"""Orders from a page while others give theirs, and how long what is said of them stays: a real browser and door."""

import signal
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import Error, expect

from tests.api_process import api_process, api_that_can_hang
from tests.door import FIRE, HOLD, door_process, drive, until

pytestmark = pytest.mark.whole

expect.set_options(timeout=8_000)


@contextmanager
def guard_at(on_phone, state, models_dir, **wired):
    """A guard's page at a gate that can be held open, and the door."""
    with door_process(state, hold_pin=HOLD, **wired) as (_, door), api_process(state, models_dir) as address:
        yield on_phone(address, "guard"), door


def give(page, question, answer):
    page.get_by_text(question).click()
    page.get_by_role("button", name=answer).click()


def test_closing_again_never_ends_a_lockdown_that_was_ordered_since(on_phone, state, models_dir, people):
    with guard_at(on_phone, state, models_dir) as (guard, door):
        door.ask({"do": "hold"})
        guard.goto("/guard")
        # What has the focus is not pulled away: the page says "Lockdown", and the button stands there still.
        guard.get_by_role("button", name="Close again").focus()
        door.ask({"do": "lockdown"})
        expect(guard.locator(".mode")).to_contain_text("Lockdown")
        guard.keyboard.press("Enter")
        expect(guard.locator("#told")).to_have_text("Holding open is ended.")
        assert until(door, standing=["lockdown"])["mode"] == "lockdown"
        # The end of the lockdown is asked for first.
        give(guard, "End it…", "Yes, end it")
        until(door, mode="normal")


def test_a_sentence_goes_when_the_door_never_came_to_be_so(on_phone, state, models_dir, people):
    with guard_at(on_phone, state, models_dir, fire_pin=FIRE) as (guard, door):
        drive(state, FIRE, 0)
        until(door, mode="normal")
        guard.goto("/guard")
        asked = []

        def hold_back(route):
            asked.append(route)

        guard.route("**/guard?part=live", hold_back)
        give(guard, "Lock down…", "Yes, lock down")
        expect(guard.locator("#told")).to_have_text("The gate is locked down.")
        drive(state, FIRE, 1)
        until(door, mode="fire")
        guard.unroute("**/guard?part=live")
        for one in asked:
            # But for those that the page gave up.
            with suppress(Error):
                one.continue_()
        expect(guard.locator(".mode")).to_contain_text("Fire")
        expect(guard.locator("#told")).to_be_empty(timeout=1000)


def test_that_the_gate_does_not_answer_is_over_soon_after_it_does(on_phone, state, models_dir, people):
    with door_process(state), api_that_can_hang(state, models_dir) as (address, send):
        guard = on_phone(address, "guard")
        guard.goto("/guard")
        guard.get_by_text("Lock down…").click()
        send(signal.SIGSTOP)
        guard.get_by_role("button", name="Yes, lock down").click(no_wait_after=True)
        told = guard.locator("#told")
        expect(told).to_contain_text("treat it as NOT locked down")
        send(signal.SIGCONT)
        expect(guard.locator("#stale")).to_be_hidden()
        # It can be read, and is gone before anybody takes it for what is so.
        guard.wait_for_timeout(2000)
        expect(told).to_contain_text("treat it as NOT locked down")
        expect(told).to_be_empty(timeout=3500)
