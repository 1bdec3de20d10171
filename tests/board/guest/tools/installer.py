"""Runs in the board as the installer who is led through the drill: reads what is asked, does it at the pins, answers.

Keys of the USB keypad are pressed outside, and asked for there. Whether the relay stayed silent through a power cut
only the outside saw: that answer is given.
"""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from agent import port

_CHIP = Path("/sys/devices/platform/gpio-sim.0/gpiochip0")
PYTHON = "/opt/facegate/current/bin/python"
RESIDENT = "Wang Fang"
RELAY, HOLD, REX, FIRE, CONTACT = 17, 5, 27, 22, 23


class Hands:
    """What is asked for, by words of its sentence: what is done, and for a question what is seen."""

    def __init__(self, stayed_silent, card):
        """`card` is what `wiegand.py` is called with, to show the resident's."""
        self._stayed_silent, self._card = stayed_silent, card
        self._pulses = 0

    def watch(self):
        """Eyes at the relay's light, from now on."""
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        before = False
        while True:
            now = is_on(RELAY)
            self._pulses += now and not before
            before = now
            time.sleep(0.05)

    def _saw_a_pulse(self):
        deadline = time.monotonic() + 5
        while not self._pulses and time.monotonic() < deadline:
            time.sleep(0.05)
        return self._pulses > 0

    def _show_the_card(self):
        """As anybody does: once more, where nothing came of it."""
        self._pulses = 0
        for _ in range(5):
            subprocess.run(["python3", "/run/board/wiegand.py", *self._card], check=True)
            if self._saw_a_pulse():
                return

    def answer(self, said):
        """None where nothing is asked: True or False to a question."""
        for words, do in {
            "Is it locked, and is the relay's own light off": lambda: not is_on(RELAY),
            "Did the gate unlock": self._saw_a_pulse,
            "Press the exit button": press,
            # The button is wired past the software into the lock's supply as well, which no pin shows.
            "Stop the software": lambda: units("stop") or not is_on(RELAY),
            "Start it again": lambda: units("start"),
            "Have the fire panel signal": lambda: pull(FIRE, True),
            "Is the gate open, and does it stay open": lambda: is_on(HOLD),
            "End the signal": lambda: pull(FIRE, False),
            "Open the gate from inside": lambda: pull(CONTACT, True),
            "Close it": lambda: pull(CONTACT, False),
            "type their PIN at the keypad": lambda: ask_outside("their PIN"),
            "Hold a resident's card to the reader": self._show_the_card,
            "Is a resident here who tries theirs": begin_trial,
            "with its last digit one higher": lambda: ask_outside("their PIN under duress"),
            "Pull the camera's cable": lambda: camera("stop"),
            "Put it back": lambda: camera("start"),
            "Did the gate stay closed": lambda: self._stayed_silent,
        }.items():
            if words in said:
                return do()
        return None


def is_on(line):
    return (_CHIP / f"sim_gpio{line}" / "value").read_text().strip() == "1"


def pull(line, is_open):
    (_CHIP / f"sim_gpio{line}" / "pull").write_text("pull-up" if is_open else "pull-down")


def press():
    pull(REX, False)
    time.sleep(0.5)
    pull(REX, True)


def units(verb):
    """Once all of them have: the target alone says that it stopped while its services still do."""
    subprocess.run(["systemctl", verb, "facegate.target"], check=True)
    if verb == "stop":
        subprocess.run(["systemctl", verb, "facegate-*.service"], check=True)


def ask_outside(what):
    """For keys that are pressed there."""
    with open(port("acks"), "wb", buffering=0) as outside:
        outside.write(f"{what}\n".encode())


def begin_trial():
    """As on the resident's page."""
    subprocess.run(["runuser", "-u", "facegate-api", "--", PYTHON, "/run/board/trial.py", RESIDENT], check=True)
    return True


def camera(verb):
    subprocess.run(["systemctl", verb, "board-camera.service"], check=True)


def main():
    """`installer.py yes|no D0 D1 BITS`; the drill's own exit code."""
    hands = Hands(sys.argv[1] == "yes", sys.argv[2:])
    hands.watch()
    drill = subprocess.Popen(
        ["/usr/local/bin/facegate", "drill", "--by", "the board"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    said = b""
    while byte := drill.stdout.read(1):
        said += byte
        if byte == b"\n" or said.endswith(b"[y/N]: "):
            line, said = said.decode(), b""
            print(line.rstrip(), flush=True)
            answer = hands.answer(line)
            if re.search(r"\[y/N\]: $", line):
                drill.stdin.write(b"y\n" if answer else b"n\n")
    return drill.wait()


if __name__ == "__main__":
    sys.exit(main())
