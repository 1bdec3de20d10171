"""Home Assistant is told of a gate: Debian's mosquitto with a password and TLS, a real door, the api's own sender."""

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from jinja2 import Template

from api.home_assistant import messages, service
from api.home_assistant.messages import Told, Topics
from api.home_assistant.service import tell_home_assistant
from api.languages import Languages
from gate.care.doctor.finding import Grade
from gate.care.doctor.services import home_assistant as examine
from gate.care.home_assistant import read_status
from gate.config import load_settings
from gate.errors import UsageError
from gate.state_folder import broker_password
from gate.store.database import database_of
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template as Face
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests import mosquitto
from tests.api_process import api_process
from tests.conftest import REPOSITORY
from tests.console import context_on
from tests.door import CONTACT, FIRE, claim, door_process, drive, edges, events
from tests.running import stays, wait_for
from tests.said import door_says

needs_mosquitto = pytest.mark.skipif(mosquitto.PROGRAM is None, reason="no mosquitto: apt install mosquitto")
KNOWN = json.loads((REPOSITORY / "tests/data/home_assistant_2024_3.json").read_text("utf-8"))
ALL = {"commands": ("open", "lock")}
# The api's task in a program of its own, which can be killed.
ALONE = """
import asyncio, json, sys
from pathlib import Path
from api.home_assistant.service import tell_home_assistant
from tests.conftest import REPOSITORY
from tests.console import context_on
asyncio.run(tell_home_assistant(context_on(Path(sys.argv[1]), settings=json.loads(sys.argv[2]))))
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with mosquitto.broker_running(tmp_path_factory.mktemp("broker") / "b") as running:
        yield running


@pytest.fixture
def home(broker):
    with mosquitto.at(broker) as there:
        yield there


def settings_for(at, **chosen):
    of = {"broker": "localhost", "port": at.port, "authority": str(at.tls / "ca.pem"), "user": mosquitto.USER}
    return {"camera": {"source": ""}, "door": {"contact_pin": CONTACT, "fire_pin": FIRE, "bell": True},
            "home_assistant": of | chosen}  # fmt: skip


@contextmanager
def telling(state, settings, password=mosquitto.PASSWORD):
    """The task of a running api; what it logs of problems."""
    broker_password(state).write_text(password + "\n")
    context = context_on(state, settings=settings)
    loop = asyncio.new_event_loop()
    task = loop.create_task(tell_home_assistant(context))
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)))
    thread.start()
    try:
        yield context
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        loop.close()


def topics_of(store):
    return Topics(store.execute("SELECT id FROM gate").fetchone()[0], "homeassistant")


@needs_mosquitto
def test_a_home_is_told_of_gate_door_alarms_and_what_happened_without_a_name(broker, home, state, store):
    topics = topics_of(store)
    wang = residents.enrol(store, "Wang Fang", "3-1-502", [Face("m", "s", {}, b"")], NO_PERSON)
    pins = {"contact_pin": CONTACT, "fire_pin": FIRE, "open_grace_s": 0.2}
    with door_process(state, **pins) as (_, door), telling(state, settings_for(broker)):
        home.until(topics.availability, lambda said: said == "online")
        # Both are wires that are closed while all is well.
        drive(state, CONTACT, 0)
        drive(state, FIRE, 0)
        shut = home.state(topics.door, mode="normal", unlocked="OFF", leaf="OFF", lockdown="OFF", fire="OFF")
        assert (shut["said"], shut["faults"]) == ("Closed", [])
        drive(state, CONTACT, 1)
        home.state(topics.door, leaf="ON", forced="ON")
        home.state(topics.event, kind="door_forced")
        drive(state, CONTACT, 0)
        home.state(topics.door, leaf="OFF", forced="OFF")
        assert door.ask(claim(wang.id))["granted"]
        let_in = home.state(topics.event, kind="granted")
        assert let_in.keys() == {"kind", "said", "at", "method", "sequence"}
        assert let_in["said"] == "Let in: by face"
        drive(state, FIRE, 1)
        home.state(topics.door, fire="ON", unlocked="ON")
        everything = json.dumps(home.told)
        assert "Wang" not in everything
        assert wang.id not in everything
    home.until(topics.availability, lambda said: said == "offline")
    made = {topic for topic, said in home.told.items() if topic.startswith("homeassistant/") and said}
    assert {topic.split("/")[3] for topic in made} == {
        "state", "event", "unlocked", "leaf", "forced", "held_open", "lockdown", "fire", "tamper", "fault", "bell",
    }  # fmt: skip


@needs_mosquitto
def test_a_door_whose_record_is_damaged_is_told_of_all_the_same(broker, home, state, store):
    topics = topics_of(store)
    with door_process(state, contact_pin=CONTACT, fire_pin=FIRE), telling(state, settings_for(broker)):
        drive(state, FIRE, 0)
        home.state(topics.door, mode="normal", fire="OFF", fault="OFF")
        store.close()
        for one in database_of(state).parent.glob("facegate.db*"):
            one.write_bytes(b"no database" * 1000)
        drive(state, FIRE, 1)
        home.state(topics.door, fire="ON", unlocked="ON", fault="ON")
        assert home.told[topics.door_availability] == "online"


@needs_mosquitto
def test_whoever_comes_later_is_told_what_is_kept(broker, state, store):
    topics = topics_of(store)
    with door_process(state), telling(state, settings_for(broker)), mosquitto.at(broker) as first:
        first.state(topics.door, mode="normal")
        audit.append(store, AuditEvent(Kind.DENIED, {"method": "face", "reason": "unknown"}))
        first.state(topics.event, kind="denied", said="Refused: not known here")
        with mosquitto.at(broker) as later:
            assert later.state(topics.event)["reason"] == "unknown"
            assert later.state(topics.door)["mode"] == "normal"
            later.until(topics.availability, lambda said: said == "online")
            assert later.kept[topics.door]


@needs_mosquitto
def test_nothing_is_ordered_unless_the_owner_allows_it(broker, home, state, store):
    topics = topics_of(store)
    with door_process(state), telling(state, settings_for(broker)):
        home.state(topics.door, mode="normal")
        assert not any("/button/" in topic and said for topic, said in home.told.items())
        before = len(edges(state))
        for order in ("open", "lock"):
            home.press(topics.press(order), str(time.time()))
        stays(lambda: len(edges(state)) == before, 1.5, "it opened")
        assert home.state(topics.door)["lockdown"] == "OFF"
        assert Kind.ORDERED not in {line.kind for line in events(state)}


@needs_mosquitto
def test_what_is_allowed_is_done_at_once_and_never_late_and_is_on_record(broker, home, state, store, caplog):
    topics = topics_of(store)
    # The broker keeps this one: it comes at each start.
    home.press(topics.press("open"), str(time.time()), retain=True)
    with door_process(state, synchronised=True), telling(state, settings_for(broker, **ALL)):
        home.state(topics.door, mode="normal")
        closed = len(edges(state))
        for late in ("PRESS", "", str(time.time() - 5), str(time.time() + 60), "nan", "1" * 200):
            home.press(topics.press("open"), late)
        stays(lambda: len(edges(state)) == closed, 1.5, "it opened")
        home.press(topics.press("open"), str(time.time()))
        wait_for(lambda: len(edges(state)) >= closed + 2, 5, "it did not open")
        ordered = wait_for(lambda: [one for one in events(state) if one.kind == "granted"], 5)
        assert {one.details["by"].split(" through ")[0] for one in ordered} == {"home assistant"}
        home.press(topics.press("lock"), str(time.time()))
        home.state(topics.door, mode="lockdown", lockdown="ON", unlocked="OFF")
        # A lockdown is ended at the console: there is no button for it, and this one opens nothing meanwhile.
        home.press(topics.press("open"), str(time.time()))
        stays(lambda: home.state(topics.door)["lockdown"] == "ON", 1.0)
    home.press(topics.press("open"), "", retain=True)
    with telling(state, settings_for(broker)):
        home.until(topics.config("button", "open"), lambda said: not said)


@needs_mosquitto
def test_a_broker_that_was_away_is_told_how_things_are_when_it_is_back(tmp_path, state, store):
    topics = topics_of(store)
    with mosquitto.broker_running(tmp_path / "b") as broker, ExitStack() as stack:
        door = stack.enter_context(door_process(state))[1]
        stack.enter_context(telling(state, settings_for(broker)))
        wait_for(lambda: (found := read_status(state)) is not None and found.connected, 30, "not connected")
        broker.end()
        wait_for(lambda: not read_status(state).connected, 30, "it did not notice")
        assert door.ask({"do": "lockdown"})["granted"]
        wait_for(lambda: {"ordered", "lockdown"} <= {line.kind for line in events(state)}, 10)
        for _ in range(50):
            audit.append(store, AuditEvent(Kind.DENIED, {"method": "face", "reason": "unknown"}))
        last = audit.append(store, AuditEvent(Kind.BELL, {"rung": "button"}))
        broker.start()
        with mosquitto.at(broker) as home:
            home.state(topics.door, lockdown="ON", within_s=60)
            assert home.state(topics.event, kind="bell")["sequence"] == audit.line_of(store, last).sequence
            # What happened meanwhile is in the record: a home is told of the last alone.
            assert home.times[topics.event] <= 2


@needs_mosquitto
def test_a_state_is_told_again_before_it_expires(broker, home, state, store, monkeypatch):
    """What a broker kept of before it was killed is no state of a gate that does not come back to it."""
    assert service.TOLD_AGAIN_S < messages.EXPIRES_S / 2
    monkeypatch.setattr(service, "TOLD_AGAIN_S", 0.2)
    topics = topics_of(store)
    with door_process(state), telling(state, settings_for(broker)):
        home.until(topics.door)
        seen = home.times[topics.door]
        wait_for(lambda: home.times[topics.door] >= seen + 3, 20, "it is told once")
        config = json.loads(home.until(topics.config("binary_sensor", "fire")))
        assert config["expire_after"] == messages.EXPIRES_S


@needs_mosquitto
def test_the_bell_rings_in_the_house_once_and_is_not_kept(broker, home, state, store):
    topics = topics_of(store)
    with door_process(state, bell=True) as (_, door), telling(state, settings_for(broker)):
        home.state(topics.door, mode="normal")
        assert door.ask({"do": "ring"})["granted"]
        assert home.state(topics.bell) == {"event_type": "ring"}
        home.state(topics.event, kind="bell")
        stays(lambda: home.times[topics.bell] == 1, 1.0)
        with mosquitto.at(broker) as later:
            later.state(topics.door)
            assert topics.bell not in later.told


@needs_mosquitto
def test_the_api_of_a_gate_tells_it_by_its_settings(broker, home, state, store, models_dir, monkeypatch):
    topics = topics_of(store)
    broker_password(state).write_text(mosquitto.PASSWORD)
    for name, value in settings_for(broker)["home_assistant"].items():
        monkeypatch.setenv(f"FACEGATE_HOME_ASSISTANT__{name.upper()}", str(value))
    with api_process(state, models_dir):
        home.until(topics.availability, lambda said: said == "online", 60)
    home.until(topics.availability, lambda said: said == "offline")


@needs_mosquitto
def test_whoever_vanishes_is_said_to_be_away_by_the_broker(broker, home, state, store):
    topics = topics_of(store)
    broker_password(state).write_text(mosquitto.PASSWORD)
    alone = subprocess.Popen(
        [sys.executable, "-c", ALONE, str(state), json.dumps(settings_for(broker))],
        env=os.environ | {"PYTHONPATH": "."},
    )
    try:
        # The last test's end was told before.
        seen = home.times.get(topics.availability, 0)
        home.until(topics.availability, lambda said: said == "online", 60)
        home.until(topics.door_availability, lambda said: said == "offline")
        alone.send_signal(signal.SIGKILL)
        home.until(topics.availability, lambda said: said == "offline")
        assert home.times[topics.availability] >= seen + 2
    finally:
        alone.kill()
        alone.wait(10)


@needs_mosquitto
@pytest.mark.parametrize(
    ("chosen", "password", "sentence"),
    [
        ({}, "wrong", "does not let the user facegate in. Look at home_assistant.user, and at the password in"),
        ({"authority": None}, mosquitto.PASSWORD, "is not believed"),
        ({"broker": "127.0.0.2"}, mosquitto.PASSWORD, "cannot be reached"),
        ({"authority": "/etc/hostname"}, mosquitto.PASSWORD, "is no certificate that can be read"),
    ],
)
def test_what_is_wrong_with_the_broker_is_one_sentence_said_once(
    broker, state, store, monkeypatch, caplog, chosen, password, sentence
):
    monkeypatch.setattr(service, "_FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(service, "_STATUS_EVERY_S", 0.05)
    given = settings_for(broker, **chosen)
    with caplog.at_level(logging.INFO), telling(state, given, password) as context:
        problem = wait_for(lambda: (found := read_status(state)) is not None and found.problem, 30)
        time_tried = time.monotonic()
        stays(lambda: read_status(state).problem == problem, 0.5)
        assert sentence in problem
        assert time.monotonic() > time_tried
        seen = examine(SiteOf(state, context.settings))
        assert (seen.grade, seen.seen) == (Grade.LOOK, problem)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [problem]
    assert password not in problem


class SiteOf:
    """As much of a site as the check looks at."""

    def __init__(self, state, settings):
        self.state, self.settings = state, settings

    def advice(self, _unit, do):
        return do


def test_the_doctor_says_what_is_told_to_nobody_and_what_may_be_ordered(state, store):
    settings = context_on(state).settings
    assert examine(SiteOf(state, settings)).grade is Grade.OK
    named = context_on(state, settings={"home_assistant": {"broker": "b", "commands": ["lock"]}}).settings
    assert examine(SiteOf(state, named)).grade is Grade.LOOK


def test_orders_without_tls_are_refused_by_the_settings(tmp_path):
    file = tmp_path / "facegate.toml"
    file.write_text('[home_assistant]\nbroker = "ha.local"\ntls = false\nport = 1883\ncommands = ["open"]\n')
    with pytest.raises(UsageError, match="without TLS anybody on the network could open"):
        load_settings(file)
    file.write_text('[home_assistant]\nbroker = "ha.local"\ntls = false\nport = 1883\n')
    assert load_settings(file).home_assistant.commands == ()


@pytest.mark.parametrize("tag", ["en", "zh-CN"])
def test_what_a_home_reads_is_in_its_language(tag):
    (language,) = (one for one in Languages().all if one.tag == tag)
    told = Told(Topics("g", "homeassistant"), "North gate", language, True, True, ("open", "lock"))
    names = [json.loads(config)["name"] for config in messages.discovery(told).values()]
    said = json.loads(messages.door_state(door_says(mode="lockdown", faults=("tamper",)), language))
    english = tag == "en"
    assert all(name.isascii() == english for name in (*names, said["said"], *said["faults"]))


@pytest.mark.parametrize("commands", [(), ("open", "lock")])
def test_home_assistant_takes_every_entity_and_reads_its_state(commands):
    """By what Home Assistant's own schemas allow, which is kept as data: tests/data."""
    language = Languages().chosen("en", "")
    topics = Topics("01a21d85-20e3-7418-898c-abd6064edea1", "homeassistant")
    found = messages.discovery(Told(topics, "North gate", language, True, True, commands))
    states = {
        topics.door: json.loads(messages.door_state(door_says(leaf="forced", faults=("tamper",)), language)),
        topics.event: {"said": "Let in"},
    }
    shown = {}
    for topic, said in found.items():
        prefix, component, node, name, end = topic.split("/")
        assert (prefix, end) == ("homeassistant", "config")
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", node + name)
        if not said:
            continue
        config, known = json.loads(said), KNOWN[component]
        assert set(known["required"]) <= config.keys() <= {*known["required"], *known["optional"]}
        assert config.get("device_class") in (None, *known["device_class"])
        if "value_template" in config:
            shown[name] = Template(config["value_template"]).render(value_json=states[config["state_topic"]])
    assert {name for name in ("open", "lock") if found[topics.config("button", name)]} == set(commands)
    assert shown == {
        "state": "Closed", "event": "Let in", "unlocked": "OFF", "leaf": "ON", "forced": "ON", "held_open": "OFF",
        "lockdown": "OFF", "fire": "OFF", "tamper": "ON", "fault": "OFF",
    }  # fmt: skip


def test_duress_is_told_to_no_home():
    assert not {Kind.DURESS, Kind.DURESS_TRIED, Kind.DURESS_TRIAL} & set(messages.TOLD)
