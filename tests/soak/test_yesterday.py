"""What versions before left on a disk or say over the API goes on working: state, settings, backups, clients."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from tests.conftest import REPOSITORY, command_environment
from tests.console import PASSWORD
from tests.running import gate_running, until
from tests.soak.earlier import unpacked

pytestmark = pytest.mark.soak

# The first without what the world found in it, and the last with the commands and the measuring inside the gate.
BEFORE = ("3c117a8", "704627f")
SETTINGS = """\
gate = "North gate"
[door]
pulse_s = 0.6
max_pulse_s = 5
zone = "Asia/Shanghai"
[vision.promise]
years = 2
[keep]
record_days = 60
[screen]
unknown = "Please ring"
[api]
port = 0
"""
# A line of a kind that nobody knows any more, as the record of a version yet older may hold.
OLD_LINE = """
import sys
from pathlib import Path
from gate.store import audit
from gate.store.database import open_database
from gate.vocabulary import AuditEvent
audit.append(open_database(Path(sys.argv[1])), AuditEvent("gate_sang", {"tune": 3}))
"""
READS = (
    "me", "residents", "residents?search=li", "events", "events?kind=granted", "door", "schedules", "groups", "units",
    "settings", "health", "users", "tokens", "webhooks", "backups", "consent-texts/zh-CN", "events/export",
    "exports/residents", "imports/current", "residents/nobody", "nowhere",
)  # fmt: skip
# What was not there yet in the first of them.
NEW = ("GET me",)
WRITES = (
    ("POST", "residents", {"name": "Zhao Lei", "unit": "3-1204"}),
    ("POST", "residents", {"name": "", "unit": "3-1204"}),
    ("PUT", "schedules/day", {"windows": "mon-sun 06:00-22:00"}),
    ("PUT", "schedules/day", {"windows": "noon"}),
    ("PUT", "groups/cleaners", {"schedule": "day"}),
    ("PUT", "free-access", {"schedule": None}),
    ("POST", "door/lockdown", None),
    ("POST", "door/open", None),
    ("POST", "door/release", None),
    ("POST", "door/sing", None),
    ("POST", "residents", {"tune": 3}),
)  # fmt: skip


def ran(code, command, state, models_dir, *, may_fail=False):
    """What a command of the version in folder `code` prints."""
    done = subprocess.run(
        [sys.executable, *command], cwd=code, env=command_environment(models_dir, state),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert may_fail or done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def old_gate(code, state, models_dir, source):
    process = subprocess.Popen(
        [sys.executable, "-m", "gate.cli", "run", "--source", str(source)],
        cwd=code, env=command_environment(models_dir, state), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until(process, "api ready")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        process.stdout.close()


def address_of(state):
    return (state / "run" / "api" / "address").read_text().strip()


def client_of(state, path="", **headers):
    """Somebody who speaks to the running gate, whose certificate is of its own making."""
    return httpx.Client(base_url=f"{address_of(state)}{path}", headers=headers, timeout=30, verify=False)  # noqa: S501 - as said


def browser_of(state):
    return client_of(state, **{"sec-fetch-site": "same-origin"})


def token_of(state):
    """As an owner gets one in the browser, at the first start."""
    code = (state / "run" / "api" / "owner-code").read_text().strip()
    with browser_of(state) as owner:
        owner.post("/owner", data={"code": code, "name": "Ann", "password": PASSWORD})
        wanted = {"name": "erp", "permissions": ["live", "door", "people", "record", "site", "scores"]}
        return owner.post("/api/v1/tokens", json=wanted).raise_for_status().json()["secret"]


def session(state, token, suffix=""):
    """What an API client of that time says, and for each request the status and the shape of what it hears."""
    heard = {}
    with client_of(state, "/api/v1/", Authorization=f"Bearer {token}") as client:
        for method, path, body in WRITES:
            # The name of another, where the first is there already.
            sent = {**body, "name": body["name"] + suffix} if body and body.get("name") else body
            answer = client.request(method, path, json=sent)
            heard[f"{method} {path} {body}"] = answer.status_code, shape(answer)
        for path in READS:
            answer = client.get(path)
            heard[f"GET {path}"] = answer.status_code, shape(answer)
    return heard


def shape(answer):
    """The keys of JSON with their types, the first line of a table."""
    if "json" not in answer.headers.get("content-type", ""):
        return (
            answer.text.splitlines()[0] if answer.text.startswith(("name,", '"name"', "sequence", '"sequence"')) else ""
        )
    return shape_of(answer.json())


def shape_of(value):
    if isinstance(value, dict):
        return {key: shape_of(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])] if value else []
    return type(value).__name__


def differs(before, after, path=""):
    """What a client of before would miss: a key that is gone, another type. More keys, or a value where there was none,
    it does not notice."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, was in before.items():
            if key == "details":
                continue  # Of each kind of event its own.
            if key not in after:
                yield f"{path}.{key} is gone"
            else:
                yield from differs(was, after[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        if before and after:
            yield from differs(before[0], after[0], f"{path}[]")
    elif before != after and "NoneType" not in (before, after) and {before, after} != {"int", "float"}:
        yield f"{path}: {before} before, {after} now"


@pytest.fixture(params=BEFORE)
def code(request, tmp_path):
    return unpacked(request.param, tmp_path / "before")


def test_what_a_version_before_left_and_says_goes_on_working(code, state, models_dir, photos, walk_ups, tmp_path):
    state.mkdir()
    (state / "facegate.toml").write_text(SETTINGS)
    face = ("-m", "gate.cli", "enroll", "Barack Obama", str(photos / "obama.jpg"), "--unit", "1-101")
    ran(code, face, state, models_dir)
    ran(code, ("-m", "gate.cli", "enroll", "Li Na", "--no-face"), state, models_dir)
    with old_gate(code, state, models_dir, walk_ups):
        token = token_of(state)
        before = session(state, token)
    ran(code, ("-c", OLD_LINE, str(state)), state, models_dir)
    ran(code, ("-m", "gate.cli", "backup", str(tmp_path / "backups")), state, models_dir)
    settings = json.loads(ran(code, ("-m", "gate.cli", "settings", "--json"), state, models_dir).splitlines()[-1])
    people = json.loads(
        ran(code, ("-m", "gate.cli", "residents", "list", "--json"), state, models_dir).splitlines()[-1]
    )

    def now(*command, of=state, may_fail=False):
        said = ran(REPOSITORY, ("-m", "commands.cli", *command), of, models_dir, may_fail=may_fail)
        return json.loads(said.splitlines()[-1])

    assert list(differs(shape_of(settings), shape_of(now("settings", "--json")))) == []
    listed = now("residents", "list", "--json")["residents"]
    # What was said of them is said as it was; more may be.
    assert [since | then for then, since in zip(people["residents"], listed, strict=True)] == listed
    assert now("audit", "verify", "--json")["verified"] is True
    with gate_running(models_dir, state, walk_ups) as process:
        until(process, "api ready")
        with browser_of(state) as owner:
            assert owner.post("/sign-in", data={"name": "Ann", "password": PASSWORD}).status_code == 303
            events = owner.get("/events?what=everything")
            assert (events.status_code, "gate_sang" in events.text or "gate sang" in events.text) == (200, True)
            for page in ("/", "/residents", "/gate", "/services", "/settings", "/account"):
                assert owner.get(page).status_code == 200, page
        after = session(state, token, suffix=" II")
    assert set(after) == set(before)
    for asked, (status, heard) in before.items():
        if status == 404 and asked in NEW:
            continue
        assert after[asked][0] == status, asked
        assert list(differs(heard, after[asked][1])) == [], asked

    (backup,) = (tmp_path / "backups").iterdir()
    other = tmp_path / "other"
    sealed = () if code_seals(backup) else ("--unsealed",)
    now("restore", str(backup), "--yes", "--json", *sealed, of=other, may_fail=True)
    restored = now("residents", "list", "--json", of=other)
    assert {one["name"] for one in restored["residents"]} == {one["name"] for one in people["residents"]}


def code_seals(backup):
    listing = subprocess.run(["tar", "-tzf", str(backup)], capture_output=True, text=True, check=True).stdout
    return bool(re.search(r"seal", listing)) and os.path.exists(backup)
