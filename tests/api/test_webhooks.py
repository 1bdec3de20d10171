"""Webhooks, with a real receiver on loopback and the real sender."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from api.app import create_app
from api.destinations import Allowed, may_be_sent_to
from api.webhooks import send_for_ever, trusting
from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import accounts, webhooks
from gate.store.site.webhooks import due
from gate.vocabulary import AuditEvent
from tests.console import PASSWORD, Browser, context_on, problem_of
from tests.running import wait_for


@pytest.fixture
def context(state, models_dir):
    """A gate whose settings allow this machine as a receiver."""
    return context_on(state, models_dir, webhooks=Allowed.of(("127.0.0.1",)))


@contextmanager
def receiver(answers=None, trust=None):
    """A program that gets what is sent; `answers` are the statuses of its first answers, then it is content."""
    got, answers = [], answers if answers is not None else []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            status = answers.pop(0) if answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if trust is not None:
            server.socket = trust.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", got
        finally:
            server.shutdown()


@contextmanager
def sending(context):
    """The sender at work, as in a running api."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(send_for_ever(context))
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)))
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(15)
        loop.close()


def happen(store, kind="granted", resident=None, **details):
    personal = {"resident": resident.id, "name": resident.name} if resident else {}
    audit.append(store, AuditEvent(kind, details, personal, resident.id if resident else None))


def bodies(got):
    return [json.loads(body) for _, body in got]


def test_what_happens_arrives_signed_in_order_and_without_a_name(browser, store, context):
    someone = residents.enrol(store, "Wang Fang", None, [])
    with receiver() as (url, got), sending(context):
        made = browser("owner").post("/api/v1/webhooks", json={"url": url, "kinds": ["granted", "denied"]}).json()
        happen(store, "granted", someone, method="face", similarity=0.9)
        happen(store, "pulse")
        happen(store, "denied", reason="unknown")
        wait_for(lambda: len(got) == 2, 20, "two events have not arrived")
        last = bodies(got)[1]["data"]["sequence"]
        wait_for(lambda: webhooks.every(store)[0].cursor == last, 20, "it is not noted")
    headers, body = got[0]
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert [one["type"] for one in bodies(got)] == ["facegate.granted", "facegate.denied"]
    assert bodies(got)[0]["data"]["details"] == {"method": "face"}
    heads = [(one["data"]["head"]["sequence"], one["data"]["head"]["hash"]) for one in bodies(got)]
    hashes = {line.sequence: line.hash for line in audit.lines(store)}
    assert all(hashes[sequence] == digest for sequence, digest in heads), "the record's last line goes with each"
    assert bodies(got)[0]["data"]["resident"] == someone.id
    assert b"Wang" not in body
    listed = browser("owner").get("/api/v1/webhooks").json()
    assert "secret" not in listed[0]
    assert listed[0]["cursor"] == last


def test_whoever_catches_up_leaves_the_loop_to_the_console(browser, store, context):
    with receiver() as (url, got):
        browser("owner").post("/api/v1/webhooks", json={"url": url, "kinds": ["granted"]})
        for number in range(40):
            happen(store, "granted", number=number)
        with sending(context) as loop:
            wait_for(lambda: got, 20, "nothing arrives")
            before, dear = spent(loop), spent(loop, trusting)
            wait_for(lambda: len(got) == 40, 60, "not all arrived")
            assert spent(loop) - before < 15 * dear, "each line costs as much as to read whom is trusted"


def spent(loop, act=None):
    """The processor's time that a loop's thread has had, seconds; or what an act there takes of it."""

    async def there():
        began = time.thread_time()
        if act is not None:
            act()
        return time.thread_time() - began if act is not None else began

    return asyncio.run_coroutine_threadsafe(there(), loop).result(20)


@pytest.mark.parametrize("status", [500, 302, 404])
def test_what_fails_is_tried_again_in_order_and_the_page_says_so(browser, store, context, status):
    owner, answers = browser("owner"), [status] * 1000
    with receiver(answers) as (url, got):
        owner.post("/api/v1/webhooks", json={"url": url, "kinds": ["granted"]})
        happen(store, "granted", number=1)
        happen(store, "granted", number=2)
        with sending(context):
            wait_for(lambda: webhooks.every(store)[0].failures, 20, "no failure is told")
            shown = owner.get("/settings/webhooks").text
            assert re.search("attempts? failed: It answered with an error", shown)
            assert str(status) not in webhooks.every(store)[0].problem
            answers.clear()
            wait_for(lambda: webhooks.every(store)[0].failures == 0, 30, "it was not sent again")
            wait_for(
                lambda: webhooks.every(store)[0].cursor == bodies(got)[-1]["data"]["sequence"], 30, "not all arrived"
            )
        numbers = [one["data"]["details"]["number"] for one in bodies(got)]
        assert numbers.count(1) >= 2
        assert numbers == [1] * numbers.count(1) + [2]


