"""Attacks on the console and the API: what was tried, and what it got."""

import asyncio
import re
import tarfile

import pytest
from fastapi.routing import APIRoute

from api.app import create_app
from api.context import store_of
from api.front.bodies import Bounds
from gate.care import backup
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import accounts
from tests.console import PASSWORD, Browser
from tests.enroll.test_decode import png_bomb

pytestmark = pytest.mark.whole

# What anyone may see: the way in, and what a browser fetches for it; and what whoever holds a link may.
OPEN = {
    ("GET", "/owner"), ("POST", "/owner"), ("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out"),
    ("POST", "/language"), ("GET", "/photo/{secret}"), ("POST", "/photo/{secret}"), ("POST", "/photo/{secret}/consent"),
    ("POST", "/photo/{secret}/checks"), ("GET", "/own/{secret}"), ("POST", "/own/{secret}"), ("GET", "/mine"),
    ("GET", "/code"), ("GET", "/code/worker.js"),
    ("GET", "/mine/{own}"), ("POST", "/mine/{own}/cards/lost"), ("POST", "/mine/{own}/passes"),
    ("GET", "/mine/{own}/passes/{visit}"), ("POST", "/mine/{own}/passes/{visit}/removal"), ("GET", "/mine/{own}/phone"),
    ("POST", "/mine/{own}/phone"), ("POST", "/mine/{own}/phone/removal"), ("POST", "/mine/{own}/withdrawal"),
    ("POST", "/mine/{own}/end"),
}  # fmt: skip
# The first part of a path, and who may use it.
MAY = {
    "/api/v1/residents": {"owner", "manager"},
    "/api/v1/consent-texts": {"owner", "manager"},
    "/api/v1/photos": {"owner", "manager"},
    "/api/v1/photo-links": {"owner", "manager"},
    "/api/v1/cards": {"owner", "manager"},
    "/api/v1/passes": {"owner", "manager"},
    "/api/v1/whereabouts": {"owner", "manager"},
    "/api/v1/whereabouts/forgiveness": {"owner", "manager", "guard"},
    "/api/v1/enrolments": {"owner", "manager"},
    "/api/v1/schedules": {"owner", "manager"},
    "/api/v1/holidays": {"owner", "manager"},
    "/api/v1/groups": {"owner", "manager"},
    "/api/v1/free-access": {"owner", "manager"},
    "/api/v1/events": {"owner", "manager", "auditor"},
    "/api/v1/door": {"owner", "manager", "guard"},
    "/api/v1/gates": {"owner", "manager", "guard"},
    "/api/v1/gates/orders": {"owner", "manager", "guard"},
    "/api/v1/live": {"owner", "manager", "guard"},
    "/api/v1/health": {"owner", "manager", "guard"},
    "/api/health": {"owner", "manager", "guard"},
    "/metrics": {"owner", "manager", "guard"},
    "/api/v1/openapi.json": {"owner", "manager", "auditor", "guard"},
    "/api/v1/users": {"owner"},
    "/api/v1/tokens": {"owner"},
    "/api/v1/webhooks": {"owner"},
    "/api/v1/settings": {"owner"},
    "/api/v1/backups": {"owner"},
    "/api/v1/units": {"owner", "manager"},
    "/api/v1/imports": {"owner", "manager"},
    "/api/v1/exports": {"owner", "manager"},
    "/import": {"owner", "manager"},
    "/first-hour": {"owner"},
    "/receipts": {"owner", "manager", "auditor"},
    "/residents": {"owner", "manager"},
    "/homes": {"owner", "manager"},
    "/passes": {"owner", "manager"},
    "/whereabouts": {"owner", "manager", "guard"},
    "/enrol": {"owner", "manager"},
    "/photos": {"owner", "manager"},
    "/photo-links": {"owner", "manager"},
    "/waiting": {"owner", "manager"},
    "/events": {"owner", "manager", "auditor"},
    "/camera": {"owner", "manager"},
    "/camera.jpg": {"owner", "manager", "guard"},
    "/services": {"owner", "manager", "auditor"},
    "/door": {"owner", "manager", "guard"},
    "/guard": {"owner", "manager", "guard"},
    "/gates": {"owner", "manager", "guard"},
    "/door/zone": {"owner"},
    "/door/examination": {"owner"},
    "/gate": {"owner", "manager", "guard"},
    "/settings": {"owner", "manager"},
    "/settings/users": {"owner"},
    "/settings/tokens": {"owner"},
    "/settings/webhooks": {"owner"},
    "/settings/backups": {"owner"},
    "/settings/upgrade": {"owner"},
    "/settings/gates": {"owner"},
    "/settings/centre": {"owner"},
    "/api/v1/areas": {"owner", "manager"},
    "/api/v1/me": {"owner", "manager", "auditor", "guard"},
    "/account": {"owner", "manager", "auditor", "guard"},
    "/confirm": {"owner", "manager", "auditor", "guard"},
    "/": {"owner", "manager", "auditor", "guard"},
}


