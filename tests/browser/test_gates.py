"""Walks through the centre's console: lockdown everywhere, who came at nine at any gate, and one that is unplugged; and
somebody who is enrolled from there at another gate's camera; and a visitor's pass that opens some of the gates."""

import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from api.auth import digest
from gate.config import load_settings, parts_of
from gate.processes.addresses import api_address_file
from gate.processes.asking import door_status
from gate.store.people import changes, erasure, residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.store.site import accounts, areas
from gate.store.site.accounts import Role
from gate.vocabulary import ENTERED, AuditEvent, Kind
from tests.browser.conftest import SHOTS, faults_on
from tests.centre.test_many_gates import enrolled
from tests.conftest import MEMORY
from tests.console import CHEAP
from tests.door import claim, until
from tests.fleet import Process, centre_running, join, start_api
from tests.gate.door.test_credentials import press
from tests.running import wait_for

pytestmark = pytest.mark.soak

expect.set_options(timeout=40_000)


@pytest.fixture
def compound(request):
    """A centre with a console, on which an owner, a manager and a guard are signed in, and three gates with theirs; or
    where a test names a film as its parameter the second alone has one, with a camera that shows that."""
    film = {"source": str(request.getfixturevalue(request.param))} if hasattr(request, "param") else {"source": ""}
    models_dir = request.getfixturevalue("models_dir") if film["source"] else None
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(prefix="fg-", dir=MEMORY if MEMORY.is_dir() else None)))
        centre = stack.enter_context(centre_running(place / "c"))
        gates = [join(centre, place / name, name.title(), trusted=True) for name in ("north", "east", "south")]
        with centre.store() as store:
            accounts.add_owner(store, "owner", CHEAP.hash("x"))
            for role in (Role.MANAGER, Role.GUARD):
                accounts.add_user(store, role.value, CHEAP.hash("x"), role, "test")
            for one in accounts.users(store):
                accounts.begin_session(store, digest(one.name), one, time.time())
        start_api(centre.state, stack, gate="Office", centre={"enabled": True}, door={"zone": "UTC"})
        for gate in gates[1:2] if film["source"] else gates:
            gate.start_api(stack, models_dir, camera=film)
        yield centre, gates


def shoot(page, name):
    """The page in both languages, wide and narrow, for whoever wants to look at it."""
    if not SHOTS:
        return
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    for language in ("en", "zh-CN"):
        page.context.add_cookies([{"name": "language", "value": language, "url": urljoin(page.url, "/")}])
        page.reload()
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.screenshot(path=f"{SHOTS}/{name}-{language}-{width}.png", full_page=True)
    page.context.add_cookies([{"name": "language", "value": "en", "url": urljoin(page.url, "/")}])
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
    pressed = time.monotonic()
    guard.get_by_role("button", name="Yes, lock down everywhere").click()
    wait_for(lambda: all(door_status(one.door).mode == "lockdown" for one in (north, east, south)), 40)
    print(f"\nlocked down at three gates {time.monotonic() - pressed:.2f} s after the press")
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
    # An owner, who gave their password just now, removes one.
    owner = on_phone(address, "owner", **wide)
    owner.goto("/settings/gates")
    assert faults_on(owner) == []
    shoot(owner, "settings-gates")
    owner.get_by_text("Remove South…").click()
    owner.get_by_role("button", name="Yes, remove South").click()
    expect(owner.get_by_role("status")).to_contain_text("Removed: it follows no more")
    expect(card["South"]).to_have_count(0)


