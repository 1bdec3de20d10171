"""A Wiegand reader: the bits of cards and keys, and its pulses, clean or on a bad cable."""

import json
import socket
import time

from gate.door.pins import DRIVE_NAME
from gate.door.wiegand import Burst, Pulse, heard

D0, D1 = 20, 21
LINES = {"wiegand_d0_pin": D0, "wiegand_d1_pin": D1}
# Of each format the bits of the facility and of the number, and how many each parity is over.
LAYOUTS = {"26": (8, 16, 12), "34": (16, 16, 16), "37-H10304": (16, 19, 18), "37-H10302": (0, 35, 18)}
PACE_S = 0.002


def card(form, facility, number):
    """The bits of a card: even parity over the first, odd over the last."""
    of_facility, of_number, half = LAYOUTS[form]
    data = f"{facility:0{of_facility}b}" * bool(of_facility) + f"{number:0{of_number}b}"
    return f"{data[:half].count('1') % 2}{data}{1 - data[-half:].count('1') % 2}"


def key(sign, bits=4):
    number = {"*": 10, "#": 11}.get(sign) or int(sign)
    return f"{15 - number:04b}" * (bits == 8) + f"{number:04b}"


def pulses(bits, begin=0.0, pace_s=PACE_S):
    return [Pulse(int(bit), begin + at * pace_s) for at, bit in enumerate(bits)]


def burst_of(said):
    """One burst of these pulses."""
    burst = Burst()
    for pulse in said:
        burst, before = heard(burst, pulse)
        assert before is None, "there are two"
    return burst


def send(state, *frames, age_s=0.0):
    """Each frame on the mocked lines of a door, the last of it so long ago."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        for bits in frames:
            begin = time.monotonic() - age_s - len(bits) * PACE_S
            orders = [{"pin": (D0, D1)[one.bit], "level": 0, "mono": one.at_mono} for one in pulses(bits, begin)]
            wire.sendto(json.dumps(orders).encode(), str(state / "run" / "door" / DRIVE_NAME))
            # A hand presses no faster, and a reader is silent between two frames.
            time.sleep(0.08)
