"""Each kind of event and of fault has its words in every language, and can be looked for and subscribed to."""

import json
import re
from collections import Counter
from importlib import resources

import pytest

from api.languages import Languages
from api.wording import EVENTS, FAULTS, KINDS, REASONS
from evaluate.record import approaches
from gate.care.health import words_of_fault
from gate.store.record import audit
from gate.store.site import webhooks
from gate.vocabulary import AuditEvent, Fault, Kind, Reason
from tests.door import HOLD, door_process, drive, until

TRANSLATED = [one for one in Languages().all if one.tag != "en"]


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda one: one.tag)
@pytest.mark.parametrize(("members", "words"), [(Kind, EVENTS), (Fault, FAULTS), (Reason, REASONS)])
def test_each_has_words_of_its_own_in_every_language(language, members, words):
    assert set(words) == set(members)
    for member in members:
        assert language(words[member]) != words[member]


def test_each_kind_is_offered_once_where_people_choose():
    offered = Counter(kind for _, kinds in KINDS.values() for kind in kinds)
    assert offered == Counter(Kind)


def test_a_webhook_may_ask_for_every_kind_and_for_nothing_else(browser, store):
    owner = browser("owner")
    made = owner.post("/api/v1/webhooks", json={"url": "https://example.org/hook", "kinds": list(Kind)})
    assert (made.status_code, made.json()["kinds"]) == (201, list(Kind))
    refused = owner.post("/api/v1/webhooks", json={"url": "https://example.org/hook", "kinds": ["pulses"]})
    assert refused.json()["detail"] == "There are no events of the kind pulses."
    (one,) = webhooks.every(store)
    for kind in Kind:
        before = audit.anchor(store).sequence
        audit.append(store, AuditEvent(kind))
        assert kind in [line.kind for line in webhooks.waiting(store, one, 500) if line.sequence > before]
        (found, *_) = owner.get(f"/api/v1/events?kind={kind}").json()["items"]
        assert found["kind"] == kind


def test_what_the_door_does_reaches_a_webhook_and_the_page_in_words(browser, store, state):
    owner = browser("owner")
    # "pulse" is what a relay's pulse was called here once.
    made = owner.post("/api/v1/webhooks", json={"url": "https://example.org/hook", "kinds": ["pulse", "hold_relay"]})
    assert made.json()["kinds"] == ["relay_pulse", "hold_relay"]
    moving = {"lock": "hold_open", "moving_pin": 21, "travel_s": 1.0, "hold_pin": HOLD}
    with door_process(state, **moving) as (_, client):
        for order in ("open", "lockdown", "release"):
            assert client.ask({"do": order})["granted"]
        until(client, mode="normal", within_s=10)
        drive(state, 21, 0)
        until(client, faults=["gate_stuck"], within_s=10)
    (one,) = webhooks.every(store)
    assert "relay_pulse" in [line.kind for line in webhooks.waiting(store, one, 500)]
    written = {line.kind for line in audit.lines(store)}
    assert written <= set(Kind)
    english, chinese = (
        re.sub("<[^>]*>", "", owner.get("/events", headers={"accept-language": tag}).text) for tag in ("en", "zh-CN")
    )
    for raw in ("relay_pulse", "gate_stuck", "not_taken", "lockdown_over"):
        assert raw not in english + chinese
    assert "The relay was on" in english
    assert "继电器动作" in chinese


OLD = (
    ("once_upon_a_time", {"fault": "of_old", "method": "crystal_ball", "reason": "omens"}),
    ("pulse", {"seconds": "long", "why": 7, "by": ["somebody"]}),
    ("granted", {"method": "face", "similarity": "very", "claim": 5}),
    ("denied", {}),
    ("corrected", {"event": None}),
    ("tidied", {"through": "all", "hash": 1, "replaced": [5, {"kept": "x"}]}),
    ("restored", {"kept": None, "erased_again": "many"}),
)


def test_an_old_record_is_readable_wherever_it_is_read(browser, store, facegate, tmp_path):
    for kind, details in OLD:
        audit.append(store, AuditEvent(kind, details))
    auditor = browser("auditor")
    for who, where in ((auditor, "/events"), (auditor, "/services"), (browser("owner"), "/")):
        assert who.get(where).status_code == 200, where
    shown = auditor.get("/events?what=everything").text
    for raw in ("once_upon_a_time", "of_old", "crystal_ball", "omens"):
        assert raw in shown
    kinds = {kind for kind, _ in OLD}
    found = auditor.get("/api/v1/events?kind=once_upon_a_time&kind=pulse").json()["items"]
    assert [(one["kind"], one["details"]) for one in found] == [*reversed(OLD[:2])]
    exported = auditor.get("/api/v1/events/export?format=jsonl").text.splitlines()
    assert kinds <= {json.loads(line)["kind"] for line in exported}
    assert '"once_upon_a_time","omens","crystal_ball"' in auditor.get("/api/v1/events/export?format=csv").text
    assert facegate("audit", "export", tmp_path / "record.jsonl").code == 0
    assert kinds <= {json.loads(line)["kind"] for line in (tmp_path / "record.jsonl").read_text("utf-8").splitlines()}
    assert "once_upon_a_time" in facegate("audit", "tail").out
    assert facegate("audit", "verify").code == 0
    assert len(approaches(audit.lines(store)).residents) == 0
    assert words_of_fault("of_old") == "The door reports a fault: of_old."


def test_a_webhook_that_waited_for_pulses_gets_them_from_now_on(store):
    for kinds in ("granted pulse denied", "pulse", "granted hold"):
        webhooks.add(store, "https://example.org/hook", "s", tuple(kinds.split()), "test")
    store.executescript((resources.files("gate.store") / "migrations" / "0015_kinds.sql").read_text("utf-8"))
    # Two of one millisecond stand in any order.
    assert {one.kinds for one in webhooks.every(store)} == {
        ("granted", "relay_pulse", "denied"), ("relay_pulse",), ("granted", "hold"),
    }  # fmt: skip