def test_a_receiver_that_takes_its_time_gets_nothing_more_once_it_is_removed(browser, store, context):
    owner, may_answer = browser("owner"), threading.Event()

    class Slow(list):
        def pop(self, at):
            may_answer.wait(9)
            return super().pop(at)

    with receiver(Slow([204] * 10)) as (url, got), receiver() as (other, told):
        slow = owner.post("/api/v1/webhooks", json={"url": url, "kinds": ["granted"]}).json()
        for number in range(5):
            happen(store, "granted", number=number)
        with sending(context):
            wait_for(lambda: got, 20, "nothing arrived")
            assert owner.ask("DELETE", f"/api/v1/webhooks/{slow['id']}").status_code == 204
            may_answer.set()
            owner.post("/api/v1/webhooks", json={"url": other, "kinds": ["granted"]})
            happen(store, "granted", number=5)
            wait_for(lambda: told, 20, "another receiver is not served")
    assert [one["data"]["details"]["number"] for one in bodies(got)] == [0]


def test_what_was_not_sent_outlasts_the_api_and_a_receiver_that_is_away(browser, store, context):
    with receiver() as (url, _):
        browser("owner").post("/api/v1/webhooks", json={"url": url, "kinds": ["granted"]})
    happen(store, "granted", number=1)
    with sending(context):
        wait_for(lambda: webhooks.every(store)[0].failures, 20, "no failure is told")
    happen(store, "granted", number=2)
    with receiver() as (url, got):
        store.execute("UPDATE webhooks SET url = ?", (url,))
        with sending(context):
            wait_for(lambda: len(got) == 2, 20, "they did not arrive")
    assert [one["data"]["details"]["number"] for one in bodies(got)] == [1, 2]


def test_a_receiver_that_lost_them_gets_them_again(browser, store, context):
    owner = browser("owner")
    with receiver() as (url, got), sending(context):
        one = owner.post("/api/v1/webhooks", json={"url": url, "kinds": ["granted"]}).json()
        for number in range(3):
            happen(store, "granted", number=number)
        wait_for(lambda: len(got) == 3, 20, "they did not arrive")
        wait_for(lambda: webhooks.every(store)[0].delivered_at, 20, "it is not noted")
        second = bodies(got)[1]["data"]["sequence"]
        again = owner.post(f"/api/v1/webhooks/{one['id']}/replay", json={"after": second - 1})
        assert again.status_code == 204
        wait_for(lambda: len(got) == 5, 20, "they did not arrive again")
        wait_for(lambda: webhooks.every(store)[0].cursor == second + 1, 20, "it is not noted")
        owner.send(f"/settings/webhooks/{one['id']}/replay")
        wait_for(lambda: len(got) == 8, 20, "the page's button sent nothing")
    assert [one["data"]["details"]["number"] for one in bodies(got)] == [0, 1, 2, 1, 2, 0, 1, 2]
    assert [line.kind for line in audit.lines(store)].count("webhook_replayed") == 2


@pytest.mark.parametrize(
    "url",
    ["", "gate", "ftp://10.0.0.1/", "file:///etc/passwd", "http://", "https://a b/", "http://u:p@10.0.0.1/",
     "http://[::1", "http://h:99999/", "javascript:alert(1)", "http://h/\r\nX: y"],
)  # fmt: skip
def test_what_is_no_address_is_refused(browser, store, url):
    owner = browser("owner")
    answer = owner.post("/api/v1/webhooks", json={"url": url, "kinds": ["granted"]})
    assert answer.status_code == 422
    page = owner.send("/settings/webhooks", data={"url": url, "what": "entries"})
    assert page.status_code == 422
    assert webhooks.every(store) == []


