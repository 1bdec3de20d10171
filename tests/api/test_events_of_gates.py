"""At a centre the events of all gates are one search, on the page, over the API and in what is exported."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from api.app import create_app
from gate.store.compound import carried, gates, records
from gate.store.compound.gates import Gate
from gate.store.database import open_database, transaction
from gate.store.people import residents
from gate.store.site import accounts
from gate.vocabulary import Kind
from tests.console import PASSWORD, Browser, context_on
from tests.gate.store.compound.test_records import NINE, came, carry, with_residents

CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}, "door": {"zone": "UTC"}}


@pytest.fixture
def three(tmp_path):
    """On a disk, where the console looks for its own."""
    with with_residents(lambda one: open_database(tmp_path / one)) as stores:
        yield stores


@pytest.fixture
def compound(three, tmp_path):
    """A centre whose two gates carried what happened there this morning; its store, and an auditor's browser."""
    centre, north, south = three
    for number, (gate, name) in enumerate(((north, "North"), (south, "South"))):
        box = bytes([number]) * 32
        gates.add(centre, Gate(records.own_gate(gate), name, f"U{number}", box, box, "2026-05-01T00:00:00+00:00"))
    came(north, 1)
    came(south, 2, "r2", kind="denied", reason="out_of_hours")
    came(centre, 3)
    carry(centre, north, south)
    app = create_app(context_on(tmp_path / "c", settings=CENTRE))
    accounts.add_owner(centre, "owner", app.state.context.passwords.hashed(PASSWORD))
    browser = Browser(app)
    assert browser.sign_in("owner").status_code == 303
    return centre, north, south, browser


def shown(page):
    """The gate, what, and who of each row."""
    rows = re.findall(r'<tr class="kind-.*?</tr>', page, re.DOTALL)
    cells = [
        [unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in re.findall(r"<td.*?</td>", row, re.DOTALL)]
        for row in rows
    ]
    return [(one[1], one[2], one[4]) for one in cells]


def test_the_page_shows_who_came_at_any_gate_and_at_one_that_is_chosen(compound):
    _, north, south, browser = compound
    assert shown(browser.get("/events").text) == [
        ("Office", "Let in", "R1"), ("South", "Refused", "R2"), ("North", "Let in", "R1"),
    ]  # fmt: skip
    assert shown(browser.get(f"/events?gate={records.own_gate(south)}").text) == [("South", "Refused", "R2")]
    assert shown(browser.get("/events?gate=all").text) == shown(browser.get("/events").text)
    nine = "/events?since=2026-05-04T09:00&until=2026-05-04T09:02&what=entries"
    assert [one[0] for one in shown(browser.get(nine).text)] == ["North"]
    page = browser.get("/events").text
    last = carried.held(compound[0], records.own_gate(north)).sequence
    assert f"verified: all lines are as they came, up to line {last}" in page
    # What is filtered stays so from page to page, and in what is exported.
    assert f"gate={records.own_gate(south)}" in browser.get(f"/events?gate={records.own_gate(south)}").text


