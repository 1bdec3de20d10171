"""A manager's first hour, in a real browser, on a gate that really runs."""

import json
import re
import sys
import time
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, browsing, faults_on, shoot
from tests.running import wait_for

pytestmark = pytest.mark.whole

# Beside other tests; the soak holds a quiet machine to a second, and to a fifth of one.
SHOWN_WITHIN_MS, GREETED_WITHIN_MS = 20_000, 20_000


@pytest.fixture
def page(chromium, camera, console):
    """A page with nobody signed in, that counts what leaves the host and what goes wrong."""
    address, _ = console
    with browsing(chromium, camera) as browser:
        # Where the certificate is not trusted, a browser complains of a page that would be kept.
        context = browser.new_context(
            ignore_https_errors=True, base_url=address, locale="en-GB", service_workers="block"
        )
        page = context.new_page()
        page.troubles = []
        page.on("console", lambda said: page.troubles.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((address, "blob:", "data:")) else page.troubles.append(asked.url)
            ),
        )
        yield page
        assert page.troubles == []


def become_owner(page, code):
    page.goto("/")
    expect(page).to_have_url(re.compile("/owner$"))
    shoot(page, "owner-en")
    page.get_by_label("Code").fill(code.lower())
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("A password").fill(PASSWORD)
    page.get_by_role("button", name="Become the owner").click()
    expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()


def enrol_from_photos(page):
    """Look at the faces beside the form, and press Enrol."""
    # The first look opens the models. Not until a photo stands there does it begin.
    expect(page.locator("#taken li").first).to_be_visible()
    expect(page.get_by_text("The gate looks at it…")).to_have_count(0, timeout=30_000)
    page.get_by_role("button", name="Enrol", exact=True).click()


def in_chinese(page, name):
    page.get_by_role("button", name="简体中文").click()
    shoot(page, f"{name}-zh")
    page.get_by_role("button", name="English").click()


def test_a_family_is_enrolled_walks_in_and_is_forgotten(page, console, photos):
    _, code = console
    become_owner(page, code)

    # One by upload.
    page.get_by_role("link", name="Enrol", exact=True).click()
    shoot(page, "enrol-en")
    in_chinese(page, "enrol")
    page.get_by_label("Name").fill("Barack Obama")
    page.get_by_label("Home").fill("1-101")
    page.get_by_label("They agreed to their face").check()
    page.get_by_label("Photos from a file").set_input_files([photos / "obama.jpg", photos / "obama3.jpg"])
    enrol_from_photos(page)
    expect(page.get_by_role("status").first).to_have_text("Barack Obama is enrolled.")
    page.get_by_role("link", name="See what is known of them").click()
    shoot(page, "resident-en")

    # One without a face, one by this browser's camera: the form comes back for the next of the family.
    page.goto("/enrol")
    page.get_by_label("Name").fill("Malia")
    page.get_by_label("Home").fill("1-101")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("status").first).to_have_text("Malia is added, without a face.")
    expect(page.get_by_label("Home")).to_have_value("1-101")
    page.get_by_label("Name").fill("Joe Biden")
    page.get_by_label("They agreed to their face").check()
    page.get_by_role("button", name="Use this device's camera").click()
    page.get_by_role("button", name="Take a photo").click()
    expect(page.get_by_text("Good", exact=True)).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Turn slightly to the left.")).to_be_visible()
    shoot(page, "camera-en")
    enrol_from_photos(page)
    expect(page.get_by_role("status").first).to_have_text("Joe Biden is enrolled.")

    page.get_by_role("link", name="Residents").click()
    expect(page.locator(".family li")).to_have_count(3)
    shoot(page, "residents-en")
    in_chinese(page, "residents")

    # He walks up, and the page that lies open shows it.
    page.goto("/")
    rows = page.get_by_role("row").filter(has_text="Barack Obama")
    came = rows.first
    expect(came).to_be_visible(timeout=20_000)
    before = rows.count()
    expect(rows.nth(before)).to_be_visible(timeout=20_000)
    newest = page.locator("#came ~ table time").first.get_attribute("datetime")
    late = page.evaluate("(at) => Date.now() - Date.parse(at)", newest)
    print(f"\nthe page showed it {late} ms after the record's time")
    assert late < SHOWN_WITHIN_MS
    shoot(page, "today-en")
    in_chinese(page, "today")

    # Who came in? And what else the console has.
    page.get_by_role("link", name="Events").click()
    page.get_by_label("Name or home").fill("obama")
    page.locator("select[name=what]").select_option("Let in")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("Barack Obama")
    shoot(page, "events-en")
    in_chinese(page, "events")
    page.get_by_role("link", name="Gate", exact=True).click()
    shoot(page, "gate-en")
    in_chinese(page, "gate")
    page.get_by_role("link", name="Settings").click()
    shoot(page, "settings-en")
    in_chinese(page, "settings")

    # He withdraws: soon refused, however often he walks up.
    page.goto("/residents")
    page.get_by_role("link", name="Barack Obama").click()
    page.get_by_text("Withdraw consent…").click()
    page.get_by_role("button", name="Yes, withdraw and erase").click()
    expect(page.get_by_role("heading", name="Erased")).to_be_visible()
    withdrawn = time.time()
    shoot(page, "receipt-en")
    in_chinese(page, "today-after")
    page.goto("/")
    expect(page.get_by_role("heading", name="refused today")).to_contain_text(re.compile("^[1-9]"), timeout=20_000)
    events = json.loads(page.evaluate("fetch('/api/v1/events?kind=granted').then((answer) => answer.text())"))
    last = max(page.evaluate("(at) => Date.parse(at) / 1000", one["at"]) for one in events["items"])
    assert last < withdrawn + 2
    assert all(one.get("name") is None for one in events["items"])


