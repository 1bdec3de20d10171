"""The board, with power: a computer whose pins come out of it, whose keys can be pressed and whose power can be cut."""

import json
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count

from tests.board.pins import AT_REST, CLOCK_BYTES, FROM_OUTSIDE, LEVEL, NUMBER, PINS

# The gate's own, with all that it imports.
PYTHON = "/opt/facegate/current/bin/python"
MEMORY_MB = 1536
# Its clock goes by the instructions that its processor has done, two nanoseconds each, and by the host's while it
# idles: however busy the host is, the board is as quick as a board. What is measured is measured by that clock.
CLOCK = "shift=1,sleep=on,align=off"
_KERNEL = ("console=ttyS0", "quiet", "mitigations=off", "panic=-1", "audit=0", "systemd.log_level=notice")
# By itself qemu lays it over its firmware's tables, which a TPM's log makes longer than it reckons with: the kernel
# then knows neither the TPM nor its own interrupts.
_INITRAMFS_AT, _INITRAMFS_MOST_MB = 0x2000_0000, 16
# What a board does not need, and an emulated one takes seconds for.
_IDLE = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "getty.target", "networking.service", "systemd-timesyncd.service", "systemd-update-utmp.service",
    "serial-getty@ttyS0.service", "systemd-pstore.service",
)  # fmt: skip
# Without these the door alone starts.
NO_FACES = ("facegate-vision.service", "facegate-api.service", "facegate-backup.timer", "board-camera.service")
# Without these it does so in half the time, by the settings that it was handed before.
DOOR_ALONE = (
    *NO_FACES, "facegate-settings.service", "systemd-modules-load.service", "systemd-logind.service",
    "modprobe@fuse.service", "modprobe@drm.service", "modprobe@dm_mod.service", "modprobe@loop.service",
)  # fmt: skip


@dataclass(frozen=True)
class Edge:
    """A level that came out of the board, or that a hand outside put on a line.

    `at` is when, by the board's own monotonic clock, in seconds since it began; `mono` is when the host saw it.
    """

    at: float
    mono: float
    line: int
    level: bool
    outside: bool


class Wire:
    """What the chip's lines did since the power came, as the host saw it: not as the gate tells it."""

    def __init__(self):
        self._edges, self._left = [], b""
        self._changed = threading.Condition(threading.RLock())

    def feed(self, data):
        """Bytes that came out."""
        now, size = time.monotonic(), 1 + CLOCK_BYTES
        data = self._left + data
        whole = len(data) - len(data) % size
        self._left = data[whole:]
        with self._changed:
            for start in range(0, whole, size):
                head, *clock = data[start : start + size]
                at = sum(byte << 7 * place for place, byte in enumerate(clock)) / 1e6
                self._edges.append(Edge(at, now, head & NUMBER, bool(head & LEVEL), bool(head & FROM_OUTSIDE)))
            self._changed.notify_all()

    def of(self, name, since=0.0, *, outside=False):
        """The changes of one pin since a moment of the board's clock, the first of equal ones each."""
        with self._changed:
            found = [one for one in self._edges if one.line == PINS[name] and one.outside is outside]
        pairs = zip([None, *found], found, strict=False)
        changes = [one for before, one in pairs if before is None or before.level != one.level]
        return [one for one in changes if one.at >= since]

    def wait(self, seconds):
        """Until something more came out, or so long by the host's clock."""
        with self._changed:
            self._changed.wait(seconds)


@dataclass(frozen=True)
class Done:
    """A command that ended in the board; no code where it did not."""

    code: int | None
    out: str
    err: str

    @property
    def answer(self):
        """The JSON object on its last line."""
        return json.loads(self.out.splitlines()[-1])


