"""Readers in a process of their own, at a device that stands in for one of the kernel's: a FIFO that cannot be grabbed,
so that the two calls that would (EVIOCGRAB, EVIOCSCLOCKID) are left out. On the virtual board there is a real one."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from gate.readers.keystrokes import EVENT

UNGRABBED = """
import fcntl, sys
fcntl.ioctl = lambda *_: 0
import gate.readers.service as readers
sys.exit(readers.main())
"""
ENTER, ESCAPE = 28, 1
CODES = {str(digit): digit + 1 for digit in range(1, 10)} | {"0": 11, "#": ENTER, "*": ESCAPE}


class Device:
    """What is plugged in at `path`, and whose keys are pressed."""

    def __init__(self, path):
        self.path = path
        self._end = None
        self.plug_in()

    def plug_in(self):
        os.mkfifo(self.path)
        self._end = os.open(self.path, os.O_RDWR)

    def unplug(self):
        self.path.unlink()
        os.close(self._end)

    def press(self, keys, age_s=0.0):
        """Each key down and up, as the kernel tells it."""
        seconds, part = divmod(time.monotonic() - age_s, 1)
        for key in keys.replace(" ", ""):
            events = ((1, CODES[key], 1), (0, 0, 0), (1, CODES[key], 0), (0, 0, 0))
            os.write(self._end, b"".join(EVENT.pack(int(seconds), int(part * 1e6), *event) for event in events))


@contextmanager
def readers_process(state, *, program=("-c", UNGRABBED), **readers):
    """Running readers; yields the process and the file of what they log."""
    (state / "run").mkdir(parents=True, exist_ok=True)
    address, log = state / "run" / "readers.test", state / "readers.log"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified, log.open("w") as said:
        notified.bind(str(address))
        notified.settimeout(30)
        process = subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.PIPE, stderr=said, text=True,
            env=os.environ | {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "8000000"},
        )  # fmt: skip
        given = {name: str(path) for name, path in readers.items()}
        process.stdin.write(
            json.dumps({"state": str(state), "keys": str(state / "osdp-keys"), "readers": given}) + "\n"
        )
        process.stdin.flush()
        try:
            assert b"READY=1" in notified.recv(200)
            # Whoever lives for longer says so, and waits where nobody takes it.
            notified.settimeout(None)
            threading.Thread(target=_heed, args=(notified,), daemon=True).start()
            yield process, log
        finally:
            process.terminate()
            process.wait(10)
            process.stdin.close()
            notified.shutdown(socket.SHUT_RDWR)


def _heed(notified):
    while notified.recv(200):
        pass