def test_the_gate_is_opened_and_locked_down_from_the_page(page, console):
    _, code = console
    become_owner(page, code)
    page.get_by_role("button", name="Open once").click()
    expect(page.get_by_role("row").filter(has_text="from the console").first).to_be_visible()
    page.get_by_text("Lock down…").click()
    page.get_by_role("button", name="Yes, lock down").click()
    expect(page.locator(".mode")).to_contain_text("Lockdown")
    shoot(page, "lockdown-en")
    # Whoever gave an order before the page's scripts were there has an answer of the server's above it.
    page.evaluate("document.getElementById('order-open').submit()")
    expect(page.get_by_role("alert").first).to_contain_text("there is a lockdown")
    # Pressed before its scripts are there, the server would answer again.
    page.wait_for_load_state()
    page.get_by_role("button", name="Open once").click()
    expect(page.get_by_role("status").first).to_have_text("The gate stays shut: there is a lockdown. End it first.")
    page.troubles.clear()  # The browser reports the 409 itself.
    page.goto("/")
    page.get_by_text("End it…").click()
    page.get_by_role("button", name="Yes, end it").click()
    expect(page.locator(".mode")).to_contain_text("Closed")


@pytest.mark.parametrize("console", ["visit"], indirect=True)
def test_someone_is_enrolled_at_the_gate_and_the_screen_there_greets_them(page, console):
    _, code = console
    become_owner(page, code)
    screen = page.context.new_page()
    screen.goto("/gate")
    expect(screen.get_by_role("heading", name="Not known here")).to_be_visible(timeout=20_000)
    expect(screen.get_by_text("Please take another way in")).to_be_visible()
    shoot(screen, "screen-unknown")

    page.goto("/enrol")
    page.get_by_label("Name").fill("Barack Obama")
    page.get_by_label("They agreed to their face").check()
    page.get_by_role("button", name="Enrol at the gate").click()
    # Whoever stands there reads it, and is told no more once it is cancelled.
    expect(screen.locator("body")).to_have_attribute("data-signal", "enrol")
    shoot(screen, "screen-enrol")
    page.get_by_role("button", name="Stop and keep none").click()
    expect(page.get_by_text("Cancelled: no photo of it is kept.")).to_be_visible()
    expect(page.get_by_role("button", name="Use this device's camera")).to_be_visible()
    expect(screen.locator("body")).not_to_have_attribute("data-signal", "enrol")

    page.get_by_role("button", name="Enrol at the gate").click()
    expect(page.get_by_alt_text("What the camera sees")).to_be_visible()
    expect(page.get_by_text("Good", exact=True)).to_be_visible(timeout=30_000)
    expect(page.get_by_alt_text("gate camera 1.jpg")).to_be_visible()
    shoot(page, "at-the-gate-en")
    # He does not turn: what there is must do, and the page asks.
    expect(page.get_by_text("photos are missing (2 of 3)")).to_be_visible(timeout=30_000)
    screen.evaluate(
        "() => new MutationObserver(() => {"
        " if (document.body.dataset.signal === 'grant') window.greeted ??= Date.now();"
        " }).observe(document.body, { attributes: true })"
    )
    enrol_from_photos(page)
    expect(page.get_by_role("status").first).to_have_text("Barack Obama is enrolled.")
    expect(screen.get_by_role("heading", name="Welcome home")).to_be_visible(timeout=60_000)
    assert "Obama" not in screen.content()
    shoot(screen, "screen-grant")
    events = json.loads(page.evaluate("fetch('/api/v1/events?kind=granted').then((answer) => answer.text())"))
    granted = page.evaluate("(at) => Date.parse(at)", events["items"][-1]["at"])
    late = screen.evaluate("window.greeted") - granted
    print(f"\nthe screen greeted him {late} ms after the record's time")
    assert late <= GREETED_WITHIN_MS

    looks = json.loads(page.evaluate("fetch('/api/v1/events?kind=looked_at').then((answer) => answer.text())"))
    assert [one["details"]["what"] for one in looks["items"]].count("the camera") == 2
    page.goto("/door")
    page.get_by_role("button", name="Look through the camera").click()
    expect(page.get_by_alt_text("What the camera sees")).to_be_visible()
    # Not in the page: its rules let nobody evaluate a text there again and again.
    wait_for(lambda: page.locator("#view").evaluate("(view) => view.naturalWidth > 0"), 20)
    shoot(page, "door-en")

    # The zone is drawn on the picture where he does not stand: from then on nobody is at the gate.
    frame = page.locator("#zone").bounding_box()
    page.mouse.move(frame["x"] + 0.02 * frame["width"], frame["y"] + 0.02 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.12 * frame["width"], frame["y"] + 0.2 * frame["height"], steps=4)
    page.mouse.up()
    assert 10 < float(page.get_by_label("Right").input_value()) < 14
    shoot(page, "zone-en")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_have_text("Saved.")
    before = len(granted_of(page))
    walked_past = screen.evaluate("new Promise((done) => setTimeout(done, 9000))")
    assert walked_past is None
    assert len(granted_of(page)) == before
    page.get_by_role("button", name="Back to the zone of the settings").click()
    expect(screen.get_by_role("heading", name="Welcome home")).to_be_visible(timeout=20_000)