def test_an_area_is_made_at_the_centre_and_chosen_for_a_group_and_for_one_person(compound, on_phone):
    centre, (north, east, south) = compound
    with centre.store() as store:
        fang = enrolled(store, "Wang Fang")
    address = api_address_file(centre.state).read_text().strip()
    manager = on_phone(address, "manager", viewport={"width": 1280, "height": 844})
    manager.goto("/settings/areas")
    manager.get_by_label("Called").fill("Tower A")
    for gate in (north, east):
        manager.get_by_label(gate.name).check()
    manager.get_by_role("button", name="Save").click()
    expect(manager.get_by_role("status")).to_contain_text("Saved.")
    shoot(manager, "areas")
    manager.goto("/settings/hours")
    manager.get_by_label("Name of the group").fill("Cleaners")
    manager.get_by_label("Its area").select_option("Tower A")
    manager.get_by_role("button", name="Add").click()
    expect(manager.get_by_label("Area of Cleaners")).to_have_value("Tower A")
    shoot(manager, "areas-hours")
    manager.goto("/enrol")
    shoot(manager, "areas-enrol")
    manager.get_by_label("Name").fill("Li Na")
    manager.locator("select[name=area]").select_option("Tower A")
    manager.get_by_role("button", name="Enrol", exact=True).click()
    expect(manager.get_by_role("status")).to_contain_text("Li Na is added")
    manager.goto(f"/residents/{fang.id}")
    manager.locator("select[name=group]").select_option("Cleaners")
    manager.get_by_role("button", name="Save").click()
    expect(manager.get_by_role("main")).to_contain_text("at any time, at East, North")
    shoot(manager, "areas-resident")
    manager.goto("/residents")
    shoot(manager, "areas-residents")
    asked = time.monotonic()
    wait_for(lambda: south.door.ask(claim(fang.id, int(time.monotonic() * 1000)))["reason"] == "not_this_gate", 40)
    print(f"\nrefused at the third gate {time.monotonic() - asked:.2f} s later")
    until(north.door, at_rest=True)
    assert north.door.ask(claim(fang.id, int(time.monotonic() * 1000)))["granted"]
    # The gate tells its record to the centre a moment later.
    wait_for(lambda: "not let in at this gate" in manager.request.get("/events?what=refusals").text(), 40)
    manager.goto("/events?what=refusals")
    expect(manager.locator("table.record")).to_contain_text("not let in at this gate")
    assert faults_on(manager) == []
    shoot(manager, "areas-events")
    theirs = manager.context.browser.new_page(base_url=address, ignore_https_errors=True, locale="en-GB")
    manager.goto(f"/residents/{fang.id}")
    manager.get_by_role("button", name="Draw a link to their page").click()
    theirs.goto(manager.locator("input[readonly]").first.input_value())
    theirs.get_by_role("button", name="Yes, open my page").click()
    expect(theirs.get_by_role("main")).to_contain_text("at any time, at East, North")
    shoot(theirs, "areas-own-page")


def test_a_pass_made_at_the_centre_opens_the_gates_of_whom_they_visit_and_is_taken_back(compound, on_phone):
    centre, (north, east, south) = compound
    with centre.store() as store:
        areas.put(store, "Tower A", {one.identity: one.name for one in (north, east)}, "test")
        fang = enrolled(store, "Wang Fang")
        changes.change(store, fang, changes.Changes(area="Tower A"), by="test")
    centre.whole_at((north, east, south))
    wide = {"viewport": {"width": 1280, "height": 844}}
    manager = on_phone(api_address_file(centre.state).read_text().strip(), "manager", **wide)
    manager.goto(f"/residents/{fang.id}")
    manager.locator(f'a[href="/passes?host={fang.id}"]').click()
    manager.get_by_role("textbox", name="Name").fill("Zhao Lei")
    manager.locator("select[name=uses]").select_option("2")
    manager.locator("main form .primary").click()
    expect(manager.get_by_role("main")).to_contain_text("East, North")
    number = "".join(manager.locator("p.keys kbd").all_inner_texts())
    assert faults_on(manager) == []
    shoot(manager, "pass-made")
    # Whoever visits types it where they come to, a moment later.
    centre.whole_at((north, east, south))
    page = manager.url
    for gate, opens in ((east, True), (south, False)):
        until(gate.door, at_rest=True)
        press(gate.door, number)
        kind = Kind.GRANTED if opens else Kind.DENIED
        wait_for(lambda gate=gate, kind=kind: kind in [line.kind for line in answers_at(gate)], 20, gate.name)
    (refused,) = [line for line in answers_at(south) if line.kind == Kind.DENIED]
    assert refused.details["reason"] == "not_this_gate"
    wait_for(lambda: "1 of 2 uses left" in manager.request.get(page).text(), 40, "the use is not known at the centre")
    manager.goto(page)
    expect(manager.get_by_role("main")).to_contain_text("East,")
    assert faults_on(manager) == []
    shoot(manager, "pass-used")
    manager.get_by_role("button", name="Take back").click()
    expect(manager.get_by_role("status")).to_contain_text("Zhao Lei")
    centre.whole_at((north, east, south))
    until(north.door, at_rest=True)
    press(north.door, number)
    wait_for(lambda: answers_at(north), 20, "North says nothing")
    assert [line.kind for line in answers_at(north)] == [Kind.DENIED]
    # Who came and who was refused is among the events of all gates, the visitor and whom they visit by name.
    wait_for(lambda: manager.request.get("/events?what=refusals").text().count("Zhao Lei") == 2, 40)
    manager.goto("/events")
    expect(manager.locator("table.record")).to_contain_text("Zhao Lei")
    assert faults_on(manager) == []
    shoot(manager, "pass-events")


def answers_at(gate):
    with gate.store() as store:
        return [line for line in audit.lines(store) if line.kind in (Kind.GRANTED, Kind.DENIED)]


