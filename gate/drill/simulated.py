"""The checks that need no hands, against the real processes on mock pins. Each returns the figure it saw."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from gate import backup
from gate.door.settings import DoorSettings
from gate.drill.bench import TIMES, Bench, bench
from gate.drill.results import CheckFailed, Result
from gate.health import ask_api
from gate.link import socket_of
from gate.store import audit, residents
from gate.store.consents import NO_PERSON
from gate.store.database import DATABASE_NAME, open_database
from gate.store.residents import Template
from gate.supervise import WATCHDOG_S

Check = Callable[[Bench, str], str]

_LATENCY_MS = 50.0


def simulate(scratch: Path, models_dir: Path, footage: str) -> Iterator[Result]:
    """Every check in turn, in states of their own under `scratch`."""
    for part, source, checks in (("a", "97", WITHOUT_CAMERA), ("b", footage, WITH_CAMERA)):
        state = scratch / part
        with closing(open_database(state)) as store:
            someone = residents.enrol(store, "Drill", None, [Template("drill", "drill", {}, b"")], NO_PERSON)
        try:
            with bench(state, models_dir, source) as gate:
                for check in checks:
                    yield _run(check, gate, someone.id)
        except CheckFailed as error:
            yield Result(f"gate_{part}_starts", False, str(error))
            continue
        if part == "b":
            for after in AFTER:
                yield _run(after, gate, someone.id)


def _run(check: Check, gate: Bench, resident: str) -> Result:
    try:
        return Result(check.__name__, True, check(gate, resident))
    except (CheckFailed, OSError, sqlite3.Error) as error:
        return Result(check.__name__, False, str(error))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise CheckFailed(otherwise)


def _refused(answer: dict[str, object], *reasons: str) -> str:
    _expect(not answer["granted"] and answer["reason"] in reasons, f"it answered {answer}")
    return str(answer["reason"])


def _soon(seconds: float) -> str:
    _expect(0 <= seconds * 1000 <= _LATENCY_MS, f"it took {_ms(seconds)}, more than {_LATENCY_MS:g} ms")
    return _ms(seconds)


# Without a camera: vision has nothing to see, and nothing else minds.


def missing_camera_is_told(gate: Bench, _resident: str) -> str:
    """A camera that cannot be opened is a fault in words."""
    gate.until(lambda: (gate.status("vision") or {}).get("camera_fault"), "no fault is told", 10)
    return str(gate.ask("vision", do="status")["camera_fault"])


def exit_works_without_camera(gate: Bench, _resident: str) -> str:
    """REX opens while vision is blind."""
    gate.rest()
    pressed = gate.drive(rex=True)
    opened = gate.edge("relay", True, pressed)
    gate.drive(rex=False)
    return _soon(opened - pressed)


def command_works_without_camera(gate: Bench, _resident: str) -> str:
    """A person at the console opens while vision is blind."""
    gate.rest()
    asked = time.monotonic()
    _expect(gate.ask(do="open")["granted"], "it was refused")
    return _soon(gate.edge("relay", True, asked) - asked)


# With everything at work.


def relay_is_off_at_start(gate: Bench, _resident: str) -> str:
    """Both relays were claimed off, and nothing energised them."""
    for name in ("relay", "hold"):
        levels = [edge["level"] for edge in gate.edges(name)]
        # The loops are cut until the drill closes them, and a cut fire loop opens: that is as it should be.
        _expect(levels and levels[0] is False, f"{name} was claimed at {levels[:1]}")
    _expect(True not in [edge["level"] for edge in gate.edges("relay")], "the relay was energised")
    return "claimed off"


def claim_opens(gate: Bench, resident: str) -> str:
    """A resident's claim moves the relay."""
    gate.rest()
    asked = time.monotonic()
    _expect(gate.claim(resident)["granted"], "the claim was refused")
    return _soon(gate.edge("relay", True, asked) - asked)


def pulse_has_its_length(gate: Bench, resident: str) -> str:
    """The relay goes off after its pulse, and never later than its maximum."""
    gate.rest()
    asked = time.monotonic()
    gate.claim(resident)
    on = gate.edge("relay", True, asked)
    lasted = gate.edge("relay", False, on) - on
    _expect(abs(lasted - TIMES["pulse_s"]) < 0.1, f"it lasted {lasted:.3f} s")
    return f"{lasted:.3f} s of {TIMES['pulse_s']:g} s"


