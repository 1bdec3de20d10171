"""Forgotten means forgotten: no file of the gate knows the person afterwards."""

import gzip
import ssl
import time

import httpx
import pytest

from gate.care import backup
from gate.processes.addresses import api_address_file, generated_certificate_file
from gate.store.database import open_read_only
from gate.store.people import templates
from gate.store.record import audit
from tests.running import gate_running, until, wait_for

pytestmark = pytest.mark.whole

NAME, UNIT, GUARDIAN = "Barack Hussein Obama", "Tower-7-1204", "Ann Dunham"


@pytest.fixture
def gate(models_dir, state, walk_ups):
    """A running gate, and its owner's browser."""
    with gate_running(models_dir, state, walk_ups) as process:
        until(process, "api ready")
        browser = httpx.Client(
            base_url=api_address_file(state).read_text().strip(),
            verify=ssl.create_default_context(cafile=generated_certificate_file(state)),
            headers={"sec-fetch-site": "same-origin"},
            timeout=30,
        )
        code = (state / "run" / "api" / "owner-code").read_text()
        browser.post("/owner", data={"code": code, "name": "owner", "password": "correct horse battery"})
        yield browser
        browser.close()


def holders(state, secrets):
    """Which file holds which secret; backups are looked into."""
    found = []
    for path in state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            found += [(path.name, what) for what, secret in secrets.items() if secret in content]
    return found


@pytest.mark.parametrize("way", ["erasure", "withdrawal"])
def test_afterwards_no_file_holds_name_template_or_photo(gate, state, photos, way):
    photo = (photos / "obama.jpg").read_bytes()
    form = {"name": NAME, "unit": UNIT, "way": "paper", "guardian": GUARDIAN}
    files = [("photos", ("obama.jpg", photo, "image/jpeg"))]
    one = gate.post("/api/v1/enrolments", data=form, files=files).json()["resident"]["id"]
    wait_for(lambda: gate.get("/api/v1/events?kind=granted&person=obama").json()["items"], 60, "nobody was let in")
    connection = open_read_only(state)
    ((_, _, vector),) = templates.vectors(connection, connection.execute("SELECT model FROM templates").fetchone()[0])
    connection.close()
    secrets = {"name": NAME.encode(), "guardian": GUARDIAN.encode(), "template": vector, "photo": photo[1000:1400]}
    before = backup.make(state, state / "backups", None).path
    assert {what for _, what in holders(state, secrets)} == {"name", "guardian", "template"}

    path = f"/api/v1/residents/{one}"
    receipt = (gate.delete(path) if way == "erasure" else gate.post(f"{path}/withdrawal")).json()
    erased_at = time.time()
    assert receipt["templates"] == 1
    assert receipt["personal_fields"] > 2
    # The same face walks up again, and is nobody's.
    wait_for(lambda: gate.get("/api/v1/events?reason=unknown").json()["items"], 60, "nobody was refused")
    before.unlink()
    backup.make(state, state / "backups", None)

    left = holders(state, secrets)
    # Who withdraws lives here on by name; nothing else of them is left.
    assert [what for _, what in left if what != "name" or way == "erasure"] == []
    connection = open_read_only(state)
    lines = {line.id: line for line in audit.lines(connection)}
    assert lines[receipt["id"]].kind == ("erased" if way == "erasure" else "consent_withdrawn")
    assert NAME not in str([line.personal for line in lines.values()])
    assert audit.verify(connection) is None
    connection.close()
    granted = gate.get("/api/v1/events?kind=granted&count=500").json()["items"]
    assert all(one["at"] < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(erased_at + 2)) for one in granted)
