"""What the door contact and the relay's own contact see."""

from __future__ import annotations

import time

from gate.door.settings import DoorSettings
from gate.drill.expect import expect, milliseconds
from gate.drill.rig import TIMES, Rig
from gate.errors import Sentence
from gate.processes.requests import Do


def relay_is_off_at_start(gate: Rig, _resident: str) -> Sentence:
    """Both relays were claimed off, and nothing energised them."""
    for name in ("relay", "hold"):
        levels = [edge["level"] for edge in gate.edges(name)]
        # The loops are cut until the drill closes them, and a cut fire loop opens: that is as it should be.
        expect(levels and levels[0] is False, Sentence("{name} was claimed at {levels}", name=name, levels=levels[:1]))
    expect(True not in [edge["level"] for edge in gate.edges("relay")], Sentence("the relay was energised"))
    return Sentence("claimed off")


def passage_taken_is_recorded(gate: Rig, resident: str) -> Sentence:
    """Who is let in and opens the door is recorded as having passed, and the lock follows the door."""
    gate.rest()
    began = time.monotonic()
    gate.claim(resident, named="drill-taken")
    gate.edge("relay", True, began)
    gate.drive(contact=False)
    gate.until(lambda: gate.door().leaf == "open", Sentence("the open door is not seen"))
    shut = gate.drive(contact=True)
    locked = gate.edge("relay", False, shut)
    gate.recorded("passage", grant="drill-taken", outcome="taken")
    return Sentence("taken; locked {time} after the door shut", time=milliseconds(locked - shut))


def passage_not_taken_is_recorded(gate: Rig, resident: str) -> Sentence:
    """Who is let in and does not open the door is recorded as not having passed."""
    gate.rest()
    gate.claim(resident, named="drill-not-taken")
    gate.recorded("passage", grant="drill-not-taken", outcome="not_taken")
    return Sentence("not taken")


def forced_door_is_an_alarm(gate: Rig, _resident: str) -> Sentence:
    """A door that opens without a grant is an alarm until it is shut."""
    gate.rest()
    began = time.monotonic()
    opened = gate.drive(contact=False)
    took = gate.until(lambda: gate.door().leaf == "forced", Sentence("no alarm"))
    gate.edge("buzzer", True, opened)
    gate.drive(contact=True)
    gate.until(lambda: gate.door().leaf == "shut", Sentence("the alarm stays"))
    expect(not gate.edges("relay", began), Sentence("the relay moved"))
    gate.recorded("door_forced_over")
    return Sentence("told after {time}", time=milliseconds(took))


def door_held_open_warns_and_alarms(gate: Rig, _resident: str) -> Sentence:
    """A door that stays open warns, then alarms."""
    gate.rest()
    gate.order(Do.OPEN)
    gate.drive(contact=False)
    began = time.monotonic()
    gate.until(lambda: gate.door().leaf == "pre_alarm", Sentence("no warning"))
    warned = time.monotonic() - began
    gate.until(lambda: gate.door().leaf == "held_open", Sentence("no alarm"))
    alarmed = time.monotonic() - began
    gate.drive(contact=True)
    gate.recorded("door_held_open_over")
    return Sentence(
        "warned after {warned} s, alarm after {alarmed} s of {of} s",
        warned=f"{warned:.1f}", alarmed=f"{alarmed:.1f}", of=f"{TIMES['held_open_s']:g}",
    )  # fmt: skip


def stuck_relay_is_an_alarm(gate: Rig, _resident: str) -> Sentence:
    """A contact that does not follow its relay is a fault."""
    gate.rest()
    took = gate.drive(readback=True)
    gate.until(lambda: "relay_stuck_on" in gate.door().faults, Sentence("no fault"))
    told = time.monotonic() - took
    gate.drive(readback=False)
    gate.until(lambda: not gate.door().faults, Sentence("the fault stays"))
    return Sentence("told after {time}", time=milliseconds(told))


def maximum_is_kept_by_the_relay_itself(gate: Rig, _resident: str) -> Sentence:
    """In the whole drill no pulse was longer than the maximum."""
    longest, since = 0.0, None
    for edge in gate.edges("relay"):
        if edge["level"] and since is None:
            since = edge["mono"]
        elif not edge["level"] and since is not None:
            longest, since = max(longest, edge["mono"] - since), None
    settings = DoorSettings(pulse_s=TIMES["pulse_s"], max_pulse_s=TIMES["max_pulse_s"])
    expect(longest <= settings.max_pulse_s, Sentence("one lasted {time} s", time=f"{longest:.3f}"))
    return Sentence("{time} s of {of} s", time=f"{longest:.3f}", of=f"{settings.max_pulse_s:g}")


def stop_releases(gate: Rig, _resident: str) -> Sentence:
    """A gate that is stopped leaves both relays off and let go."""
    for name in ("relay", "hold"):
        last = [edge["level"] for edge in gate.edges(name)][-2:]
        expect(last == [False, None], Sentence("{name} was left at {levels}", name=name, levels=last))
    return Sentence("both off and let go")
