"""The first start, sessions, tokens."""

import time

import pytest

from api.app import create_app
from api.auth import IDLE_S, LONGEST_S, digest
from api.context import store_of
from gate.store.database import database_of
from gate.store.record import audit
from gate.store.site import accounts
from tests.console import PASSWORD, Browser, context_on, problem_of


def kinds(store):
    return [line.kind for line in audit.lines(store)]


def first_start(app, code, name="Ann", password=PASSWORD):
    browser = Browser(app)
    return browser, browser.post("/owner", data={"code": code, "name": name, "password": password})


def test_the_first_start_makes_an_owner_by_the_printed_code_once(app, context, store):
    browser = Browser(app)
    assert browser.get("/sign-in").headers["location"] == "/owner"
    assert "owner-code" in browser.get("/owner").text
    _, wrong = first_start(app, "AAAA-BBBB-CCCC")
    assert wrong.status_code == 422
    assert "not the code" in problem_of(wrong)
    ann, made = first_start(app, context.owner_code.code)
    assert made.headers["location"] == "/"
    assert ann.get("/").status_code == 200
    _, again = first_start(app, context.owner_code.code, "Eve")
    assert again.headers["location"] == "/sign-in"
    assert [one.name for one in accounts.users(store)] == ["Ann"]
    assert kinds(store)[:3] == ["sign_in_failed", "user_added", "signed_in"]


def test_what_was_typed_wrong_at_the_first_start_is_said_and_the_code_still_holds(app, context):
    _, refused = first_start(app, context.owner_code.code, password="short")
    assert "10 to 200" in problem_of(refused)
    _, blank = first_start(app, context.owner_code.code, name=" ")
    for answer in (refused, blank):
        assert f'value="{context.owner_code.code}"' in answer.text
    _, wrong = first_start(app, "AAAA-BBBB-CCCC")
    assert "AAAA" not in wrong.text
    _, made = first_start(app, context.owner_code.code)
    assert made.status_code == 303


def test_guessing_the_code_is_slowed_and_burns_it_for_nobody(app, context):
    guesser = Browser(app, address="10.0.0.66")
    form = {"code": "AAAA-BBBB-CCCC", "name": "Eve", "password": PASSWORD}
    said = [problem_of(guesser.post("/owner", data=form)) for _ in range(8)]
    assert ["Too many" in one for one in said] == [False] * 5 + [True] * 3
    _, made = first_start(app, context.owner_code.code)
    assert made.status_code == 303


@pytest.mark.parametrize("began", [LONGEST_S + 1, -LONGEST_S - 60])
def test_an_old_session_is_forgotten_when_somebody_signs_in(browser, store, staff, began):
    accounts.begin_session(store, "0" * 64, staff["guard"], time.time() - began)
    browser("manager")
    assert store.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


def test_a_session_is_a_cookie_that_scripts_cannot_read(browser):
    answer = browser().sign_in("manager")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()


