"""The commissioning sheet: what was proved, where, by whom and with which software; as JSON and as a page to print."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from gate.config import Settings
from gate.door.settings import CONSEQUENCES, PINS
from gate.drill.results import Result


@dataclass(frozen=True, slots=True)
class Sheet:
    """A drill's protocol: what was checked, on which gate, by whom and with what, for whoever accepts the gate."""

    gate: str
    by: str
    at: datetime
    simulated: bool
    """Whether the pins were mocked, so that nothing was proved of the wiring."""
    results: tuple[Result, ...]
    versions: dict[str, str]
    hashes: dict[str, str]
    lock: str
    consequence: str
    pins: dict[str, int]

    @property
    def failed(self) -> int:
        """How many checks did not pass."""
        return sum(not result.passed for result in self.results)

    def as_json(self) -> dict[str, Any]:
        """The protocol as JSON has it, in numbers, texts and lists."""
        return {
            "passed": len(self.results) - self.failed,
            "failed": self.failed,
            "checks": [asdict(result) for result in self.results],
            "gate": self.gate,
            "by": self.by,
            "at": self.at.isoformat(timespec="seconds"),
            "simulated": self.simulated,
            "versions": self.versions,
            "hashes": self.hashes,
            "lock": self.lock,
            "pins": self.pins,
        }

    def as_html(self) -> str:
        """The protocol as a page that is whole in itself, with its styles."""
        template = (files("gate.drill") / "sheet.html").read_text("utf-8")
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        return environment.from_string(template).render(sheet=self)


def sheet_of(
    settings: Settings, by: str, results: Sequence[Result], hashes: dict[str, str], *, simulated: bool
) -> Sheet:
    """The sheet of a drill that has just ended; on mocked pins each is `simulated`, whoever stood at the gate."""
    return Sheet(
        gate=settings.gate,
        by=by,
        at=datetime.now().astimezone(),
        simulated=simulated or settings.door.pin_factory == "mock",
        results=tuple(results),
        versions={"facegate": version("facegate"), "Python": platform.python_version(), "kernel": platform.release()},
        hashes=hashes,
        lock=settings.door.lock,
        consequence=CONSEQUENCES[settings.door.lock],
        pins={name: pin for name in PINS if (pin := getattr(settings.door, name)) is not None},
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A sheet that was saved."""

    page: Path
    simulated: bool
    """Whether it was beside the gate, or nothing says that it was not."""


def kept(folder: Path) -> list[Kept]:
    """The sheets in a folder: those of the gate itself first, and each the newest first."""
    pages = sorted(folder.glob("drill-*.html"), reverse=True)
    return sorted((Kept(page, _simulated(page)) for page in pages), key=lambda one: one.simulated)


def _simulated(page: Path) -> bool:
    try:
        return json.loads(page.with_suffix(".json").read_text("utf-8"))["simulated"] is not False
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return True


def save(sheet: Sheet, folder: Path) -> Path:
    """Write both forms side by side; returns the page."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    page = folder / f"drill-{sheet.at:%Y%m%dT%H%M%S}.html"
    page.write_text(sheet.as_html(), "utf-8")
    page.with_suffix(".json").write_text(json.dumps(sheet.as_json(), indent=1, ensure_ascii=False), "utf-8")
    return page
