"""Pins a Raspberry Pi uses for its buses, so that none is wired twice."""

from __future__ import annotations

from pathlib import Path

from gate.door.settings import PINS, DoorSettings
from gate.errors import UsageError

# The header's fixed functions, and the device node that is there while the bus is enabled in config.txt.
BUSES: tuple[tuple[str, frozenset[int], str], ...] = (
    ("the I2C bus", frozenset({2, 3}), "i2c-1"),
    ("the SPI bus", frozenset({7, 8, 9, 10, 11}), "spidev0.0"),
    ("the serial port", frozenset({14, 15}), "serial0"),
    ("the add-on board's memory", frozenset({0, 1}), ""),
)


def check_buses(settings: DoorSettings, devices: Path = Path("/dev")) -> None:
    """Do nothing where the settings' pins are free for use; raises UsageError when one belongs to a bus of this board.

    A bus is enabled where its device is there, among `devices`.
    """
    if settings.pin_factory != "lgpio":
        return
    for name in PINS:
        pin = getattr(settings, name)
        for bus, pins, node in BUSES:
            if pin in pins and (not node or (devices / node).exists()):
                how = "Choose another pin" + (f", or turn {bus} off in config.txt." if node else ".")
                raise UsageError(f"door.{name} is GPIO {pin}, which belongs to {bus}. {how}")
