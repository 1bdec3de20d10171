"""The board's pins, and how their levels come out of it.

The chip is the kernel's own simulated one (`drivers/gpio/gpio-sim.c`), altered by `pins.patch` to be wired like a
gate and not like a test: contacts are stronger than the pulls that a program asks for, a spare contact follows the
relay, outputs are kept or let go when their holder dies, and each change of a level goes out of the machine at once.
"""

# Of the chip's lines, by what hangs on them; the names are those of a Raspberry Pi's header.
PINS = {
    "relay": 17, "hold": 5, "rex": 27, "fire": 22, "tamper": 24, "contact": 23, "readback": 25,
    "red": 6, "green": 12, "amber": 13, "buzzer": 16, "d0": 20, "d1": 21,
}  # fmt: skip

# An input at rest: True is pulled up, an open contact.
AT_REST = {
    "rex": True, "fire": False, "tamper": False, "contact": False, "readback": True, "d0": True, "d1": True,
}  # fmt: skip

# What comes out, as in `wire` of the patch: a byte with whether somebody outside pulled the line, its level and its
# number, and then the moment, microseconds of the board's monotonic clock, in bytes of seven bits, the lowest first.
FROM_OUTSIDE, LEVEL, NUMBER = 0x40, 0x20, 0x1F
CLOCK_BYTES = 7
