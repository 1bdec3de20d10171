"""What is wrong with an installation, and how to mend it: one registry of findings, for the command and for HTTP."""

from __future__ import annotations

import os
import platform
import pwd
import socket
import sqlite3
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.error import HTTPError

from gate.api_settings import ApiSettings, exposure
from gate.care.forecast import Forecast
from gate.care.health import HOT_C, LOW_DISK, Health, ask_api, gather, words_of_fault
from gate.care.witnesses import gather as gather_witnesses
from gate.config import Settings
from gate.door.settings import CONSEQUENCES, PINS
from gate.errors import FacegateError
from gate.processes.addresses import generated_certificate_file
from gate.state import SERVICE_STATE
from gate.store import old_copies
from gate.store.database import check_integrity, database_of, open_read_only
from gate.store.record import audit
from gate.store.record.anchors import OUT_OF_REACH, compare
from gate.vision.address import without_password
from gate.vocabulary import Level

UNITS = ("settings", "door", "vision", "api")
_MANY_RESTARTS = 3
_ANSWERS_WITHIN_S = 3.0
# So many residents are named; the others are counted.
_NAMED = 5
_LEAST_MEMORY = 400 * 1024 * 1024
_LIBRARIES = ("onnxruntime", "faiss-cpu", "opencv-python", "numpy", "gpiozero", "fastapi")


class Grade(StrEnum):
    """How bad it is: well, worth a look, or in need of mending."""

    OK = "ok"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was seen, and what to do about it (empty where all is well)."""

    name: str
    grade: Grade
    seen: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemd says of one unit."""

    active: str
    restarts: int


class Listens(StrEnum):
    """Who holds the console's port."""

    OURS = "ours"
    ANOTHER = "another"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Site:
    """What the findings are about. `verify_models`, `verify_liveness` and `forecast` raise an error in words when a
    pack is damaged or missing, or nobody knows what its scores mean."""

    state: Path
    settings: Settings
    health: Health
    verify_models: Callable[[], str]
    verify_liveness: Callable[[], str]
    forecast: Callable[[], Forecast]
    boot: Path = Path("/boot/firmware")
    device_tree: Path = Path("/proc/device-tree/model")
    listens: Listens = Listens.OURS
    units: Mapping[str, UnitState] | None = None
    """The services of an installed gate by name; None where it is run by hand."""
    strays: Callable[[], Sequence[str]] = tuple
    """Names of residents whose template no plain face gave; raises an error in words as the others do."""

    @property
    def board(self) -> str:
        """The board's name, where it has one."""
        try:
            return self.device_tree.read_text("utf-8").strip("\0\n ")
        except OSError:
            return ""


def examine(site: Site) -> list[Finding]:
    """Every finding, in a fixed order."""
    return [check(site) for check in REGISTRY]


def site_of(
    state: Path,
    settings: Settings,
    verify_models: Callable[[], str],
    verify_liveness: Callable[[], str],
    forecast: Callable[[], Forecast],
    strays: Callable[[], Sequence[str]] = tuple,
) -> Site:
    """The site on this machine, as it is now."""
    units = look_at_units() if state == SERVICE_STATE else None
    listens = who_listens(state, settings.api)
    health = gather(state)
    return Site(
        state, settings, health, verify_models, verify_liveness, forecast, listens=listens, units=units, strays=strays
    )  # fmt: skip


def look_at_units() -> dict[str, UnitState] | None:
    """The units of the installed gate, by `systemctl show`; None where systemd does not run."""
    if not Path("/run/systemd/system").is_dir():
        return None
    command = ["systemctl", "show", "--property=Id,ActiveState,NRestarts", *(f"facegate-{name}" for name in UNITS)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    units = {}
    for block in shown.strip().split("\n\n"):
        words = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        name = words.get("Id", "").removeprefix("facegate-").partition(".")[0]
        units[name] = UnitState(words.get("ActiveState", ""), int(words.get("NRestarts") or 0))
    return units


def who_listens(state: Path, settings: ApiSettings) -> Listens:
    """Ours is known by its certificate, or where it has none by what it answers."""
    ours = settings.certificate if settings.tls == "own" else generated_certificate_file(state)
    address = ("127.0.0.1" if settings.host in ("0.0.0.0", "localhost") else settings.host, settings.port)  # noqa: S104
    try:
        if settings.port == 0 or settings.tls == "off":
            ask_api(state, "/api/health")
            return Listens.OURS
        shown = ssl.get_server_certificate(address, timeout=_ANSWERS_WITHIN_S)
        return (
            Listens.OURS if ours is not None and _first(ours.read_text("ascii")) == _first(shown) else Listens.ANOTHER
        )
    except HTTPError:
        return Listens.OURS
    except (OSError, ValueError):
        return Listens.ANOTHER if _answers(address) else Listens.NOBODY


def _first(certificates: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificates.partition("-----END")[0] + "-----END CERTIFICATE-----")


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=_ANSWERS_WITHIN_S).close()
    except OSError:
        return False
    return True


