"""A bad wire between two network namespaces: packets that are late, lost, or do not come at all, in both directions or
in one. Linux has netem for that, which not every kernel is built with; this needs /dev/net/tun alone, and root."""

import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

_TUNSETIFF, _TUN_WITHOUT_HEADER = 0x400454CA, 0x1001
_LONGEST = 2048
NET = "10.77.0"


def missing():
    """Why there can be no such wire here, or None."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    if not Path("/dev/net/tun").exists() or shutil.which("ip") is None:
        return "no /dev/net/tun, or no ip (apt: iproute2)"
    return None


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Wire:
    """Two namespaces, 10.77.0.1 and 10.77.0.2, and what is between them. What it does to packets may be changed at any
    time: `loss` of them are lost, the others are `delay_s` late; `to_here` and `to_there` say whether any pass."""

    def __init__(self):
        self.loss, self.delay_s, self.to_here, self.to_there = 0.0, 0.0, True, True
        self.passed = self.lost = 0
        self._chance, self._numbers = random.Random(7), count()
        self._names = [f"fg{os.getpid()}{side}" for side in "ab"]
        self._ends = [self._end(name, f"{NET}.{number}") for number, name in enumerate(self._names, 1)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    @property
    def here(self):
        """The command that runs another one at 10.77.0.1."""
        return ("ip", "netns", "exec", self._names[0])

    @property
    def there(self):
        """At 10.77.0.2."""
        return ("ip", "netns", "exec", self._names[1])

    def move_there(self, address):
        """Whoever is there has another address from now on."""
        ip("-n", self._names[1], "addr", "flush", "dev", self._names[1])
        ip("-n", self._names[1], "addr", "add", f"{address}/24", "dev", self._names[1])

    def close(self):
        self._over.set()
        self._thread.join()
        for end, name in zip(self._ends, self._names, strict=True):
            os.close(end)
            ip("netns", "delete", name)

    def _end(self, name, address):
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH", name.encode(), _TUN_WITHOUT_HEADER))
        ip("netns", "add", name)
        ip("link", "set", name, "netns", name)
        ip("-n", name, "addr", "add", f"{address}/24", "dev", name)
        ip("-n", name, "link", "set", name, "up")
        ip("-n", name, "link", "set", "lo", "up")
        return descriptor

    def _carry(self):
        waiting = []
        while not self._over.is_set():
            soon = min(0.05, max(0.0, waiting[0][0] - time.monotonic())) if waiting else 0.05
            for end in select.select(self._ends, [], [], soon)[0]:
                with suppress(BlockingIOError):
                    self._take(end, os.read(end, _LONGEST), waiting)
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(waiting)
                with suppress(OSError):
                    os.write(end, packet)

    def _take(self, end, packet, waiting):
        other = self._ends[1 - self._ends.index(end)]
        passes = self.to_there if end == self._ends[0] else self.to_here
        if not passes or self._chance.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        heapq.heappush(waiting, (time.monotonic() + self.delay_s, next(self._numbers), other, packet))
