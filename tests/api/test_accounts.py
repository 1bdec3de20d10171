"""Accounts: what ends when, who may change them, one's own password, and what one is signed in by."""

import pytest

from api import auth
from api.auth import Permission, digest
from gate.care import backup
from gate.care.backup.restore import restore
from gate.store.record import audit
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.console import PASSWORD, Browser, problem_of
from tests.faults.test_hostile_http import OPEN, filled, routes

ANOTHER = "another good one"


@pytest.fixture
def second(store, context, staff):
    """An owner beside the first: whoever holds every kind of credential."""
    return accounts.add_user(store, "second", context.passwords.hashed(PASSWORD), Role.OWNER, "test")


def machine_of(browser, person, *permissions):
    answer = person.post("/api/v1/tokens", json={"name": "lift", "permissions": list(permissions)})
    assert answer.status_code == 201
    machine = browser()
    machine.headers = {"authorization": f"Bearer {answer.json()['secret']}"}
    return machine, answer.json()["id"]


def works(one):
    return one.get("/api/v1/me").status_code == 200


# What happens, and what still works then: the browser that asks, another of theirs, their token, the password they had.
NOTHING, PASSWORD_ALONE = (False, False, False, False), (False, False, False, True)
EVENTS = {
    "an owner gives a new password": (
        lambda w: w.owner.ask("PUT", f"/api/v1/users/{w.user.id}/password", json={"password": ANOTHER}), NOTHING,
    ),
    "an owner does on the page": (
        lambda w: w.owner.post(f"/settings/users/{w.user.id}/password", data={"password": ANOTHER}), NOTHING,
    ),
    "they change their own": (
        lambda w: w.first.ask("PUT", "/api/v1/me/password", json={"current": PASSWORD, "password": ANOTHER}),
        (True, False, False, False),
    ),
    "they do on the page": (
        lambda w: w.first.post("/account/password", data={"current": PASSWORD, "password": ANOTHER}),
        (True, False, False, False),
    ),
    "removed": (lambda w: w.owner.ask("DELETE", f"/api/v1/users/{w.user.id}"), NOTHING),
    "removed on the page": (lambda w: w.owner.post(f"/settings/users/{w.user.id}/removal"), NOTHING),
    "another role": (
        lambda w: w.owner.ask("PUT", f"/api/v1/users/{w.user.id}/role", json={"role": "guard"}), PASSWORD_ALONE,
    ),
    "another role on the page": (
        lambda w: w.owner.post(f"/settings/users/{w.user.id}/role", data={"role": "guard"}), PASSWORD_ALONE,
    ),
    "all ended by an owner": (lambda w: w.owner.ask("DELETE", f"/api/v1/users/{w.user.id}/sign-ins"), PASSWORD_ALONE),
    "all ended by an owner on the page": (
        lambda w: w.owner.post(f"/settings/users/{w.user.id}/sign-ins/end"), PASSWORD_ALONE,
    ),
    "all others ended by themselves": (
        lambda w: w.first.ask("DELETE", "/api/v1/me/sign-ins"), (True, False, False, True),
    ),
    "the other browser ended": (
        lambda w: w.first.ask("DELETE", f"/api/v1/me/sign-ins/{digest(w.other.cookies['facegate'])[:16]}"),
        (True, False, True, True),
    ),
    "signed out": (lambda w: w.first.post("/sign-out"), (False, True, True, True)),
    "the token revoked": (lambda w: w.owner.ask("DELETE", f"/api/v1/tokens/{w.token}"), (True, True, False, True)),
    "the token revoked on the page": (
        lambda w: w.owner.post(f"/settings/tokens/{w.token}/removal"), (True, True, False, True),
    ),
    "a backup restored": (lambda w: w.restored(), PASSWORD_ALONE),
}  # fmt: skip


