"""`facegate users`: the console's users from the machine itself."""

import pytest

from gate.store.record import audit
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.console import Browser, context_on

pytestmark = pytest.mark.whole

SECRET = "a very good secret"


def test_users_are_made_changed_and_taken_away_and_it_is_on_record(facegate, store):
    assert "Nobody" in facegate("users", "list").out
    added = facegate("users", "add", "Ann", "--role", "owner", "--password", SECRET)
    assert added.out == "Ann can sign in now, as owner.\n"
    assert facegate("users", "list", "--json").answer["users"][0]["role"] == "owner"
    assert facegate("users", "add", "ann", "--password", SECRET).code == 1
    last = facegate("users", "remove", "Ann")
    assert (last.code, "only owner" in last.err) == (1, True)
    assert facegate("users", "password", "Eve", "--password", SECRET).code == 1
    short = facegate("users", "password", "Ann", "--password", "short")
    assert (short.code, short.err) == (2, "Choose a password of 10 to 200 characters.\n")
    facegate("users", "add", "Bob", "--password", SECRET)
    assert facegate("users", "remove", "Bob").code == 0
    kinds = [line.kind for line in audit.lines(store)]
    assert kinds == ["user_added", "user_added", "user_removed"]


def test_whoever_forgot_their_password_comes_back_in(facegate, state, store):
    from api.app import create_app

    context = context_on(state)
    accounts.add_user(store, "Ann", context.passwords.hashed("forgotten words"), Role.OWNER, "test")
    browser = Browser(create_app(context))
    assert browser.sign_in("Ann", "forgotten words").status_code == 303
    assert facegate("users", "password", "Ann", "--password", SECRET).code == 0
    assert browser.get("/residents").headers["location"].startswith("/sign-in")
    assert browser.sign_in("Ann", SECRET).status_code == 303
