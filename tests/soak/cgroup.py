"""A control group with a ceiling for memory, as systemd makes one of MemoryMax=."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

_ONE = Path("/sys/fs/cgroup/memory")
_TWO = Path("/sys/fs/cgroup")


class Group:
    """One of either version."""

    def __init__(self, path, limit, peak, events, one):
        self.path, self._limit, self._peak, self._events, self._one = path, limit, peak, events, one

    @property
    def starter(self):
        """A command that starts another one within."""
        return ("sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$0" "$@"')

    def limit(self, count):
        """At most so many bytes."""
        (self.path / self._limit).write_text(str(count))

    def peak_mb(self):
        """The most it ever took, page cache and all."""
        return int((self.path / self._peak).read_text()) >> 20

    def killed(self):
        """How many of its processes the kernel ended for want of memory."""
        lines = dict(line.split() for line in (self.path / self._events).read_text().splitlines())
        return int(lines.get("oom_kill", 0))


def missing():
    """Why there can be no group here, or None."""
    if os.geteuid() != 0:
        return "only root makes a control group"
    if not (_ONE / "memory.limit_in_bytes").parent.is_dir() and not (_TWO / "cgroup.controllers").is_file():
        return "no control groups for memory here"
    return None


@contextmanager
def group(megabytes):
    """One with a ceiling, until the block ends."""
    one = _ONE.is_dir()
    path = (_ONE if one else _TWO) / f"facegate-test-{os.getpid()}"
    path.mkdir()
    names = (
        ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control")
        if one
        else ("memory.max", "memory.peak", "memory.events")
    )
    made = Group(path, *names, one)
    made.limit(megabytes << 20)
    try:
        yield made
    finally:
        # It goes once the last of its processes is gone.
        deadline = time.monotonic() + 10
        while (path / "cgroup.procs").read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        path.rmdir()
