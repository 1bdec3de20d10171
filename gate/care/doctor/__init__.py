"""What is wrong with an installation, and how to mend it: one list of findings, for the command and for the console.

`examine` looks at a gate's processes, wiring, models, store and machine, each with the checks of one module here. A
check takes the Site and returns what it saw. What it expects to go wrong (a damaged pack, a store that cannot be read)
is told in that error's own sentence; any other exception is a mistake in Facegate, and the finding says so.
"""

from __future__ import annotations

import logging
import sqlite3
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gate.care.doctor import machine, readers, recognition, services, software, store, wiring
from gate.care.doctor.finding import Finding, Seen, to_mend
from gate.care.doctor.site import Site
from gate.errors import FacegateError
from gate.store.database import is_of_before
from models.errors import PackError

_log = logging.getLogger(__name__)

_EXPECTED = (FacegateError, PackError, OSError, sqlite3.Error)
_NOBODY_BY_FACE = "Until then nobody is let in by face."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at; `otherwise` says what to do where `look` raises an error that is expected.

    What is looked at `by_face` alone is not there at a gate without a camera."""

    name: str
    look: Callable[[Site], Seen]
    otherwise: str = "Mend what it names, and examine again."
    by_face: bool = False


CHECKS = (
    Check("units", services.units),
    Check("door", services.door),
    Check("lock", wiring.lock),
    Check("pins", wiring.pins),
    Check("kernel pins", wiring.kernel_pins),
    Check("vision", services.vision, by_face=True),
    Check("camera", services.camera),
    Check("infrared", services.infrared, by_face=True),
    Check("readers", readers.readers),
    Check("models", recognition.models, by_face=True),
    Check("second look", recognition.second_look, "Until then there is none.", by_face=True),
    Check("promise", recognition.promise, _NOBODY_BY_FACE, by_face=True),
    Check("strangers", recognition.strangers, by_face=True),
    Check("likeness", recognition.likeness, _NOBODY_BY_FACE, by_face=True),
    Check("liveness", recognition.liveness, _NOBODY_BY_FACE, by_face=True),
    Check("templates", recognition.templates, _NOBODY_BY_FACE, by_face=True),
    Check("faces", recognition.faces, _NOBODY_BY_FACE, by_face=True),
    Check("centre", services.centre),
    Check("console", services.console),
    Check("home assistant", services.home_assistant),
    Check("database", store.database, "Stop the gate and run: facegate restore"),
    Check("groups", store.groups, "Mend --state, or enrol someone first."),
    Check("old copies", store.old_copies),
    Check("clock", machine.clock),
    Check("disk", machine.disk),
    Check("memory", machine.memory),
    Check("power", machine.power),
    Check("permissions", store.permissions, "Mend --state, or enrol someone first."),
    Check("versions", machine.versions),
    Check("python", software.python),
    Check("upgrade", software.upgrade),
)


def examine(site: Site, checks: tuple[Check, ...] = CHECKS) -> list[Finding]:
    """One finding for each check, in their order. Takes seconds: it reads the whole record and opens the models."""
    return [_found(check, site) for check in checks if site.settings.camera.wanted or not check.by_face]


def _found(check: Check, site: Site) -> Finding:
    try:
        seen = check.look(site)
    except _EXPECTED as error:
        seen = to_mend(_words(error), check.otherwise)
        if isinstance(error, sqlite3.OperationalError) and _is_of_before(site):
            seen = to_mend("The database is of an earlier version.", "Start the gate: that brings it up to date.")
    except Exception as bug:
        _log.exception("The doctor's check of %s failed", check.name)
        told = f"It could not be looked at, by a mistake in Facegate: {type(bug).__name__} in {_where(bug)}."
        seen = to_mend(told, "Report it, with what the log says of it.")
    return Finding(check.name, seen.grade, seen.seen, seen.do)


def _is_of_before(site: Site) -> bool:
    try:
        return is_of_before(site.state)
    except _EXPECTED:
        return False


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return str(error)


def _where(bug: Exception) -> str:
    """The file and line that raised it."""
    last = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{'/'.join(Path(last.filename).parts[-3:])}, line {last.lineno}"
