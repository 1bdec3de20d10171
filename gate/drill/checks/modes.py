"""What stands until it is ended: lockdown, fire, a gate held open by hand, a tamper block."""

from __future__ import annotations

import time

from gate.drill.expect import expect, milliseconds, press_exit, refused, soon
from gate.drill.rig import TIMES, Rig
from gate.errors import Sentence
from gate.processes.requests import Do
from gate.vocabulary import Reason


def lockdown_refuses_faces(gate: Rig, resident: str) -> Sentence:
    """Under lockdown a resident is refused with that reason."""
    gate.rest()
    gate.order(Do.LOCKDOWN)
    return refused(gate.claim(resident), Reason.LOCKDOWN)


def lockdown_refuses_commands(gate: Rig, _resident: str) -> Sentence:
    """Under lockdown a person's order to open is refused with that reason."""
    gate.rest()
    gate.order(Do.LOCKDOWN)
    return refused(gate.order(Do.OPEN), Reason.LOCKDOWN)


def exit_opens_under_lockdown(gate: Rig, _resident: str) -> Sentence:
    """The exit button opens under lockdown."""
    gate.rest()
    gate.order(Do.LOCKDOWN)
    return soon(press_exit(gate))


def lockdown_outlasts_the_door(gate: Rig, resident: str) -> Sentence:
    """A door that died under lockdown comes back under lockdown."""
    gate.rest()
    gate.order(Do.LOCKDOWN)
    time.sleep(0.3)
    gate.kill("door")
    gate.door_back()
    return refused(gate.claim(resident), Reason.LOCKDOWN)


def fire_opens_and_keeps_open(gate: Rig, _resident: str) -> Sentence:
    """A fire loop that opens, or is cut, holds the gate open until it closes."""
    gate.rest()
    cut = gate.drive(fire=False)
    opened = gate.edge("hold", True, cut)
    time.sleep(TIMES["max_pulse_s"] + 0.5)
    expect([e["level"] for e in gate.edges("hold", opened)] == [True], Sentence("the gate did not stay open"))
    closed = gate.drive(fire=True)
    gate.edge("hold", False, closed)
    return Sentence("open {time} after the loop, held", time=milliseconds(opened - cut))


def fire_outranks_lockdown(gate: Rig, _resident: str) -> Sentence:
    """Fire opens under lockdown, which stands again after it."""
    gate.rest()
    gate.order(Do.LOCKDOWN)
    cut = gate.drive(fire=False)
    opened = gate.edge("hold", True, cut)
    gate.edge("hold", False, gate.drive(fire=True))
    expect(gate.door().mode == "lockdown", Sentence("lockdown did not stand again"))
    return milliseconds(opened - cut)


def manual_hold_stands_and_ends(gate: Rig, _resident: str) -> Sentence:
    """A person can keep the gate open, and end it."""
    gate.rest()
    began = time.monotonic()
    expect(gate.order(Do.HOLD).granted, Sentence("it was refused"))
    on = gate.edge("hold", True, began)
    ended = time.monotonic()
    gate.order(Do.RELEASE)
    off = milliseconds(gate.edge("hold", False, ended) - ended)
    return Sentence("off {off} after release, on for {on} s", off=off, on=f"{ended - on:.1f}")


def tamper_blocks_until_released(gate: Rig, resident: str) -> Sentence:
    """An opened housing blocks credentials, and not the exit."""
    gate.rest()
    gate.drive(tamper=False)
    gate.until(lambda: gate.door().mode == "tamper_block", Sentence("it does not block"))
    refused(gate.claim(resident), Reason.TAMPER)
    pressed = gate.drive(rex=True)
    gate.edge("relay", True, pressed)
    gate.drive(rex=False, tamper=True)
    gate.until(lambda: not gate.door().faults, Sentence("the fault stays"))
    gate.order(Do.RELEASE)
    gate.recorded("fault_over", fault="tamper")
    return Sentence("credentials blocked, exit open, ended by release")
