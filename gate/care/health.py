"""How a gate is, from what its processes say and its machine shows: the same facts for HTTP, metrics and doctor."""

from __future__ import annotations

import os
import sqlite3
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gate import clock
from gate.errors import FacegateError, Sentence
from gate.fleet import centre_status
from gate.fleet.centre_status import CentreStatus
from gate.fleet.status import LinkStatus, read_status
from gate.places import read_plain
from gate.processes import asking
from gate.processes.addresses import api_address_file, generated_certificate_file, socket_of
from gate.processes.client import DOOR_SILENT, VISION_SILENT, Client, LinkDown
from gate.processes.status import DoorStatus, VisionStatus
from gate.state_folder import centre_file
from gate.store.compound import role
from gate.store.database import open_read_only
from gate.vocabulary import Fault

Status = TypeVar("Status")

_SYS = Path("/sys")
LOW_DISK = 200 * 1024 * 1024
HOT_C = 80.0
# A camera, a model or a record that has said nothing for so long is not well, seconds.
STALE_S = 10.0
# A process that says nothing for so long hangs: whoever asks tells it within two seconds.
_ANSWERS_WITHIN_S = 0.7
# Events that wait longer than for the disk's next turn.
MANY_UNWRITTEN = 50

_CODES_FAIL = Sentence(
    "Not every PIN and card opens now; faces and the exit work. Whoever installed the gate must look at it."
)
# The link says every few seconds how it is, in whole seconds.
_LINK_QUIET_S, _CLOCK_S = 60.0, 1.0
_CENTRE_AWAY = Sentence(
    "The centre was not heard lately. This gate goes on by itself, and knows nothing of what is changed there"
    " meanwhile; who is enrolled here is let in at the other gates when it is back."
)
_SUPERSEDED = Sentence(
    "Another centre leads in the place of this one: what is enrolled or changed here reaches no other gate. Whoever"
    " installed the gates must have this machine follow it."
)
_KEYS_LOST = Sentence(
    "This centre lost its keys: what is enrolled or changed here reaches no other gate, and nor does what is revoked."
    " Whoever installed the gates must bring its keys back."
)
_CENTRE_TROUBLE = Sentence(
    "Something between this gate and its centre must be mended. Whoever installed the gate must look at it."
)
_CODES_FAIL_ALONE = Sentence(
    "Not every PIN and card opens now; the exit works. Whoever installed the gate must look at it."
)
FAULTS: dict[str, Sentence] = {
    Fault.TAMPER: Sentence("The housing was opened."),
    Fault.REX_STUCK: Sentence("The exit button does not let go."),
    Fault.CONTACT_CHATTER: Sentence("The door contact chatters: its wire or its magnet is loose."),
    Fault.RELAY_STUCK_ON: Sentence("The relay does not let go."),
    Fault.RELAY_STUCK_OFF: Sentence("The relay does not pull in."),
    Fault.NO_HOLD_RELAY: Sentence("The schedule wants the gate open, and there is no hold relay."),
    Fault.GATE_STUCK: Sentence(
        "The gate reports that it moves and does not come to rest: it is stuck, or its wire is."
    ),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the board shows; None where it has no such thing."""

    temperature_c: float | None
    under_voltage: bool | None
    disk_free_bytes: int
    memory_available_bytes: int | None
    clock_trusted: bool
    no_more_files: bool = False
    """Whether the disk has room, and none for another file (its inodes are used up)."""


@dataclass(frozen=True, slots=True)
class Health:
    """Everything at one moment. `door` and `vision` are what they say of themselves, None where neither answers;
    `by_face` is whether there is a camera, and so a vision that should."""

    door: DoorStatus | None
    vision: VisionStatus | None
    machine: Machine
    problems: tuple[Sentence, ...] = field(default=())
    by_face: bool = True


def gather(state: Path, sys: Path = _SYS, *, by_face: bool, plain: bool = False) -> Health:
    """Ask the processes, and look at the machine; `by_face` says whether this gate has a camera, `plain` is for whoever
    cannot mend one."""
    door, vision = statuses(state) if by_face else (door_status(state), None)
    machine = look_at_machine(state, sys)
    found = problems(door, vision, machine, time.monotonic(), plain=plain, by_face=by_face)
    if os.path.exists(centre_file(state)):
        found += of_link(read_status(state), datetime.now(UTC))
    else:
        found += of_centre(centre_status.read_status(state), datetime.now(UTC))
        found += [_CENTRE_TROUBLE] if _lost_its_centre(state) else []
    return Health(door, vision, machine, tuple(found), by_face)


def problems(
    door: DoorStatus | None, vision: VisionStatus | None, machine: Machine, now: float, *, plain: bool = False,
    by_face: bool = True,
) -> list[Sentence]:  # fmt: skip
    """Pure: what is not well at `now` (monotonic seconds), in words; `plain` ones say nothing to an installer."""
    of_vision = _of_vision(vision, now, plain=plain) if by_face else ()
    return [*_of_door(door, plain=plain, by_face=by_face), *of_vision, *_of_machine(machine)]


def sees(vision: VisionStatus | None, now: float) -> bool:
    """Pure: whether faces are looked at, at `now` (monotonic seconds)."""
    return not any(_of_vision(vision, now))


def _of_door(door: DoorStatus | None, *, plain: bool, by_face: bool) -> Iterator[Sentence]:
    if door is None:
        yield DOOR_SILENT
        return
    yield from map(words_of_fault, door.faults)
    if door.store_fault:
        kept = Sentence("The gate cannot write its records now. What happens is kept, and written once it can be.")
        yield kept if plain else Sentence("{first} {rest}", first=kept, rest=door.store_fault)
    if door.code_fault:
        yield _CODES_FAIL if by_face else _CODES_FAIL_ALONE
    if door.unwritten_events > MANY_UNWRITTEN:
        yield Sentence("{count} events wait to be written to the record.", count=door.unwritten_events)


def _of_vision(vision: VisionStatus | None, now: float, *, plain: bool = False) -> Iterator[Sentence]:
    if vision is None:
        yield VISION_SILENT
        return
    camera = vision.cameras.get("camera")
    if camera is not None and camera.fault is not None:
        yield camera.fault.plain if plain else camera.sentence
    elif vision.camera_fault:
        yield Sentence(vision.camera_fault)
    if vision.infrared_fault:
        yield Sentence("The infrared camera gives no pictures: until it does, nobody is let in by face.")
    age = age_s(vision.last_frame_mono, now)
    if not vision.camera_fault and not vision.recording_ended and (age is None or age > STALE_S):
        yield Sentence("No frame has come from the camera lately.")


def of_link(link: LinkStatus | None, now: datetime) -> list[Sentence]:
    """Pure: what is not well, at `now`, between a gate and the centre that it follows."""
    if link is None or link.cut_off or not 0 <= (now - _moment(link.at)).total_seconds() + _CLOCK_S <= _LINK_QUIET_S:
        return [_CENTRE_AWAY]
    return [_CENTRE_TROUBLE] if link.problem else []


def _lost_its_centre(state: Path) -> bool:
    """Whether this gate follows a centre, and is not told which: what it knew of it is in no backup."""
    with suppress(FacegateError, sqlite3.Error), closing(open_read_only(state)) as connection:
        return role.part(connection) is role.Part.GATE
    return False


def of_centre(centre: CentreStatus | None, now: datetime) -> list[Sentence]:
    """Pure: what is not well, at `now`, with the centre that this machine is, where it is one."""
    if centre is None or abs((now - _moment(centre.at)).total_seconds()) > _LINK_QUIET_S:
        return []
    if centre.keys_lost:
        return [_KEYS_LOST]
    return [_SUPERSEDED] if centre.superseded else []


def _moment(said: str) -> datetime:
    """A time that another process wrote; long ago where it is none."""
    try:
        return datetime.fromisoformat(said).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _of_machine(machine: Machine) -> Iterator[Sentence]:
    if not machine.clock_trusted:
        yield Sentence("The clock is not to be trusted: what is bound to a time of day is denied.")
    if machine.disk_free_bytes < LOW_DISK:
        yield Sentence("The disk has {megabytes} MB left.", megabytes=machine.disk_free_bytes // 2**20)
    if machine.no_more_files:
        yield Sentence("The disk takes no more files.")
    if machine.temperature_c is not None and machine.temperature_c > HOT_C:
        yield Sentence("The board is at {degrees} degrees.", degrees=round(machine.temperature_c))
    if machine.under_voltage:
        yield Sentence("The power supply is too weak (under-voltage).")


def words_of_fault(fault: str) -> Sentence:
    """What the door reports, in words; a door of another version may report what is not known here."""
    return FAULTS.get(fault) or Sentence("The door reports a fault: {fault}.", fault=fault)


def statuses(state: Path) -> tuple[DoorStatus | None, VisionStatus | None]:
    """What door and vision say of themselves, asked at the same time: nobody waits for two that hang."""
    with ThreadPoolExecutor(1) as beside:
        vision = beside.submit(vision_status, state)
        return door_status(state), vision.result()


def door_status(state: Path) -> DoorStatus | None:
    """What the door of this state says of itself; None where nobody answers, or not as a door does."""
    return _asked(asking.door_status, socket_of(state, "door"))


def vision_status(state: Path) -> VisionStatus | None:
    """What vision says of itself; None where nobody answers, or not as vision does."""
    return _asked(asking.vision_status, socket_of(state, "vision"))


def door_runs(state: Path) -> bool:
    """Whether a door listens in this state, whatever it would say."""
    with closing(Client(socket_of(state, "door"), timeout_s=1.0)) as client:
        try:
            client.connect()
        except LinkDown:
            return False
    return True


def _asked(question: Callable[[Client], Status], socket: Path) -> Status | None:
    with closing(Client(socket, timeout_s=_ANSWERS_WITHIN_S)) as client:
        try:
            return question(client)
        except LinkDown:
            return None


def ask_api(state: Path, path: str, *, timeout_s: float = 3.0) -> bytes:
    """What the gate's own HTTP server answers on this machine. Raises OSError."""
    address = read_plain(api_address_file(state)).decode("ascii").strip()
    certificate = generated_certificate_file(state)
    trust = ssl.create_default_context(cafile=str(certificate)) if certificate.exists() else None
    with urllib.request.urlopen(f"{address}{path}", timeout=timeout_s, context=trust) as answer:  # noqa: S310 - our own
        found: bytes = answer.read()
    return found


def age_s(then_mono: float | None, now: float) -> float | None:
    """Seconds from a monotonic time until `now`; None where there was none."""
    return None if then_mono is None else round(max(0.0, now - then_mono), 3)


def look_at_machine(state: Path, sys: Path = _SYS) -> Machine:
    """The board, its disk and its clock."""
    room = os.statvfs(state if state.exists() else "/")
    return Machine(
        temperature_c=_hottest(sys),
        under_voltage=_under_voltage(sys),
        disk_free_bytes=room.f_bavail * room.f_frsize,
        memory_available_bytes=_memory_available(),
        clock_trusted=clock.trusted_now(),
        # A file system that does not count its files beforehand, as btrfs, says 0 of 0.
        no_more_files=room.f_files > 0 and room.f_favail == 0,
    )


def _hottest(sys: Path) -> float | None:
    found = [_number(zone / "temp") for zone in sys.glob("class/thermal/thermal_zone*")]
    return max((value / 1000 for value in found if value is not None), default=None)


def _under_voltage(sys: Path) -> bool | None:
    # The Raspberry Pi's firmware reports it through the hwmon driver rpi_volt.
    for monitor in sys.glob("class/hwmon/hwmon*"):
        if _text(monitor / "name") == "rpi_volt":
            return bool(_number(monitor / "in0_lcrit_alarm"))
    return None


def _memory_available() -> int | None:
    for line in (_text(Path("/proc/meminfo")) or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return None


def _number(path: Path) -> float | None:
    text: Any = _text(path)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
