"""A reader on an OSDP line: libosdp's own, in a process of its own, at the other end of a cable that can be cut.

Run as a program it is that reader: it says "card HEX BITS" and "keys HEX" as it is told on standard input, and prints
each command that it is given.
"""

import os
import pty
import select
import subprocess
import sys
import threading
import time
import tty
from contextlib import contextmanager


class Cable:
    """Between two pseudo-terminals: what goes in at one end comes out at the other, unless it is cut or altered."""

    def __init__(self):
        self._gate, slave = pty.openpty()
        self.reader, self._far = pty.openpty()
        for end in (self._gate, slave, self.reader, self._far):
            tty.setraw(end)
        self.path = os.ttyname(slave)
        self._slave = slave
        self.is_cut = False
        self.alter = None
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self):
        to = {self._gate: self._far, self._far: self._gate}
        while True:
            ready, _, _ = select.select([*to, self._ended], [], [])
            if self._ended in ready:
                return
            for end in ready:
                said = os.read(end, 512)
                if self.alter is not None and end == self._far:
                    said = self.alter(said)
                if not self.is_cut:
                    os.write(to[end], said)

    def close(self):
        os.write(self._end, b".")
        self._thread.join()
        for end in (self._gate, self._slave, self.reader, self._far, self._ended, self._end):
            os.close(end)


@contextmanager
def cable():
    """A cable; yields it."""
    made = Cable()
    try:
        yield made
    finally:
        made.close()


class Reader:
    """The reader's process: what is shown to it, and what it was told."""

    def __init__(self, process):
        self._process = process

    def card(self, data, bits=26):
        self._say(f"card {data} {bits}")

    def keys(self, signs):
        coded = signs.replace("#", "\r").replace("*", "\x7f")
        self._say(f"keys {coded.encode().hex()}")

    def _say(self, line):
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def told(self):
        """The next command that it was given."""
        return self._process.stdout.readline()


@contextmanager
def reader(made, key=None, address=0):
    """A reader at that end of the cable; without a key it is in install mode."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.osdp_reader", str(made.reader), str(address), key.hex() if key else "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, pass_fds=[made.reader],
    )  # fmt: skip
    try:
        yield Reader(process)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def turned(line, until, within_s):
    """All news of the line until something holds of it; fails where that takes longer."""
    told, deadline = [], time.monotonic() + within_s
    while not until(told):
        assert time.monotonic() < deadline, told
        told += line.turn(time.monotonic())
        time.sleep(0.01)
    return told


def quiet(line, seconds):
    """All news of the line in so many seconds."""
    told, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        told += line.turn(time.monotonic())
        time.sleep(0.01)
    return told


def codes(told):
    """What was shown, of some news."""
    return [one.code for news in told for one in news.shown]


def came(told):
    """Whether a session of a reader began."""
    return any(news.came for news in told)


def went(told):
    """Whether a reader was told away."""
    return any(news.why for news in told)


def heard(line):
    """The line, once its reader is secured and heard."""
    turned(line, came, 45)
    quiet(line, 2.1)


def main(descriptor, address, key):
    from osdp import Capability, CardFormat, Event, LibFlag, LogLevel, PDCapabilities, PDInfo, PeripheralDevice

    os.set_blocking(descriptor, False)

    class Port:
        id = 2

        def read(self, most):
            try:
                return os.read(descriptor, most)
            except BlockingIOError:
                return b""

        def write(self, said):
            return os.write(descriptor, said)

        def flush(self):
            pass

    def obey(command):
        print(command["command"], command.get("on_color", ""), flush=True)
        return 0, None

    can = [(one, 1, 1) for one in (Capability.CardDataFormat, Capability.LEDControl, Capability.AudibleControl,
                                   Capability.CommunicationSecurity, Capability.OutputControl)]  # fmt: skip
    flags = [] if key else [LibFlag.InstallMode]
    device = PeripheralDevice(
        PDInfo(address, Port(), scbk=key, flags=flags), PDCapabilities(can), LogLevel.Emergency, obey
    )
    device.start()
    for line in sys.stdin:
        kind, data, *bits = line.split()
        event = {"event": Event.KeyPress, "reader_no": 0, "data": bytes.fromhex(data)}
        if kind == "card":
            event = {"event": Event.CardRead, "reader_no": 0, "direction": 0, "format": CardFormat.Wiegand,
                     "length": int(bits[0]), "data": bytes.fromhex(data)}  # fmt: skip
        device.submit_event(event)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), None if sys.argv[3] == "-" else bytes.fromhex(sys.argv[3]))
