"""What the gate may be called: a page elsewhere whose name was made to mean this machine reads nothing."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from api.app import create_app
from api.auth import digest
from api.front.hosts import Hosts, names_of
from api.front.tls import fingerprint, generated_certificate, names_in
from gate.processes.addresses import generated_certificate_file
from gate.store.site import accounts
from tests.api_process import api_process, port_of
from tests.console import Browser, context_on

EVERYTHING = (
    "/gate",
    "/gate/now",
    "/gate/live",
    "/api/health",
    "/api/v1/health",
    "/metrics",
    "/sign-in",
    "/static/live.js",
)


@pytest.mark.parametrize(
    ("host", "answered"),
    [("gate", True), ("GATE.", True), ("gate:8443", True), ("localhost:1", True), ("127.0.0.1", True),
     ("[::1]:8443", True), ("gate/x", False),
     ("10.0.0.5:8443", True), ("10.0.0.6", False), ("evil.example", False), ("gate.evil.example", False),
     ("evil.example:8443@gate", False), ("gate@evil.example", False), ("", False), ("[::1", False), (None, False),
     ("two.site.example", True), ("site.example", False), ("a.two.site.example", False)],
)  # fmt: skip
def test_a_name_is_the_gates_or_it_is_not(host, answered):
    known = Hosts.of(("gate", "localhost", "127.0.0.1", "::1", "*.site.example"))
    assert known.answers_to(host, "10.0.0.5") == answered


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.9"])
def test_by_another_name_nothing_is_told(state, models_dir, secure, address):
    context = context_on(state, models_dir, secure=secure, settings={"api": {"open": ["metrics", "description"]}})
    page = Browser(create_app(context), address=address)
    for path in (*EVERYTHING, "/api/v1/openapi.json"):
        answer = page.get(path, headers={"host": "rebound.evil.example:8443"})
        assert answer.status_code == 421
        assert "api.hosts" in answer.json()["detail"]
        assert "North" not in answer.text
    assert page.post("/sign-in", headers={"host": "evil.example"}, data={}).status_code == 421
    said = page.get("/gate/now", headers={"host": "evil.example", "accept-language": "zh-CN"})
    assert "api.hosts" in said.json()["detail"]
    assert "本系统" in said.json()["detail"]


def test_metrics_and_the_description_want_a_login_or_a_token_unless_opened(
    app, browser, staff, store, state, models_dir
):
    for path in ("/metrics", "/api/v1/openapi.json"):
        for address in ("127.0.0.1", "10.0.0.9"):
            assert browser(address=address).get(path).status_code == 401
    assert browser("guard").get("/metrics").status_code == 200
    assert browser("auditor").get("/metrics").status_code == 403
    assert browser("auditor").get("/api/v1/openapi.json").json()["info"]["title"] == "Facegate"
    accounts.add_token(store, "prometheus", digest("s"), ("live",), staff["owner"], "test")
    collector = browser()
    collector.headers = {"authorization": "Bearer s"}
    assert "facegate_up" in collector.get("/metrics").text
    opened = create_app(context_on(state, models_dir, settings={"api": {"open": ["metrics", "description"]}}))
    assert Browser(opened, address="127.0.0.1").get("/metrics").status_code == 200
    assert Browser(opened).get("/metrics").status_code == 401
    assert Browser(opened).get("/api/v1/openapi.json").status_code == 200


def test_a_certificate_holds_every_name_and_is_made_anew_only_where_it_must_be(state):
    now = datetime.now(UTC)
    names = names_of("10.0.0.5", ("gate.example.org",), ("10.0.0.5", "127.0.0.1"))
    certificate, key = generated_certificate(state, names, now)
    assert {"10.0.0.5", "127.0.0.1", "::1", "localhost", "gate.example.org"} <= set(names_in(certificate))
    first, secret = fingerprint(certificate), key.read_bytes()
    generated_certificate(state, names, now + timedelta(days=790))
    assert fingerprint(certificate) == first
    generated_certificate(state, names, now + timedelta(days=800))
    second = fingerprint(certificate)
    assert second != first
    generated_certificate(state, names_of("10.0.0.6", (), ()), now + timedelta(days=800))
    assert fingerprint(certificate) != second
    assert "10.0.0.6" in names_in(certificate)
    # Whoever holds on to the key, as a kiosk may, goes on.
    assert key.read_bytes() == secret
    assert key.stat().st_mode & 0o077 == 0


def curl(url, *options):
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "10", *options, url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_curl_as_a_kiosk_and_as_a_manager_trust_the_certificate(state, models_dir):
    log = []
    with api_process(state, models_dir, host="127.0.0.2", log=log) as here:
        trusted = ("--cacert", str(generated_certificate_file(state)))
        assert here.startswith("https://127.0.0.1:")
        kiosk = curl(f"{here}/gate/now", *trusted)
        assert '"signal"' in kiosk.stdout, kiosk.stderr
        there = f"https://127.0.0.2:{port_of(here)}"
        manager = curl(f"{there}/sign-in", *trusted, "--output", "/dev/null", "--write-out", "%{http_code}")
        assert manager.stdout == "303", manager.stderr
        assert "certificate" in curl(f"{there}/sign-in").stderr
        rebound = curl(f"{here}/gate/now", *trusted, "--header", "Host: evil.example")
        assert '"status":421' in rebound.stdout
        old = curl(f"{here}/gate/now", *trusted, "--http1.0", "--header", "Host:")
        assert '"status":421' in old.stdout
    said = "".join(log)
    assert f"The console is at {there}, and on this machine at {here}" in said
    assert fingerprint(generated_certificate_file(state)) in said


def test_a_program_that_asks_for_the_head_alone_is_told_what_it_would_be_given(state, models_dir):
    with api_process(state, models_dir, host="127.0.0.1", tls="off") as here:
        # One after the other over one line, each with nothing behind its head.
        first, *others = (f"{here}{path}" for path in ("/nowhere", "/sign-in", "/static/live.js", "/api/health"))
        told = curl(first, "--head", *others).stdout
    heads = [one.splitlines() for one in told.strip().split("\n\n")]
    assert [one[0].split()[1] for one in heads] == ["303", "200", "200", "404"]
    assert "cache-control: no-store" in heads[0]


def test_the_screen_goes_on_while_the_managers_address_is_not_there(state, models_dir):
    log = []
    # An address for documents, which no machine has.
    with api_process(state, models_dir, host="192.0.2.77", log=log) as here:
        assert '"signal"' in curl(f"{here}/gate/now", "--cacert", str(generated_certificate_file(state))).stdout
    assert "does not have the address 192.0.2.77" in "".join(log)