class Machine:
    """One start of the board, from power to power cut."""

    def __init__(self, board, drive, folder, words=(), mask=()):
        """`drive` is qemu's word for the disk; `words` go on the kernel's line; `mask` are units that do not start."""
        self.folder = folder
        self.wire, self.acknowledged = Wire(), []
        self._answers, self._ids, self._answered = {}, count(1), threading.Condition()
        shutil.rmtree(folder / "sockets", ignore_errors=True)
        (folder / "sockets").mkdir(parents=True)
        self._tpm = _tpm(folder)
        listening = {name: _listen(folder / "sockets" / name) for name in ("wire", "agent", "acks", "qmp")}
        line = [*_KERNEL, *_initramfs_at(board), *(f"systemd.mask={unit}" for unit in (*_IDLE, *mask)), *words]
        self.began_mono = time.monotonic()
        self._qemu = subprocess.Popen(
            [
                "qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none",
                "-accel", "tcg", "-icount", CLOCK, "-rtc", "clock=vm", "-cpu", "max", "-m", str(MEMORY_MB),
                "-kernel", board.kernel, "-append", " ".join(line),
                "-device", f"loader,file={board.initramfs},addr={_INITRAMFS_AT:#x},force-raw=on",
                "-drive", f"{drive},if=none,id=card,cache=none", "-device", "virtio-blk-pci,drive=card",
                "-serial", f"file:{folder / 'console.log'}",
                "-chardev", f"socket,id=wire,path={folder}/sockets/wire",
                "-device", "isa-debugcon,iobase=0xe9,chardev=wire",
                "-device", "virtio-serial-pci",
                "-chardev", f"socket,id=agent,path={folder}/sockets/agent",
                "-device", "virtserialport,chardev=agent,name=agent",
                "-chardev", f"socket,id=acks,path={folder}/sockets/acks",
                "-device", "virtserialport,chardev=acks,name=acks",
                "-qmp", f"unix:{folder}/sockets/qmp", "-device", "virtio-rng-pci",
                "-device", "qemu-xhci", "-device", "usb-kbd,id=keypad,port=1",
                "-chardev", f"socket,id=tpm,path={folder}/sockets/tpm", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                "-device", "tpm-crb,tpmdev=tpm0",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(folder / "qemu.log").open("wb"),
        )  # fmt: skip
        self._agent, self._qmp = (self._accept(listening[name]) for name in ("agent", "qmp"))
        self._read(self._accept(listening["wire"]), self.wire.feed)
        self._read(self._agent, _lines(self._hear))
        self._read(self._accept(listening["acks"]), _lines(self._acknowledge))
        self._qmp_lines = self._qmp.makefile("r")
        self._order({"execute": "qmp_capabilities"})

    def cut(self):
        """The power goes, now."""
        self._qemu.kill()
        self._qemu.wait()
        self._tpm.kill()
        self._tpm.wait()
        with self._answered:
            self._answered.notify_all()

    def acknowledges(self, count, within_s):
        """Whether so many lines came out at its second port, within so long by the board's clock; it is waited for."""
        deadline = self.now() + within_s
        while len(self.acknowledged) < count:
            if self.now() > deadline:
                return False
            with self._answered:
                self._answered.wait(0.5)
        return True

    @property
    def console(self):
        """The last of what it said on its serial line."""
        path = self.folder / "console.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def press_key(self, name):
        """A key of the USB keypad, down and up, no faster than a hand does it by the board's clock."""
        key = {"keys": [{"type": "qcode", "data": name}], "hold-time": 100}
        self._order({"execute": "send-key", "arguments": key})

    def unplug_keypad(self):
        """The USB keypad, out of its port."""
        self._order({"execute": "device_del", "arguments": {"id": "keypad"}})

    def plug_keypad_in(self):
        """The USB keypad, back into its port, which its serial number names: in another it were another keypad."""
        self._order({"execute": "device_add", "arguments": {"driver": "usb-kbd", "id": "keypad", "port": "1"}})

    def now(self):
        """By the board's own clock."""
        return self._ask({"do": "clock"})["mono"]

    def put(self, **contacts):
        """Open (True) or close (False) contacts of the gate; returns once they are."""
        self._ask({"do": "pull", "lines": {PINS[name]: is_open for name, is_open in contacts.items()}})

    def rest(self):
        """Every contact as it is at rest."""
        self.put(**{name: is_open for name, is_open in AT_REST.items() if name != "readback"})

    def run(self, *command, check=True, within_s=120, given=""):
        """A command in the board, to its end."""
        order = {"do": "run", "command": list(map(str, command)), "input": given, "within_s": within_s}
        done = _done(self._ask(order))
        if check:
            assert done.code == 0, f"{command}: {done.code} {done.out[-2000:]}{done.err[-2000:]}"
        return done

    def asked(self, what):
        """What `ask.py` says in the board: how the door is, None while it is silent, or lines of the record."""
        return json.loads(self.run(PYTHON, "/run/board/ask.py", what).out)

    def write(self, path, text):
        """A file in the board."""
        self.run("sh", "-c", f"cat > {path}", given=text)

    def scene(self, name):
        """Who stands before the camera from now on."""
        self.write("/run/scene.new", name)
        self.run("mv", "/run/scene.new", "/run/scene")

    def start(self, *command, within_s=600):
        """A command that is not waited for; returns what waits for it."""
        number = self._send({"do": "run", "command": list(map(str, command)), "input": "", "within_s": within_s})
        return lambda: _done(self._wait(number))

    def presses_until_open(self, within_s):
        """REX pressed again and again until the relay moves; the moment at which it did, None where it never does."""
        began = self.now()
        while self.now() < began + within_s:
            self.put(rex=False)
            opened = self.when("relay", True, began, 0.3)
            self.put(rex=True)
            if opened:
                return opened
        return None

    def when(self, name, level, since, within_s, *, outside=False):
        """The moment at which a pin took a level, after another one; None where it did not within so long from now.

        All by the board's own clock.
        """
        deadline = self.now() + within_s
        while True:
            late = self.now() > deadline
            if found := [one.at for one in self.wire.of(name, since, outside=outside) if one.level is level]:
                return found[0]
            if late:
                return None
            self.wire.wait(0.5)

    def until(self, condition, within_s, otherwise):
        """What a condition gives, once it gives something; AssertionError after so long by the board's clock."""
        deadline = self.now() + within_s
        while not (found := condition()):
            assert self.now() < deadline, otherwise
            # Whoever asks without a pause keeps the board from what it is asked for.
            self.wire.wait(1)
        return found

    def _ask(self, order):
        return self._wait(self._send(order))

    def _send(self, order):
        number = next(self._ids)
        self._agent.sendall(json.dumps(order | {"id": number}).encode() + b"\n")
        return number

    def _wait(self, number):
        # Who waits has a limit of their own: how long the board takes says how busy the host is.
        with self._answered:
            while number not in self._answers and self._qemu.poll() is None:
                self._answered.wait(1)
            assert number in self._answers, f"the board does not answer: {self.console}"
            return self._answers.pop(number)

    def _hear(self, line):
        answer = json.loads(line)
        with self._answered:
            self._answers[answer["id"]] = answer
            self._answered.notify_all()

    def _acknowledge(self, line):
        with self._answered:
            self.acknowledged.append(line)
            self._answered.notify_all()

    def _order(self, order):
        self._qmp.sendall(json.dumps(order).encode())
        while True:
            said = json.loads(self._qmp_lines.readline())
            assert "error" not in said, said
            if "return" in said:
                return

    def _accept(self, listening):
        listening.settimeout(30)
        try:
            with listening:
                connection, _ = listening.accept()
        except TimeoutError:
            raise AssertionError(f"qemu does not start: {(self.folder / 'qemu.log').read_text()}") from None
        return connection

    def _read(self, connection, take):
        def reads():
            with suppress(OSError):
                while data := connection.recv(65536):
                    take(data)

        threading.Thread(target=reads, daemon=True).start()


@contextmanager
def powered(board, drive, folder, **how):
    """A board that has power until the block ends; then it is cut."""
    machine = Machine(board, drive, folder, **how)
    try:
        yield machine
    finally:
        machine.cut()


def card(board, folder):
    """A card of its own, as it was written; returns qemu's word for it."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", board.disk, folder / "card.img"], check=True)
    return f"file={folder / 'card.img'},format=raw"


def _initramfs_at(board):
    """For the kernel's line: where its start lies, in memory that is nobody else's until it was read."""
    size = board.initramfs.stat().st_size
    assert size <= _INITRAMFS_MOST_MB << 20, "the initramfs is larger than its place"
    return f"initrdmem={_INITRAMFS_AT:#x},{size}", f"memmap={_INITRAMFS_MOST_MB}M${_INITRAMFS_AT:#x}"


def _done(answer):
    return Done(answer["code"], answer["out"], answer["err"])


def _listen(path):
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(1)
    return listening


def _tpm(folder):
    """Its memory outlives the power."""
    state = folder.resolve() / "tpm"
    state.mkdir(exist_ok=True)
    address = folder / "sockets/tpm"
    swtpm = subprocess.Popen(
        ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--ctrl", f"type=unixio,path={address}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 10
    while not address.exists():
        assert swtpm.poll() is None, "swtpm does not start"
        assert time.monotonic() < deadline, "swtpm does not start"
        time.sleep(0.01)
    return swtpm


def _lines(take):
    left = b""

    def feed(data):
        nonlocal left
        *whole, left = (left + data).split(b"\n")
        for line in whole:
            take(line.decode())

    return feed
