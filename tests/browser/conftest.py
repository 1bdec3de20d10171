"""A real browser on a real gate: Chromium with its fake camera, and the three processes."""

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from api.auth import digest
from gate.processes.addresses import api_address_file
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.console import CHEAP
from tests.running import gate_running, until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PHONE = {"width": 390, "height": 844}
PASSWORD = "correct horse battery"
# Where screenshots go, for whoever wants to look at them.
SHOTS = os.environ.pop("FACEGATE_TEST_SHOTS", None)


def shoot(page, name):
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 844})


def faults_on(page):
    """What axe finds wrong with a page; also names that are not what is seen, which it looks at only when asked."""
    rules = {"label-content-name-mismatch": {"enabled": True}}
    return Axe().run(page, options={"rules": rules, "resultTypes": ["violations"]}).response["violations"]


@pytest.fixture(scope="session")
def chromium():
    """The path of a browser."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine; install it to run the browser's tests")
    return CHROMIUM


@contextmanager
def browsing(path, camera):
    """A browser whose camera shows the moving picture `camera` (MJPEG)."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-quic",
                "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )  # fmt: skip
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="session")
def camera(tmp_path_factory, photos):
    """What the browser's camera sees: one man, still."""
    photo = cv2.imread(str(photos / "biden.jpg"))
    frame = cv2.resize(photo, None, fx=720 / photo.shape[0], fy=720 / photo.shape[0])
    beside = (1280 - frame.shape[1]) // 2
    frame = cv2.copyMakeBorder(
        frame, 0, 0, beside, 1280 - frame.shape[1] - beside, cv2.BORDER_CONSTANT, value=(90,) * 3
    )
    path = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    path.write_bytes(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes() * 3)
    return path


@pytest.fixture
def console(request, models_dir, state, walk_ups):
    """A running gate; yields the address of its console and the code of its first start.

    Before its camera is what the fixture shows that a test names as its parameter; without one, a man walks up.
    """
    shown = request.getfixturevalue(request.param) if hasattr(request, "param") else walk_ups
    with gate_running(models_dir, state, shown) as process:
        until(process, "api ready")
        code = (state / "run" / "api" / "owner-code").read_text().strip()
        yield api_address_file(state).read_text().strip(), code


@pytest.fixture
def people(store):
    """A guard and a manager who are signed in."""
    accounts.add_owner(store, "Ann", CHEAP.hash("x"))
    for role in (Role.GUARD, Role.MANAGER):
        user = accounts.add_user(store, role.value, CHEAP.hash("x"), role, "test")
        accounts.begin_session(store, digest(role.value), user, time.time())


@pytest.fixture
def on_phone(chromium, camera):
    """A function that gives a page on a phone on which somebody is signed in at an address."""
    errors = []
    with browsing(chromium, camera) as browser:

        def page(address, who, **given):
            given = {"locale": "en-GB", "viewport": PHONE} | given
            context = browser.new_context(ignore_https_errors=True, base_url=address, **given)
            context.add_cookies([{"name": "__Host-facegate", "value": who, "url": address, "secure": True}])
            opened = context.new_page()
            opened.on("pageerror", lambda error: errors.append(str(error)))
            return opened

        yield page
    assert errors == []
