"""What the console is told of an upgrade, in a file that root alone writes; its names are those of api/stick.py."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

_TOLD = Path("/run/facegate/upgrade/told.json")


def tell(phase: str, **values: object) -> None:
    """How far it is: written whole or not at all, for everybody to read."""
    new = _TOLD.with_name(f"{_TOLD.name}.new")
    new.write_text(json.dumps({"phase": phase, "at": time.time(), **values}), "utf-8")
    new.replace(_TOLD)


def digest_shown() -> str:
    """Of the archive that is shown; empty where none is."""
    found = _told()
    return str(found["digest"]) if found.get("phase") == "shown" else ""


def is_at_work() -> bool:
    """Whether the console is shown something that goes on."""
    return _told().get("phase") in ("looking", "fetching", "installing")


def _told() -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_TOLD.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found
