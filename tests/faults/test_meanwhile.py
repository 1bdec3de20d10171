"""What takes its time, and whose login ends in that time: a password's hash, a name looked up, photos looked over."""

import socket
from contextlib import contextmanager

import pytest

from api.context import store_of
from gate.store.people import residents
from gate.store.site import accounts, webhooks
from gate.store.site.accounts import Role
from tests.console import CHEAP, PASSWORD, problem_of
from tests.running import wait_for

ANOTHER = "another good one"


class Meanwhile:
    """Hashes passwords, and once it did, what happens in that time has happened."""

    def __init__(self, act):
        self._act = act

    def hash(self, password):
        hashed = CHEAP.hash(password)
        self._happen()
        return hashed

    def verify(self, kept, password):
        right = CHEAP.verify(kept, password)
        self._happen()
        return right

    def _happen(self):
        act, self._act = self._act, lambda: None
        act()


@pytest.fixture
def meanwhile(context, monkeypatch):
    """Give it what happens to a user, with a connection of its own, while the next password is hashed."""

    def arrange(act, name):
        def happen():
            with store_of(context) as connection:
                act(connection, accounts.user_named(connection, name))

        monkeypatch.setattr(context.passwords, "_hasher", Meanwhile(happen))

    return arrange


def given_anew(connection, of):
    accounts.change_password(connection, of, CHEAP.hash(ANOTHER), "test", provisional=True)


def changed(connection, of):
    accounts.change_password(connection, of, CHEAP.hash(ANOTHER), "test")


def removed(connection, of):
    accounts.remove_user(connection, of, "test")


def demoted(connection, of):
    accounts.change_role(connection, of, Role.GUARD, "test")


@pytest.mark.parametrize("act", [given_anew, changed, removed, demoted])
def test_a_password_that_was_right_when_it_was_asked_begins_no_session(browser, store, meanwhile, act):
    meanwhile(act, "manager")
    thief = browser()
    answer = thief.sign_in("manager")
    assert (answer.status_code, "facegate" in thief.cookies) == (409, False)
    assert problem_of(answer) == "This account was changed in the meantime; sign in again."
    assert store.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "/api/v1/me/password", "json"), ("POST", "/account/password", "data")],
)
def test_nobody_undoes_the_password_that_an_owner_just_gave_them(browser, store, meanwhile, method, path, body):
    manager = browser("manager")
    meanwhile(given_anew, "manager")
    answer = manager.ask(method, path, **{body: {"current": PASSWORD, "password": "one of my own choice"}})
    assert answer.status_code in (409, 422)
    assert accounts.user_named(store, "manager").provisional
    assert browser().sign_in("manager", "one of my own choice").status_code == 401
    assert browser().sign_in("manager", ANOTHER).status_code == 303


def test_a_password_of_ones_own_is_changed_and_one_is_signed_in_anew(browser):
    manager = browser("manager")
    own = {"current": PASSWORD, "password": "one of my own choice"}
    assert manager.ask("PUT", "/api/v1/me/password", json=own).status_code == 204
    assert manager.get("/residents").status_code == 200


@pytest.fixture
def second(store, context, staff, browser):
    """An owner beside the first, in a browser."""
    accounts.add_user(store, "second", context.passwords.hashed(PASSWORD), Role.OWNER, "test")
    return browser("second")


@pytest.mark.parametrize("act", [given_anew, removed, demoted])
def test_an_owner_who_was_let_go_adds_nobody(second, store, meanwhile, act):
    meanwhile(act, "second")
    asked = second.post("/api/v1/users", json={"name": "mole", "password": "undercover pillow train", "role": "owner"})
    assert (asked.status_code, accounts.user_named(store, "mole")) == (401, None)


def test_an_owner_who_was_let_go_gives_no_password(second, store, staff, meanwhile):
    meanwhile(removed, "second")
    path = f"/api/v1/users/{staff['guard'].id}/password"
    assert second.ask("PUT", path, json={"password": "undercover pillow train"}).status_code == 401
    assert accounts.user(store, staff["guard"].id) == staff["guard"]


def test_a_webhook_of_an_owner_who_was_let_go_while_its_name_was_looked_up_is_not_added(second, store, monkeypatch):
    def looked_up(*_, **__):
        removed(store, accounts.user_named(store, "second"))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.77.7", 443))]

    monkeypatch.setattr("api.destinations.socket.getaddrinfo", looked_up)
    asked = second.post("/api/v1/webhooks", json={"url": "https://hooks.example/x", "kinds": ["granted"]})
    assert (asked.status_code, webhooks.every(store)) == (401, [])


def test_nobody_is_enrolled_by_who_was_let_go_while_the_photos_were_looked_over(
    browser, store, context, photos, monkeypatch
):
    turn = context.enroller.turn
    manager = browser("manager")
    sent = [("photos", ("a.jpg", (photos / "obama.jpg").read_bytes()))]
    monkeypatch.setattr(type(context.enroller), "turn", lambda _: let_go_within(turn, store))
    answer = manager.post("/api/v1/enrolments", data={"name": "Barack Obama", "way": "told"}, files=sent)
    assert answer.status_code == 401
    assert residents.every(store) == []


@contextmanager
def let_go_within(turn, store):
    with turn() as models:
        removed(store, accounts.user_named(store, "manager"))
        yield models


@pytest.mark.parametrize("act", [given_anew, removed, demoted])
def test_an_import_goes_no_further_when_its_manager_was_let_go(browser, store, context, monkeypatch, act):
    manager, owner, turn, turns = browser("manager"), browser("owner"), context.enroller.turn, []

    def rehearsed():
        return owner.get("/api/v1/imports/current").json()["phase"] == "rehearsed"

    @contextmanager
    def counted(_):
        with turn() as models:
            turns.append(1)
            # The first is for the faces there are, each other for a row.
            if len(turns) == 2:
                with store_of(context) as connection:
                    act(connection, accounts.user_named(connection, "manager"))
            yield models

    manager.post("/api/v1/imports", files=[("files", ("people.csv", b"name,unit\nAnn,1\nBob,2\nCid,3\n"))])
    wait_for(rehearsed, 30, "not rehearsed")
    monkeypatch.setattr(type(context.enroller), "turn", counted)
    assert manager.post("/api/v1/imports/current/run").status_code == 202
    now = wait_for(
        lambda: (now := owner.get("/api/v1/imports/current").json())["phase"] != "working" and now, 30, "still at work"
    )
    assert (now["phase"], now["problem"]) == (
        "failed", "Whoever began this import may no longer do so; upload it again to go on.",
    )  # fmt: skip
    assert [one.name for one in residents.every(store)] == ["Ann"]


def test_an_import_goes_on_when_its_manager_signs_out(browser, store):
    manager, owner = browser("manager"), browser("owner")
    manager.post("/api/v1/imports", files=[("files", ("people.csv", b"name,unit\nAnn,1\nBob,2\n"))])

    def phase():
        return owner.get("/api/v1/imports/current").json()["phase"]

    wait_for(lambda: phase() == "rehearsed", 30, "not rehearsed")
    manager.post("/api/v1/imports/current/run")
    manager.post("/sign-out")
    wait_for(lambda: phase() == "done", 30, "not done")
    assert len(residents.every(store)) == 2