class World:
    """A second owner who is signed in twice and has a token, and a backup of all that."""

    def __init__(self, browser, second, state, tmp_path, store):
        self._store = store
        self.user, self.state, self.owner = second, state, browser("owner")
        self.first, self.other = browser("second"), browser("second", address="10.0.0.6")
        self.machine, self.token = machine_of(browser, self.first, "record")
        self.made = backup.make(state, tmp_path / "b", None)
        self._browser = browser

    def restored(self):
        self._store.close()
        restore(self.made.path, self.state)

    def working(self):
        again = self._browser(address="10.0.0.7").sign_in("second").status_code == 303
        return works(self.first), works(self.other), works(self.machine), again


@pytest.mark.parametrize("event", EVENTS)
def test_what_worked_before_an_event_and_what_does_after(browser, second, state, tmp_path, event, store):
    world = World(browser, second, state, tmp_path, store)
    cookies = dict(world.first.cookies)
    happen, expected = EVENTS[event]
    assert world.working() == (True, True, True, True)
    done = happen(world)
    assert getattr(done, "status_code", 200) < 400
    assert world.working() == expected, event
    if expected[0] is False or "own" in event:
        # The secret that the browser had is worth nothing either, whatever it has now.
        old = browser()
        old.cookies.update(cookies)
        assert not works(old)


ACCOUNTS = (
    "/api/v1/users", "/api/v1/tokens", "/api/v1/webhooks", "/api/v1/backups", "/settings/users", "/settings/tokens",
    "/settings/webhooks", "/settings/backups", "/settings/upgrade",
)  # fmt: skip


def changes_of_accounts(app):
    found = [(method, path) for method, path in routes(app) if method != "GET" and path.startswith(ACCOUNTS)]
    assert len(found) > 20
    return found


def test_a_token_that_may_all_changes_no_account_token_webhook_or_backup(app, browser, staff, store):
    machine, _ = machine_of(browser, browser("owner"), *Permission)
    before = list(store.iterdump())
    for method, path in changes_of_accounts(app):
        answer = machine.ask(method, filled(path), json={"name": "x"})
        assert (answer.status_code, "a token cannot" in answer.text) == (403, True), (method, path)
    changed = set(store.iterdump()) - set(before)
    assert [line for line in changed if 'INTO "tokens"' not in line] == []
    for path in ("users", "tokens", "webhooks", "backups", "settings"):
        assert machine.get(f"/api/v1/{path}").status_code == 200


def test_whoever_gave_their_password_long_ago_gives_it_again_and_goes_on(app, browser, store):
    owner = browser("owner")
    accounts.confirm_session(store, digest(owner.cookies["facegate"]), 0.0)
    for method, path in changes_of_accounts(app):
        answer = owner.ask(method, filled(path), headers={"accept-language": "zh-CN"})
        assert answer.status_code == 403, (method, path)
        if path.startswith("/api/"):
            assert answer.json()["reason"] == "confirmation_needed"
        else:
            assert 'action="/confirm"' in answer.text
            assert problem_of(answer) == "请先再次输入您的密码。"
    assert 'action="/settings/tokens"' not in owner.get("/settings/tokens").text
    assert owner.get("/api/v1/me").json()["confirmed"] is False
    wrong = owner.post("/confirm", data={"password": "a wrong guess"})
    assert (wrong.status_code, problem_of(wrong)) == (403, "The password is wrong.")
    assert (
        owner.post("/confirm", data={"password": PASSWORD, "back": "//evil.example"}).headers["location"] == "/settings"
    )
    assert 'action="/settings/tokens"' in owner.get("/settings/tokens").text
    accounts.confirm_session(store, digest(owner.cookies["facegate"]), 0.0)
    assert owner.post("/api/v1/me/confirmation", json={"password": PASSWORD}).status_code == 204
    assert owner.get("/api/v1/me").json()["confirmed"] is True
    assert owner.post("/api/v1/backups").status_code == 201


def test_guessing_at_the_password_of_an_open_browser_is_slowed(browser):
    owner = browser("owner")
    guesses = [owner.post("/api/v1/me/confirmation", json={"password": "a guess"}).status_code for _ in range(8)]
    assert guesses == [403] * 5 + [429] * 3


