import json
import threading
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from api.languages import Languages
from commands.drill import drill
from gate.config import Settings
from gate.door.settings import CONSEQUENCES, PINS
from gate.drill import simulated
from gate.drill.at_the_gate import Gate
from gate.drill.called import CHECKS as CALLED
from gate.drill.called import LOCKS, WIRES
from gate.drill.checks import leaf, modes, opening, record
from gate.drill.expect import REFUSED
from gate.drill.guided import CHECKS, PowerCut, guide
from gate.drill.results import CheckFailed, Result
from gate.drill.sheet import save, sheet_of
from gate.errors import Sentence
from gate.processes import asking
from gate.processes.requests import Do
from gate.store.database import open_database
from gate.store.people import credentials, residents
from gate.store.record import audit
from tests.codes import card_of_number, new_pin
from tests.door import CONTACT, FIRE, HOLD, REX, door_process, drive, until
from tests.gate.door.test_credentials import press, show

pytestmark = pytest.mark.whole

CHINESE = Languages().chosen("zh-CN", "")
WIRED = {"rex_pin": REX, "fire_pin": FIRE, "hold_pin": HOLD, "contact_pin": CONTACT}
SETTINGS = Settings(door=WIRED)
REAL = Settings(door=WIRED | {"pin_factory": "lgpio"})


# Of the checks with a camera those that are a matter of moments, and some of each kind.
QUICK = (
    leaf.relay_is_off_at_start, opening.claim_opens, opening.card_opens, opening.pin_opens,
    opening.one_claim_opens_once, opening.old_claim_is_refused, opening.unknown_person_is_refused,
    opening.nonsense_is_refused, opening.exit_opens,
    modes.lockdown_refuses_faces, modes.exit_opens_under_lockdown, modes.fire_opens_and_keeps_open,
    record.health_is_told, record.backup_of_a_running_gate_verifies,
)  # fmt: skip


def test_quick_simulated_checks_pass_and_the_sheet_and_the_record_say_so(models_dir, state, monkeypatch):
    monkeypatch.setattr(simulated, "WITH_CAMERA", QUICK)
    monkeypatch.setenv("FACEGATE_MODELS__DIR", str(models_dir))
    arguments = ["--state", str(state), "--simulate", "--by", "An installer", "--json"]
    done = CliRunner().invoke(drill, arguments, standalone_mode=False)
    assert done.return_value == 0, done.output
    assert_drilled(json.loads(done.stdout.splitlines()[-1]), state)


@pytest.mark.soak
def test_patience_is_for_the_simulated_drill_alone(facegate):
    done = facegate("drill", "--patience", "3")
    assert done.code != 0
    assert "--patience is for --simulate" in done.err


def test_every_simulated_check_passes_and_the_sheet_and_the_record_say_so(facegate, state):
    """All there are, on a quiet machine: some hold the gate to moments. In `make test` the quick ones above show that
    the drill works, and tests/gate/door holds the rules themselves."""
    done = facegate("drill", "--simulate", "--by", "An installer", "--json", timeout_s=300)
    assert done.code == 0, done.out
    assert_drilled(done.answer, state)


def assert_drilled(answer, state):
    assert [check for check in answer["checks"] if not check["passed"]] == []
    assert answer["failed"] == 0
    names = [check["name"] for check in answer["checks"]]
    due = (*simulated.WITHOUT_CAMERA, *simulated.WITH_CAMERA, *simulated.AFTER)
    assert len(set(names)) == len(names) == answer["passed"] == len(due)
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
        "relay_polarity", "exit_button", "fire", "door_contact", "keypad", "card_reader", "duress",
    }  # fmt: skip
    assert "recognition did not come back" in named["camera_pulled"].figure
    # Without a reboot it asks for the power cut again; after one, it asks what was heard.
    with pytest.raises(PowerCut):
        list(guide(real, SETTINGS, state, hands))
    monkeypatch.setattr("gate.drill.guided.boot_id", lambda: "another boot")
    ended = list(guide(real, SETTINGS, state, Hands(state, client, {"without a click": False})))
    assert [result.name for result in ended] == list(CHECKS)
    assert "pull-down" in ended[-1].figure
    assert not ended[-1].passed
    assert not (state / "drill.json").exists()


