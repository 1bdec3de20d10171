"""A gate without a camera, whole: nobody is known by face, no model is installed, and nothing of it complains."""

import json
import subprocess
import sys

import pytest

from gate.care.health import ask_api
from gate.drill import simulated
from gate.drill.guided import CHECKS
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from tests.codes import card_of_number, new_pin
from tests.conftest import command_environment
from tests.gate.test_drill import QUICK
from tests.osdp_reader import cable, reader
from tests.running import gate_running, of_kind, pid_of, wait_for

pytestmark = pytest.mark.whole

CARD = "2468ACC0"
# What a test machine may be wrong about, whatever the gate is like.
OF_THE_MACHINE = {"pins", "clock", "disk", "memory", "power", "python", "kernel pins"}


@pytest.fixture
def no_models(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [], NO_PERSON)


def run(no_models, state, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "commands.cli", *arguments],
        env=command_environment(no_models, state) | {"FACEGATE_CAMERA__SOURCE": ""} | environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_people_come_in_by_pin_and_card_and_nothing_complains(no_models, state, store, wang):
    key = bytes(range(16))
    state.mkdir(exist_ok=True)
    (state / "osdp-keys").write_text(f"0 {key.hex()}\n")
    with (
        cable() as wire,
        reader(wire, key) as device,
        gate_running(no_models, state, "", FACEGATE_READERS__OSDP_PORT=wire.path) as process,
    ):
        printed = []
        for line in process.stdout:
            printed.append(line.strip())
            if {"door ready", "readers ready", "api ready", "readers: osdp 0: it is read"} <= set(printed):
                break
        door = Client(socket_of(state, "door"))
        typed = new_pin(store, door, wang).typed.replace(" ", "")
        card_of_number(store, door, wang, f"26:{CARD}")

        def came_by(method):
            return [line for line in of_kind(store, "granted") if line.details["method"] == method]

        def show_until(method, show):
            """As whoever stands there does: what is shown before a session is two seconds old is not heard."""
            for _ in range(15):
                show()
                try:
                    return wait_for(lambda: came_by(method), 3)
                except AssertionError:
                    continue
            raise AssertionError([line.details for line in of_kind(store, "denied")])

        show_until("card", lambda: device.card(CARD))
        show_until("pin", lambda: device.keys("*" + typed))
        assert {line.personal["resident"] for line in of_kind(store, "granted")} == {wang.id}
        health = json.loads(ask_api(state, "/api/health"))
        assert health["vision"] is None
        assert [one for one in health["problems"] if "clock" not in one] == []
        assert pid_of(state, "vision") is None
        done = run(no_models, state, "doctor", "--json", FACEGATE_READERS__OSDP_PORT=wire.path, FACEGATE_API__PORT="0")
        findings = {one["name"]: one for one in json.loads(done.stdout.splitlines()[-1])["findings"]}
        wrong = [one for one in findings.values() if one["grade"] != "ok" and one["name"] not in OF_THE_MACHINE]
        assert wrong == []
        assert findings["camera"]["seen"] == "None: people come in by PIN or card."
        assert not {"vision", "infrared", "models", "promise", "liveness", "templates", "faces"} & set(findings)
    assert not any(no_models.iterdir())
    assert "vision ready" not in printed


def test_its_quick_simulated_drill_passes_without_a_model(no_models, state, monkeypatch, tmp_path):
    from click.testing import CliRunner

    from commands.drill import drill

    monkeypatch.setattr(simulated, "WITH_CAMERA", (*QUICK, *simulated.OF_VISION))
    monkeypatch.setenv("FACEGATE_MODELS__DIR", str(no_models))
    monkeypatch.setenv("FACEGATE_CAMERA__SOURCE", "")
    done = CliRunner().invoke(drill, ["--state", str(state), "--simulate", "--json"], standalone_mode=False)
    assert done.return_value == 0, done.output
    answer = json.loads(done.stdout.splitlines()[-1])
    assert [check["name"] for check in answer["checks"]] == [one.__name__ for one in (*QUICK, *simulated.AFTER)]
    assert answer["failed"] == 0
    assert not any(no_models.iterdir())


def test_its_guided_drill_asks_for_no_camera_to_be_pulled():
    from gate.config import Settings

    said = CHECKS["camera_pulled"](None, Settings(camera={"source": ""}), None)
    assert said == "this gate has none"


def test_photos_are_refused_by_command_and_a_name_is_enough(no_models, state, tmp_path):
    photo = tmp_path / "wang.jpg"
    photo.touch()
    refused = run(no_models, state, "enroll", "Wang Fang", str(photo))
    assert refused.returncode == 1
    assert "This gate has no camera" in refused.stderr
    added = run(no_models, state, "enroll", "Wang Fang", "--no-face", "--unit", "3-2-502")
    assert added.returncode == 0, added.stderr
    table = tmp_path / "people.csv"
    table.write_text("name,unit,photos,consent\nLi Wei,3-2-503,,\nZhao Min,3-2-504,wang.jpg,told\n", "utf-8")
    done = run(no_models, state, "import", str(table), "--yes", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout.splitlines()[-1])["rows"]}
    assert rows["Li Wei"]["action"] == "added"
    assert rows["Zhao Min"]["action"] == "refused"
    assert "no camera" in rows["Zhao Min"]["why"]
    assert not any(no_models.iterdir())


def test_a_camera_that_is_not_there_cannot_be_tried_nor_have_an_infrared_one_beside_it(no_models, state):
    tried = run(no_models, state, "doctor", "--camera")
    assert (tried.returncode, "camera.source is empty" in tried.stderr) == (2, True)
    beside = run(no_models, state, "settings", FACEGATE_INFRARED__SOURCE="1")
    assert (beside.returncode, "beside a camera" in beside.stderr) == (2, True)