def test_a_copied_cookie_guesses_no_further_from_addresses_in_turn(app, browser):
    owner, guesses = browser("owner", address="10.0.0.5"), []
    for last in range(12):
        thief = Browser(app, address=f"10.7.0.{last}")
        thief.cookies = owner.cookies
        guesses.append(thief.post("/api/v1/me/confirmation", json={"password": f"guess {last}"}).status_code)
        guesses.append(
            thief.ask("PUT", "/api/v1/me/password", json={"current": "a guess", "password": ANOTHER}).status_code
        )
    # Five, and one after each pause that was over by then: 1 s, 2 s.
    assert guesses.count(403) <= 7
    assert guesses[-1] == 429
    # Whoever the account is signs in anew, and is heard there.
    anew = browser("owner", address="10.0.0.5")
    assert anew.post("/api/v1/me/confirmation", json={"password": PASSWORD}).status_code == 204


def test_nobody_gives_more_than_they_hold(browser, staff, monkeypatch):
    held = frozenset({Permission.SITE, Permission.LIVE, Permission.DOOR})
    monkeypatch.setitem(auth.ROLES, Role.MANAGER, held)
    manager = browser("manager")
    tried = [
        ("POST", "users", {"name": "Eve", "password": ANOTHER, "role": "owner"}),
        ("PUT", f"users/{staff['manager'].id}/role", {"role": "owner"}),
        ("PUT", f"users/{staff['owner'].id}/password", {"password": ANOTHER}),
        ("POST", "tokens", {"name": "lift", "permissions": ["live", "scores"]}),
    ]
    for method, path, given in tried:
        answer = manager.ask(method, f"/api/v1/{path}", json=given)
        assert (answer.status_code, answer.json()["detail"]) == (
            403,
            "You cannot allow others more than you may do yourself.",
        )
    assert manager.post("/api/v1/users", json={"name": "Eve", "password": ANOTHER, "role": "guard"}).status_code == 201
    assert manager.post("/api/v1/tokens", json={"name": "x", "permissions": ["door"]}).status_code == 201


def test_backups_by_hand_push_out_no_other(browser, context):
    nightly = [backup.make(context.state, context.state / "backups", None).path.name for _ in range(2)]
    owner = browser("owner")
    for _ in range(6):
        assert owner.post("/api/v1/backups").json()["by_hand"] is True
    listed = owner.get("/api/v1/backups").json()
    assert [one["by_hand"] for one in listed] == [True] * 5 + [False] * 2
    assert [one["file"] for one in listed[-2:]] == nightly[::-1]
    assert all(one["file"] in owner.get("/settings/backups").text for one in listed)


@pytest.mark.parametrize("by", ["added", "given"])
def test_a_password_that_somebody_else_chose_is_changed_before_anything_else(app, browser, staff, by):
    owner = browser("owner")
    if by == "added":
        owner.post("/settings/users", data={"name": "Eve", "role": "owner", "password": ANOTHER})
        name = "Eve"
    else:
        owner.ask("PUT", f"/api/v1/users/{staff['manager'].id}/password", json={"password": ANOTHER})
        name = "manager"
    eve = Browser(app)
    assert eve.sign_in(name, ANOTHER).status_code == 303
    for method, path in routes(app):
        if (
            (method, path) in OPEN
            or path.startswith(("/api/v1/me", "/account", "/confirm", "/api/v1/openapi"))
            or path == "/"
        ):
            continue
        answer = eve.ask(method, filled(path))
        if path.startswith(("/api/", "/metrics")):
            assert answer.json()["reason"] == "password_change_needed", (method, path)
        else:
            assert (answer.status_code, answer.headers["location"]) == (303, "/account"), (method, path)
    assert "Somebody else chose your password" in eve.get("/account").text
    same = eve.post("/account/password", data={"current": ANOTHER, "password": ANOTHER})
    assert "choose another one" in problem_of(same)
    assert eve.post("/account/password", data={"current": ANOTHER, "password": "my very own secret"}).status_code == 303
    assert eve.get("/residents").status_code == 200
    assert Browser(app).sign_in(name, "my very own secret").status_code == 303


