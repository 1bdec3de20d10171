"""Whether the machine's clock may be believed. Standard library only, so that the door process can hold it.

It may when something from outside has set it since it last jumped: a time service (what the kernel says by adjtimex(2),
or systemd-timesyncd's stamp), or an RTC that agrees with it and is not behind the latest time this gate has known.
"""

from __future__ import annotations

import ctypes
import time
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

# A clock that moves against the monotonic one by more than this was set, not slewed, seconds.
JUMP_S = 5.0
# An RTC counts whole seconds and drifts a few a day.
_RTC_AGREES_S = 10.0
# systemd-timesyncd asks at least every 34 minutes and renews its stamp at each answer.
_STAMP_LASTS_S = 86400.0
_STA_UNSYNC = 0x0040
_TIMESYNC_STAMP = Path("/run/systemd/timesync/synchronized")
_RTC = Path("/sys/class/rtc/rtc0/since_epoch")
_LOCAL_TIME = Path("/etc/localtime")
_ZONE_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the machine's clocks say at one moment. `mono` is monotonic seconds, each `wall` seconds since 1970; None
    where the machine has no such thing."""

    mono: float
    wall: float
    kernel_synchronised: bool | None
    stamp_wall: float | None
    rtc_wall: float | None


@dataclass(frozen=True, slots=True)
class ClockTrust:
    """How far the clock is trusted, after all the readings so far."""

    trusted: bool = False
    jumped: bool = False
    """Whether it jumped between the last reading and the one before."""
    offset: float | None = None
    """What it was ahead of the monotonic clock at the last reading, seconds."""
    stamp_at_jump: float | None = None
    """The time service's stamp when it last jumped, seconds since 1970."""
    jumped_ever: bool = False
    latest_wall: float = 0.0
    """The latest trusted time ever known to this gate, seconds since 1970."""


def look() -> Reading:
    """The machine's clock as it is now."""
    return Reading(time.monotonic(), time.time(), _kernel_synchronised(), _stamp(), _rtc())


def judge(before: ClockTrust, seen: Reading) -> ClockTrust:
    """Pure: how far the clock is trusted after one more reading.

    A jump takes the trust away until a time service has spoken after it; the kernel's flag falls at a jump by itself.
    """
    offset = seen.wall - seen.mono
    jumped = before.offset is not None and not abs(offset - before.offset) <= JUMP_S
    jumped_ever = jumped or before.jumped_ever
    stamp_at_jump = seen.stamp_wall if jumped else before.stamp_at_jump
    stamped = (
        seen.stamp_wall is not None
        and -JUMP_S <= seen.wall - seen.stamp_wall <= _STAMP_LASTS_S
        and not (jumped_ever and seen.stamp_wall == stamp_at_jump)
    )
    # The kernel's flag needs a moment to fall after a step, so the look that saw the jump does not count it.
    kernel = bool(seen.kernel_synchronised) and not jumped
    rtc = (
        seen.rtc_wall is not None
        and abs(seen.rtc_wall - seen.wall) <= _RTC_AGREES_S
        and seen.wall >= before.latest_wall
        and not jumped_ever
    )
    trusted = kernel or stamped or rtc
    latest = max(before.latest_wall, seen.wall) if trusted else before.latest_wall
    return ClockTrust(trusted, jumped, offset, stamp_at_jump, jumped_ever, latest)


class ClockWatch:
    """Looks again at every call of `refresh`, but no more than twice a second."""

    def __init__(self, latest_wall: float = 0.0, look: Callable[[], Reading] = look) -> None:
        self._look = look
        self._looked_mono = float("-inf")
        self.trust = ClockTrust(latest_wall=latest_wall)
        self.refresh()

    def refresh(self) -> ClockTrust:
        """How far the clock is trusted, brought up to date."""
        if time.monotonic() - self._looked_mono >= 0.5:
            self.trust = judge(self.trust, self._look())
            self._looked_mono = time.monotonic()
        return self.trust


def trusted_now() -> bool:
    """For a command that lives for a moment: whether a time service or the kernel vouches for the clock."""
    return judge(ClockTrust(), look()).trusted


class _Timex(ctypes.Structure):
    _fields_ = (("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
                ("rest", ctypes.c_char * 256))  # fmt: skip


def _kernel_synchronised() -> bool | None:
    """By adjtimex(2) with modes 0, which only reads; None where a system call filter forbids it."""
    timex = _Timex()
    try:
        if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return not timex.status & _STA_UNSYNC


def _stamp() -> float | None:
    try:
        return _TIMESYNC_STAMP.stat().st_mtime
    except OSError:
        return None


def _rtc() -> float | None:
    try:
        return float(_RTC.read_text("ascii"))
    except (OSError, ValueError):
        return None


def zone_of(name: str | None) -> tzinfo:
    """The zone called `name`, else the machine's own."""
    if name is not None:
        return zoneinfo.ZoneInfo(name)
    try:
        with _LOCAL_TIME.open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError):
        return UTC


class ZoneWatch:
    """The zone called so, or the machine's own as it is now: who installs a gate sets it while the door runs
    (`timedatectl set-timezone`), and the door goes by the same hours as the console from then on."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._seen = _local_time_as_it_lies()
        self._zone = zone_of(name)
        self._looked_mono = time.monotonic()

    def __call__(self) -> tzinfo:
        """The zone now; asked of the machine now and then."""
        now = time.monotonic()
        if self._name is None and now - self._looked_mono >= _ZONE_EVERY_S:
            self._looked_mono, seen = now, _local_time_as_it_lies()
            # While it is replaced it may be away.
            if seen is not None and seen != self._seen:
                self._zone, self._seen = zone_of(None), seen
        return self._zone


def _local_time_as_it_lies() -> tuple[int, int, int, int] | None:
    """What tells one file of it from another; None where there is none."""
    try:
        found = _LOCAL_TIME.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
