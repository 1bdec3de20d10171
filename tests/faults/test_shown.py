"""Every route of the console and the API is asked about a resident; what shows them is on record, and once."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import pytest

from api.auth import digest
from api.own_photos import Sent
from api.v1.residents import etag
from enroll.application import Application
from enroll.consent import agreed
from gate.store.people import erasure, photo_links, residents
from gate.store.people.consents import Way
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests.api.test_residents import upload
from tests.faults.test_hostile_http import OPEN, filled, routes
from tests.running import wait_for

pytestmark = pytest.mark.whole

NAME, HOME, STRANGER = "Li Na", "3-1204", "Nobody Yet"
# What answers for as long as somebody listens.
ENDLESS = {"/api/v1/live", "/gate/live"}
# Of these each route that changes something has its forms below.
OF_PEOPLE = ("/residents", "/homes", "/enrol", "/waiting", "/import", "/photos", "/api/v1/residents",
    "/api/v1/enrolments", "/api/v1/photos", "/api/v1/photo-links", "/api/v1/imports")  # fmt: skip
RESIDENT = "/residents/{resident}"
# What is done there is told on the page that follows.
LED_ON = {RESIDENT, f"{RESIDENT}/corrections", f"{RESIDENT}/corrections/taken-back", "/enrol"}


@dataclass
class Known:
    """The resident who is enrolled when a route is asked, and what waits of them."""

    person: object
    link: str
    at: str
    event: str


def forms(known, photos):
    """By method and path, what is sent: the query of a GET, else a form, a body and files."""
    one, stranger = known.person.id, {"way": "told", "name": STRANGER, "unit": "9", "agreed": "1"}
    theirs, others = upload(photos, "obama2.jpg"), upload(photos, "biden.jpg")
    more = {"way": "told", "resident": one, "agreed": "1"}
    everybody = {"deed": "group", "everyone": "true"}
    taken = {"at": known.at}
    files = [("files", ("t.csv", f"name,unit\n{NAME},{HOME}\n".encode()))]
    return {
        ("GET", "/enrol"): [{"params": {"resident": one}}],
        ("GET", "/events"): [{"params": {"what": "everything"}}, {"params": {"person": NAME}}],
        ("GET", "/import"): [{}, {"params": {"part": "live"}}],
        ("GET", f"{RESIDENT}/photo-link"): [{"params": {"key": "none"}}],
        ("POST", RESIDENT): [
            {"data": {"known_as": "x"}}, {"data": {"known_as": etag(known.person), "name": NAME, "unit": HOME}},
            {"data": {"known_as": etag(known.person), "name": NAME, "unit": HOME, "valid_until": "x"}},
            {"data": {"known_as": etag(known.person), "name": f"{NAME} Li", "unit": HOME}},
        ],
        ("POST", f"{RESIDENT}/withdrawal"): [{}],
        ("POST", f"{RESIDENT}/erasure"): [{}],
        ("POST", f"{RESIDENT}/corrections"): [{"data": {"event": known.event}}],
        ("POST", f"{RESIDENT}/corrections/taken-back"): [{"data": {"event": known.event}}],
        ("POST", f"{RESIDENT}/templates/erasure"): [{"data": {"template": "x"}}],
        ("POST", f"{RESIDENT}/photo-link"): [{"data": {"key": "k"}}],
        ("POST", f"{RESIDENT}/photo-link/end"): [{}, {}],
        ("POST", f"{RESIDENT}/own-page"): [{}],
        ("POST", f"{RESIDENT}/own-page/end"): [{}],
        ("POST", f"{RESIDENT}/pin"): [{}],
        ("POST", f"{RESIDENT}/pin/removal"): [{}],
        ("POST", f"{RESIDENT}/pin/duress-trial"): [{}],
        ("POST", f"{RESIDENT}/rolling-code"): [{}],
        ("POST", f"{RESIDENT}/rolling-code/removal"): [{}],
        ("POST", f"{RESIDENT}/forgiveness"): [{}],
        ("POST", f"{RESIDENT}/centre/read"): [{}],
        ("POST", f"{RESIDENT}/cards"): [{"data": {"number": "12"}}],
        ("POST", f"{RESIDENT}/cards/lost"): [{"data": {"card": "x"}}],
        ("POST", f"{RESIDENT}/cards/found"): [{"data": {"card": "x"}}],
        ("POST", f"{RESIDENT}/cards/removal"): [{"data": {"card": "x"}}],
        ("POST", "/residents/together"): [{"data": everybody}, {"data": {"deed": "group"}}],
        ("POST", "/residents/together/search"): [{"data": {"find": NAME}}],
        ("POST", "/residents/together/done"): [{"data": everybody | {"known_as": "x", "key": "k"}}],
        ("POST", "/homes/{written}/erasure"): [{"data": {"resident": "nobody"}}],
        ("POST", "/enrol"): [
            {"data": stranger, "files": theirs}, {"data": more, "files": others}, {"data": more, "files": theirs},
            {"data": {"resident": one}, "files": theirs}, {"data": more | {"seen": "1", "key": "k"}, "files": theirs},
        ],
        ("GET", "/enrol/seen"): [{"params": {"key": "x"}}],
        ("POST", "/enrol/seen"): [{"data": {"key": "x"}}],
        ("POST", "/enrol/cancelled"): [{"data": {"key": "x"}}],
        ("POST", "/enrol/gate"): [{}],
        # What the camera sees is told in test_at_gate.
        ("POST", "/enrol/gate/look"): [{"data": {"key": "x"}}],
        ("POST", "/enrol/gate/removal"): [{"data": {"key": "x", "number": "1"}}],
        ("POST", "/enrol/gate/cancelled"): [{"data": {"key": "x"}}],
        ("POST", "/photos/checks"): [{"files": {"photo": theirs[0][1]}}],
        ("POST", "/waiting/{link}/confirmed"): [{"data": taken}, {"data": {"at": "x"}}],
        ("POST", "/waiting/{link}/refused"): [{"data": taken | {"why": "poor"}}],
        ("POST", "/import"): [{"files": [("files", ("x.txt", b"x"))]}, {"files": files}],
        ("POST", "/import/run"): [{"data": {"key": "x"}}],
        ("POST", "/import/photo-links"): [{"data": {"link_key": "k"}}],
        ("POST", "/import/discard"): [{"data": {"key": "x"}}],
        ("POST", "/import/stop"): [{"data": {"key": "x"}}],
        ("POST", "/api/v1/residents"): [{"json": {"name": STRANGER}}],
        ("PATCH", f"/api/v1{RESIDENT}"): [{"json": {"unit": "7"}, "headers": {"if-match": "x"}}, {"json": {}}],
        ("DELETE", f"/api/v1{RESIDENT}"): [{}],
        ("POST", f"/api/v1{RESIDENT}/pin"): [{}],
        ("DELETE", f"/api/v1{RESIDENT}/pin"): [{}],
        ("POST", f"/api/v1{RESIDENT}/pin/duress-trial"): [{}],
        ("POST", f"/api/v1{RESIDENT}/rolling-code"): [{}],
        ("DELETE", f"/api/v1{RESIDENT}/rolling-code"): [{}],
        ("POST", f"/api/v1{RESIDENT}/forgiveness"): [{}],
        ("POST", f"/api/v1{RESIDENT}/cards"): [{"json": {"number": "12"}}],
        ("POST", f"/api/v1{RESIDENT}/cards/{{card}}/suspend"): [{}],
        ("POST", f"/api/v1{RESIDENT}/cards/{{card}}/resume"): [{}],
        ("DELETE", f"/api/v1{RESIDENT}/cards/{{card}}"): [{}],
        ("POST", "/api/v1/residents/together"): [{"json": {"deed": "last_day", "residents": [one], "value": "x"}}],
        ("POST", "/api/v1/photo-links"): [{"json": {"residents": [one], "again": again}} for again in (False, True)],
        ("DELETE", f"/api/v1{RESIDENT}/photo-link"): [{}],
        ("POST", f"/api/v1{RESIDENT}/own-page"): [{}],
        ("DELETE", f"/api/v1{RESIDENT}/own-page"): [{}],
        ("POST", f"/api/v1{RESIDENT}/withdrawal"): [{}],
        ("DELETE", f"/api/v1{RESIDENT}/templates/{{template}}"): [{}],
        ("POST", f"/api/v1{RESIDENT}/corrections/{{event}}"): [{}],
        ("DELETE", f"/api/v1{RESIDENT}/corrections/{{event}}"): [{}],
        ("POST", "/api/v1/photos/checks"): [{"files": {"photo": theirs[0][1]}}],
        ("POST", "/api/v1/enrolments"): [
            {"data": stranger, "files": theirs}, {"data": more, "files": others}, {"data": more, "files": theirs},
            {"data": more | {"another_than": "x"}, "files": upload(photos, *["obama2.jpg"] * 8)},
        ],
        ("POST", "/api/v1/imports"): [{"files": files}],
        ("POST", "/api/v1/imports/current/run"): [{"data": {"key": "x"}}],
        ("DELETE", "/api/v1/imports/current"): [{"params": {"key": "x"}}],
    }  # fmt: skip


@pytest.fixture
def known(store, context, photos):
    """A function that makes the gate know one resident again as if nothing had been asked."""
    said = agreed(Way.TOLD)
    asked = Application.of(NAME, HOME, [context.enroller.photo((photos / "obama.jpg").open("rb"), "a photo")], said)
    found = context.enroller.prepare(store, asked)

    def again():
        for one in residents.every(store):
            erasure.remove(store, one, by="test")
        person = residents.enrol(store, NAME, HOME, found.templates, said.recorded("test"))
        personal = {"resident": person.id, "name": NAME}
        event = audit.append(store, AuditEvent(Kind.GRANTED, {"method": "face"}, personal, person.id))
        now = datetime.now(UTC)
        link = photo_links.draw(store, person, digest(person.id), now, 7, by="test")
        photo_links.agree(store, link, said.recorded("test"), "x", now)
        at = photo_links.note_sent(store, photo_links.get(store, link.id, now), person, now, 7).sent_at
        context.own_photos.hold(Sent(link.id, person.id, at, found))
        return Known(person, link.id, at, event)

    return again


def test_whatever_shows_a_resident_is_on_record_once(app, browser, store, context, known, photos, monkeypatch):
    # As if every page had been left for a while before.
    monkeypatch.setattr("api.looks._OVER_S", -1.0)
    shown = Counter()
    one = known()
    every = routes(app)
    given = forms(one, photos)
    changing = {route for route in every if route[0] != "GET" and route[1].startswith(OF_PEOPLE)}
    assert changing - set(given) == set(), "give what is sent to these"
    assert set(given) - set(every) == set()
    table = f"name,unit,photos,consent\n{NAME},{HOME},,\n".encode()
    for method, path in every:
        if path in ENDLESS or (method, path) in OPEN:
            continue
        for number in range(len(given.get((method, path), [{}]))):
            one = known() if path.startswith(OF_PEOPLE) else one
            if path.startswith("/import") and (method, path) != ("POST", "/import"):
                # One of before may have ended with whoever was erased since.
                browser("owner").post("/api/v1/imports", files=[("files", ("t.csv", table))])
                wait_for(lambda: not (context.importer.now and context.importer.now.at_work), 60)
            sent = forms(one, photos).get((method, path), [{}])[number]
            asker = browser("owner")
            before = audit.anchor(store).sequence
            answer = asker.ask(method, filled_in(path, one), follow_redirects=path in LED_ON, **sent)
            wait_for(lambda: not (context.importer.now and context.importer.now.at_work), 60)
            lines = [line for line in audit.lines(store) if line.sequence > before and line.says.by]
            looks = Counter(line.details["what"] for line in lines if line.kind == Kind.LOOKED_AT)
            assert max(looks.values(), default=0) <= 1, (method, path, number)
            if NAME in answer.text:
                shown[method, path] += 1
                assert lines, (method, path, number, answer.status_code)
    # What is meant to be found is found: else this would hold for a gate that shows nobody.
    assert shown[("POST", RESIDENT)] == 4
    for route in chain(
        [("GET", one) for one in ("/", "/residents", RESIDENT, "/homes/{written}", "/enrol", "/events", "/import")],
        [("GET", one) for one in ("/waiting", f"{RESIDENT}/photo-link", f"/api/v1{RESIDENT}", "/api/v1/events")],
        [("POST", one) for one in ("/residents/together", "/residents/together/done", "/enrol", "/import/run")],
        [("POST", "/import/discard"), ("POST", "/import/stop"), ("POST", "/waiting/{link}/confirmed")],
        [("POST", "/api/v1/enrolments"), ("PATCH", f"/api/v1{RESIDENT}"), ("POST", f"{RESIDENT}/templates/erasure")],
    ):
        assert shown[route], route
    assert shown[("POST", "/enrol")] == 5


def filled_in(path, one):
    for part, value in (
        ("{resident}", one.person.id), ("{written}", HOME), ("{link}", one.link), ("{event}", one.event),
        ("{number}", "0"),
    ):  # fmt: skip
        path = path.replace(part, value)
    return filled(path)