def routes(app):
    found = []
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, APIRoute):
            found += [(method, route.path) for method in route.methods]
        else:
            inner = getattr(route, "original_router", None) or getattr(route, "router", None)
            waiting += list(getattr(inner, "routes", []))
    return sorted(set(found))


def filled(path):
    return (
        re.sub(r"{order}", "open", re.sub(r"{language}", "en", path.replace("{name}", "x")))
        .replace("{", "")
        .replace("}", "")
    )


def part_of(path):
    return max((part for part in MAY if path == part or path.startswith(f"{part}/")), key=len, default="/")


def test_every_route_is_known_here(app):
    found = routes(app)
    assert len(found) > 45
    assert [route for route in found if route not in OPEN and part_of(route[1]) == "/" and route[1] != "/"] == []


def test_without_a_login_no_route_answers(app, browser):
    nobody = browser()
    for method, path in routes(app):
        if (method, path) in OPEN:
            continue
        answer = nobody.ask(method, filled(path))
        if path.startswith(("/api/", "/metrics")):
            assert answer.status_code == 401, (method, path, answer.status_code)
        else:
            where = "/sign-in" if method == "GET" else "/sign-in?undone=1"
            assert answer.headers.get("location") == where, (method, path, answer.status_code)


@pytest.mark.parametrize("role", ["owner", "manager", "auditor", "guard"])
def test_each_role_gets_what_is_its_own(app, browser, role):
    one = browser(role)
    for method, path in routes(app):
        if (method, path) in OPEN or path in ("/api/v1/live", "/gate/live"):
            continue
        refused = one.ask(method, filled(path)).status_code == 403
        assert refused == (role not in MAY[part_of(path)]), (method, path)


def test_another_site_carries_nothing_out(app, browser, store):
    victim = browser("owner")
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://gate.evil.example"},
        {"origin": "https://gate"},
        {"authorization": "Bearer x"},
        {},
    ):
        victim.headers = headers
        for method, path in routes(app):
            if method != "GET":
                assert victim.ask(method, filled(path)).status_code == 403, (method, path, headers)
    assert {line.kind for line in audit.lines(store)} == {"user_added", "signed_in"}


def test_forged_tokens_and_cookies_are_nobody(browser, context, staff):
    with store_of(context) as connection:
        accounts.add_token(connection, "t", "0" * 64, ("people",), staff["owner"], "test")
    for secret in ("", "x", "0" * 64, "' OR 1=1 --", "\u00e9".encode().decode("latin-1"), "a" * 5000):
        one = browser()
        one.headers = {"authorization": f"Bearer {secret}".encode("latin-1")}
        assert one.get("/api/v1/residents").status_code == 401
        other = browser()
        other.headers |= {"cookie": b"facegate=" + secret.encode("latin-1")}
        assert other.get("/api/v1/residents").status_code == 401


