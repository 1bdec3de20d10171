"""Runs in the board: draws D0 and D1 to ground as a Wiegand reader does, bit by bit (`wiegand.py D0 D1 BITS`).

A pull from outside takes longer than a reader waits between two bits, so its hand is here.
"""

import os
import sys
import time
from pathlib import Path

_CHIP = Path("/sys/devices/platform/gpio-sim.0/gpiochip0")
_PACE_S = 0.004


def main():
    """Every bit at its moment, however long the last one took."""
    lines = [os.open(_CHIP / f"sim_gpio{line}" / "pull", os.O_WRONLY) for line in sys.argv[1:3]]
    # Whatever else the board does, a reader keeps its pace; only the kernel's threads, of priority 50, come before it.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    due = time.monotonic() + _PACE_S
    for bit in sys.argv[3]:
        time.sleep(max(0.0, due - time.monotonic()))
        os.pwrite(lines[int(bit)], b"pull-down", 0)
        os.pwrite(lines[int(bit)], b"pull-up", 0)
        due += _PACE_S


if __name__ == "__main__":
    sys.exit(main())
