"""What the door's controller asks of the pins, real (`gate.door.hardware`) or not (`gate.replay`)."""

from __future__ import annotations

from typing import Protocol

from gate.door.signals import Signal


class Outputs(Protocol):
    """A relay that opens, a relay that holds open, a light and a buzzer."""

    def energise(self, seconds: float) -> float:
        """Start a pulse of so many seconds; return when the relay went on (monotonic seconds).

        Raises `gate.door.relay.RelayFault` where it does not.
        """
        ...

    def release(self) -> None:
        """End a running pulse."""
        ...

    def hold(self, on: bool) -> None:
        """Switch the hold relay on or off; on must be told again every turn, since it lets go by itself."""
        ...

    def show(self, signal: Signal) -> None:
        """Show a signal by light and buzzer, until told otherwise."""
        ...
