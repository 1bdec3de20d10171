"""Every page and state of a console that runs, for everybody: judged by axe-core in both languages, light and dark,
wide and narrow, twice as large; whole with the longest names; and with a month of two thousand quick and light."""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from api.app import create_app
from gate.processes.addresses import api_address_file
from gate.store.people import erasure, passes, residents
from gate.store.site import accounts, holidays, schedules, webhooks
from gate.store.site.accounts import Role
from tests.browser.conftest import PASSWORD, browsing, camera, chromium, faults_on  # noqa: F401 - fixtures
from tests.console import CHEAP, context_on
from tests.faults.test_hostile_http import routes
from tests.lived import live, settle
from tests.running import gate_running, until

pytestmark = pytest.mark.soak

RESIDENTS, LINES = 2_000, 27_600
MOST_MS, MOST_BYTES, TRIES = 300, 150_000, 5
SLOWEST_MS = 60_000
# The desk, the same at 200 %, a phone, the narrowest one, and the screen of seven inches.
SIZES = ((1280, 800), (640, 400), (390, 844), (320, 568), (800, 480))
LANGUAGES = ("en", "zh-CN")
SPACED, SOLID = ("Maximilian von und zu der " * 4)[:100].strip(), "Wolfeschlegelsteinhausen" * 4 + "berg"
LONG_HOME = ("North garden, building twelve, second entrance, " * 3)[:100].strip()

# What answers GET and is no page: pictures, parts of a page, streams, and what is for programs.
NO_PAGES = {
    "/camera.jpg", "/code/worker.js", "/events/table", "/gate/live", "/gate/now", "/gate/silhouette", "/gate/worker.js",
    "/metrics",
    "/settings/backups/file", "/settings/hours/reading", "/waiting/{link}.jpg", "/waiting/{link}/{number}.jpg",
}  # fmt: skip
# By each route, the addresses at which it is looked at. What stands in braces is filled in by `at_home`.
PAGES = {
    "/": ("/",),
    "/account": ("/account",),
    "/account/kept": ("/account/kept",),
    "/door": ("/door",),
    "/door/drill": ("/door/drill",),
    "/enrol": ("/enrol", "/enrol?resident={one}", "/enrol?unit={home}"),
    # As it is when nothing waits any more; the question itself is a state between pages.
    "/enrol/seen": ("/enrol/seen?key=over",),
    "/events": (
        "/events", "/events?when=yesterday", "/events?when=yesterday&hour=9", "/events?when=week&person=fang",
        "/events?what=refusals", "/events?what=everything", "/events?what=operations", "/events?person=nobody+at+all",
    ),
    "/first-hour": ("/first-hour",),
    "/gate": ("/gate",),
    "/gate/gone": ("/gate/gone",),
    # At a centre alone: looked at in tests/browser/test_gates.py.
    "/gates": (),
    "/settings/gates": (),
    "/settings/areas": (),
    "/guard": ("/guard", "/guard?look=1"),
    "/homes/{written}": ("/homes/1-101", "/homes/{home}"),
    "/import": ("/import",),
    "/owner": (),
    "/passes": ("/passes", "/passes?host={spaced}", "/passes?unit={home}"),
    "/passes/{visit}": ("/passes/{visit}",),
    "/photo-links": ("/photo-links?key=over",),
    # Its secret is drawn for one resident: looked at where the link is tried.
    "/photo/{secret}": (),
    # Looked at in tests/browser/test_code.py.
    "/code": (),
    # A phone's own: looked at in tests/browser/test_own_page.py.
    "/own/{secret}": (),
    "/mine": (),
    "/mine/{own}": (),
    "/mine/{own}/passes/{visit}": (),
    "/mine/{own}/phone": (),
    "/receipts": ("/receipts",),
    "/receipts/{event}": ("/receipts/{receipt}",),
    "/residents": ("/residents", "/residents?search=fang", "/residents?search=nobody+at+all", "/residents?search=von",
                   "/residents?lacking=none"),
    "/residents/together": ("/residents/together", "/residents/together?search=fang"),
    "/residents/{resident}": ("/residents/{one}", "/residents/{spaced}", "/residents/{solid}"),
    "/residents/{resident}/cards": ("/residents/{one}/cards", "/residents/{solid}/cards"),
    "/residents/{resident}/held": ("/residents/{one}/held", "/residents/{spaced}/held"),
    "/residents/{resident}/own-page": ("/residents/{one}/own-page",),
    "/residents/{resident}/photo-link": ("/residents/{one}/photo-link",),
    # Told once: looked at when it tells nothing any more.
    "/residents/{resident}/pin": ("/residents/{one}/pin",),
    "/residents/{resident}/rolling-code": ("/residents/{one}/rolling-code",),
    "/services": ("/services", "/services?days=90"),
    "/settings": ("/settings",),
    "/settings/backups": ("/settings/backups",),
    "/settings/centre": ("/settings/centre",),
    "/settings/free-access": ("/settings/free-access",),
    "/settings/holidays": ("/settings/holidays",),
    "/settings/hours": ("/settings/hours", "/settings/hours?change={hours}"),
    "/settings/tokens": ("/settings/tokens",),
    "/settings/upgrade": ("/settings/upgrade",),
    "/settings/users": ("/settings/users",),
    "/settings/users/{user}": ("/settings/users/{guard}",),
    "/settings/webhooks": ("/settings/webhooks",),
    "/sign-in": ("/sign-in",),
    "/waiting": ("/waiting",),
    "/whereabouts": ("/whereabouts",),
}  # fmt: skip