def _units(site: Site) -> Finding:
    if site.units is None:
        return Finding("units", Grade.OK, "No service: this gate is run by hand.")
    if site.units.get("settings", UnitState("", 0)).active == "failed":
        seen = "The services run with older settings: the last ones were refused."
        return Finding("units", Grade.BAD, seen, "Mend them, then: sudo systemctl restart facegate.target")
    down = [name for name in UNITS if site.units.get(name, UnitState("missing", 0)).active != "active"]
    if down:
        do = f"Start them: sudo systemctl start facegate.target. {_journal(down[0])}"
        return Finding("units", Grade.BAD, f"Not running: {', '.join(down)}.", do)
    restless = [name for name, unit in site.units.items() if unit.restarts > _MANY_RESTARTS]
    if restless:
        seen = ", ".join(f"{name} was started again {site.units[name].restarts} times" for name in restless)
        return Finding("units", Grade.LOOK, f"{seen}.", _journal(restless[0]))
    return Finding("units", Grade.OK, "All services run.")


def _journal(name: str) -> str:
    return f"Look into: sudo journalctl -u facegate-{name}"


def _door(site: Site) -> Finding:
    status = site.health.door
    if status is None:
        do = "Start it: facegate run" if site.units is None else _journal("door")
        return Finding("door", Grade.BAD, "It does not answer.", do)
    faults = " ".join(words_of_fault(fault) for fault in status.faults)
    if faults:
        return Finding("door", Grade.BAD, faults, "Look at the wiring of what it names.")
    return Finding("door", Grade.OK, f"It answers; its mode is {status.mode}.")


def _lock(site: Site) -> Finding:
    return Finding("lock", Grade.OK, f"{site.settings.door.lock}: {CONSEQUENCES[site.settings.door.lock]}")


def _pins(site: Site) -> Finding:
    door = site.settings.door
    used = ", ".join(f"{name.removesuffix('_pin')} {pin}" for name in PINS if (pin := getattr(door, name)) is not None)
    if door.pin_factory == "mock":
        return Finding(
            "pins", Grade.BAD, f"They are mocked: nothing moves ({used}).", "Set door.pin_factory to lgpio or gpiod."
        )
    missing = [name for name in ("fire", "rex", "contact") if getattr(door, f"{name}_pin") is None]
    if missing:
        what = " and ".join(missing)
        return Finding("pins", Grade.LOOK, f"{used}; no pin for {what}.", "Wire them where the gate has them.")
    return Finding("pins", Grade.OK, f"{used}, by {door.pin_factory}.")


def _kernel_pins(site: Site) -> Finding:
    if not site.board.startswith("Raspberry Pi"):
        return Finding(
            "kernel pins", Grade.OK, f"{site.board or 'This board'} gives an output back when its holder dies."
        )
    config = site.boot / "config.txt"
    try:
        lines = config.read_text("utf-8").splitlines()
    except OSError:
        return Finding(
            "kernel pins", Grade.LOOK, f"{config} cannot be read.", "Check that it has dtparam=strict_gpiod."
        )
    if any(line.split("#")[0].strip() == "dtparam=strict_gpiod" for line in lines):
        return Finding("kernel pins", Grade.OK, "dtparam=strict_gpiod is set: a dead door's output is let go.")
    return Finding(
        "kernel pins",
        Grade.BAD,
        "A relay could stay on when the door dies: dtparam=strict_gpiod is not set.",
        f"Add the line dtparam=strict_gpiod to {config} and reboot.",
    )


def _console(site: Site) -> Finding:
    exposed = exposure(site.settings.api.host)
    where = f"port {site.settings.api.port} of {site.settings.api.host}"
    if site.listens is Listens.ANOTHER:
        do = f"End it (sudo ss -ltnp 'sport = :{site.settings.api.port}' names it), or choose another in api.port."
        return Finding("console", Grade.BAD, f"Another program listens on {where}.", do)
    if site.listens is Listens.NOBODY:
        do = "Start it: facegate run" if site.units is None else _journal("api")
        return Finding("console", Grade.BAD, f"Nobody listens on {where}.", do)
    if exposed is None:
        return Finding("console", Grade.OK, f"It listens on {where}.")
    seen, do = exposed.split(". ", 1)
    return Finding("console", Grade.LOOK, f"{seen}.", do)