def test_a_token_may_no_more_than_its_user_may_now(browser, context, staff):
    from api.auth import digest

    with store_of(context) as connection:
        accounts.add_token(connection, "t", digest("s"), ("people", "site"), staff["manager"], "test")
    machine = browser()
    machine.headers = {"authorization": "Bearer s"}
    assert machine.get("/api/v1/residents").status_code == 200
    assert machine.get("/api/v1/users").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../service.py", "/static/..%2f..%2fservice.py", "/static/%2e%2e/app.py", "/static//etc/passwd",
        "/residents/..%2f..%2fetc%2fpasswd", "/static/....//app.py", "/static/console.css%00.py",
    ],
)  # fmt: skip
def test_no_path_leads_out(browser, path):
    answer = browser("owner").get(path)
    assert answer.status_code in (404, 400)
    assert "import" not in answer.text


SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1); '",
    "{{ 1234567 * 3 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${1234567*3}",
    "{name}{0.__class__}",
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_is_typed_is_shown_as_text_and_never_run(browser, store, script):
    owner = browser("owner")
    made = owner.send("/enrol", data={"name": script, "unit": script[:90]})
    (one,) = residents.every(store)
    pages = [
        made,
        owner.get(f"/residents/{one.id}"),
        owner.get("/residents", params={"search": script}),
        owner.get("/events", params={"person": script}),
        owner.get("/events", params={"since": script}),
        owner.post("/sign-in", data={"name": script, "password": "x"}),
        owner.send("/settings/schedules", data={"name": script, "windows": script}),
        owner.send("/enrol", data={"name": script, "unit": script[:90]}),
    ]
    for page in pages:
        assert page.status_code in (200, 401, 422, 429)
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "3703701" not in page.text
        assert "<class" not in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe-inline" not in page.headers["content-security-policy"]


SETTINGS = (
    "/settings",
    *(f"/settings/{one}" for one in ("hours", "holidays", "free-access", "users", "tokens", "webhooks", "backups")),
)


def test_no_page_holds_a_script_or_a_style_of_its_own(browser):
    owner = browser("owner")
    for path in ("/", "/residents", "/enrol", "/events", "/door", "/services", *SETTINGS):
        text = owner.get(path).text
        assert not re.search(r"<script(?! src=)|<style| style=| on\w+=", text), path


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        ("/", "gate.store.people.residents.homes"), ("/api/v1/units", "gate.store.people.residents.units"),
        ("/photo/x", "gate.store.people.photo_links.by_secret"),
    ],
)  # fmt: skip
def test_a_mistake_of_our_own_is_answered_with_the_headers_of_every_answer(browser, monkeypatch, path, broken):
    def mistake(*_):
        raise ZeroDivisionError

    owner = browser("owner")
    whole = owner.get(path)
    monkeypatch.setattr(broken, mistake)
    answer = owner.get(path, headers={"accept-language": "zh-CN"})
    assert (answer.status_code, "系统内部出错，已写入日志。" in answer.text) == (500, True)
    own = {"content-type", "content-length", "set-cookie"}
    assert {(one, value) for one, value in whole.headers.items() if one not in own} <= set(answer.headers.items())
    assert "content-security-policy" in answer.headers