def one_claim_opens_once(gate: Bench, resident: str) -> str:
    """The same claim again is refused, also after the interval."""
    gate.rest()
    _expect(gate.claim(resident, id="drill-once")["granted"], "the first was refused")
    gate.rest()
    return _refused(gate.claim(resident, id="drill-once"), "replayed")


def no_second_pulse_in_a_pulse(gate: Bench, resident: str) -> str:
    """Who asks while a pulse runs is told so."""
    gate.rest()
    gate.claim(resident)
    return _refused(gate.claim(resident), "busy")


def no_second_pulse_in_the_interval(gate: Bench, resident: str) -> str:
    """Nor in the interval after it."""
    gate.rest()
    asked = time.monotonic()
    gate.claim(resident)
    gate.edge("relay", False, gate.edge("relay", True, asked))
    return _refused(gate.claim(resident), "busy")


def old_claim_is_refused(gate: Bench, resident: str) -> str:
    """A claim from an old frame opens nothing."""
    gate.rest()
    return _refused(gate.claim(resident, taken_mono=time.monotonic() - 5), "stale")


def future_claim_is_refused(gate: Bench, resident: str) -> str:
    """Nor one from a frame that is yet to come."""
    gate.rest()
    return _refused(gate.claim(resident, taken_mono=time.monotonic() + 5), "stale")


def unknown_person_is_refused(gate: Bench, _resident: str) -> str:
    """Nobody we know is let in by face."""
    gate.rest()
    return _refused(gate.claim(None, reason="unknown"), "unknown")


def removed_resident_is_refused(gate: Bench, _resident: str) -> str:
    """A claim for someone who is not enrolled opens nothing."""
    gate.rest()
    return _refused(gate.claim("01900000-0000-7000-8000-000000000000"), "not_enrolled")


def nonsense_is_refused(gate: Bench, _resident: str) -> str:
    """A message that is none, and one that never ends, move nothing."""
    gate.rest()
    began = time.monotonic()
    _refused(gate.ask(do="nonsense"), "malformed")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(str(socket_of(gate.state, "door")))
        try:
            peer.sendall(b"x" * 1_000_000)
            cut = peer.recv(1) == b""
        except OSError:
            cut = True
    _expect(cut, "1 MB without an end was taken")
    _expect(not gate.edges("relay", began), "the relay moved")
    return "malformed; 1 MB without an end is cut off"


def exit_opens(gate: Bench, _resident: str) -> str:
    """REX moves the relay."""
    gate.rest()
    pressed = gate.drive(rex=True)
    opened = gate.edge("relay", True, pressed)
    gate.drive(rex=False)
    return _soon(opened - pressed)


def exit_held_is_answered_again(gate: Bench, _resident: str) -> str:
    """A button that stays pressed opens again and again, without the interval."""
    gate.rest()
    pressed = gate.drive(rex=True)
    gate.until(lambda: len([e for e in gate.edges("relay", pressed) if e["level"]]) >= 3, "it did not open three times")
    gate.drive(rex=False)
    return f"3 pulses in {time.monotonic() - pressed:.1f} s"


def lockdown_refuses_faces(gate: Bench, resident: str) -> str:
    """Under lockdown a resident is refused with that reason."""
    gate.rest()
    gate.ask(do="lockdown")
    return _refused(gate.claim(resident), "lockdown")


def lockdown_refuses_commands(gate: Bench, _resident: str) -> str:
    """And so is a command."""
    gate.rest()
    gate.ask(do="lockdown")
    return _refused(gate.ask(do="open"), "lockdown")


def exit_opens_under_lockdown(gate: Bench, _resident: str) -> str:
    """REX outranks lockdown."""
    gate.rest()
    gate.ask(do="lockdown")
    pressed = gate.drive(rex=True)
    opened = gate.edge("relay", True, pressed)
    gate.drive(rex=False)
    return _soon(opened - pressed)


def lockdown_outlasts_the_door(gate: Bench, resident: str) -> str:
    """A door that died under lockdown comes back under lockdown."""
    gate.rest()
    gate.ask(do="lockdown")
    time.sleep(0.3)
    gate.kill("door")
    gate.door_back()
    return _refused(gate.claim(resident), "lockdown")


def fire_opens_and_keeps_open(gate: Bench, _resident: str) -> str:
    """A fire loop that opens, or is cut, holds the gate open until it closes."""
    gate.rest()
    cut = gate.drive(fire=False)
    opened = gate.edge("hold", True, cut)
    time.sleep(4)
    _expect([e["level"] for e in gate.edges("hold", opened)] == [True], "the gate did not stay open")
    closed = gate.drive(fire=True)
    gate.edge("hold", False, closed)
    return f"open {_ms(opened - cut)} after the loop, held"


