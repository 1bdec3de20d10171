"""The commissioning sheet: what was proved, where, by whom and with which software; as JSON and as a page to print."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import jinja2

from gate.config import Settings
from gate.door.settings import CONSEQUENCES, PINS
from gate.drill.called import CHECKS, LOCKS, WIRES
from gate.drill.results import Result
from gate.errors import Sentence


class Words(Protocol):
    """The words of a language, by its tag."""

    @property
    def tag(self) -> str:
        """As in HTML."""
        ...

    def __call__(self, sentence: str, **values: object) -> str:
        """A sentence in it, its gaps filled."""
        ...


class _English:
    tag = "en"

    def __call__(self, sentence: str, **values: object) -> str:
        return Sentence(sentence, **values)


ENGLISH: Words = _English()


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
    consequence: Sentence
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

    def as_html(self, words: Words = ENGLISH) -> str:
        """The protocol as a page that is whole in itself, with its styles, in the language of these words."""
        template = (files("gate.drill") / "sheet.html").read_text("utf-8")
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        return environment.from_string(template).render(sheet=self, _=words, checks=CHECKS, locks=LOCKS, wires=WIRES)


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
    """In English; those in other languages lie beside it."""
    simulated: bool
    """Whether it was beside the gate, or nothing says that it was not."""

    def page_in(self, tag: str) -> Path:
        """The page in the language of this tag; the English one where a sheet of before has none."""
        found = _page_in(self.page, tag)
        return found if found.is_file() else self.page


def kept(folder: Path) -> list[Kept]:
    """The sheets in a folder: those of the gate itself first, and each the newest first."""
    pages = sorted((one for one in folder.glob("drill-*.html") if "." not in one.stem), reverse=True)
    return sorted((Kept(page, _simulated(page)) for page in pages), key=lambda one: one.simulated)


def _simulated(page: Path) -> bool:
    try:
        return json.loads(page.with_suffix(".json").read_text("utf-8"))["simulated"] is not False
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return True


def save(sheet: Sheet, folder: Path, languages: Iterable[Words] = ()) -> Path:
    """Write it side by side as JSON and as a page in English and each of these languages; returns the English one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    page = folder / f"drill-{sheet.at:%Y%m%dT%H%M%S}.html"
    for words in (ENGLISH, *languages):
        _page_in(page, words.tag).write_text(sheet.as_html(words), "utf-8")
    page.with_suffix(".json").write_text(json.dumps(sheet.as_json(), indent=1, ensure_ascii=False), "utf-8")
    return page


def _page_in(page: Path, tag: str) -> Path:
    return page if tag == ENGLISH.tag else page.with_suffix(f".{tag}.html")
