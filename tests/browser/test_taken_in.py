"""Walks through two consoles, each of a whole machine run by hand: at the centre a gate is taken in, at the gate it
follows and leaves. The programs that do it, the broker and the doors are real."""

import time
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from api.auth import digest
from gate.processes.addresses import api_address_file
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import accounts
from gate.vocabulary import Kind
from tests.browser.conftest import SHOTS, faults_on
from tests.centre.test_joining_with_people import enrolled
from tests.commands.test_centre import running
from tests.conftest import MEMORY
from tests.console import CHEAP
from tests.fleet import free_ports
from tests.running import wait_for

pytestmark = pytest.mark.soak

WIDE = {"viewport": {"width": 1280, "height": 844}}
WITHIN_MS = 120_000


def shoot(page, name):
    """What stands there, in both languages, wide and narrow, for whoever wants to look at it."""
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
    page.set_viewport_size(WIDE["viewport"])
    page.reload()


def owned(state):
    """An owner, signed in at that machine's console."""
    with closing(open_database(state)) as store:
        accounts.add_owner(store, "owner", CHEAP.hash("x"))
        (one,) = accounts.users(store)
        accounts.begin_session(store, digest("owner"), one, time.time())


def on_settings(on_phone, state, path):
    """The owner's page there, with their password given once more."""
    page = on_phone(api_address_file(state).read_text().strip(), "owner", **WIDE)
    page.set_default_timeout(WITHIN_MS)
    page.goto(path)
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("x")
        page.get_by_role("button", name="Go on").click()
        page.goto(path)
    return page


@pytest.fixture
def machines(models_dir):
    """A centre and a gate, each with its supervisor; somebody lives at both."""
    # Of the gate's console it is its own: the page is to come back there by itself.
    port, pairing, console = free_ports(3)
    given = {
        "FACEGATE_CENTRE__PORT": str(port), "FACEGATE_CENTRE__PAIRING_PORT": str(pairing),
        "FACEGATE_CENTRE__LISTEN": "127.0.0.1", "FACEGATE_GATE": "Office",
    }  # fmt: skip
    at_north = {"FACEGATE_GATE": "North", "FACEGATE_API__PORT": str(console)}
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(prefix="fg-", dir=MEMORY if MEMORY.is_dir() else None)))
        office, north = place / "c", place / "n"
        for state in (office, north):
            owned(state)
        with closing(open_database(office)) as store:
            enrolled(store, "Wang Fang", "3-1-502", 1, 101)
        with closing(open_database(north)) as store:
            enrolled(store, "WANG FANG", "3-1-502", 1, 111)
            enrolled(store, "Guest", None, 4, 112)
        wanted = ("door", "api", "broker", "centre")
        stack.enter_context(running(models_dir, office, "centre", "run", wanted=wanted, **given))
        stack.enter_context(running(models_dir, north, "run", wanted=("door", "api"), **at_north))
        yield office, north


def test_a_gate_is_taken_in_follows_and_leaves(machines, on_phone):
    expect.set_options(timeout=WITHIN_MS)
    office, north = machines
    centre = on_settings(on_phone, office, "/settings/gates")
    centre.get_by_role("button", name="Draw a code").click()
    code = centre.locator(".drawn").inner_text()
    address = centre.locator("#invite dd strong").first.inner_text()
    assert faults_on(centre) == []
    shoot(centre, "taken-in-code")
    gate = on_settings(on_phone, north, "/settings/centre")
    assert faults_on(gate) == []
    shoot(gate, "follow-form")
    # A wrong one first: both pages say so, and the next one is typed.
    gate.get_by_label("Address of the centre").fill(address)
    gate.get_by_label("Code of the invitation").fill("ABCD-EFGH-JKLM")
    gate.get_by_role("button", name="Follow it").click()
    expect(gate.get_by_role("alert").filter(visible=True)).to_contain_text("not the code of the invitation")
    expect(centre.locator("#invite")).to_contain_text("typed wrongly 1 time")
    shoot(gate, "follow-wrong")
    gate.goto("/settings/centre")
    gate.get_by_label("Address of the centre").fill(address)
    gate.get_by_label("Code of the invitation").fill(code.lower().replace("-", " "))
    gate.get_by_role("button", name="Follow it").click()
    # It has people: who of them is at the centre too?
    choice = gate.get_by_label("What becomes of WANG FANG")
    choice.select_option(label="The same")
    gate.locator("select[name=others]").select_option(label="propose them to the centre, for all gates")
    assert faults_on(gate) == []
    expect(centre.locator("#invite")).to_contain_text("North joined.")
    if SHOTS:
        gate.screenshot(path=f"{SHOTS}/follow-asks-en-1280.png", full_page=True)
        shoot(gate, "follow-asks-anew")
        gate.get_by_label("What becomes of WANG FANG").select_option(label="The same")
        gate.locator("select[name=others]").select_option(label="propose them to the centre, for all gates")
    pressed = time.monotonic()
    gate.get_by_role("button", name="Follow the centre so").click()
    # The page comes back by itself.
    expect(gate.locator("main")).to_contain_text("This gate follows 127.0.0.1")
    both = {"Wang Fang", "Guest"}
    wait_for(lambda: names(office) == names(north) == both, 120, lambda: (names(office), names(north)))
    print(f"\nfollowed, and who lives there at both, {time.monotonic() - pressed:.1f} s after the press")
    expect(gate.locator("main")).to_contain_text("1 resident is one with whom the centre names.")
    expect(gate.locator("dl time")).to_be_visible()
    assert faults_on(gate) == []
    shoot(gate, "follows")
    shoot(centre, "taken-in-joined")
    gate.get_by_text("Leave, and erase its residents here…").click()
    gate.get_by_role("button", name="Yes, leave and erase them here").click()
    expect(gate.locator("main")).to_contain_text("This gate follows no centre any more.")
    wait_for(lambda: names(north) == set(), 60, lambda: names(north))
    assert names(office) == {"Wang Fang", "Guest"}
    with closing(open_database(north)) as store:
        kinds = [line.kind for line in audit.lines(store)]
        assert {Kind.CENTRE_JOINED, Kind.CENTRE_LEFT} <= {*kinds}
        assert audit.verify(store) is None


def names(state):
    with closing(open_database(state)) as store:
        return {one.name for one in residents.every(store)}
