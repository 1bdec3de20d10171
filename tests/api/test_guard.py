"""The guard's page: who was last and why, and orders whose outcome is said on the page they were given on."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from api.auth import digest
from gate.processes.fields import written
from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import accounts
from gate.vocabulary import AuditEvent
from tests.console import Browser, problem_of
from tests.door import HOLD, door_process, until
from tests.said import answering, door_says

CHINESE = {"accept-language": "zh-CN"}
JSON = {"accept": "application/json"}


@pytest.fixture
def came(store):
    """One who lives here was refused outside her hours, after a stranger and after what a program asked."""
    li = residents.enrol(store, "Li Na", "3-1204", [])
    audit.append(store, AuditEvent("denied", {"method": "face", "reason": "unknown"}))
    of_li = ({"resident": li.id, "name": "Li Na"}, li.id)
    audit.append(store, AuditEvent("denied", {"method": "face", "reason": "out_of_hours"}, *of_li))
    audit.append(store, AuditEvent("denied", {"method": "link", "reason": "malformed"}))
    audit.append(store, AuditEvent("denied", {"method": "command", "reason": "busy"}))
    return li


def notice_of(answer):
    found = re.search(r'class="notice" role="status">(.*?)</p>', answer.text)
    return found and found[1]


def ordered(who, order, headers=None):
    """The page that an order comes back to."""
    answer = who.post(f"/door/{order}", data={"to": "/guard"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/guard")
    return who.get("/guard", headers=headers or {})


def looks(store):
    return [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"]


def test_it_is_the_first_page_of_a_guard_and_of_nobody_else(browser):
    assert browser("guard").get("/").headers["location"] == "/guard"
    for role in ("owner", "manager"):
        one = browser(role)
        assert (one.get("/").status_code, one.get("/guard").status_code) == (200, 200)
        assert 'href="/guard"' in one.get("/").text
    auditor = browser("auditor")
    assert auditor.get("/guard").status_code == 403
    assert not re.search(r'href="/(guard)?"[^>]*>(Today|Duty desk)', auditor.get("/events").text)


def test_it_tells_who_was_last_with_home_verdict_and_reason(browser, store, came):
    guard = browser("guard")
    text = guard.get("/guard").text
    last = re.search(r'class="last">(.*?)</p>', text, re.DOTALL)[1]
    assert "Refused: outside their hours" in last
    assert re.search(r'Li Na\s*<span class="unit whole">3-1204</span>', last)
    assert re.search(r">today \d\d:\d\d</time>", last)
    assert "not known here" in text
    assert "could not be read" not in text, "what a program asked is nobody at the gate"
    assert "/residents/" not in text, "a guard may not look residents up"
    assert f'href="/residents/{came.id}"' in browser("manager").get("/guard").text
    assert "未通过：" in guard.get("/guard", headers=CHINESE).text


def test_which_end_of_their_days_somebody_came_outside_of_is_told(browser, store):
    guard, today = browser("guard"), datetime.now(UTC).date()
    for number, (first, last, told) in enumerate((
        (today + timedelta(3), None, "before their first day"),
        (None, today - timedelta(3), "after their last day"),
        # Changed since: neither can be told.
        (None, None, "before their first day or after their last"),
    )):  # fmt: skip
        one = residents.enrol(store, f"Li {number}", None, [])
        store.execute("UPDATE residents SET valid_from = ?, valid_until = ? WHERE id = ?", (first, last, one.id))
        details = {"method": "face", "reason": "out_of_validity"}
        audit.append(store, AuditEvent("denied", details, {"resident": one.id, "name": one.name}, one.id))
        last_came = re.search(r'class="last">(.*?)</p>', guard.get("/guard").text, re.DOTALL)[1]
        assert f"Refused: {told}</strong>" in last_came


def test_whoever_may_not_open_a_page_is_told_all_who_may(browser):
    guard = browser("guard")
    for path, who in (("/events", "a manager or an owner"), ("/residents", "a manager or an owner"),
                      ("/settings/users", "an owner")):  # fmt: skip
        refused = guard.get(path)
        assert (refused.status_code, f"You may not do this; ask {who} of the gate." in refused.text) == (403, True)


def test_opening_the_page_is_a_look_and_its_own_fetching_is_none(browser, store, came):
    guard = browser("guard")
    guard.get("/guard")
    assert "Li Na" in guard.get("/guard?part=live").text
    assert looks(store) == ["the guard's page"]
    assert "/camera.jpg" not in guard.get("/guard").text, "the camera is not looked through unasked"
    assert "/camera.jpg?first=1" in guard.get("/guard?look=1").text


def test_what_was_long_ago_is_not_lately(browser, store, came):
    moment = audit.this_moment()
    old = datetime.now(UTC) - timedelta(hours=2)
    audit.append(store, AuditEvent("granted", {"method": "rex"}), audit.Moment(moment.mono, old.timestamp(), True))
    text = browser("guard").get("/guard").text
    assert "by the exit button" in text.split("came-lately")[0]
    assert "by the exit button" not in text.split('id="came-lately"')[1]


def test_open_pressed_again_while_it_opens_is_answered_on_the_same_page(browser, state):
    guard, manager = browser("guard"), browser("manager")
    with door_process(state, pulse_s=5.0, max_pulse_s=8.0):
        first = guard.post("/door/open", data={"to": "/guard"})
        assert (first.status_code, first.headers["location"]) == (303, "/guard")
        assert notice_of(guard.get("/guard")) == "The gate opens."
        shown = ordered(guard, "open")
        assert (shown.status_code, notice_of(shown)) == (200, "The gate is opening already, a moment.")
        assert "Open once" in shown.text
        assert notice_of(ordered(guard, "open", headers=CHINESE)) == "门正在开启，请稍候。"
        # And where else there is such a button; without a page to go back to, and to a foreign one, it is the first.
        assert notice_of(manager.get(manager.post("/door/open").headers["location"])).startswith("The gate is opening")
        assert manager.post("/door/open", data={"to": "//evil.example"}).headers["location"] == "/"
        scripted = guard.post("/door/open", headers=JSON)
        said = {"said": "The gate is opening already, a moment.", "good": True}
        assert scripted.json() == said | {"modes": ["pulse", "extended_pulse", "egress"]}
        # A program is answered as ever.
        assert manager.post("/api/v1/door/open").status_code == 409


@pytest.mark.parametrize(("who", "page", "of_people"), [("manager", "/", "let in today"), ("guard", "/guard", "Li Na")])
def test_while_no_look_can_be_recorded_the_door_is_shown_and_ordered_and_nobody_who_came(
    browser, store, state, came, monkeypatch, who, page, of_people
):
    monkeypatch.setattr("gate.store.database._BUSY_TIMEOUT_S", 0.05)
    one = browser(who)
    # As whoever has had the page open for a while.
    store.execute("UPDATE sessions SET used_at = used_at - 120")
    with door_process(state) as (_, door):
        until(door, store_fault=None)
        store.execute("BEGIN IMMEDIATE")
        for path in (page, f"{page}?part=live"):
            shown = one.get(path)
            assert (shown.status_code, of_people in shown.text) == (200, False)
            assert "no look at it can be recorded" in shown.text
        assert one.get("/events").status_code == {"manager": 503, "guard": 403}[who]
        assert "Open once" in one.get(page).text
        assert one.post("/door/lockdown", headers=JSON).json()["said"] == "The gate is locked down."
        store.execute("ROLLBACK")
    assert of_people in one.get(page).text
    assert "no look at it can be recorded" not in one.get(page).text


def test_it_holds_open_locks_down_and_ends_both(browser, state):
    guard = browser("guard")
    with door_process(state, hold_pin=HOLD) as (_, door):
        assert "Yes, hold open" in guard.get("/guard").text
        assert guard.post("/door/hold", headers=JSON).json()["said"] == "The gate is held open."
        text = guard.get("/guard").text
        assert "Close again" in text
        assert "Yes, lock down" in text, "whoever holds open can still lock down"
        assert "Yes, hold open" not in text
        assert guard.post("/door/release", headers=JSON).json()["good"]
        assert guard.post("/door/lockdown", headers=JSON).json()["said"] == "The gate is locked down."
        refused = ordered(guard, "open")
        assert problem_of(refused) == "The gate stays shut: there is a lockdown. End it first."
        assert "Yes, end it" in refused.text
        guard.post("/door/release")
        until(door, mode="normal")


def test_without_a_hold_relay_nobody_is_offered_to_hold_it_open(browser, state):
    guard = browser("guard")
    with door_process(state):
        assert "Yes, hold open" not in guard.get("/guard").text
        assert guard.post("/door/hold", headers=JSON).json()["said"].startswith("This gate cannot be held open")


@pytest.mark.parametrize(
    ("order", "needed"),
    [("open", "open by hand or with a key"), ("lockdown", "treat it as NOT locked down"),
     ("hold", "treat it as not held open"), ("close", "treat it as still held open"),
     ("release", "treat it as not ended")],
)  # fmt: skip
def test_a_controller_that_is_silent_is_told_by_what_whoever_gave_the_order_has_to_know(browser, order, needed):
    guard = browser("guard")
    shown = ordered(guard, order)
    assert shown.status_code == 200
    said = problem_of(shown)
    assert said.startswith("The gate does not answer")
    assert needed in said
    assert ("by hand or with a key" in said) is (order in ("open", "hold")), "nobody opens what should be locked"
    assert "sudo" not in shown.text
    assert "sock" not in shown.text
    assert guard.post(f"/door/{order}", headers=JSON).json() == {"said": said, "good": False, "modes": []}
    assert problem_of(ordered(guard, order, headers=CHINESE)) != said


def test_a_page_says_the_same_of_each_order_when_nobody_answers_it(browser, state):
    guard = browser("guard")
    with door_process(state, hold_pin=HOLD):
        told = dict(re.findall(r'action="/door/(\w+)"[^>]*data-silent="([^"]*)"', guard.get("/guard").text))
    assert set(told) == {"open", "lockdown", "hold"}
    for order, said in told.items():
        assert said == problem_of(ordered(guard, order))


def test_what_was_done_is_told_on_the_page_that_follows_and_on_no_other(browser, state):
    guard = browser("guard")
    with door_process(state):
        assert notice_of(ordered(guard, "lockdown")) == "The gate is locked down."
        # Loaded again, or in another language.
        assert notice_of(guard.get("/guard")) is None
        ordered(guard, "release")
        guard.post("/language", data={"language": "zh-CN", "back": "/guard"})
        assert notice_of(guard.get("/guard")) is None
        # By an address that somebody sent.
        for sent in ("done-lockdown", "Ring+5550100"):
            assert notice_of(guard.get(f"/guard?said={sent}", headers={"sec-fetch-site": "cross-site"})) is None
        guard.cookies.set("facegate-told", "Ring 5550100")
        assert notice_of(guard.get("/guard")) is None


@pytest.mark.parametrize(
    ("mode", "leaf", "said"),
    [
        ("normal", "shut", "Closed"), ("normal", "open", "The gate is open"),
        ("normal", "forced", "The gate was forced open"), ("fire", "open", "Fire: open"),
        ("manual_hold", "shut", "Held open"), ("free_access", "open", "Open to all by schedule"),
        ("pulse", "shut", "Opening"), ("pulse", "open", "Opening, the gate stands open"),
        ("lockdown", "open", "Lockdown, the gate stands open"), ("lockdown", None, "Lockdown"),
        ("new", "new", "new, new"),
    ],
)  # fmt: skip
def test_what_the_gate_is_doing_is_said_once(browser, state, mode, leaf, said):
    with answering(state, "door", written(door_says(mode=mode, leaf=leaf))):
        shown = browser("guard").get("/guard?part=live").text
    assert re.sub("<[^>]*>", "", re.search(r'class="mode [^>]*>(.*)</p>', shown)[1]) == said


def test_who_stands_there_and_is_refused_again_and_again_is_one_line_of_the_half_hour(browser, store):
    def lately(text):
        return re.findall(r"<li id=.*?</li>", text.split("came-lately")[2])

    for track in range(3):
        for reason in ("too_dark", "unknown", "unknown"):
            audit.append(store, AuditEvent("denied", {"method": "face", "reason": reason, "track": track}))
    guard = browser("guard")
    shown = lately(guard.get("/guard").text)
    assert [("not known here" in one, "3 times" in one) for one in shown] == [(True, True)] * 3
    assert "More happened" not in guard.get("/guard").text
    for track in range(3, 25):
        audit.append(store, AuditEvent("denied", {"method": "face", "reason": "unknown", "track": track}))
    assert len(lately(guard.get("/guard").text)) == 20
    assert "More happened in this half hour." in guard.get("/guard").text
    assert "/events" not in guard.get("/guard").text, "a guard may not read them"
    assert 'href="/events?when=today">All of it' in browser("manager").get("/guard").text


def test_a_token_sees_no_names_here_whatever_it_may_do_to_the_door(app, staff, store, came):
    accounts.add_token(store, "lift", digest("secret"), ("door", "live"), staff["owner"], "test")
    for path in ("/guard", "/guard?part=live"):
        answer = Browser(app).get(path, headers={"authorization": "Bearer secret"})
        assert answer.status_code == 403
        assert "Li Na" not in answer.text
    assert looks(store) == []


def test_what_is_fetched_without_the_page_is_a_look_too(browser, store, came):
    guard = browser("guard")
    for _ in range(3):
        assert "Li Na" in guard.get("/guard?part=live").text
    assert looks(store) == ["the guard's page"]


def test_who_was_last_is_told_behind_a_morning_of_openings_from_the_console(browser, store, came):
    for _ in range(30):
        audit.append(store, AuditEvent("granted", {"method": "command"}))
    assert "Refused: outside their hours" in browser("guard").get("/guard").text


def test_whoever_is_erased_is_gone_from_the_page_that_others_watch(app, browser, store, came):
    manager, changes = browser("manager"), app.state.changes

    async def watched():
        stream = changes.follow(None, None)
        await anext(stream)
        assert "Li Na" in await asyncio.to_thread(shown)
        await asyncio.to_thread(erase)
        deadline = time.monotonic() + 10
        while "Li Na" in await asyncio.to_thread(shown):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        await stream.aclose()

    def shown():
        return manager.get("/guard?part=live").text

    def erase():
        assert manager.post(f"/residents/{came.id}/erasure").status_code in (200, 303)

    asyncio.run(watched())


@pytest.mark.parametrize("reason", ["unknown", "too_dark", "covered", "stale", "not_live"])
def test_whoever_was_not_recognised_is_not_called_a_stranger(browser, store, reason):
    """It may be a resident in the dark: whether they are enrolled is what nobody knows."""
    audit.append(store, AuditEvent("denied", {"method": "face", "reason": reason}))
    guard = browser("guard")
    for language, called, not_called in (
        ("en", "somebody not recognised", "unknown"),
        ("zh-CN", "未识别人员", "未登记"),
    ):
        last = re.search(
            r'class="last">(.*?)</p>', guard.get("/guard", headers={"accept-language": language}).text, re.DOTALL
        )[1]
        assert (called in last, not_called in last) == (True, False), last


@pytest.mark.parametrize("page", ["/", "/guard"])
def test_a_silent_door_is_told_once(browser, page):
    text = browser("manager").get(page).text
    assert text.count("The door does not answer.") == 1
    assert "Face recognition does not answer" in text