@pytest.mark.soak
def test_on_a_quiet_machine_the_page_shows_who_came_within_a_second(page, console, photos, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "SHOWN_WITHIN_MS", 1000)
    test_a_family_is_enrolled_walks_in_and_is_forgotten(page, console, photos)


@pytest.mark.soak
@pytest.mark.parametrize("console", ["visit"], indirect=True)
def test_on_a_quiet_machine_the_screen_greets_within_a_fifth_of_a_second(page, console, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "GREETED_WITHIN_MS", 200)
    test_someone_is_enrolled_at_the_gate_and_the_screen_there_greets_them(page, console)


def granted_of(page):
    return json.loads(page.evaluate("fetch('/api/v1/events?kind=granted').then((answer) => answer.text())"))["items"]


def test_many_are_enrolled_from_a_table(page, console, photos, tmp_path):
    _, code = console
    table = tmp_path / "people.zip"
    with zipfile.ZipFile(table, "w") as out:
        rows = ("Barack Obama,1-101,obama.jpg,told", "Joe Biden,2-202,biden.jpg,paper", "王芳,3-1,,", "X,,no.jpg,told")
        out.writestr("people.csv", "\n".join(("name,unit,photos,consent", *rows)))
        for name in ("obama.jpg", "biden.jpg"):
            out.write(photos / name, name)
    become_owner(page, code)
    page.get_by_role("link", name="Enrol", exact=True).click()
    page.get_by_role("link", name="Enrol many").click()
    shoot(page, "import-en")
    page.get_by_label("Table and ZIP").set_input_files(table)
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_role("heading", name="This would change")).to_be_visible(timeout=180_000)
    expect(page.get_by_role("row").nth(1)).to_contain_text("There is no photo no.jpg.")
    shoot(page, "rehearsed-en")
    in_chinese(page, "rehearsed")
    page.get_by_role("button", name="Confirm import").click()
    # It goes on by itself, and says when it is over.
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=180_000)
    shoot(page, "imported-en")
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("link", name="Residents").click()
    expect(page.locator(".family li")).to_have_count(3)