@contextmanager
def seeing(gate, models_dir, film):
    """The gate's camera shows this film, and whoever it knows is let in."""
    settings = load_settings(camera={"source": str(film)}, vision={"liveness": "off"})
    given = parts_of(settings, gate.state, models_dir, None)["vision"]
    vision = Process(gate.state, "vision", {name: one for name, one in given.items() if name != "state"})
    try:
        yield
    finally:
        vision.end()


def entered(gate):
    with gate.store() as store:
        return [line.personal.get("name") for line in audit.lines(store) if line.kind in ENTERED]


def pictured(page, name):
    """What the page is like while somebody is enrolled far away, in both languages, wide and narrow."""
    if not SHOTS:
        return
    for language in ("en", "zh-CN"):
        page.context.add_cookies([{"name": "language", "value": language, "url": page.url}])
        page.goto("/enrol")
        page.locator("#place").select_option(label="East")
        page.locator("#gate").click()
        expect(page.locator("#since")).to_be_visible(timeout=90_000)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.screenshot(path=f"{SHOTS}/{name}-{language}-{width}.png", full_page=True)
        page.locator("#cancel").click()
        expect(page.locator("#gate")).to_be_visible()
    page.context.add_cookies([{"name": "language", "value": "en", "url": page.url}])
    page.set_viewport_size({"width": 1280, "height": 844})


@pytest.mark.parametrize("compound", ["visit"], indirect=True)
def test_somebody_is_enrolled_from_the_centre_at_the_second_gates_camera(compound, on_phone, visit, models_dir):
    centre, (north, east, south) = compound
    wide = {"viewport": {"width": 1280, "height": 844}}
    page = on_phone(api_address_file(centre.state).read_text().strip(), "manager", **wide)
    page.set_default_timeout(120_000)
    # The screen at the second gate, on that gate's own machine.
    screen = page.context.browser.new_page(base_url=api_address_file(east.state).read_text().strip(), **wide)
    screen.set_default_timeout(120_000)
    with seeing(east, models_dir, visit):
        page.goto("/enrol")
        place = page.get_by_label("At which gate")
        # It says within seconds that it has a camera; the others' consoles do not run.
        wait_for(lambda: (page.reload(), place.locator("option:not([disabled])").count())[1] == 1, 120)
        expect(page.get_by_text("North is not reached now.")).to_be_visible()
        page.get_by_role("textbox", name="Name").fill("Barack Obama")
        page.get_by_label("They agreed to their face").check()
        assert faults_on(page) == []
        shoot(page, "enrol-far")
        pictured(page, "enrol-far-live")
        page.goto("/enrol")
        screen.goto("/gate")
        page.get_by_role("textbox", name="Name").fill("Barack Obama")
        page.get_by_label("They agreed to their face").check()
        place.select_option("East")
        pressed = time.monotonic()
        page.get_by_role("button", name="Enrol at the gate").click()
        # A busy machine takes its time to open the models.
        expect(screen.locator("body")).to_have_attribute("data-signal", "enrol", timeout=90_000)
        expect(page.get_by_alt_text("What the camera sees")).to_be_visible()
        expect(page.locator("#since")).to_contain_text("As of")
        print(f"\nthe picture was there {time.monotonic() - pressed:.1f} s after the press")
        expect(page.get_by_text("Good", exact=True)).to_be_visible()
        assert faults_on(page) == []
        # He does not turn: what there is must do.
        expect(page.get_by_text("photos are missing (2 of 3)")).to_be_visible()
        page.locator("#enrol button.primary").click()
        expect(page.get_by_role("status").first).to_have_text("Barack Obama is enrolled.")
        enrolled = time.monotonic()
        centre.whole_at((north, east, south))
        print(f"all three gates know him {time.monotonic() - enrolled:.1f} s after that was said")
        wait_for(lambda: entered(east), 90, "he is not let in where he was enrolled")
    for gate in (north, south):
        with seeing(gate, models_dir, visit):
            wait_for(lambda gate=gate: entered(gate), 90, f"he is not let in at {gate.name}")
    with centre.store() as store:
        assert [one.name for one in residents.every(store)] == ["Barack Obama"]
    # On record there, and here; a gate that is gone in the middle is said.
    page.goto("/events?what=operations&gate=all")
    expect(page.locator("table.record")).to_contain_text("manager, from the centre")
    page.goto("/enrol")
    place.select_option("East")
    with seeing(east, models_dir, visit):
        page.get_by_role("button", name="Enrol at the gate").click()
        expect(page.locator("#since")).to_contain_text("As of")
        east.link.end(kill=True)
        expect(page.locator("#guide")).to_contain_text("East does not answer.")
        expect(page.locator("#since")).to_have_class("bad")
        assert faults_on(page) == []
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/enrol-far-gone.png", full_page=True)
        east.link.start()