def test_what_was_found_before_the_power_cut_is_said_after_it_in_both_languages(gate, state, monkeypatch, tmp_path):
    real, client = gate
    with pytest.raises(PowerCut):
        list(guide(real, SETTINGS, state, Hands(state, client)))
    monkeypatch.setattr("gate.drill.guided.boot_id", lambda: "another boot")
    results = list(guide(real, SETTINGS, state, Hands(state, client)))
    page = save(sheet_of(SETTINGS, "me", results, {}, simulated=False), tmp_path, [CHINESE])
    chinese = page.with_suffix(".zh-CN.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in chinese
    for said in ("验收单", "出门按钮", "能开门，软件停止时也能", "识别服务未恢复", "断电期间无动作", "常开继电器"):
        assert said in chinese, said
    english = page.read_text("utf-8")
    assert "opens, also with the software stopped" in english
    # Not a word of ours is left in English, in the sheet of this drill and in its lock's consequence.
    told = [*(CALLED[one.name] for one in results), *(one.figure for one in results), "Checks", "Installer", "Without"]
    assert [one for one in told if one in chinese] == []


def test_every_check_and_wire_and_lock_has_its_name_on_the_sheet():
    due = (*simulated.WITHOUT_CAMERA, *simulated.WITH_CAMERA, *simulated.AFTER)
    assert {*CHECKS, *(one.__name__ for one in due)} <= set(CALLED)
    assert (set(WIRES), set(LOCKS)) == (set(PINS), set(CONSEQUENCES))
    words = {*CALLED.values(), *WIRES.values(), *LOCKS.values(), *CONSEQUENCES.values(), *REFUSED.values()}
    assert [one for one in words if CHINESE(one) == one] == []


def test_a_wire_that_is_not_there_fails_its_check(gate, state):
    _, client = gate
    hands, results = Hands(state, client, {"Did the gate unlock": False}), []
    hands.tell = hands.told.append
    with pytest.raises(PowerCut):
        for result in guide(Gate(state, wait_s=1.0), SETTINGS, state, hands):
            results.append(result)
    figures = {result.name: result.figure for result in results}
    assert figures["relay_polarity"].startswith("The relay does not reach the lock")
    assert figures["exit_button"].startswith("the button was not seen")
    assert figures["fire"].startswith("no fire was seen")
    assert {result.name for result in results if result.passed} == set(BY_READERS)


def test_a_sheet_with_a_failure_says_the_gate_must_not_go_into_service(tmp_path):
    results = [Result("fire", False, Sentence("no <fire> was seen")), Result("exit", True, Sentence("3 ms"))]
    page = save(sheet_of(REAL, "<b>me</b>", results, {}, simulated=False), tmp_path)
    text = page.read_text("utf-8")
    assert "1 of 2 checks failed. This gate must not go into service." in text
    assert "mocked" not in text
    assert "&lt;b&gt;me" in text
    assert "no &lt;fire&gt;" in text
    assert page.with_suffix(".json").exists()


def test_on_mocked_pins_whoever_is_led_is_told_first_that_nothing_is_proved(facegate):
    first = facegate("drill").out.splitlines()[0]
    assert first.startswith("The pins of this gate are mocked")
    assert "--simulate" in first
    for settings, mocked in ((SETTINGS, True), (REAL, False)):
        sheet = sheet_of(settings, "me", [Result("relay_polarity", True, Sentence("off at rest"))], {}, simulated=False)
        assert (sheet.as_json()["simulated"], "proves nothing of the wiring" in sheet.as_html()) == (mocked, mocked)


class WithReaders(Hands):
    """An installer beside residents, who type and show what is theirs."""

    def __init__(self, state, client, pin=None, card="", answers=()):
        super().__init__(state, client, answers)
        self.pin, self.card = pin, card

    def tell(self, words):
        super().tell(words)
        reader = next((one for one in ("card reader", "keypad", "wiegand") if one in words), "keypad")
        if "type their PIN with" in words:
            press(self.client, f"{self.pin.flat}#{self.pin.duress}#", "keypad")
        elif "type their PIN" in words:
            press(self.client, self.pin.typed, reader)
        elif "card to the reader" in words:
            show(self.client, self.card, reader)


READERS = {"keypad": "/dev/input/by-id/k", "card_reader": "/dev/input/by-id/c"}
BY_READERS = ("keypad", "card_reader", "duress")


def drilled_readers(state, hands, settings, wait_s=5.0):
    """What each check of readers says, by its name."""
    gate = Gate(state, wait_s=wait_s)
    found = {}
    for name in BY_READERS:
        try:
            found[name] = str(CHECKS[name](gate, settings, hands))
        except CheckFailed as failed:
            found[name] = f"failed: {failed.seen}"
    return found


def test_pins_and_cards_are_tried_at_each_reader_and_the_drill_says_what_came(state, store):
    settings = Settings(door={"wiegand_d0_pin": 20, "wiegand_d1_pin": 21}, readers=READERS)
    wang = residents.enrol(store, "Wang Fang", "3-2-502", [])
    with door_process(state, True, freshness_s=5) as (_, client):
        lacking = drilled_readers(state, WithReaders(state, client), settings)
        assert "nobody has a PIN yet" in lacking["keypad"]
        assert "nobody has a card yet" in lacking["card_reader"]
        assert "nobody has a PIN yet" in lacking["duress"]
        pin = new_pin(store, client, wang)
        card_of_number(store, client, wang, "4711")
        hands = WithReaders(state, client, pin, "99999", {"under duress": False})
        told = drilled_readers(state, hands, settings)
        assert told["keypad"] == "opens, read at keypad"
        assert told["card_reader"].startswith("failed: read at card reader, and it is nobody's")
        assert told["duress"].startswith("not tried for a year")
        # Without a trial nobody is asked to type what would be an alarm.
        hands = WithReaders(state, client, pin, "4711")
        assert "would raise the alarm" in drilled_readers(state, hands, settings)["duress"]
        assert not any("last digit" in one for one in hands.told)
        assert [line for line in audit.lines(store) if line.kind == "duress"] == []
        hands = WithReaders(state, client, pin, "4711")
        credentials.begin_trial(store, wang, datetime.now(UTC), by="test")
        told = drilled_readers(state, hands, settings)
        assert told["card_reader"] == "opens, read at card reader; opens, read at wiegand"
        assert told["duress"] == "opens, and is on record as tried"
        *_, opened = (line for line in audit.lines(store) if line.kind == "granted")
        assert [line.says.claim for line in audit.lines(store) if line.kind == "duress_tried"] == [opened.says.claim]
        # It was tried within the year, so nobody is asked again.
        again = WithReaders(state, client, pin, "4711")
        assert drilled_readers(state, again, settings)["duress"].startswith("tried on 20")
        assert not any("last digit" in one for one in again.told)
        silent = WithReaders(state, client, pin, "4711")
        silent.tell = silent.told.append
        told = drilled_readers(state, silent, settings, wait_s=0.3)
        assert told["keypad"].startswith("failed: nothing was read at keypad")
    with_none = drilled_readers(state, None, Settings())
    assert with_none == dict.fromkeys(BY_READERS, "this gate has none")


class Hasty(WithReaders):
    """Somebody opens from the console just before the resident types."""

    def tell(self, words):
        asking.order(self.client, Do.OPEN)
        super().tell(words)


def test_a_pin_under_duress_that_opens_nothing_fails_its_check(state, store):
    settings = Settings(readers=READERS)
    wang = residents.enrol(store, "Wang Fang", "3-2-502", [])
    with door_process(state, True, freshness_s=5, pulse_s=10, max_pulse_s=12) as (_, client):
        pin = new_pin(store, client, wang)
        credentials.begin_trial(store, wang, datetime.now(UTC), by="test")
        with pytest.raises(CheckFailed, match="on record as tried, and the gate did not open"):
            CHECKS["duress"](Gate(state, wait_s=5), settings, Hasty(state, client, pin))
