"""`facegate run` with its three real processes on mock pins."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from evaluate.demo.walkup import Scene, footage, write_video
from gate.care.health import ask_api
from gate.door.pins import JOURNAL_NAME, read_journal
from gate.store.database import open_database
from gate.store.people import erasure, residents, templates
from gate.store.people.consents import NO_PERSON
from gate.store.record import audit
from tests.conftest import command_environment
from tests.running import (
    ask,
    assert_released_by_another,
    check_journal,
    gate_running,
    of_kind,
    pid_of,
    relay_edges,
    stays,
    until,
    wait_for,
)

pytestmark = pytest.mark.whole

KILLS = int(os.environ.get("FACEGATE_TEST_KILLS", "2"))
os.environ.pop("FACEGATE_TEST_KILLS", None)
# Beside other tests; the soak holds a quiet machine to two.
BACK_WITHIN_S = 10


@pytest.fixture
def empty_gateway(tmp_path):
    path = tmp_path / "empty.mp4"
    write_video(path, footage([Scene(None, 2.0)], 1))
    return path


def test_it_runs_says_how_it_is_and_stops_clean(models_dir, state, empty_gateway):
    with gate_running(models_dir, state, empty_gateway) as process:
        printed = []
        for line in process.stdout:
            printed.append(line.strip())
            if {"door ready", "vision ready", "api ready"} <= set(printed):
                break
        assert "door.pulse_s = 0.4" in printed
        wait_for(lambda: (ask(state, "vision", do="status") or {}).get("last_inference_mono"), 10, "no inference")
        health = json.loads(ask_api(state, "/api/health"))
        # A test machine's clock may have nobody to vouch for it.
        assert [problem for problem in health["problems"] if "clock" not in problem] == []
        assert (health["door"]["alive"], health["door"]["mode"]) == (True, "normal")
        assert health["vision"]["last_frame_age_s"] < 1
        second = subprocess.run(
            [sys.executable, "-m", "commands.cli", "run"],
            env=command_environment(models_dir, state), capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert second.returncode == 2
        assert "already running" in second.stderr
        assert len(second.stderr.splitlines()) == 1
    assert process.returncode == 0
    edges = [edge["level"] for edge in read_journal(state / "run" / "door" / JOURNAL_NAME)]
    assert True not in edges


def test_killed_processes_come_back_and_the_relay_is_never_on_too_long(models_dir, state, empty_gateway):
    kills, moments = {}, random.Random(5)
    with gate_running(models_dir, state, empty_gateway) as process:
        until(process, "vision ready")
        for number in range(KILLS * 3):
            who = ("door", "vision", "api")[number % 3]
            module = "gate.door" if who == "door" else "gate.vision" if who == "vision" else "api"
            pid = wait_for(lambda module=module: pid_of(state, module), 5, f"no {who}")
            wait_for(lambda: ask(state, "door", do="open"), 5, "no door")
            # A random moment of the pulse, or just after it.
            time.sleep(moments.uniform(0, 0.45))
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            until(process, f"{who} ready")
            back = time.monotonic() - killed
            kills.setdefault(who, []).append((killed, back))
            assert back < BACK_WITHIN_S, f"{who} took {back:.2f} s"
    summary = {who: round(max(back for _, back in times), 2) for who, times in kills.items()}
    print(f"\n{KILLS} kills each; longest until back (s): {summary}")
    check_journal(state, [killed for killed, _ in kills["door"]])
    with open_database(state) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert audit.verify(connection) is None
        opened = [line for line in audit.lines(connection) if line.kind == "granted"]
    assert all(line.details["method"] == "command" for line in opened)
    assert len(opened) <= KILLS * 3


def test_a_door_that_hangs_in_a_pulse_does_not_hold_the_relay_longer_than_its_maximum(models_dir, state, empty_gateway):
    with gate_running(models_dir, state, empty_gateway, FACEGATE_DOOR__MAX_PULSE_S="6") as process:
        until(process, "door ready")
        hung = wait_for(lambda: pid_of(state, "gate.door"), 5, "no door")
        assert ask(state, "door", do="open")["granted"]
        os.kill(hung, signal.SIGSTOP)
        on, off, let_go = wait_for(lambda: relay_edges(state)[3:6] if len(relay_edges(state)) > 5 else None, 15)
        assert on["level"] is True
        assert on["pid"] == hung
        assert_released_by_another(off, let_go)
        assert off["mono"] - on["mono"] <= 6
        until(process, "door ready")


def test_readers_are_started_where_there_is_one_and_come_back(models_dir, state, empty_gateway):
    def told():
        with open_database(state) as store:
            return [len(of_kind(store, kind)) for kind in ("readers_started", "reader_lost")]

    with gate_running(models_dir, state, empty_gateway, FACEGATE_READERS__KEYPAD="/dev/input/by-id/none") as process:
        until(process, "readers ready")
        wait_for(lambda: told() == [1, 1], 10, told)
        os.kill(wait_for(lambda: pid_of(state, "gate.readers"), 5, "no readers"), signal.SIGKILL)
        until(process, "readers ready")
        wait_for(lambda: told() == [2, 2], 10, told)


@pytest.mark.soak
def test_twenty_kills_each(models_dir, state, empty_gateway, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "KILLS", 20)
    monkeypatch.setattr(sys.modules[__name__], "BACK_WITHIN_S", 2)
    test_killed_processes_come_back_and_the_relay_is_never_on_too_long(models_dir, state, empty_gateway)


def test_a_relay_left_on_by_a_dead_gate_is_released_at_the_next_start(models_dir, state, empty_gateway):
    (state / "run" / "door").mkdir(parents=True)
    (state / "run" / "door" / JOURNAL_NAME).write_text('{"mono": 1.0, "pin": "GPIO17", "level": true, "pid": 1}\n')
    with gate_running(models_dir, state, empty_gateway) as process:
        until(process, "door ready")
        assert_released_by_another(*relay_edges(state)[1:3])


def test_the_running_gallery_follows_the_store_within_half_a_second(models_dir, models, state, empty_gateway):
    vector = np.zeros(models.spec.dimension, np.float32)
    vector[0] = 1
    template = templates.Template(models.model_id, "test", {}, vector.tobytes())
    with gate_running(models_dir, state, empty_gateway) as process, open_database(state) as store:
        until(process, "vision ready")
        someone = residents.enrol(store, "A", None, [template], NO_PERSON)
        for count, change in ((1, lambda: None), (0, lambda: erasure.remove(store, someone, by="test"))):
            change()
            wait_for(lambda count=count: ask(state, "vision", do="status")["residents"] == count, 0.5, "too slow")


def test_what_cannot_start_is_tried_again_with_patience_while_the_door_works(models_dir, state, empty_gateway):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with gate_running(models_dir, state, empty_gateway, FACEGATE_API__PORT=port) as process:
            for line in process.stdout:
                if "api ended" in line:
                    assert "starting it again in 0.5 s" in line
                    break
            assert wait_for(lambda: ask(state, "door", do="open"), 10, "no door")["granted"]


def test_processes_end_with_their_supervisor(models_dir, state, empty_gateway):
    with gate_running(models_dir, state, empty_gateway) as process:
        until(process, "vision ready")
        process.kill()
        process.wait()
        wait_for(lambda: pid_of(state, "gate.door") is None, 5, "the door lives on")
        wait_for(lambda: pid_of(state, "gate.vision") is None, 5, "vision lives on")


def test_a_camera_that_is_missing_leaves_the_door_at_work(models_dir, state):
    with gate_running(models_dir, state, "97") as process:
        until(process, "vision ready")
        wait_for(lambda: (ask(state, "vision", do="status") or {}).get("camera_fault"), 10, "no fault")
        assert ask(state, "door", do="open")["granted"]
    with open_database(state) as connection:
        lost = [line.details["why"] for line in audit.lines(connection) if line.kind == "camera_lost"]
    assert "cannot be opened" in lost[0]


def test_a_state_that_cannot_be_read_any_more_ends_nobodys_way_out(models_dir, state):
    with gate_running(models_dir, state, "") as process:
        until(process, "api ready")
        api = state / "run" / "api"
        api.rename(api.with_name("gone"))
        # What lies below a plain file cannot be looked at, as below a folder that is another's.
        api.write_text("")
        stays(lambda: process.poll() is None, 2, "the gate ended")
        assert ask(state, "door", do="open")["granted"]
        api.unlink()
        api.with_name("gone").rename(api)


def test_a_relay_is_released_where_the_state_cannot_be_used(state):
    state.mkdir(exist_ok=True)
    (state / "run").write_text("")
    given = json.dumps({"state": str(state), "door": {}}) + "\n"
    done = subprocess.run(
        [sys.executable, "-m", "gate.door.relay_off"], input=given, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