def fire_outranks_lockdown(gate: Bench, _resident: str) -> str:
    """Fire opens under lockdown, which stands again after it."""
    gate.rest()
    gate.ask(do="lockdown")
    cut = gate.drive(fire=False)
    opened = gate.edge("hold", True, cut)
    gate.edge("hold", False, gate.drive(fire=True))
    _expect(gate.ask(do="status")["mode"] == "lockdown", "lockdown did not stand again")
    return _ms(opened - cut)


def manual_hold_stands_and_ends(gate: Bench, _resident: str) -> str:
    """A person can keep the gate open, and end it."""
    gate.rest()
    began = time.monotonic()
    _expect(gate.ask(do="hold")["granted"], "it was refused")
    on = gate.edge("hold", True, began)
    ended = time.monotonic()
    gate.ask(do="release")
    return f"off {_ms(gate.edge('hold', False, ended) - ended)} after release, on for {ended - on:.1f} s"


def passage_taken_is_recorded(gate: Bench, resident: str) -> str:
    """Who is let in and opens the door is recorded as having passed, and the lock follows the door."""
    gate.rest()
    began = time.monotonic()
    gate.claim(resident, id="drill-taken")
    gate.edge("relay", True, began)
    gate.drive(contact=False)
    gate.until(lambda: gate.ask(do="status")["leaf"] == "open", "the open door is not seen")
    shut = gate.drive(contact=True)
    locked = gate.edge("relay", False, shut)
    gate.recorded("passage", grant="drill-taken", outcome="taken")
    return f"taken; locked {_ms(locked - shut)} after the door shut"


def passage_not_taken_is_recorded(gate: Bench, resident: str) -> str:
    """And who does not is recorded as not having."""
    gate.rest()
    gate.claim(resident, id="drill-not-taken")
    gate.recorded("passage", grant="drill-not-taken", outcome="not_taken")
    return "not taken"


def forced_door_is_an_alarm(gate: Bench, _resident: str) -> str:
    """A door that opens without a grant is an alarm until it is shut."""
    gate.rest()
    began = time.monotonic()
    opened = gate.drive(contact=False)
    took = gate.until(lambda: gate.ask(do="status")["leaf"] == "forced", "no alarm")
    gate.edge("buzzer", True, opened)
    gate.drive(contact=True)
    gate.until(lambda: gate.ask(do="status")["leaf"] == "shut", "the alarm stays")
    _expect(not gate.edges("relay", began), "the relay moved")
    gate.recorded("door_forced_over")
    return f"told after {_ms(took)}"


def door_held_open_warns_and_alarms(gate: Bench, _resident: str) -> str:
    """A door that stays open warns, then alarms."""
    gate.rest()
    gate.ask(do="open")
    gate.drive(contact=False)
    began = time.monotonic()
    gate.until(lambda: gate.ask(do="status")["leaf"] == "pre_alarm", "no warning")
    warned = time.monotonic() - began
    gate.until(lambda: gate.ask(do="status")["leaf"] == "held_open", "no alarm")
    alarmed = time.monotonic() - began
    gate.drive(contact=True)
    gate.recorded("door_held_open_over")
    return f"warned after {warned:.1f} s, alarm after {alarmed:.1f} s of {TIMES['held_open_s']:g} s"


def tamper_blocks_until_released(gate: Bench, resident: str) -> str:
    """An opened housing blocks credentials, and not the exit."""
    gate.rest()
    gate.drive(tamper=False)
    gate.until(lambda: gate.ask(do="status")["mode"] == "tamper_block", "it does not block")
    _refused(gate.claim(resident), "tamper")
    pressed = gate.drive(rex=True)
    gate.edge("relay", True, pressed)
    gate.drive(rex=False, tamper=True)
    gate.until(lambda: not gate.ask(do="status")["faults"], "the fault stays")
    gate.ask(do="release")
    gate.recorded("fault_over", fault="tamper")
    return "credentials blocked, exit open, ended by release"


def stuck_relay_is_an_alarm(gate: Bench, _resident: str) -> str:
    """A contact that does not follow its relay is a fault."""
    gate.rest()
    took = gate.drive(readback=True)
    gate.until(lambda: "relay_stuck_on" in gate.ask(do="status")["faults"], "no fault")
    told = time.monotonic() - took
    gate.drive(readback=False)
    gate.until(lambda: not gate.ask(do="status")["faults"], "the fault stays")
    return f"told after {_ms(told)}"