def test_a_webhook_is_made_and_removed_on_the_page(browser, store):
    owner = browser("owner")
    assert problem_of(owner.send("/settings/webhooks", data={"url": "https://h/"})) == "Choose what is to be sent."
    made = owner.send("/settings/webhooks", data={"url": "https://h/", "what": ["entries", "refusals"]})
    assert "whsec_" in made.text
    (one,) = webhooks.every(store)
    assert one.kinds == ("granted", "came_along", "denied")
    assert "whsec_" not in owner.get("/settings/webhooks").text
    # Sent again, as a browser asks to after Back: it is one, and no second secret goes round.
    again = owner.send("/settings/webhooks", data={"url": "https://h/", "what": ["refusals", "entries"]})
    assert problem_of(again).startswith("This is sent to this address already")
    as_client = owner.post(
        "/api/v1/webhooks", json={"url": "https://h/", "kinds": list(webhooks.every(store)[0].kinds)}
    )
    assert (as_client.status_code, len(webhooks.every(store))) == (409, 1)
    assert "Removed." in owner.send(f"/settings/webhooks/{one.id}/removal").text
    assert webhooks.every(store) == []
    unknown = owner.post("/api/v1/webhooks", json={"url": "https://h/", "kinds": ["nonsense"]})
    assert "no events of the kind nonsense" in unknown.json()["detail"]


def test_pauses_double_to_ten_minutes_and_a_clock_set_back_puts_nothing_off(store):
    one = webhooks.add(store, "https://h/", "whsec_", ("granted",), "test")
    pauses = []
    for _ in range(14):
        webhooks.failed(store, one, "no", 1000.0)
        pauses.append(webhooks.every(store)[0].next_at - 1000.0)
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == 600
    late = webhooks.every(store)[0]
    assert (due(late, 1599.0), due(late, 1600.0), due(late, 0.0)) == (False, True, True)


@contextmanager
def stalling(*, drips):
    """A receiver that takes what is sent and never ends its answer; yields its address."""
    over = threading.Event()

    def answer(taken):
        with taken, suppress(OSError):
            while drips and not over.wait(0.5):
                taken.sendall(b"H" if drips == "line" else b"HTTP/1.1 204 No Content\r\nX-More: 1\r\n")
            over.wait()

    def accept(listener):
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)


def test_a_receiver_that_stalls_delays_no_other(browser, store, context, monkeypatch):
    monkeypatch.setattr("api.webhooks.ANSWERED_WITHIN_S", 2.0)
    owner = browser("owner")
    with ExitStack() as held, receiver() as (url, got), sending(context):
        for drips in (None, "line", "headers", None):
            slow = held.enter_context(stalling(drips=drips))
            owner.post("/api/v1/webhooks", json={"url": slow, "kinds": ["granted"]})
        owner.post("/api/v1/webhooks", json={"url": url, "kinds": ["granted"]})
        for number in range(4):
            happen(store, "granted", number=number)
            began = time.monotonic()
            wait_for(lambda so_far=number: len(got) == so_far + 1, 20, "it did not arrive")
            assert time.monotonic() - began < 1.5
        wait_for(lambda: [one.failures > 0 for one in webhooks.every(store)] == [True] * 4 + [False], 30, "no end")


# However it is written: the gate's own services, its neighbours on the wire, everybody.
OURS = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0", "0.0.0.0", "localhost", "[::1]",
    "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "169.254.169.254", "[fe80::1]", "224.0.0.251", "[ff02::fb]", "255.255.255.255",
)  # fmt: skip


def test_nothing_is_sent_to_the_gates_own_addresses(state, models_dir, store):
    context = context_on(state, models_dir)
    accounts.add_owner(store, "owner", context.passwords.hashed(PASSWORD))
    owner = Browser(create_app(context))
    owner.sign_in("owner")
    with receiver() as (url, got):
        for host in OURS:
            there = url.replace("127.0.0.1", host)
            answer = owner.post("/api/v1/webhooks", json={"url": there, "kinds": ["granted"]})
            assert answer.status_code == 422, host
            assert "webhooks.allow" in answer.json()["detail"]
            # One that is there from before the rule.
            webhooks.add(store, there, "whsec_", ("granted",), "test")
        happen(store, "granted", number=1)
        with sending(context):
            wait_for(lambda: all(one.failures for one in webhooks.every(store)), 20, "no failure is told")
        assert got == []
        assert owner.get("/settings/webhooks").text.count("webhooks.allow") >= len(OURS)
        # What could not be sent waits until the settings allow it.
        with sending(context_on(state, models_dir, webhooks=Allowed.of(("localhost",)))):
            wait_for(lambda: got, 20, "it did not arrive")