def test_no_page_keeps_anyone_out_and_none_is_heavy(page, console, photos):
    """Judged by axe-core: contrast, labels, headings, landmarks, one page in English light, the next in Chinese dark.

    The colours are those of one sheet, and the words are held by tests/api; tests/soak/test_every_page.py judges each
    page in each of them.
    """
    _, code = console
    weight = {}
    page.on("response", lambda answer: weight.update({answer.url: int(answer.headers.get("content-length", 0))}))
    barriers = []

    def judge(where, path):
        weight.clear()
        page.goto(path)
        found = faults_on(page)
        barriers.extend(f"{where} {path}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in found)
        carried = sum(size for url, size in weight.items() if "camera.jpg" not in url)
        assert carried < 150_000, f"{path} weighs {carried} bytes: {weight}"

    judge("nobody", "/owner")
    become_owner(page, code)
    page.goto("/enrol")
    page.get_by_label("Name").fill("Wang Fang")
    page.get_by_role("button", name="Enrol", exact=True).click()
    page.get_by_role("link", name="See what is known of them").click()
    resident = page.url
    paths = (
        "/", "/residents", resident, "/enrol", "/import", "/events", "/door", "/services", "/settings",
        "/residents/together", "/receipts", "/first-hour", "/settings/hours", "/settings/holidays",
        "/settings/free-access", "/settings/users", "/settings/tokens", "/settings/webhooks", "/settings/backups",
        "/settings/upgrade",
        "/gate",
    )  # fmt: skip
    for language, scheme, half in (("English", "light", paths[::2]), ("简体中文", "dark", paths[1::2])):
        page.emulate_media(color_scheme=scheme)
        for path in half:
            judge(language, path)
        if language == "English":
            page.goto("/")
            page.get_by_role("button", name="简体中文").click()
    page.context.clear_cookies()
    judge("nobody", "/sign-in")
    assert barriers == []


def test_every_page_works_without_scripts(chromium, camera, console, photos):
    address, code = console
    with browsing(chromium, camera) as browser:
        context = browser.new_context(
            ignore_https_errors=True, base_url=address, locale="en-GB", java_script_enabled=False
        )
        page = context.new_page()
        become_owner(page, code)
        page.goto("/")
        # Before anybody is enrolled whom the gate's camera could let in meanwhile.
        page.get_by_role("button", name="Open once").click()
        expect(page.get_by_role("row").filter(has_text="from the console").first).to_be_visible()
        page.goto("/enrol")
        page.get_by_label("Name").fill("Barack Obama")
        page.get_by_label("They agreed to their face").check()
        page.get_by_label("Photos from a file").set_input_files(photos / "obama.jpg")
        page.get_by_role("button", name="Enrol", exact=True).click()
        expect(page.get_by_role("heading", name="Is this Barack Obama?")).to_be_visible()
        expect(page.get_by_alt_text("Face 1")).to_be_visible()
        page.get_by_role("button", name="Yes, enrol").click()
        expect(page.get_by_role("status").first).to_have_text("Barack Obama is enrolled.")
        page.goto("/")
        page.get_by_text("Lock down…").click()
        page.get_by_role("button", name="Yes, lock down").click()
        expect(page.locator(".mode")).to_contain_text("Lockdown")
        page.goto("/gate")
        expect(page.get_by_role("heading")).to_be_visible()