def lights_tell_grant_from_refusal(gate: Bench, resident: str) -> str:
    """Grant and refusal differ in colour and in rhythm."""
    gate.rest()
    began = time.monotonic()
    gate.claim(resident)
    gate.edge("green", True, began)
    gate.rest()
    refused = time.monotonic()
    gate.claim(None, reason="unknown")
    gate.edge("red", True, refused)
    gate.until(lambda: len([e for e in gate.edges("buzzer", refused) if e["level"]]) >= 2, "no two beeps")
    return "green and one beep; red and two"


def door_killed_in_a_pulse_lets_go(gate: Bench, resident: str) -> str:
    """When the door dies with the relay on, the relay is released at once, and stays so."""
    gate.rest()
    began = time.monotonic()
    gate.claim(resident)
    gate.edge("relay", True, began)
    killed = gate.kill("door")
    released = gate.edge("relay", False, killed) - killed
    back = gate.door_back()
    _expect(released <= 0.5, f"it took {_ms(released)}")
    return f"off after {_ms(released)}, door back after {back:.2f} s"


def no_grant_survives_a_restart(gate: Bench, resident: str) -> str:
    """What was granted before a restart opens nothing after it."""
    gate.rest()
    gate.claim(resident)
    gate.kill("door")
    gate.door_back()
    came = time.monotonic()
    time.sleep(1)
    _expect(not [e for e in gate.edges("relay", came) if e["level"]], "the relay was energised")
    return "closed after the restart"


def vision_comes_back(gate: Bench, _resident: str) -> str:
    """Vision that dies is started again, and the exit works meanwhile."""
    gate.rest()
    old = gate.pid("vision")
    gate.kill("vision")
    pressed = gate.drive(rex=True)
    opened = gate.edge("relay", True, pressed)
    gate.drive(rex=False)
    took = gate.until(lambda: gate.status("vision") and gate.pid("vision") != old, "vision did not come back", 20)
    return f"back after {took:.1f} s; exit meanwhile {_soon(opened - pressed)}"


def hung_vision_is_replaced(gate: Bench, _resident: str) -> str:
    """Vision that hangs is noticed by its watchdog and started again, and the exit works meanwhile."""
    gate.rest()
    old = gate.pid("vision")
    gate.kill("vision", signal.SIGSTOP)
    pressed = gate.drive(rex=True)
    opened = gate.edge("relay", True, pressed)
    gate.drive(rex=False)

    def replaced() -> bool:
        try:
            return gate.pid("vision") != old and gate.status("vision") is not None
        except (CheckFailed, OSError):
            return False

    took = gate.until(replaced, "it was not replaced", WATCHDOG_S + 20)
    return f"replaced after {took:.1f} s; exit meanwhile {_soon(opened - pressed)}"


def api_comes_back(gate: Bench, _resident: str) -> str:
    """The api that dies is started again."""
    old = gate.pid("api")
    gate.kill("api")

    def back() -> bool:
        try:
            return gate.pid("api") != old and bool(_health(gate)["door"]["alive"])
        except (CheckFailed, OSError):
            return False

    return f"back after {gate.until(back, 'the api did not come back', 15):.1f} s"


def health_is_told(gate: Bench, _resident: str) -> str:
    """HTTP says what is alive and how fresh."""
    gate.rest()
    began = time.monotonic()
    found = _health(gate)
    took = time.monotonic() - began
    _expect(found["door"]["alive"] and found["vision"]["alive"], f"it says {found['problems']}")
    return f"answered in {_ms(took)}; the last frame is {found['vision']['last_frame_age_s']} s old"


def _health(gate: Bench) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(ask_api(gate.state, "/api/health"))
    return found


