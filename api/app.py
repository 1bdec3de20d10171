"""The HTTP application."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel

from gate.link import Client, LinkDown, Message


class DoorHealth(BaseModel):
    """The door process: whether it answers, and what it is doing."""

    alive: bool
    mode: str | None = None
    unwritten_events: int | None = None


class VisionHealth(BaseModel):
    """The vision process: whether it answers, and how fresh what it sees is."""

    alive: bool
    camera_fault: str | None = None
    last_frame_age_s: float | None = None
    last_inference_age_s: float | None = None
    residents: int | None = None


class Health(BaseModel):
    """What is alive. `ok` only when all of it is."""

    gate: str
    status: Literal["ok", "degraded"]
    door: DoorHealth
    vision: VisionHealth


def create_app(gate: str, runtime: Path) -> FastAPI:
    """The application for the gate called `gate`, whose processes have their sockets in `runtime`."""
    app = FastAPI(title="Facegate", version="1", docs_url=None, redoc_url=None)

    @app.get("/api/health")
    def health() -> Health:
        """What is alive, and how old the last frame is."""
        now = time.monotonic()
        door, vision = _status(runtime / "door.sock"), _status(runtime / "vision.sock")
        vision_health = VisionHealth(
            alive=vision is not None,
            camera_fault=(vision or {}).get("camera_fault"),
            last_frame_age_s=_age(vision, "last_frame_mono", now),
            last_inference_age_s=_age(vision, "last_inference_mono", now),
            residents=(vision or {}).get("residents"),
        )
        well = door is not None and vision is not None and vision_health.camera_fault is None
        return Health(
            gate=gate,
            status="ok" if well else "degraded",
            door=DoorHealth(
                alive=door is not None,
                mode=(door or {}).get("mode"),
                unwritten_events=(door or {}).get("unwritten_events"),
            ),
            vision=vision_health,
        )

    return app


def _status(socket: Path) -> Message | None:
    client = Client(socket, timeout_s=1.0)
    try:
        return client.ask({"do": "status"})
    except LinkDown:
        return None
    finally:
        client.close()


def _age(status: Message | None, field: str, now: float) -> float | None:
    mono = (status or {}).get(field)
    return round(max(0.0, now - mono), 3) if isinstance(mono, float) else None
