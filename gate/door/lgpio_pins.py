"""Raspberry Pi pins through lgpio, an output claimed with its safe level in one call."""

from __future__ import annotations

import lgpio
from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin


class SafeLGPIOPin(LGPIOPin):
    """gpiozero's own pin claims an output at level 0 and then writes its value, which blips an active-low relay."""

    def output_with_state(self, state: bool) -> None:
        """Claim as an output that is at `state` from its first instant."""
        lgpio.gpio_claim_output(self.factory._handle, self._number, int(state))


class SafeLGPIOFactory(LGPIOFactory):
    """gpiozero's factory of lgpio pins, which makes `SafeLGPIOPin`s."""

    def __init__(self, chip: int) -> None:
        super().__init__(chip=chip)
        self.pin_class = SafeLGPIOPin
