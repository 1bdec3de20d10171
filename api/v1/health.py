"""How the gate is: for people, programs and Prometheus."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel

from api.actors import here_or
from api.auth import Permission
from api.context import Shared
from api.early_refusal import EarlyRefusal
from gate.care import health
from gate.processes.camera_report import CameraReport
from gate.processes.status import DoorStatus, VisionStatus


class DoorHealth(BaseModel):
    """The door process: whether it answers, and what it is doing."""

    alive: bool
    mode: str | None = None
    leaf: str | None = None
    faults: list[str] = []
    last_write_age_s: float | None = None
    unwritten_events: int | None = None
    lost_events: int | None = None
    store_fault: str | None = None
    code_fault: str | None = None


class CameraGives(BaseModel):
    """What a camera gives: pixels, pictures a second, codec, and seconds between whole pictures (keyframes).

    `keyframe_s` is null where every picture is whole."""

    width: int
    height: int
    rate: float
    codec: str
    keyframe_s: float | None = None


class VisionHealth(BaseModel):
    """The vision process: whether it answers, how fresh what it sees is, and what its cameras give."""

    alive: bool
    camera_gives: CameraGives | None = None
    infrared_gives: CameraGives | None = None
    camera_fault: str | None = None
    infrared_fault: str | None = None
    last_frame_age_s: float | None = None
    last_inference_age_s: float | None = None
    residents: int | None = None


class MachineHealth(BaseModel):
    """The board; null where it has no such thing."""

    temperature_c: float | None
    under_voltage: bool | None
    disk_free_bytes: int
    memory_available_bytes: int | None
    clock_trusted: bool


class Health(BaseModel):
    """What is alive and how fresh. `ok` only where nothing is wrong; `problems` says what is, in words."""

    gate: str
    status: Literal["ok", "degraded"]
    problems: list[str]
    door: DoorHealth
    vision: VisionHealth | None
    """Null at a gate without a camera."""
    machine: MachineHealth


router = APIRouter(route_class=EarlyRefusal, tags=["health"])


# Programs on this machine ask without a token: a shell, the drill.
_ASKERS = [Depends(here_or(Permission.LIVE))]
_COLLECTORS = [Depends(here_or(Permission.LIVE, opened_as="metrics"))]


@router.get("/api/health", dependencies=_ASKERS)
@router.get("/api/v1/health", dependencies=_ASKERS)
def show_health(context: Shared) -> Health:
    """What is alive, how fresh it is, and what is wrong."""
    return health_of(context.gate, health.gather(context.state, by_face=context.by_face))


@router.get("/metrics", dependencies=_COLLECTORS, response_class=Response)
def show_metrics(context: Shared) -> Response:
    """The same for Prometheus."""
    found = health_of(context.gate, health.gather(context.state, by_face=context.by_face))
    return Response(_metrics(found), media_type=CONTENT_TYPE_LATEST)


def health_of(gate: str, found: health.Health) -> Health:
    """What was found, as it is told."""
    return Health(
        gate=gate,
        status="degraded" if found.problems else "ok",
        problems=list(found.problems),
        door=_door_health(found.door),
        vision=_vision_health(found.vision, time.monotonic()) if found.by_face else None,
        machine=MachineHealth(
            temperature_c=found.machine.temperature_c,
            under_voltage=found.machine.under_voltage,
            disk_free_bytes=found.machine.disk_free_bytes,
            memory_available_bytes=found.machine.memory_available_bytes,
            clock_trusted=found.machine.clock_trusted,
        ),
    )


def _door_health(door: DoorStatus | None) -> DoorHealth:
    if door is None:
        return DoorHealth(alive=False)
    return DoorHealth(
        alive=True,
        mode=door.mode,
        leaf=door.leaf,
        faults=list(door.faults),
        last_write_age_s=door.last_write_age_s,
        unwritten_events=door.unwritten_events,
        lost_events=door.lost_events,
        store_fault=door.store_fault,
        code_fault=door.code_fault,
    )


def _vision_health(vision: VisionStatus | None, now: float) -> VisionHealth:
    if vision is None:
        return VisionHealth(alive=False)
    return VisionHealth(
        alive=True,
        camera_gives=_given_by(vision.cameras.get("camera")),
        infrared_gives=_given_by(vision.cameras.get("infrared")),
        camera_fault=vision.camera_fault,
        infrared_fault=vision.infrared_fault,
        last_frame_age_s=health.age_s(vision.last_frame_mono, now),
        last_inference_age_s=health.age_s(vision.last_inference_mono, now),
        residents=vision.residents,
    )


def _given_by(camera: CameraReport | None) -> CameraGives | None:
    return CameraGives(**asdict(camera.gives)) if camera is not None and camera.gives is not None else None


_UNITS = {"_s": "_seconds", "_bytes": "_bytes", "_c": "_celsius"}


def _metrics(found: Health) -> bytes:
    registry = CollectorRegistry()
    Gauge("facegate_up", "Whether nothing is wrong with the gate.", registry=registry).set(found.status == "ok")
    parts: dict[str, BaseModel | None] = {"door": found.door, "vision": found.vision, "machine": found.machine}
    for part, said in parts.items():
        for name, value in said.model_dump().items() if said is not None else ():
            if isinstance(value, bool | int | float):
                ending = next((ending for ending in _UNITS if name.endswith(ending)), "")
                unit = name.removesuffix(ending) + _UNITS.get(ending, "")
                Gauge(f"facegate_{part}_{unit}", f"{part}: {name}", registry=registry).set(value)
    faults = Gauge("facegate_door_fault", "1 while the fault lasts.", ["fault"], registry=registry)
    for fault in found.door.faults:
        faults.labels(fault).set(1)
    mode = Gauge("facegate_door_mode", "1 for the door's mode.", ["mode"], registry=registry)
    if found.door.mode:
        mode.labels(found.door.mode).set(1)
    return generate_latest(registry)