def test_under_tls_the_cookie_is_held_to_this_host(state, staff):
    cookie = Browser(create_app(context_on(state, secure=True))).sign_in("manager").headers["set-cookie"]
    assert cookie.startswith("__Host-facegate=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def test_a_wrong_password_and_an_unknown_name_are_told_apart_by_nobody(browser):
    wrong = browser().sign_in("manager", "wrong password")
    unknown = browser().sign_in("nobody", "wrong password")
    assert wrong.status_code == unknown.status_code == 401
    assert problem_of(wrong) == problem_of(unknown)


def test_brute_force_is_slowed_and_locks_nobody_else_out(browser, store):
    guesser = browser(address="10.0.0.66")
    answers = [guesser.sign_in("owner", f"guess number {number}").status_code for number in range(8)]
    assert answers == [401] * 5 + [429] * 3
    assert guesser.sign_in("owner").status_code == 429
    assert browser(address="10.0.0.5").sign_in("owner").status_code == 303
    assert kinds(store).count("sign_in_failed") == 5


def test_blanks_and_capitals_before_a_name_are_no_further_guesses(browser):
    guesser = browser(address="10.0.0.66")
    typed = ["owner", " owner", "OWNER", "owner\u3000", "\u2009Owner", "  owner  ", "\tOWNER"]
    assert [guesser.sign_in(name, "a wrong guess").status_code for name in typed] == [401] * 5 + [429] * 2
    assert browser(address="10.0.0.5").sign_in("  Owner ").status_code == 303


def test_addresses_in_turn_guess_no_further_and_the_owners_own_still_gets_in(app, browser):
    usual = browser("owner", address="10.0.0.5")
    usual.post("/sign-out")
    answers = [Browser(app, address=f"10.7.0.{last}").sign_in("owner", "a guess").status_code for last in range(60)]
    # Twenty, and one after each pause that was over by then: 1 s, 2 s, 4 s.
    assert answers.count(401) <= 24
    assert Browser(app, address="10.8.0.1").sign_in("owner").status_code == 429
    assert usual.sign_in("owner").status_code == 303


def test_signing_out_ends_the_session_on_the_gate(browser):
    one = browser("manager")
    cookies = dict(one.cookies)
    assert one.get("/residents").status_code == 200
    one.post("/sign-out")
    one.cookies.update(cookies)
    assert one.get("/residents").headers["location"].startswith("/sign-in")


# The last two as where the clock was ahead then.
@pytest.mark.parametrize(
    ("began", "used"),
    [(LONGEST_S + 60, 60), (IDLE_S + 60, IDLE_S + 60), (-LONGEST_S - 60, 60), (-IDLE_S - 60, -IDLE_S - 60)],
)
def test_an_old_or_unused_session_is_over(browser, context, staff, began, used):
    one = browser()
    now = time.time()
    with store_of(context) as connection:
        accounts.begin_session(connection, digest("s"), staff["manager"], now - began)
        accounts.use_session(connection, digest("s"), now - used)
    one.cookies.set("facegate", "s")
    assert one.get("/residents").headers["location"] == "/sign-in"


def test_a_new_password_ends_all_sessions(browser, staff):
    manager, owner = browser("manager"), browser("owner")
    path = f"/api/v1/users/{staff['manager'].id}/password"
    assert owner.ask("PUT", path, json={"password": "another good one"}).status_code == 204
    assert manager.get("/residents").headers["location"].startswith("/sign-in")
    assert browser().sign_in("manager", "another good one").status_code == 303


def test_the_last_owner_stays(browser, staff):
    answer = browser("owner").ask("DELETE", f"/api/v1/users/{staff['owner'].id}")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "owner is the only owner; make another one first."


def token(browser, *permissions):
    answer = browser("owner").post("/api/v1/tokens", json={"name": "lift", "permissions": list(permissions)})
    assert answer.status_code == 201
    machine = browser()
    machine.headers = {"authorization": f"Bearer {answer.json()['secret']}"}
    return machine, answer.json()


def test_a_token_may_what_it_was_made_for_and_is_gone_when_revoked(browser, store):
    machine, issued = token(browser, "people")
    assert machine.get("/api/v1/residents").status_code == 200
    assert machine.post("/api/v1/residents", json={"name": "Wang Fang"}).status_code == 201
    assert machine.get("/api/v1/events").status_code == 403
    assert issued["secret"] not in browser("owner").get("/api/v1/tokens").text
    by = [line.details.get("by") for line in audit.lines(store) if line.kind == "enrolled"]
    assert by == [f"token {issued['id']}"]
    assert browser("owner").ask("DELETE", f"/api/v1/tokens/{issued['id']}").status_code == 204
    assert machine.get("/api/v1/residents").status_code == 401


def test_a_token_is_told_by_its_name_and_what_it_may_in_the_words_of_the_form(browser, store):
    owner = browser("owner")
    owner.post("/settings/tokens", data={"name": "Lift", "permissions": ["door", "people"]})
    refused = owner.post("/settings/tokens", data={"name": " LIFT", "permissions": "site"})
    assert "There is already a token LIFT" in problem_of(refused)
    assert owner.post("/api/v1/tokens", json={"name": "lift", "permissions": ["live"]}).status_code == 409
    (made,) = accounts.tokens(store)
    owner.post("/api/v1/tokens", json={"name": "studies", "permissions": ["scores"]})
    shown = owner.get("/settings/tokens").text
    assert "<td>Lift</td><td>open and lock down, residents and enrolment<br>" in shown
    assert "since " in shown
    assert "how alike faces were" in shown
    # One that is gone leaves its name.
    owner.ask("DELETE", f"/api/v1/tokens/{made.id}")
    assert owner.post("/api/v1/tokens", json={"name": "lift", "permissions": ["live"]}).status_code == 201


def test_a_token_makes_no_tokens(browser):
    machine, _ = token(browser, "site")
    assert machine.post("/api/v1/tokens", json={"name": "x", "permissions": ["door"]}).status_code == 403


def test_no_secret_is_kept_in_the_database(browser, context):
    one = browser("manager")
    _, issued = token(browser, "people")
    held = b"".join(path.read_bytes() for path in database_of(context.state).parent.glob("facegate.db*"))
    for secret in (PASSWORD, issued["secret"], one.cookies["facegate"]):
        assert secret.encode() not in held
