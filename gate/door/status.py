"""What the door says of itself when it is asked."""

from __future__ import annotations

import os
import time

from gate.door.controller import Controller
from gate.door.hardware import Hardware
from gate.door.inputs import Input
from gate.door.record_writer import RecordWriter
from gate.door.register import Register
from gate.door.restart_memory import RestartMemory
from gate.door.settings import DoorSettings
from gate.processes.status import Call, DoorStatus


def status_of(
    settings: DoorSettings,
    controller: Controller,
    hardware: Hardware,
    writer: RecordWriter,
    register: Register,
    memory: RestartMemory,
    *,
    typed: int,
    bell: Call | None,
    may_ring: bool,
    code_fault: str | None,
    clock_trusted: bool,
) -> DoorStatus:
    """The door as it is now: what it does, what its inputs say, and what is wrong with it or with its record."""
    door, now = controller.door, time.monotonic()
    inputs = {which.value: active for which in Input if (active := hardware.active(which)) is not None}
    return DoorStatus(
        mode=door.mode,
        leaf=door.leaf if settings.contact_pin is not None else None,
        standing=tuple(sorted(door.standing)),
        faults=tuple(sorted(door.faults)),
        signal=controller.signal,
        reason=controller.told_reason,
        further=controller.told_further,
        begins_at=controller.told_begins_at,
        typed=typed,
        residents=controller.told_residents,
        at_rest=controller.at_rest(now),
        taken=controller.taken,
        bell=bell,
        may_ring=may_ring,
        relay=hardware.relay.on,
        hold_relay=hardware.holder.on if hardware.holder else None,
        inputs=inputs,
        exit_pressed=bool(inputs.get(Input.REX)),
        lock=settings.lock,
        pid=os.getpid(),
        clock_trusted=clock_trusted,
        unwritten_events=writer.waiting,
        lost_events=writer.lost,
        last_write_age_s=writer.age_s(now),
        store_fault=writer.fault or register.fault or memory.fault,
        code_fault=code_fault,
    )