def test_the_machines_own_address_on_the_site_is_its_own_too():
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("10.0.0.1", 9))
        except OSError:
            pytest.skip("this machine has no network but itself")
        own = probe.getsockname()[0]
    assert not may_be_sent_to(own, Allowed())
    assert may_be_sent_to(own, Allowed.of((f"{own}/32",)))


@pytest.mark.parametrize("address", ["192.168.77.9", "10.99.1.2", "172.20.1.9", "fd12::9", "8.8.8.8"])
def test_a_receiver_on_the_sites_network_needs_no_setting(address):
    assert may_be_sent_to(address, Allowed())


def renamed(monkeypatch, answers):
    """A name server that says something else each time; what it was asked for."""
    asked, real = [], socket.getaddrinfo

    def look_up(host, port, *rest, **more):
        if host == "hooks.test":
            asked.append(host)
            host = answers[min(len(asked), len(answers)) - 1]
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_what_was_judged_is_what_is_spoken_to(store, context, monkeypatch):
    asked = renamed(monkeypatch, ["127.0.0.1", "127.0.0.9"])
    with receiver() as (url, got):
        webhooks.add(store, url.replace("127.0.0.1", "hooks.test"), "whsec_", ("granted",), "test")
        happen(store, "granted", number=1)
        with sending(context):
            wait_for(lambda: webhooks.every(store)[0].delivered_at, 20, "it did not arrive")
            happen(store, "granted", number=2)
            wait_for(lambda: webhooks.every(store)[0].failures, 20, "another address was spoken to")
    assert [body["data"]["details"]["number"] for body in bodies(got)] == [1]
    assert got[0][0]["host"].startswith("hooks.test:")
    assert len(asked) == 2


@pytest.mark.parametrize(("named", "arrives"), [("hooks.test", True), ("other.test", False)])
def test_a_certificate_must_be_the_names_although_an_address_is_spoken_to(
    store, context, monkeypatch, tmp_path, named, arrives
):
    certificate, key = certificate_for(tmp_path, named)
    renamed(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificate, key)
    with receiver(trust=trust) as (url, got), sending(context):
        there = url.replace("http://127.0.0.1", "https://hooks.test")
        webhooks.add(store, there, "whsec_", ("granted",), "test")
        happen(store, "granted")
        wait_for(
            lambda: webhooks.every(store)[0].delivered_at if arrives else webhooks.every(store)[0].failures, 20, ""
        )
    assert bool(got) == arrives


def certificate_for(folder, name):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder / "cert.pem", folder / "key.pem"


def test_a_webhook_is_tried_and_the_page_says_what_came_back(app, store, staff, browser):
    owner = browser("owner")
    owner.post("/confirm", data={"password": PASSWORD})
    with receiver(answers=[204, 500, 302]) as (url, got):
        hook = webhooks.add(store, url, "whsec_AAAA", ("granted",), "test")
        path = f"/settings/webhooks/{hook.id}/test"
        assert "The test arrived: status 204 after" in owner.send(path).text
        assert "with status 500 after" in problem_of(owner.send(path))
        tried = owner.post(f"/api/v1/webhooks/{hook.id}/test").json()
        assert (tried["arrived"], tried["status"], tried["problem"]) == (False, 302, None)
        assert [json.loads(body)["type"] for _, body in got] == ["facegate.test"] * 3
        assert got[0][0]["webhook-signature"].startswith("v1,")
    assert problem_of(owner.send(path)) == "The test did not arrive: Nobody answers there."
    assert [line.details["status"] for line in audit.lines(store) if line.kind == "webhook_tested"] == [
        204,
        500,
        302,
        None,
    ]
    assert webhooks.get(store, hook.id).cursor == hook.cursor, "what is owed is not touched"
    assert browser("manager").post(path).status_code == 403


def test_a_receiver_that_drips_is_given_up_when_it_is_tried(store, context, staff, monkeypatch):
    monkeypatch.setattr("api.webhook_trial.ANSWERED_WITHIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = webhooks.add(store, f"http://127.0.0.1:{silent.getsockname()[1]}/", "whsec_AAAA", ("granted",), "test")
        owner = Browser(create_app(context))
        owner.sign_in("owner")
        owner.post("/confirm", data={"password": PASSWORD})
        assert "did not answer within" in problem_of(owner.send(f"/settings/webhooks/{hook.id}/test"))
