"""Pages and screens that follow the gate live: how many, and until when."""

import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from api.auth import digest
from api.v1.live import _MOST, _OF_ONE, _SCREENS
from gate.processes.fields import written
from gate.store.database import open_database
from gate.store.record import audit
from gate.store.site import accounts
from gate.store.site.accounts import Role
from gate.vocabulary import AuditEvent
from tests.api_process import api_process, trusting
from tests.console import CHEAP
from tests.said import answering, vision_says


@pytest.fixture(scope="module")
def api(tmp_path_factory, models_dir):
    """The api's address, and its store."""
    state = tmp_path_factory.mktemp("live") / "state"
    with api_process(state, models_dir) as address, closing(open_database(state)) as store:
        yield address, store


@pytest.fixture
def gate(api):
    """The same, with a manager Ann who has a token, and a guard Bob who has a session."""
    _, store = api
    ann = accounts.add_user(store, "Ann", CHEAP.hash("x"), Role.MANAGER, "test")
    bob = accounts.add_user(store, "Bob", CHEAP.hash("x"), Role.GUARD, "test")
    accounts.add_token(store, "t", digest("ann"), ("people", "live"), ann, "test")
    accounts.begin_session(store, digest("bob"), bob, time.time())
    yield api
    for one in accounts.users(store):
        accounts.remove_user(store, one, "test")


ANN = {"authorization": "Bearer ann"}
BOB = {"cookie": "__Host-facegate=bob"}


@contextmanager
def following(address, headers=None, path="/api/v1/live"):
    """An open stream (or its refusal): the answer and what it tells."""
    with (
        httpx.Client(base_url=address, verify=trusting(), timeout=20) as browser,
        browser.stream("GET", path, headers=headers or {}) as answer,
    ):
        yield answer, answer.iter_lines()


def ended_after(lines, within_s=10):
    """Seconds until the stream ends."""
    began = time.monotonic()
    for _ in lines:
        assert time.monotonic() - began < within_s, "it goes on"
    return time.monotonic() - began


def test_one_user_takes_a_few_places_and_neither_another_s_nor_the_screen_s(gate):
    address, _ = gate
    with ExitStack() as open_pages:
        got = [open_pages.enter_context(following(address, ANN))[0].status_code for _ in range(_OF_ONE + 3)]
        assert got == [200] * _OF_ONE + [429] * 3
        assert open_pages.enter_context(following(address, BOB))[0].status_code == 200
        screen, lines = open_pages.enter_context(following(address, path="/gate/live"))
        assert (screen.status_code, next(lines)) == (200, "event: change")
    assert _MOST >= 5 * _OF_ONE


def test_the_screen_that_came_last_is_told(gate):
    address, _ = gate
    with ExitStack() as open_screens:
        screens = [open_screens.enter_context(following(address, path="/gate/live")) for _ in range(_SCREENS)]
        assert [next(lines) for _, lines in screens] == ["event: change"] * _SCREENS
        _, latest = open_screens.enter_context(following(address, path="/gate/live"))
        assert next(latest) == "event: change"
        assert ended_after(screens[0][1]) < 2


def test_a_place_is_free_again_when_a_page_is_closed(gate):
    address, _ = gate
    for _ in range(3):
        with ExitStack() as open_pages:
            for _ in range(_OF_ONE):
                answer, lines = open_pages.enter_context(following(address, ANN))
                assert (answer.status_code, next(lines)) == (200, "event: change")
        deadline = time.monotonic() + 10
        while True:
            with following(address, ANN) as (answer, _):
                if answer.status_code == 200:
                    break
            assert time.monotonic() < deadline


def signed_out(address, _store):
    with httpx.Client(base_url=address, verify=trusting()) as browser:
        browser.post("/sign-out", headers=BOB | {"sec-fetch-site": "same-origin"})


def bob_is_removed(_address, store):
    accounts.remove_user(store, accounts.user_named(store, "Bob"), "test")


def password_changed(_address, store):
    accounts.change_password(store, accounts.user_named(store, "Bob"), CHEAP.hash("y"), "test")


def login_expired(_address, store):
    store.execute("UPDATE sessions SET used_at = used_at - 9 * 3600")


def token_revoked(_address, store):
    accounts.revoke_token(store, accounts.tokens(store)[0].id, "test")


def ann_is_removed(_address, store):
    accounts.remove_user(store, accounts.user_named(store, "Ann"), "test")


@pytest.mark.parametrize(
    ("who", "what"),
    [(BOB, signed_out), (BOB, bob_is_removed), (BOB, password_changed), (BOB, login_expired), (ANN, token_revoked),
     (ANN, ann_is_removed)],
)  # fmt: skip
def test_a_stream_ends_with_what_it_was_opened_by(gate, who, what):
    address, store = gate
    other = ANN if who is BOB else BOB
    with following(address, who) as (answer, lines), following(address, other) as (_, others):
        assert answer.status_code == 200
        assert next(lines) == next(others) == "event: change"
        what(address, store)
        assert ended_after(lines) < 2
        audit.append(store, AuditEvent("granted", {}))
        # The other goes on, and is told what happens.
        assert [line for _, line in zip(range(4), others, strict=False)].count("event: change") >= 1
    assert httpx.get(f"{address}/api/v1/live", headers=who, verify=trusting()).status_code == 401


def test_whoever_wants_to_know_at_once_that_the_gate_is_silent_is_told_that_it_is_not(gate):
    address, _ = gate
    with following(address, BOB, "/api/v1/live?beats=1") as (_, lines):
        began = time.monotonic()
        told = [line for _, line in zip(range(12), lines, strict=False)]
        assert told.count("event: beat") >= 3
        assert time.monotonic() - began < 4


def test_a_page_that_was_made_while_vision_was_there_for_a_moment_is_made_again(gate):
    address, store = gate
    state = Path(store.execute("PRAGMA database_list").fetchone()[2]).parent.parent
    said = written(vision_says(last_frame_mono=time.monotonic() + 60))
    with following(address, BOB, "/api/v1/live?beats=1") as (_, lines), httpx.Client(verify=trusting()) as browser:
        assert next(lines) == "event: change"
        for _ in range(4):
            with answering(state, "vision", said):
                assert browser.get(f"{address}/guard?part=live", headers=BOB).status_code == 200
            told = []
            while "event: change" not in told:
                told.append(next(lines))
                assert told.count("event: beat") < 5, "nobody is told that it is gone again"