def test_a_header_takes_no_second_line(browser):
    owner = browser("owner")
    for back in (
        "//evil.example",
        "https://evil.example/x",
        "/\\evil.example",
        "/x\r\nset-cookie: a=b",
        "javascript:1",
    ):
        answer = owner.post("/language", data={"language": "zh-CN", "back": back})
        assert answer.headers["location"].startswith("/")
        assert not answer.headers["location"].startswith(("//", "/\\"))
        assert "\n" not in answer.headers["location"]
        assert "a=b" not in answer.headers.get("set-cookie", "")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(browser):
    owner = browser("owner")
    answer = owner.post("/api/v1/residents", content=b"x" * (2 << 20), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_body_that_never_ends_is_cut_off(app, staff, monkeypatch):
    monkeypatch.setattr("api.front.bodies.ANYBODYS", Bounds(1000, 0.3))
    sent = []

    async def receive():
        await asyncio.sleep(0.1)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/sign-in", "raw_path": b"/sign-in",
        "query_string": b"", "scheme": "http",
        "headers": [
            (b"host", b"gate"), (b"sec-fetch-site", b"same-origin"),
            (b"content-type", b"application/x-www-form-urlencoded"),
        ],
        "client": ("10.0.0.7", 1), "server": ("gate", 80), "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408


def test_a_picture_bomb_is_refused_by_its_header(browser, tmp_path, store):
    png_bomb(tmp_path / "bomb.png")
    photos = [("photos", ("bomb.png", (tmp_path / "bomb.png").read_bytes(), "image/png"))]
    answer = browser("manager").post("/api/v1/enrolments", data={"name": "A", "way": "told"}, files=photos)
    assert answer.status_code == 422
    assert "needs more memory than there is for a photo" in answer.json()["detail"]
    assert residents.every(store) == []


def test_too_many_photos_are_refused(browser):
    photos = [("photos", (f"{number}.png", b"x", "image/png")) for number in range(9)]
    answer = browser("manager").post("/api/v1/enrolments", data={"name": "A", "way": "told"}, files=photos)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "Give between 1 and 8 photos."


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"name": 5}', b'{"name": "\\ud800"}', b"{}" * 1000, b'{"name":"a","unit":{}}',
             b'{"name": "a", "admin": true}', b'{"name": "a\\u0000b"}'],
)  # fmt: skip
def test_a_body_that_is_none_gets_a_problem(browser, store, body):
    answer = browser("manager").post("/api/v1/residents", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert residents.every(store) == []


def test_templates_never_leave(browser, store):
    vector = bytes(range(256))
    one = residents.enrol(store, "A", None, [Template("m", "s", {"yaw": 0.1}, vector)], NO_PERSON)
    owner = browser("owner")
    for path in (f"/api/v1/residents/{one.id}", f"/api/v1/residents/{one.id}/templates", f"/residents/{one.id}"):
        answer = owner.get(path)
        assert answer.status_code == 200
        assert "vector" not in answer.text
        assert vector.hex()[:32] not in answer.text


def test_answers_about_people_stay_in_no_cache(browser):
    for path in ("/residents", "/api/v1/residents", "/events"):
        assert browser("manager").get(path).headers["cache-control"] == "no-store"


def test_a_405_says_what_may_be_asked(browser):
    answer = browser("manager").ask("PUT", "/api/v1/residents")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_a_stolen_backup_opens_no_console_and_shows_no_photo(browser, context, store, state, tmp_path, photos):
    owner = browser("owner")
    token = owner.post("/api/v1/tokens", json={"name": "t", "permissions": ["door"]}).json()["secret"]
    form = {"name": "Barack Obama", "way": "told"}
    owner.post("/api/v1/enrolments", data=form, files=[("photos", ("a.jpg", (photos / "obama.jpg").read_bytes()))])
    made = backup.make(state, tmp_path, None)
    with tarfile.open(made.path) as archive:
        stolen = b"".join(archive.extractfile(name).read() for name in archive.getnames())
    for secret in (token, owner.cookies[context.cookie], PASSWORD, context.owner_code.code):
        assert secret.encode() not in stolen
    assert b"\xff\xd8\xff" not in stolen, "a JPEG"
    # What is in it: hashes that cannot be shown to the console, and templates, which is why it is locked away.
    digests = [row[0] for row in store.execute("SELECT digest FROM sessions UNION SELECT digest FROM tokens")]
    assert all(one.encode() in stolen for one in digests)
    for digest in digests:
        thief = Browser(create_app(context))
        thief.cookies.set(context.cookie, digest)
        assert thief.get("/").headers["location"] == "/sign-in"
        asked = thief.get("/api/v1/door", headers={"authorization": f"Bearer {digest}"})
        assert asked.status_code == 401
