import threading

import pytest

from gate.config import Settings
from gate.drill.guided import CHECKS, Gate, PowerCut, guide
from gate.drill.results import Result
from gate.drill.sheet import save, sheet_of
from gate.drill.simulated import AFTER, WITH_CAMERA, WITHOUT_CAMERA
from gate.store.database import open_database
from gate.store.record import audit
from tests.door import CONTACT, FIRE, HOLD, REX, door_process, drive, until

WIRED = {"rex_pin": REX, "fire_pin": FIRE, "hold_pin": HOLD, "contact_pin": CONTACT}
SETTINGS = Settings(door=WIRED)


def test_every_simulated_check_passes_and_the_sheet_and_the_record_say_so(facegate, state):
    done = facegate("drill", "--simulate", "--by", "An installer", "--json", timeout_s=300)
    answer = done.answer
    assert [check for check in answer["checks"] if not check["passed"]] == []
    assert (done.code, answer["failed"]) == (0, 0)
    names = [check["name"] for check in answer["checks"]]
    assert len(set(names)) == len(names) == answer["passed"] == len((*WITHOUT_CAMERA, *WITH_CAMERA, *AFTER)) >= 25
    page = (state / "drills" / answer["sheet"].rsplit("/", 1)[1]).read_text("utf-8")
    assert f"All {len(names)} checks passed" in page
    assert "An installer" in page
    with open_database(state) as store:
        (line,) = (line for line in audit.lines(store) if line.kind == "drilled")
    assert line.details == {"passed": len(names), "failed": [], "simulated": True}
    assert line.personal == {"by": "An installer"}


class Hands:
    """An installer who does what is asked, at once, on a mock board."""

    def __init__(self, state, client, answers=()):
        self.state, self.client, self.answers, self.told = state, client, dict(answers), []

    def tell(self, words):
        self.told.append(words)
        for start, pin, level in (
            ("Press the exit button", REX, 0), ("Have the fire panel", FIRE, 1), ("End the signal", FIRE, 0),
            ("Open the gate", CONTACT, 1), ("Close it", CONTACT, 0),
        ):  # fmt: skip
            if words.startswith(start):
                drive(self.state, pin, level)
                if pin == REX:
                    threading.Timer(0.3, drive, [self.state, REX, 1]).start()

    def agree(self, question):
        return next((answer for start, answer in self.answers.items() if start in question), True)


@pytest.fixture
def gate(state):
    with door_process(state, **WIRED) as (_, client):
        drive(state, FIRE, 0)
        drive(state, CONTACT, 0)
        until(client, mode="normal", leaf="shut")
        yield Gate(state, wait_s=2.0), client


def test_the_guided_drill_sees_what_the_installer_does_and_goes_on_after_the_power_cut(gate, state, monkeypatch):
    real, client = gate
    hands, results = Hands(state, client), []
    with pytest.raises(PowerCut):
        results.extend(result for result in guide(real, SETTINGS, state, hands) if not results.append(result))
    named = {result.name: result for result in results}
    assert {name for name, result in named.items() if result.passed} == {
        "relay_polarity", "exit_button", "fire", "door_contact",
    }  # fmt: skip
    assert "vision does not answer" in named["camera_pulled"].figure
    # Without a reboot it asks for the power cut again; after one, it asks what was heard.
    with pytest.raises(PowerCut):
        list(guide(real, SETTINGS, state, hands))
    monkeypatch.setattr("gate.drill.guided.boot_id", lambda: "another boot")
    ended = list(guide(real, SETTINGS, state, Hands(state, client, {"without a click": False})))
    assert [result.name for result in ended] == list(CHECKS)
    assert "pull-down" in ended[-1].figure
    assert not ended[-1].passed
    assert not (state / "drill.json").exists()


def test_a_wire_that_is_not_there_fails_its_check(gate, state):
    _, client = gate
    hands, results = Hands(state, client, {"Did the gate unlock": False}), []
    hands.tell = hands.told.append
    with pytest.raises(PowerCut):
        for result in guide(Gate(state, wait_s=0.2), SETTINGS, state, hands):
            results.append(result)
    figures = {result.name: result.figure for result in results}
    assert figures["relay_polarity"].startswith("The relay does not reach the lock")
    assert figures["exit_button"].startswith("the button was not seen")
    assert figures["fire"].startswith("no fire was seen")
    assert not any(result.passed for result in results)


def test_a_sheet_with_a_failure_says_the_gate_must_not_go_into_service(tmp_path):
    results = [Result("fire", False, "no <fire> was seen"), Result("exit", True, "3 ms")]
    page = save(sheet_of(SETTINGS, "<b>me</b>", results, {}, simulated=False), tmp_path)
    text = page.read_text("utf-8")
    assert "1 of 2 checks failed. This gate must not go into service." in text
    assert "&lt;b&gt;me" in text
    assert "no &lt;fire&gt;" in text
    assert page.with_suffix(".json").exists()