@pytest.mark.parametrize("role", list(Role))
def test_everybody_changes_their_own_password_and_gives_the_current_one(browser, role, store):
    one = browser(role.value)
    wrong = one.ask("PUT", "/api/v1/me/password", json={"current": "a wrong guess", "password": ANOTHER})
    assert (wrong.status_code, wrong.json()["reason"]) == (403, "wrong_password")
    poor = one.post("/account/password", data={"current": PASSWORD, "password": "1234567890"})
    assert "easy to guess" in problem_of(poor)
    changed = one.post("/account/password", data={"current": PASSWORD, "password": ANOTHER})
    assert "Your password is changed" in one.get(changed.headers["location"]).text
    # By an address that somebody sent it is not told.
    assert "Your password is changed" not in one.get("/account?changed=yes").text
    assert browser().sign_in(role.value).status_code == 401
    assert browser().sign_in(role.value, ANOTHER).status_code == 303
    by = [line.details["by"] for line in audit.lines(store) if line.kind == "password_changed"]
    assert by == [f"user {accounts.user_named(store, role.value).id}"]


def test_a_page_shows_what_one_is_signed_in_by_and_ends_it(browser, second, store):
    first, other = browser("second"), browser("second", address="2001:db8::7")
    machine, token = machine_of(browser, first, "record")
    machine.get("/api/v1/events")
    shown = first.get("/account").text
    for said in ("10.0.0.5", "2001:db8::7", "Token lift", "(this one)"):
        assert said in shown
    listed = first.get("/api/v1/me/sign-ins").json()
    assert [(one["token"], one["this"]) for one in listed] == [(None, False), (None, True), ("lift", False)]
    assert all(one["used_at"] for one in listed)
    assert other.cookies["facegate"] not in shown
    assert digest(other.cookies["facegate"]) not in shown
    first.post("/account/sign-ins/end", data={"which": token})
    assert (works(machine), works(other)) == (False, True)
    first.post("/account/sign-ins/end")
    assert (works(other), works(first)) == (False, True)
    assert [line.kind for line in audit.lines(store)].count("signed_out") == 2


def test_an_owner_sees_and_ends_what_others_are_signed_in_by_and_nobody_else_does(browser, staff):
    guard, owner, manager = browser("guard", address="10.0.0.8"), browser("owner"), browser("manager")
    path = f"/settings/users/{staff['guard'].id}"
    assert "10.0.0.8" in owner.get(path).text
    assert manager.get(path).status_code == 403
    assert manager.get(f"/api/v1{path.removeprefix('/settings')}/sign-ins").status_code == 403
    (one,) = owner.get(f"/api/v1/users/{staff['guard'].id}/sign-ins").json()
    mine = manager.ask("DELETE", f"/api/v1/me/sign-ins/{one['id']}")
    assert (mine.status_code, works(guard)) == (404, True)
    owner.post(f"{path}/sign-ins/end", data={"which": one["id"]})
    assert not works(guard)


def test_the_last_owner_is_not_demoted(browser, staff):
    answer = browser("owner").ask("PUT", f"/api/v1/users/{staff['owner'].id}/role", json={"role": "guard"})
    assert answer.status_code == 409


def test_users_are_demoted_and_signed_out_from_the_machine(facegate, browser, second, store):
    one = browser("second")
    assert "10.0.0.5" in facegate("users", "sign-ins", "second").out
    assert facegate("users", "sign-ins", "second", "--end", "--json").answer["ended"] is True
    assert not works(one)
    assert facegate("users", "role", "second", "guard").out == "second is guard now and must sign in again.\n"
    assert accounts.user_named(store, "second").role is Role.GUARD