@dataclass
class Console:
    """A console that runs: its pages by name and address, and a browser's page on which an owner is signed in."""

    page: object
    addresses: dict


@contextmanager
def console(models_dir, state, store, walk_ups, chromium, camera, count):  # noqa: F811 - a fixture
    filled = furnished(store, count)
    app = create_app(context_on(state, models_dir))
    with gate_running(models_dir, state, walk_ups) as process:
        until(process, "api ready")
        with browsing(chromium, camera) as browser:
            address = api_address_file(state).read_text().strip()
            context = browser.new_context(ignore_https_errors=True, base_url=address, locale="en-GB", timezone_id="UTC")
            context.set_default_timeout(SLOWEST_MS)
            page = context.new_page()
            sign_in(page)
            yield Console(page, at_home(app, filled))


def sign_in(page):
    page.goto("/sign-in")
    page.locator("main input[name=name]").fill(SPACED[:60])
    page.locator("main input[name=password]").fill(PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url(re.compile("/$"))


def furnished(store, count):
    """Residents, a month, and one of each thing with the longest name that it may have; gives what addresses name."""
    store.execute("PRAGMA synchronous = OFF")
    people = settle(store, count)
    live(store, people, LINES)
    spaced = residents.enrol(store, SPACED, LONG_HOME, [])
    solid = residents.enrol(store, SOLID, SOLID, [])
    live(store, [spaced, solid], 40)
    gone = residents.enrol(store, "Moved Out", "9-999", [])
    receipt = erasure.remove(store, gone, by="test").id
    owner = accounts.add_user(store, SPACED[:60], CHEAP.hash(PASSWORD), Role.OWNER, "test")
    guard = accounts.add_user(store, SOLID[:60], CHEAP.hash(PASSWORD), Role.GUARD, "test")
    schedules.put(store, SOLID[:60], "Mon-Fri 07:00-19:00; Sat 08:00-12:00, 13:00-17:30", "test", (SPACED[:60],))
    holidays.add(store, holidays.New(SOLID[:60], "2027-02-05", "2027-02-12"), "test")
    webhooks.add(store, f"https://{'a' * 60}.example/{'b' * 200}", "secret", ("granted",), "test")
    accounts.add_token(store, SOLID[:60], "digest", ("live", "record"), owner, "test")
    now = datetime.now(UTC)
    wanted = passes.checked(passes.Wanted(SOLID, now, now + timedelta(days=1), host=spaced), now)
    visit = passes.make(store, wanted, None, b"p" * 32, b"d" * 32, now, by="test").id
    return {
        "visit": visit, "one": people[0].id, "spaced": spaced.id, "solid": solid.id, "home": quote(LONG_HOME, safe=""),
        "receipt": receipt, "guard": guard.id, "hours": SOLID[:60],
    }  # fmt: skip


def at_home(app, filled):
    """The addresses of every route that there is. A route that nobody looks at here is an error."""
    found = {path for method, path in routes(app) if method == "GET" and not path.startswith("/api/")}
    assert found <= set(PAGES) | NO_PAGES
    return [address.format(**filled) for path in sorted(found - NO_PAGES) for address in PAGES[path]]


def speak(page, language):
    page.context.add_cookies([{"name": "language", "value": language, "url": page.url}])


def barriers_of(page, where):
    """What keeps anybody out of the page as it is now, also out of what it folds away."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = []
    for size, scheme in ((SIZES[0], "light"), (SIZES[0], "dark"), (SIZES[2], "light")):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme)
        for one in faults_on(page):
            found.append(f"{where} {size[0]} {scheme}: {one['id']}: {one['nodes'][0]['html'][:160]}")
    page.emulate_media(color_scheme="light")
    return found + [f"{where} {told}" for told in sideways(page)]


def sideways(page):
    """At which sizes the page scrolls sideways, and what sticks out."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        out = page.evaluate(
            "() => document.documentElement.scrollWidth <= innerWidth ? null"
            " : ([...document.querySelectorAll('main *, header *')].find((one) =>"
            " one.getBoundingClientRect().right > innerWidth + 1) ?? document.body).outerHTML.slice(0, 160)"
        )
        if out:
            yield f"scrolls sideways at {width}: {out}"
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