def test_of_one_resident_a_centre_shows_what_was_at_any_gate_and_the_copy_of_what_is_held_has_all(compound):
    centre, _, south, browser = compound
    came(south, 4, kind="denied", reason="out_of_hours")
    carry(centre, south)
    enrolled = residents.enrol(centre, "R1", "3-1-502", (), by="test")
    centre.execute("UPDATE residents SET id = 'r1' WHERE id = ?", (enrolled.id,))
    for address in ("/residents/r1", "/residents/r1/held", "/homes/3-1-502"):
        page = unescape(browser.get(address).text)
        rows = [re.sub(r"<[^>]+>", " ", one) for one in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
        of_gates = [next((name for name in ("Office", "North", "South") if name in one), None) for one in rows]
        assert [one for one in of_gates if one] == ["South", "Office", "North"], address
    # What somebody else's face opened is said where it did.
    assert unescape(browser.get("/residents/r1").text).count('name="event"') <= 1


@pytest.mark.parametrize("off", [timedelta(0), timedelta(days=-3), timedelta(days=1)], ids=str)
def test_duress_at_any_gate_stands_on_the_page_of_gates_for_whoever_reads_the_record_and_names_nobody(compound, off):
    centre, _, south, browser = compound
    assert 'id="duress"' not in browser.get("/gates").text
    # Whatever that gate's own clock says.
    now = (datetime.now(UTC) + off - NINE).total_seconds() / 60
    came(south, now, "r2", kind=Kind.DURESS)
    carry(centre, south)
    (alarm,) = re.findall(r'<section class="card alarm".*?</section>', browser.get("/gates").text, re.DOTALL)
    assert "South" in alarm
    assert "R2" not in alarm
    # Page after page is made of what is so, also while somebody follows.
    assert "South" in browser.get("/gates?part=live").text


def test_a_duress_alarm_of_a_gate_stands_for_half_a_day_from_when_it_came(compound):
    centre, _, south, browser = compound
    came(south, (datetime.now(UTC) - NINE).total_seconds() / 60, "r2", kind=Kind.DURESS)
    carry(centre, south)
    for hours, stands in ((11, True), (13, False)):
        then = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds")
        centre.execute("UPDATE carried_lines SET came_at = ? WHERE kind = 'duress'", (then,))
        assert ('id="duress"' in browser.get("/gates").text) is stands
    # But for one that a gate tells anew long after, with all of its record: by its own clocks it wrote much later.
    centre.execute("UPDATE carried_lines SET came_at = ?", (datetime.now(UTC).isoformat(timespec="milliseconds"),))
    assert 'id="duress"' in browser.get("/gates").text
    last = carried.held(centre, records.own_gate(south)).sequence + 1
    came(south, (datetime.now(UTC) - NINE).total_seconds() / 60, "r2")
    carry(centre, south)
    for later, stands in ((13 * 3600.0, False), (60.0, True)):
        centre.execute("UPDATE carried_lines SET mono = ? WHERE sequence = ?", (later, last))
        assert ('id="duress"' in browser.get("/gates").text) is stands
    for hours, stands in ((13, False), (1, True)):
        said = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="milliseconds")
        centre.execute("UPDATE carried_lines SET boot_id = 'later', at = ? WHERE sequence = ?", (said, last))
        assert ('id="duress"' in browser.get("/gates").text) is stands
    # One that came before that was noted stands by what its gate's clock said.
    centre.execute("UPDATE carried_lines SET came_at = NULL WHERE kind = 'duress'")
    assert 'id="duress"' in browser.get("/gates").text


def test_a_line_that_was_altered_here_after_it_came_is_said(compound):
    centre, north, _, browser = compound
    with transaction(centre):
        centre.execute("UPDATE carried_lines SET at = ? WHERE gate_id = ? AND kind = 'granted'",
                       ((datetime.now(UTC) + timedelta(days=1)).isoformat(), records.own_gate(north)))  # fmt: skip
    page = unescape(browser.get("/events").text)
    assert re.search(r"North: <strong class=\"bad\">NOT as it came: line \d+ was altered or is missing", page)
    assert "South: verified" in page


def test_the_api_gives_all_gates_to_whoever_asks_and_its_own_record_as_ever_to_who_does_not(compound):
    centre, north, _, browser = compound
    own = browser.get("/api/v1/events?kind=granted").json()
    assert [(one["gate"], one["name"], one["gate_name"]) for one in own["items"]] == [
        (records.own_gate(centre), "R1", None)
    ]
    every = browser.get("/api/v1/events?gate=all&kind=granted&kind=denied&count=2").json()
    assert [(one["gate_name"], one["name"]) for one in every["items"]] == [("Office", "R1"), ("South", "R2")]
    rest = browser.get(f"/api/v1/events?gate=all&kind=granted&kind=denied&count=2&before={every['next']}").json()
    assert [(one["gate_name"], one["name"]) for one in rest["items"]] == [("North", "R1")]
    assert rest["next"] is None
    one = browser.get(f"/api/v1/events?gate={records.own_gate(north)}&kind=granted").json()
    assert [line["gate_name"] for line in one["items"]] == ["North"]


def test_what_is_exported_names_the_gate_where_all_are_asked_for(compound):
    _, _, south, browser = compound
    table = list(csv.reader(io.StringIO(browser.get("/events/table").text.lstrip("\ufeff"))))
    assert table[0][-1] == "Gate name"
    assert [row[-1] for row in table[1:]] == ["Office", "South", "North"]
    rows = list(csv.DictReader(io.StringIO(
        browser.get("/api/v1/events/export?gate=all&kind=granted").text.lstrip("\ufeff")
    )))  # fmt: skip
    assert [row["gate_name"] for row in rows] == ["Office", "North"]
    lines = browser.get(f"/api/v1/events/export?format=jsonl&gate={records.own_gate(south)}&kind=denied").text
    assert [json.loads(line)["gate_name"] for line in lines.splitlines()] == ["South"]
    yesterdays = next(csv.reader(io.StringIO(browser.get("/api/v1/events/export").text.lstrip("\ufeff"))))
    assert "gate_name" not in yesterdays