def _vision(site: Site) -> Finding:
    status = site.health.vision
    if status is None:
        do = "See what facegate run says of it." if site.units is None else _journal("vision")
        return Finding("vision", Grade.BAD, "It does not answer.", do)
    return Finding("vision", Grade.OK, f"It answers; {status.residents} residents are in its gallery.")


def _camera(site: Site) -> Finding:
    return _looked_through(site, "camera", site.settings.camera.source)


def _infrared(site: Site) -> Finding:
    if site.settings.infrared is None:
        return Finding("infrared", Grade.OK, "None: liveness is judged by the camera alone.")
    return _looked_through(site, "infrared", site.settings.infrared.source)


def _looked_through(site: Site, name: str, source: str) -> Finding:
    status = site.health.vision
    if status is None:
        return Finding(name, Grade.LOOK, f"{without_password(source)}: nobody looks through it now.", "Start the gate.")
    report = status.cameras.get(name)
    if report is None or (report.gives is None and report.fault is None):
        return Finding(name, Grade.LOOK, f"{without_password(source)} is being opened.", "Ask again in a minute.")
    if report.fault is not None:
        do = f"It is {name}.source; before you change it, try: facegate doctor --camera ADDRESS"
        return Finding(name, Grade.BAD, report.sentence, do)
    if source.isdigit():
        do = f"Numbers change: name it by /dev/v4l/by-id in {name}.source."
        return Finding(name, Grade.LOOK, f"{source}: {report.sentence}", do)
    return Finding(name, Grade.OK, f"{without_password(source)}: {report.sentence}")


def _models(site: Site) -> Finding:
    try:
        return Finding("models", Grade.OK, site.verify_models())
    except Exception as error:
        return Finding("models", Grade.BAD, str(error), f"Run: facegate models install {site.settings.models.pack}")


def _promise(site: Site) -> Finding:
    try:
        found = site.forecast()
    except Exception as error:
        return Finding("promise", Grade.BAD, str(error), "Until then nobody is let in by face.")
    promise = found.promise
    if not found.kept:
        seen = f"vision.threshold is set by hand: one wrong opening in about {found.years_kept:.2g} years."
        return Finding("promise", Grade.LOOK, seen, "Remove it, or raise it.")
    seen = (
        f"At most one wrong opening in {promise.years:g} years, with {promise.strangers_a_day:g} strangers a day and"
        f" {found.people} residents; about {100 * found.come_twice:.1f} in 100 come twice."
    )
    if found.dear:
        do = "Enrol more photos of each, or promise fewer years in vision.promise."
        return Finding("promise", Grade.LOOK, seen, do)
    room = f" Room for {found.more} more." if found.more is not None else ""
    return Finding("promise", Grade.OK, seen + room)


def _liveness(site: Site) -> Finding:
    level = site.settings.vision.liveness
    if level is Level.OFF:
        seen = "Off: a photo held up before the camera can open the gate. What can be asked: docs/liveness.md."
        return Finding("liveness", Grade.OK, seen)
    try:
        said = site.verify_liveness()
    except Exception as error:
        return Finding("liveness", Grade.BAD, str(error), "Until then nobody is let in by face.")
    return Finding("liveness", Grade.OK, f"{level}. {said}")


def _faces(site: Site) -> Finding:
    try:
        strays = site.strays()
    except Exception as error:
        return Finding("faces", Grade.BAD, str(error), "Until then nobody is let in by face.")
    if not strays:
        return Finding("faces", Grade.OK, "No template tells of a turned, covered or negative picture.")
    more = f" and {len(strays) - _NAMED} more" if len(strays) > _NAMED else ""
    seen = f"Not made from an upright, plain face, as it seems: {', '.join(strays[:_NAMED])}{more}."
    do = "Erase these templates on the residents' pages and enrol them again: strangers' pictures may resemble them."
    return Finding("faces", Grade.BAD, seen, do)