@pytest.fixture
def of_two_hundred(models_dir, state, store, walk_ups, chromium, camera):  # noqa: F811 - a fixture
    with console(models_dir, state, store, walk_ups, chromium, camera, 200) as found:
        yield found


@pytest.fixture
def of_two_thousand(models_dir, state, store, walk_ups, chromium, camera):  # noqa: F811 - a fixture
    with console(models_dir, state, store, walk_ups, chromium, camera, RESIDENTS) as found:
        yield found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_keeps_anybody_out(of_two_hundred, language):
    page, barriers = of_two_hundred.page, []
    speak(page, language)
    for address in of_two_hundred.addresses:
        page.goto(address)
        barriers += barriers_of(page, f"{language} {address}")
    print("\n".join(barriers))
    assert barriers == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_state_between_pages_keeps_anybody_out(of_two_hundred, language, photos, tmp_path):
    page, barriers = of_two_hundred.page, []
    speak(page, language)
    for state in (refused_hours, faces_to_look_at, rehearsed, no_such_page, locked_down, wrong_password):
        state(page, photos, tmp_path)
        barriers += barriers_of(page, f"{language} {state.__name__}")
    print("\n".join(barriers))
    assert barriers == []


def refused_hours(page, _photos, _folder):
    page.goto("/settings/hours")
    page.locator("input[name=name]").first.fill(SOLID[:60])
    page.locator("input[name=windows]").fill("whenever the sun shines")
    page.locator("form:has(input[name=windows]) button.primary").click()
    expect(page.get_by_role("alert")).to_be_visible()


def faces_to_look_at(page, photos, _folder):
    # Sent before the gate has looked at the photo.
    page.route("**/photos/checks", lambda _route: None)
    page.goto("/enrol")
    page.locator("input[name=name]").fill(f"Second {SPACED}"[:100])
    page.locator("input[name=unit]").fill(LONG_HOME)
    page.locator("input[name=agreed]").check()
    page.locator("input[name=photos]").set_input_files(photos / "biden.jpg")
    page.locator("form#enrol button.primary").click()
    expect(page.locator("form#look img")).to_be_visible(timeout=SLOWEST_MS)
    page.unroute("**/photos/checks")


def rehearsed(page, _photos, folder):
    table = folder / "people.csv"
    table.write_text(f"name,unit\n{SPACED},{LONG_HOME}\n,1-101\nWang Fang,1-101\n")
    page.goto("/import")
    page.locator("input[type=file]").first.set_input_files(table)
    page.locator("main form button").first.click()
    expect(page.locator("main table")).to_be_visible(timeout=SLOWEST_MS)


def no_such_page(page, _photos, _folder):
    page.goto("/residents/nobody")


def locked_down(page, _photos, _folder):
    page.goto("/")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.locator("form[action='/door/lockdown'] button").click()
    expect(page.locator(".mode-lockdown")).to_be_visible(timeout=SLOWEST_MS)


def wrong_password(page, _photos, _folder):
    chosen = [one for one in page.context.cookies() if one["name"] == "language"]
    page.context.clear_cookies()
    page.context.add_cookies(chosen)
    page.goto("/sign-in")
    page.locator("main input[name=name]").fill("Ann")
    page.locator("main input[name=password]").fill("wrong horse battery")
    page.locator("main button").first.click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_every_page_is_quick_and_light_with_a_month_of_two_thousand(of_two_thousand):
    page, heavy, sizes = of_two_thousand.page, [], {}
    print(f"\n{'ms':>6} {'kB':>6}")
    for address in of_two_thousand.addresses:
        took, weighs = measured(page, address, sizes)
        print(f"{took:6.0f} {weighs / 1000:6.1f} {address[:90]}")
        if took > MOST_MS or weighs > MOST_BYTES:
            heavy.append((address, took, weighs))
    assert heavy == []


def measured(page, address, sizes):
    """The shortest that the gate takes for the page, in ms, and what the page brings with it, in bytes; `sizes` of what
    it has in common with others are kept."""
    took = []
    for _ in range(TRIES):
        page.goto(address)
        asked, weighs = page.evaluate(
            "() => { const [one] = performance.getEntriesByType('navigation');"
            " return [one.responseEnd - one.requestStart, one.decodedBodySize]; }"
        )
        took.append(asked)
    beside = page.evaluate(
        '() => [...document.querySelectorAll(\'[href^="/static/"], [src^="/static/"]\')]'
        ".map((one) => one.href || one.src)"
    )
    for each in set(beside) - set(sizes):
        sizes[each] = len(page.request.get(each).body())
    return min(took), weighs + sum(sizes[each] for each in set(beside))
