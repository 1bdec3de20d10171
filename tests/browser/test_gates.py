"""A walk through the centre's console: lockdown everywhere, who came at nine at any gate, and one that is unplugged."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import expect

from api.auth import digest
from gate.processes.addresses import api_address_file
from gate.processes.asking import door_status
from gate.store.people import erasure
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.store.site import accounts
from gate.store.site.accounts import Role
from gate.vocabulary import AuditEvent, Kind
from tests.browser.conftest import SHOTS, faults_on
from tests.centre.test_many_gates import enrolled
from tests.conftest import MEMORY
from tests.console import CHEAP
from tests.fleet import centre_running, join, start_api
from tests.running import wait_for

pytestmark = pytest.mark.soak

expect.set_options(timeout=40_000)


@pytest.fixture
def compound():
    """A centre with a console, on which an owner, a manager and a guard are signed in, and three gates with theirs."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(prefix="fg-", dir=MEMORY if MEMORY.is_dir() else None)))
        centre = stack.enter_context(centre_running(place / "c"))
        gates = [join(centre, place / name, name.title()) for name in ("north", "east", "south")]
        with centre.store() as store:
            accounts.add_owner(store, "owner", CHEAP.hash("x"))
            for role in (Role.MANAGER, Role.GUARD):
                accounts.add_user(store, role.value, CHEAP.hash("x"), role, "test")
            for one in accounts.users(store):
                accounts.begin_session(store, digest(one.name), one, time.time())
        start_api(centre.state, stack, gate="Office", centre={"enabled": True}, door={"zone": "UTC"})
        for gate in gates:
            gate.start_api(stack)
        yield centre, gates


def shoot(page, name):
    """The page in both languages, wide and narrow, for whoever wants to look at it."""
    if not SHOTS:
        return
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    for language in ("en", "zh-CN"):
        page.context.add_cookies([{"name": "language", "value": language, "url": page.url}])
        page.reload()
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.screenshot(path=f"{SHOTS}/{name}-{language}-{width}.png", full_page=True)
    page.context.add_cookies([{"name": "language", "value": "en", "url": page.url}])
    page.set_viewport_size({"width": 1280, "height": 844})
    page.reload()


def came_at_nine(centre, gates):
    """Somebody on the register came at nine today at North, and nobody at the others."""
    with centre.store() as store:
        fang = enrolled(store, "Wang Fang")
    centre.whole_at(gates)
    nine = datetime.now(UTC).replace(hour=9, minute=5, second=0, microsecond=0)
    nine -= timedelta(days=nine > datetime.now(UTC))
    with gates[0].store() as store:
        event = AuditEvent(Kind.GRANTED, {"method": "card"}, {"resident": fang.id, "name": fang.name}, fang.id)
        audit.append(store, event, Moment(0.0, nine.timestamp(), True))
    return fang, nine.date()


def test_a_day_at_the_centre(compound, on_phone):
    centre, (north, east, south) = compound
    fang, day = came_at_nine(centre, (north, east, south))
    address = api_address_file(centre.state).read_text().strip()
    wide = {"viewport": {"width": 1280, "height": 844}}
    guard = on_phone(address, "guard", **wide)
    guard.goto("/gates")
    card = {one.name: guard.locator(f"#gate-{one.identity}") for one in (north, east, south)}
    for one in card.values():
        expect(one.locator(".mode")).to_have_text("Closed")
    assert faults_on(guard) == []
    shoot(guard, "gates")
    # Lockdown everywhere, in one press and its question.
    guard.get_by_text("Lock down everywhere…").click()
    guard.get_by_role("button", name="Yes, lock down everywhere").click()
    expect(guard.locator("#told")).to_have_text("Ordered. What each gate answers stands below.")
    expect(guard.locator("#ordered")).to_contain_text("done at 4 of 4")
    for one in card.values():
        expect(one.locator(".mode")).to_contain_text("Lockdown")
    assert {door_status(one.door).mode for one in (centre, north, east, south)} == {"lockdown"}
    shoot(guard, "locked-down")
    guard.get_by_text("End it everywhere…").click()
    guard.get_by_role("button", name="Yes, end it everywhere").click()
    for one in card.values():
        expect(one.locator(".mode")).to_have_text("Closed")
    # Who came at nine, at any gate.
    manager = on_phone(address, "manager", **wide)
    manager.goto(f"/events?when={day}&hour=9")
    row = manager.locator("table.record tbody tr")
    expect(row).to_have_count(1)
    for words in ("North", "Let in", "Wang Fang"):
        expect(row).to_contain_text(words)
    expect(manager.locator("#chains")).to_contain_text("North: verified: all lines are as they came")
    assert faults_on(manager) == []
    shoot(manager, "events")
    # South is unplugged; somebody is erased, and all is locked down once more.
    south.link.end(kill=True)
    with centre.store() as store:
        erasure.remove(store, fang, by="test")
    expect(card["South"].locator(".mode")).to_contain_text("Not reached")
    guard.get_by_text("Lock down everywhere…").click()
    guard.get_by_role("button", name="Yes, lock down everywhere").click()
    expect(guard.locator("#ordered li").first).to_contain_text("done at 3 of 4")
    expect(guard.locator("#ordered li").first).to_contain_text("South: not reached; it locks down when it is back")
    manager.goto("/gates")
    expect(manager.locator("#forgotten")).to_contain_text("2 of 3, not yet at South")
    assert faults_on(manager) == []
    shoot(manager, "unplugged")
    # It is back, and does what it missed.
    south.link.start()
    expect(guard.locator("#ordered li").first).to_contain_text("done at 4 of 4")
    expect(card["South"].locator(".mode")).to_contain_text("Lockdown")
    expect(manager.locator("#forgotten")).to_have_count(0)
    wait_for(lambda: door_status(south.door).mode == "lockdown", 5)
    guard.get_by_text("End it everywhere…").click()
    guard.get_by_role("button", name="Yes, end it everywhere").click()
    expect(guard.locator("#ordered li").first).to_contain_text("done at 4 of 4")
    # The owner's page of them, which asks for the password first; and what a gate says of its centre.
    owner = on_phone(address, "owner", **wide)
    owner.goto("/settings/gates")
    expect(owner.get_by_role("heading", name="Enter your password again")).to_have_count(1)
    assert faults_on(owner) == []
    shoot(owner, "settings-gates")