def _database(site: Site) -> Finding:
    try:
        with closing(open_read_only(site.state)) as connection:
            check_integrity(connection, site.state)
            compared = compare(connection, gather_witnesses(site.state), time.time())
            flaw = audit.verify(connection) or compared.flaw
    except (FacegateError, sqlite3.Error) as error:
        return Finding("database", Grade.BAD, str(error), "Stop the gate and run: facegate restore")
    if flaw:
        seen = f"The record is not whole: line {flaw.sequence}, {flaw.problem}."
        return Finding("database", Grade.BAD, seen, "Keep a copy of the database and find out who altered it.")
    if any(keeper in compared.held for keeper in OUT_OF_REACH) and compared.newest is not None:
        seen = f"Sound, and its record verifies; the journal has seen it up to line {compared.newest.anchor.sequence}."
        return Finding("database", Grade.OK, seen)
    seen = "Sound, and its record verifies by itself; nothing out of reach of whoever can write it has seen it."
    if site.units is None:
        return Finding("database", Grade.OK, seen)
    return Finding("database", Grade.OK, f"{seen} Where the journal may be read: sudo facegate audit verify.")


def _copies(site: Site) -> Finding:
    found = old_copies.beside(database_of(site.state))
    if not found:
        return Finding("old copies", Grade.OK, "None of the database.")
    now = time.time()
    aged = [f"{path.name} ({max(0, int((now - path.stat().st_mtime) // 86400))} days old)" for path in found]
    seen = f"Beside the database: {', '.join(aged)}. Whoever is erased is erased from them too."
    do = f"They go after {site.settings.keep.old_copy_days} days; remove them sooner where nobody needs them."
    return Finding("old copies", Grade.LOOK, seen, do)


def _clock(site: Site) -> Finding:
    if (site.health.door or site.health.machine).clock_trusted:
        return Finding("clock", Grade.OK, "It is to be trusted.")
    return Finding(
        "clock",
        Grade.LOOK,
        "Nothing vouches for it: schedules deny.",
        "Turn on systemd-timesyncd, or fit an RTC.",
    )


def _disk(site: Site) -> Finding:
    free = site.health.machine.disk_free_bytes
    seen = f"{free // 2**20} MB free."
    if free < LOW_DISK:
        return Finding("disk", Grade.BAD, seen, "Free some space; the record needs it.")
    return Finding("disk", Grade.OK, seen)


def _memory(site: Site) -> Finding:
    free = site.health.machine.memory_available_bytes or 0
    seen = f"{free // 2**20} MB available."
    if free < _LEAST_MEMORY:
        return Finding("memory", Grade.LOOK, seen, "Stop what else runs on this board.")
    return Finding("memory", Grade.OK, seen)


def _power(site: Site) -> Finding:
    machine = site.health.machine
    if machine.under_voltage:
        return Finding("power", Grade.BAD, "Under-voltage.", "Fit a stronger supply; feed the lock from its own.")
    if machine.temperature_c is not None and machine.temperature_c > HOT_C:
        return Finding("power", Grade.LOOK, f"{machine.temperature_c:.0f} degrees.", "Give the board air.")
    return Finding("power", Grade.OK, "No complaint from the board.")


def _permissions(site: Site) -> Finding:
    path = database_of(site.state)
    try:
        found = path.stat()
    except OSError as error:
        return Finding("permissions", Grade.BAD, f"{path}: {error.strerror}.", "Mend --state, or enrol someone first.")
    # A folder above that is closed closes what is in it.
    reached = all(folder.stat().st_mode & 0o001 for folder in (path.parent, site.state))
    if found.st_mode & 0o007 and reached:
        return Finding("permissions", Grade.BAD, f"Everyone on this machine may read {path}.", f"chmod o= {site.state}")
    return Finding("permissions", Grade.OK, f"The database is {_name_of(found.st_uid)}'s, closed to others.")


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _versions(site: Site) -> Finding:
    found = [
        f"facegate {version('facegate')}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
    ]
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            return Finding("versions", Grade.BAD, f"{library} is missing.", "Install from requirements/run.txt again.")
    return Finding(
        "versions", Grade.OK, f"{', '.join(found)}, {os.uname().machine}{f', {site.board}' * bool(site.board)}."
    )


REGISTRY: tuple[Callable[[Site], Finding], ...] = (
    _units,
    _door,
    _lock,
    _pins,
    _kernel_pins,
    _vision,
    _camera,
    _infrared,
    _models,
    _promise,
    _liveness,
    _faces,
    _console,
    _database,
    _copies,
    _clock,
    _disk,
    _memory,
    _power,
    _permissions,
    _versions,
)
