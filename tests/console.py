"""A gate's console without its processes, and people signed in to it."""

import asyncio
import html
import re

import httpx
import pytest
from argon2 import PasswordHasher

from api.app import create_app
from api.context import Context
from api.enroller import Enroller
from api.front.hosts import Hosts
from api.importer import Importer
from api.languages import Languages
from api.passwords import Passwords
from gate.config import Settings
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.enrolling import DECODER

PASSWORD = "correct horse battery"
# The same algorithm with little memory: the tests sign in some hundred times.
CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
# Read once: they say the same in every test.
LANGUAGES = Languages()


def context_on(state, models_dir=None, *, enroller=None, secure=False, settings=None, **changes):
    chosen = Settings.model_validate({"gate": "North gate", **(settings or {})})
    enroller = enroller or Enroller(models_dir or state / "models", "open" if chosen.camera.wanted else None, DECODER)
    return Context(
        state,
        chosen,
        enroller,
        Importer(state, enroller, DECODER),
        LANGUAGES,
        secure=secure,
        passwords=Passwords(CHEAP),
        **{"hosts": Hosts.of(("gate",))} | changes,
    )


class Browser:
    """Asks the application as a browser on its own pages does; keeps cookies."""

    def __init__(self, app, address="10.0.0.5"):
        self._app, self._address = app, address
        self.cookies = httpx.Cookies()
        self.headers = {"sec-fetch-site": "same-origin"}

    def ask(self, method, path, **given):
        headers = self.headers | given.pop("headers", {})

        async def once():
            transport = httpx.ASGITransport(self._app, client=(self._address, 40000), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://gate", cookies=self.cookies) as client:
                answer = await client.request(method, path, headers=headers, **given)
                self.cookies = client.cookies
                return answer

        return asyncio.run(once())

    def get(self, path, **given):
        return self.ask("GET", path, **given)

    def post(self, path, **given):
        return self.ask("POST", path, **given)

    def send(self, path, **given):
        """The page that a browser ends at which sends a form there."""
        return self.post(path, follow_redirects=True, **given)

    def sign_in(self, name, password=PASSWORD):
        return self.post("/sign-in", data={"name": name, "password": password})


@pytest.fixture(scope="session")
def enroller(models_dir):
    """One for all: to open its models takes longer than most that is done with them."""
    return Enroller(models_dir, "open", DECODER)


@pytest.fixture
def context(state, models_dir, enroller):
    return context_on(state, models_dir, enroller=enroller)


@pytest.fixture
def app(context):
    return create_app(context)


@pytest.fixture
def staff(store, context):
    """One user of each role, by its name."""
    hashed = context.passwords.hashed(PASSWORD)
    accounts.add_owner(store, "owner", hashed)
    for role in (Role.MANAGER, Role.AUDITOR, Role.GUARD):
        accounts.add_user(store, role.value, hashed, role, "test")
    return {one.name: one for one in accounts.users(store)}


def signed_in(app, name):
    """A browser in which one of the staff is signed in to this application."""
    one = Browser(app)
    assert one.sign_in(name).status_code == 303
    return one


@pytest.fixture
def browser(app, staff):
    """A function that gives a browser in which that user is signed in (None: nobody)."""

    def signed_in(name=None, **given):
        one = Browser(app, **given)
        if name:
            assert one.sign_in(name).status_code == 303
        return one

    return signed_in


def made_from(page, at=""):
    """What the first form after `at` on a page says that it was made from."""
    found = re.search(r'name="known_as" value="([^"]*)"', page[page.index(at) :])
    return html.unescape(found[1])


def problem_of(answer):
    """The sentence of a page's alert."""
    found = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
    return found and found[1].strip()
