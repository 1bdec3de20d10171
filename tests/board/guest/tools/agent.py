"""Runs in the board: commands from outside as JSON lines, answered when they end; hands that press and pull."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

_CHIP = Path("/sys/devices/platform/gpio-sim.0/gpiochip0")


def port(name):
    """The device of a port that the board was given; it comes with its driver."""
    while True:
        for found in Path("/sys/class/virtio-ports").glob("*/name"):
            if found.read_text().strip() == name:
                return f"/dev/{found.parent.name}"
        time.sleep(0.02)


def pull(order):
    """Open (True) or close (False) contacts, by line."""
    for line, is_open in order["lines"].items():
        (_CHIP / f"sim_gpio{line}" / "pull").write_text("pull-up" if is_open else "pull-down")
    return {}


def clock(order):
    """The moment stands in every answer."""
    return {}


def run(order):
    """A command, to its end."""
    try:
        # Hands are quick; what is asked for comes after the gate's own work.
        done = subprocess.run(
            ["nice", "-n", "15", *order["command"]],
            input=order["input"],
            capture_output=True,
            text=True,
            timeout=order["within_s"],
            check=False,
        )
    except OSError as error:
        return {"code": 127, "out": "", "err": str(error)}
    except subprocess.TimeoutExpired as late:
        return {"code": None, "out": (late.stdout or b"").decode(), "err": (late.stderr or b"").decode()}
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def main():
    """Until the power goes."""
    with open(port("agent"), "r+b", buffering=0) as wire:
        answering = threading.Lock()

        def answer(order):
            did = {"run": run, "pull": pull, "clock": clock}[order["do"]](order) | {
                "id": order["id"],
                "mono": time.monotonic(),
            }
            with answering:
                # A port takes what it takes.
                left = json.dumps(did).encode() + b"\n"
                while left:
                    left = left[wire.write(left) :]

        left = b""
        while True:
            got = wire.read(65536)
            if not got:
                time.sleep(0.05)
                continue
            *lines, left = (left + got).split(b"\n")
            for line in lines:
                threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
