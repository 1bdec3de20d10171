"""What the door's machine is told of the settings. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installer chose, as the machine needs it. Times in seconds."""

    pulse_s: float = 3.0
    extended_pulse_s: float = 11.2
    max_pulse_s: float = 12.0
    interval_s: float = 2.0
    operator: bool = False
    """Whether a pulse sets a gate in motion, which no second pulse may meet."""
    toggles: bool = False
    """Whether a pulse would close a gate that stands open."""
    reports_moving: bool = False
    travel_s: float = 20.0
    contact: bool = False
    counts_passages: bool = False
    """Whether passages are counted by a contact of their own (a turnstile)."""
    hold_relay: bool = False
    relocks: bool = True
    other_keys: bool = False
    open_grace_s: float = 2.0
    held_open_s: float = 30.0
    extended_held_open_s: float = 90.0
    pre_alarm_s: float = 10.0
    tamper_block_s: float = 1800.0