def locked_database_delays_nothing(gate: Bench, resident: str) -> str:
    """While another program holds the database, the gate opens; the record follows."""
    gate.rest()
    with closing(sqlite3.connect(gate.state / DATABASE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = time.monotonic()
        _expect(gate.claim(resident, id="drill-locked")["granted"], "it was refused")
        opened = gate.edge("relay", True, asked) - asked
        time.sleep(1)
        other.execute("ROLLBACK")
    gate.recorded("granted", 10, claim="drill-locked")
    return f"opened after {_ms(opened)}, recorded afterwards"


def backup_of_a_running_gate_verifies(gate: Bench, _resident: str) -> str:
    """A backup taken while the gate works is whole, and can be restored."""
    made = backup.make(gate.state, gate.state / "backups", None)
    found, _ = backup.restore(made.path, gate.state / "restored")
    _expect(found.events == made.events, "events are missing")
    return f"{made.events} events, {made.residents} resident"


def unsafe_settings_are_refused(gate: Bench, _resident: str) -> str:
    """A key that does not exist and a pin named twice stop the start with one sentence."""
    said = []
    for lines in ("[door]\npuls_s = 1\n", "[door]\nrelay_pin = 4\nrex_pin = 4\n"):
        config = gate.state / "wrong.toml"
        config.write_text(lines, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", "run", "--state", str(gate.state / "wrong"), "--config", str(config)],
            env={name: value for name, value in os.environ.items() if not name.startswith("FACEGATE_")},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        _expect(done.returncode == 2, f"it ended with {done.returncode}")
        said.append(done.stderr.strip().splitlines()[-1])
    return " / ".join(said)


def maximum_is_kept_by_the_relay_itself(gate: Bench, _resident: str) -> str:
    """In the whole drill no pulse was longer than the maximum."""
    longest, since = 0.0, None
    for edge in gate.edges("relay"):
        if edge["level"] and since is None:
            since = edge["mono"]
        elif not edge["level"] and since is not None:
            longest, since = max(longest, edge["mono"] - since), None
    settings = DoorSettings(pulse_s=TIMES["pulse_s"], max_pulse_s=TIMES["max_pulse_s"])
    _expect(longest <= settings.max_pulse_s, f"one lasted {longest:.3f} s")
    return f"{longest:.3f} s of {settings.max_pulse_s:g} s"


# When it has been stopped.


def stop_releases(gate: Bench, _resident: str) -> str:
    """A gate that is stopped leaves both relays off and let go."""
    for name in ("relay", "hold"):
        last = [edge["level"] for edge in gate.edges(name)][-2:]
        _expect(last == [False, None], f"{name} was left at {last}")
    return "both off and let go"


def record_accounts_for_every_grant(gate: Bench, _resident: str) -> str:
    """The record verifies, and every grant but those whose door was killed has exactly one outcome."""
    with closing(open_database(gate.state)) as connection:
        finding = audit.verify(connection)
        lines = list(audit.lines(connection))
    _expect(finding is None, f"line {finding.sequence if finding else 0} is not whole")
    granted = [line.details["claim"] for line in lines if line.kind == "granted"]
    outcomes = [line.details["grant"] for line in lines if line.kind == "passage"]
    starts = sum(line.kind == "door_started" for line in lines)
    _expect(len(outcomes) == len(set(outcomes)), "a grant has two outcomes")
    _expect(set(outcomes) <= set(granted), "an outcome has no grant")
    missing = len(set(granted) - set(outcomes))
    _expect(missing < starts, f"{missing} grants have no outcome")
    return f"{len(lines)} lines, {len(granted)} grants, {missing} cut short by a killed door"


WITHOUT_CAMERA: tuple[Check, ...] = (
    missing_camera_is_told,
    exit_works_without_camera,
    command_works_without_camera,
)
WITH_CAMERA: tuple[Check, ...] = (
    relay_is_off_at_start,
    claim_opens,
    pulse_has_its_length,
    one_claim_opens_once,
    no_second_pulse_in_a_pulse,
    no_second_pulse_in_the_interval,
    old_claim_is_refused,
    future_claim_is_refused,
    unknown_person_is_refused,
    removed_resident_is_refused,
    nonsense_is_refused,
    exit_opens,
    exit_held_is_answered_again,
    lockdown_refuses_faces,
    lockdown_refuses_commands,
    exit_opens_under_lockdown,
    lockdown_outlasts_the_door,
    fire_opens_and_keeps_open,
    fire_outranks_lockdown,
    manual_hold_stands_and_ends,
    passage_taken_is_recorded,
    passage_not_taken_is_recorded,
    forced_door_is_an_alarm,
    door_held_open_warns_and_alarms,
    tamper_blocks_until_released,
    stuck_relay_is_an_alarm,
    lights_tell_grant_from_refusal,
    door_killed_in_a_pulse_lets_go,
    no_grant_survives_a_restart,
    vision_comes_back,
    hung_vision_is_replaced,
    api_comes_back,
    health_is_told,
    locked_database_delays_nothing,
    backup_of_a_running_gate_verifies,
    unsafe_settings_are_refused,
    maximum_is_kept_by_the_relay_itself,
)
AFTER: tuple[Check, ...] = (stop_releases, record_accounts_for_every_grant)
